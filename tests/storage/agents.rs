//! Agents and their tokens.

use synod::budget::Reservation;
use synod::storage::{Error, Total};

use super::fixtures::{agent, agent_id, agents, at, page, token};
use crate::support::database::Fresh;

on_every_store! {
    an_agent_is_given_back_as_it_was,
    an_id_and_a_token_belong_to_one_agent,
    a_token_opens_until_it_is_replaced_or_revoked,
    agents_are_listed_newest_first,
    a_store_answers_when_asked,
}

async fn an_agent_is_given_back_as_it_was(fresh: &Fresh) {
    let store = &*fresh.store;
    let mut bare = agent(2);
    (bare.model, bare.metadata) = (None, None);
    store.create_agent(&agent(1), token(1), None).await.unwrap();
    store.create_agent(&bare, token(2), None).await.unwrap();

    assert_eq!(
        store
            .agent(agent_id(1), &Reservation::unlimited())
            .await
            .unwrap(),
        Some(agent(1))
    );
    assert_eq!(
        store
            .agent(agent_id(2), &Reservation::unlimited())
            .await
            .unwrap(),
        Some(bare.clone())
    );
    assert_eq!(
        store
            .agent(agent_id(3), &Reservation::unlimited())
            .await
            .unwrap(),
        None
    );

    let ids = [agent_id(2), agent_id(3), agent_id(1)];
    let mut known = store
        .agents_by_id(&ids, &Reservation::unlimited())
        .await
        .unwrap();
    known.sort_by_key(|agent| agent.id);
    assert_eq!(known, [agent(1), bare]);
    assert_eq!(
        store
            .agents_by_id(&[], &Reservation::unlimited())
            .await
            .unwrap(),
        []
    );
}

async fn an_id_and_a_token_belong_to_one_agent(fresh: &Fresh) {
    let store = &*fresh.store;
    agents(store, 2).await;
    for (agent, token) in [(agent(1), token(3)), (agent(3), token(1))] {
        let answer = store.create_agent(&agent, token, None).await;
        assert!(
            matches!(answer, Err(Error::AlreadyExists("agent"))),
            "{answer:?}"
        );
    }
    let answer = store.replace_token(agent_id(1), token(2), None).await;
    assert!(
        matches!(answer, Err(Error::AlreadyExists("token"))),
        "{answer:?}"
    );
    assert_eq!(
        store
            .agent(agent_id(3), &Reservation::unlimited())
            .await
            .unwrap(),
        None
    );
    assert!(
        store
            .replace_token(agent_id(1), token(1), None)
            .await
            .unwrap(),
        "its own again"
    );
}

async fn a_token_opens_until_it_is_replaced_or_revoked(fresh: &Fresh) {
    let store = &*fresh.store;
    agents(store, 1).await;
    let bearer = async |n| store.agent_by_token(token(n)).await.unwrap().map(|a| a.id);
    assert_eq!(bearer(1).await, Some(agent_id(1)));
    assert_eq!(bearer(9).await, None);

    assert!(
        store
            .replace_token(agent_id(1), token(9), None)
            .await
            .unwrap()
    );
    assert_eq!(
        (bearer(1).await, bearer(9).await),
        (None, Some(agent_id(1)))
    );

    assert!(store.revoke_agent(agent_id(1), at(50)).await.unwrap());
    assert!(
        store.revoke_agent(agent_id(1), at(60)).await.unwrap(),
        "twice is once"
    );
    assert_eq!(bearer(9).await, None);
    let revoked = store
        .agent(agent_id(1), &Reservation::unlimited())
        .await
        .unwrap()
        .unwrap();
    assert_eq!(revoked.revoked_at, Some(at(50)));

    assert!(store.tokens(&[agent_id(1)]).await.unwrap().is_empty());

    assert!(
        store
            .replace_token(agent_id(1), token(8), None)
            .await
            .unwrap()
    );
    assert_eq!(bearer(8).await, Some(agent_id(1)), "taken back");
    let tokens = store.tokens(&[agent_id(1), agent_id(7)]).await.unwrap();
    assert!(tokens == [(agent_id(1), token(8))]);

    assert!(
        !store
            .replace_token(agent_id(7), token(7), None)
            .await
            .unwrap()
    );
    assert!(!store.revoke_agent(agent_id(7), at(60)).await.unwrap());
}

async fn agents_are_listed_newest_first(fresh: &Fresh) {
    let store = &*fresh.store;
    agents(store, 5).await;
    let first = store
        .agents(page(1, 2), &Reservation::unlimited())
        .await
        .unwrap();
    assert_eq!(
        (first.items, first.total),
        (vec![agent(5), agent(4)], Some(Total::exactly(5)))
    );
    let last = store
        .agents(page(3, 2), &Reservation::unlimited())
        .await
        .unwrap();
    assert_eq!((last.items, last.next), (vec![agent(1)], None));
}

async fn a_store_answers_when_asked(fresh: &Fresh) {
    fresh.store.ping().await.unwrap();
    fresh.store.close().await;
    if fresh.database.is_some() {
        let answer = fresh.store.ping().await;
        assert!(answer.is_err_and(|error| error.is_transient()));
    }
}
