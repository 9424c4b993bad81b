//! Decisions: written once, found by every filter, refused to every hand that would change them.

use sqlx::{AssertSqlSafe, Connection, SqliteConnection};
use synod::budget::Reservation;
use synod::domain::{AgentId, Command, CommunicationId, Created, DecisionId};
use synod::storage::{
    Appended, Database, Decision, DecisionFilter, PageRequest, Start, Store, Total,
};

use super::fixtures::{
    Live, agents, agree, by, communication, created, everything, join, meeting_id, speak, uuid,
};
use crate::support::database::Fresh;

on_every_store! {
    a_decision_says_all_that_led_to_it,
    filters_hold_alone_and_together,
    whoever_was_in_the_meeting_sees_what_it_decided,
    a_walk_through_an_agents_decisions_is_not_disturbed_by_new_ones,
}

async fn decided(
    store: &dyn Store,
    n: u64,
    participants: &[AgentId],
    related: Vec<CommunicationId>,
) -> Decision {
    let created = Created {
        related,
        ..created(n, participants)
    };
    let mut live = Live::begin_as(store, n, created).await;
    live.start(store).await;
    live.decide(store).await;
    let decision = store
        .decision(DecisionId(uuid(4, n)), &Reservation::unlimited())
        .await
        .unwrap();
    decision.expect("a decision")
}

async fn a_decision_says_all_that_led_to_it(fresh: &Fresh) {
    let store = &*fresh.store;
    let known = agents(store, 2).await;
    let messages = [1, 2].map(|n| communication(n, known[0], known[1]));
    store.log(&messages).await.unwrap();
    let related = vec![messages[1].id, messages[0].id];
    let decision = decided(store, 1, &known, related.clone()).await;

    assert_eq!(
        (decision.meeting, &decision.related),
        (meeting_id(1), &related)
    );
    assert_eq!(decision.content, "I say ß 🦉");
    let agreement: serde_json::Value = serde_json::from_str(&decision.agreement).unwrap();
    assert_eq!(agreement["tally"]["agree"], 2);
    assert_eq!(agreement["votes"][0]["confidence"], 0.1);
    assert_eq!(agreement["votes"][1]["rationale"], "because ß");
    assert_eq!(
        store
            .decision(DecisionId(uuid(4, 9)), &Reservation::unlimited())
            .await
            .unwrap(),
        None
    );
}

async fn filters_hold_alone_and_together(fresh: &Fresh) {
    let free = Reservation::unlimited();
    let store = &*fresh.store;
    let known = agents(store, 3).await;
    let first = decided(store, 10, &known[..2], Vec::new()).await;
    let second = decided(store, 50, &known[1..], Vec::new()).await;
    let all = DecisionFilter::default();
    let found = async |filter: DecisionFilter| {
        let found = store.decisions(&filter, everything(), &free).await.unwrap();
        assert_eq!(found.total, Some(Total::exactly(found.items.len() as u64)));
        found.items
    };
    let (one, both) = ([first.clone()], [second.clone(), first.clone()]);
    assert_eq!(found(all.clone()).await, both);
    assert_eq!(
        found(DecisionFilter {
            meeting: Some(meeting_id(10)),
            ..all.clone()
        })
        .await,
        one
    );
    assert_eq!(
        found(DecisionFilter {
            visible_to: Some(known[0]),
            ..all.clone()
        })
        .await,
        one
    );
    assert_eq!(
        found(DecisionFilter {
            visible_to: Some(known[1]),
            ..all.clone()
        })
        .await,
        both
    );
    assert_eq!(
        found(DecisionFilter {
            until: Some(second.created_at),
            ..all.clone()
        })
        .await,
        one
    );
    assert_eq!(
        found(DecisionFilter {
            from: Some(first.created_at),
            ..all.clone()
        })
        .await,
        both
    );
    let together = DecisionFilter {
        meeting: Some(meeting_id(10)),
        visible_to: Some(known[0]),
        from: Some(first.created_at),
        until: Some(second.created_at),
    };
    assert_eq!(found(together.clone()).await, one);
    assert_eq!(
        found(DecisionFilter {
            visible_to: Some(known[2]),
            ..together
        })
        .await,
        []
    );
}

fn seen_by(agent: AgentId) -> DecisionFilter {
    DecisionFilter {
        visible_to: Some(agent),
        ..DecisionFilter::default()
    }
}

