//! Idempotency keys: what is kept under them, and with what.

use synod::storage::{Answer, Error, KeptAnswer, KeyedRequest, Reserved};

use super::fixtures::{agent, agent_id, agents, at, token, uuid};
use crate::support::database::Fresh;

on_every_store! {
    a_key_belongs_to_the_first_request_that_came_with_it,
    the_first_answer_stands,
    an_answer_needs_no_key_but_takes_no_others,
    a_key_without_an_answer_can_be_given_back,
    a_token_and_its_answer_are_kept_together_or_not_at_all,
    a_key_is_forgotten_in_time,
}

fn request(n: u64, fingerprint: u8) -> KeyedRequest {
    KeyedRequest {
        owner: uuid(1, 1),
        key: "once".to_owned(),
        fingerprint: [fingerprint; 32],
        resource: uuid(5, n),
        at: at(i64::try_from(n).unwrap()),
        salt: [fingerprint + 1; 32],
    }
}

fn answer(request: &KeyedRequest, body: &str) -> KeptAnswer {
    let (status, body) = (201, body.to_owned());
    KeptAnswer {
        request: request.clone(),
        answer: Answer { status, body },
    }
}

async fn recall(fresh: &Fresh) -> Option<Reserved> {
    fresh.store.recall(uuid(1, 1), "once").await.unwrap()
}

async fn body(fresh: &Fresh) -> Option<String> {
    Some(recall(fresh).await?.answer?.body)
}

async fn a_key_belongs_to_the_first_request_that_came_with_it(fresh: &Fresh) {
    assert_eq!(recall(fresh).await, None);
    assert!(fresh.store.reserve(&request(1, 7)).await.unwrap());
    assert!(!fresh.store.reserve(&request(2, 8)).await.unwrap());
    let expected = Reserved {
        fingerprint: vec![7; 32],
        resource: uuid(5, 1),
        at: at(1),
        salt: vec![8; 32],
        answer: None,
    };
    assert_eq!(recall(fresh).await, Some(expected));
    let others = KeyedRequest {
        owner: uuid(1, 2),
        ..request(3, 9)
    };
    assert!(fresh.store.reserve(&others).await.unwrap());
}

async fn the_first_answer_stands(fresh: &Fresh) {
    let store = &*fresh.store;
    let first = request(1, 7);
    store.reserve(&first).await.unwrap();
    let text = r#"{"ß":1}"#;
    assert!(store.answer(&answer(&first, text)).await.unwrap());
    assert!(!store.answer(&answer(&first, "other")).await.unwrap());
    assert_eq!(body(fresh).await.as_deref(), Some(text));
}

/// Another try gave the key back, while this one was acting.
async fn an_answer_needs_no_key_but_takes_no_others(fresh: &Fresh) {
    let store = &*fresh.store;
    let done = answer(&request(1, 7), "done");
    assert!(store.answer(&done).await.unwrap());
    assert_eq!(body(fresh).await.as_deref(), Some("done"));
    assert_eq!(recall(fresh).await.unwrap().resource, uuid(5, 1));

    store.forget_keys(at(100)).await.unwrap();
    store.reserve(&request(2, 8)).await.unwrap();
    assert!(!store.answer(&done).await.unwrap());
    assert_eq!(body(fresh).await, None);
}

async fn a_key_without_an_answer_can_be_given_back(fresh: &Fresh) {
    let store = &*fresh.store;
    store.reserve(&request(1, 7)).await.unwrap();
    // That of another try stays.
    store.release(&request(2, 7)).await.unwrap();
    assert!(recall(fresh).await.is_some());
    store.release(&request(1, 7)).await.unwrap();
    assert_eq!(recall(fresh).await, None);
    store.reserve(&request(3, 8)).await.unwrap();
    store.answer(&answer(&request(3, 8), "done")).await.unwrap();
    store.release(&request(3, 8)).await.unwrap();
    assert_eq!(body(fresh).await.as_deref(), Some("done"));
}

async fn a_token_and_its_answer_are_kept_together_or_not_at_all(fresh: &Fresh) {
    let store = &*fresh.store;
    agents(store, 2).await;
    let once = answer(&request(1, 7), "first");
    // What is taken leaves no answer.
    let taken = store.create_agent(&agent(3), token(1), Some(&once)).await;
    assert!(matches!(taken, Err(Error::AlreadyExists(_))), "{taken:?}");
    let nobody = agent_id(9);
    let is_there = store.replace_token(nobody, token(9), Some(&once)).await;
    assert!(!is_there.unwrap());
    assert_eq!(recall(fresh).await, None);

    store
        .create_agent(&agent(3), token(3), Some(&once))
        .await
        .unwrap();
    assert_eq!(body(fresh).await.as_deref(), Some("first"));
    // A second answer under the same key takes its token along.
    for twice in [request(1, 7), request(2, 8)] {
        let twice = answer(&twice, "second");
        let rotated = store
            .replace_token(agent_id(3), token(4), Some(&twice))
            .await;
        assert!(matches!(rotated, Err(Error::KeyTaken)), "{rotated:?}");
    }
    let tokens = store.tokens(&[agent_id(3)]).await.unwrap();
    assert!(tokens == [(agent_id(3), token(3))]);
    assert_eq!(body(fresh).await.as_deref(), Some("first"));
}

async fn a_key_is_forgotten_in_time(fresh: &Fresh) {
    let store = &*fresh.store;
    store.reserve(&request(1, 7)).await.unwrap();
    store.forget_keys(at(1)).await.unwrap();
    assert!(recall(fresh).await.is_some());
    store.forget_keys(at(2)).await.unwrap();
    assert_eq!(recall(fresh).await, None);
}