/// Also one who left, one who only moderates, and one who came in the very append that decided.
async fn whoever_was_in_the_meeting_sees_what_it_decided(fresh: &Fresh) {
    let store = &*fresh.store;
    let known = agents(store, 6).await;
    let created = Created {
        moderator: Some(known[3]),
        ..created(1, &known[..3])
    };
    let mut live = Live::begin_as(store, 1, created).await;
    live.keep(store, by(known[2], Command::Leave)).await;
    live.start(store).await;
    for agent in &known[..2] {
        live.keep(store, speak(*agent, "tea")).await;
    }
    let append = live.handle_all([agree(known[0]), join(known[4]), agree(known[1])]);
    let answer = store.append(std::slice::from_ref(&append)).await.unwrap();
    assert_eq!(answer, [Appended::Committed]);
    store
        .append(&[append])
        .await
        .expect("again, as after a lost answer");
    let all = store
        .decisions(
            &DecisionFilter::default(),
            everything(),
            &Reservation::unlimited(),
        )
        .await;
    let all = all.unwrap().items;
    assert_eq!(all.len(), 1);
    for (agent, sees) in known.iter().zip([true, true, true, true, true, false]) {
        let seen = store
            .decisions(&seen_by(*agent), everything(), &Reservation::unlimited())
            .await
            .unwrap();
        assert_eq!(seen.items, all[..usize::from(sees)], "{agent}");
        assert_eq!(seen.total, Some(Total::exactly(u64::from(sees))));
    }
}

async fn a_walk_through_an_agents_decisions_is_not_disturbed_by_new_ones(fresh: &Fresh) {
    let store = &*fresh.store;
    let known = agents(store, 3).await;
    for n in 0..12 {
        let who = if n % 2 == 0 { &known[..2] } else { &known[1..] };
        // Three at one time.
        decided(store, 100 + n / 3 * 100 + n, who, Vec::new()).await;
    }
    let filter = seen_by(known[0]);
    let before = store
        .decisions(&filter, everything(), &Reservation::unlimited())
        .await
        .unwrap()
        .items;
    assert_eq!(before.len(), 6);
    let mut walked = Vec::new();
    let mut request = PageRequest::newest(2);
    loop {
        let part = store
            .decisions(&filter, request, &Reservation::unlimited())
            .await
            .unwrap();
        walked.extend(part.items);
        let Some(place) = part.next else { break };
        decided(store, 1000 + walked.len() as u64, &known[..2], Vec::new()).await;
        request.start = Start::After(place);
    }
    assert_eq!(walked, before);
}

const CHANGES: [&str; 3] = [
    "update decisions set rationale = 'another'",
    "update decisions set rationale = rationale",
    "delete from decisions",
];

fn assert_refused(change: &str, answer: Result<u64, sqlx::Error>) {
    let error = answer.expect_err(change).to_string();
    assert!(
        error.contains("decisions are immutable"),
        "{change}: {error}"
    );
}

#[tokio::test]
async fn postgres_itself_refuses_to_change_them() {
    let fresh = Fresh::postgres().await;
    let known = agents(&*fresh.store, 2).await;
    let before = decided(&*fresh.store, 1, &known, Vec::new()).await;
    let mut connection = fresh.psql().await;
    for change in CHANGES
        .into_iter()
        .chain(["truncate decisions", "truncate meetings cascade"])
    {
        let answer = sqlx::query(AssertSqlSafe(change))
            .execute(&mut connection)
            .await;
        assert_refused(change, answer.map(|done| done.rows_affected()));
    }
    assert_eq!(
        fresh
            .store
            .decision(before.id, &Reservation::unlimited())
            .await
            .unwrap(),
        Some(before)
    );
}

#[tokio::test]
async fn sqlite_itself_refuses_to_change_them() {
    let fresh = Fresh::sqlite().await;
    let known = agents(&*fresh.store, 2).await;
    let before = decided(&*fresh.store, 1, &known, Vec::new()).await;
    let Some(Database::Sqlite(path)) = &fresh.database else {
        panic!("a file");
    };
    let url = format!("sqlite:{}", path.display());
    let mut connection = SqliteConnection::connect(&url).await.unwrap();
    for change in CHANGES {
        let answer = sqlx::query(AssertSqlSafe(change))
            .execute(&mut connection)
            .await;
        assert_refused(change, answer.map(|done| done.rows_affected()));
    }
    assert_eq!(
        fresh
            .store
            .decision(before.id, &Reservation::unlimited())
            .await
            .unwrap(),
        Some(before)
    );
}
