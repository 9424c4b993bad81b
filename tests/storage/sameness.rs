//! One history, three stores, the same rows.

use std::collections::BTreeMap;

use synod::budget::Reservation;
use synod::domain::{Command, Created, Input, Settings, Start as StartWhen};
use synod::storage::Part;
use synod::storage::{CommunicationFilter, DecisionFilter, MeetingFilter, Store};

use super::fixtures::{
    Live, agent, agents, agree, at, by, by_admin, communication, created, everything, join,
    meeting_id, speak,
};
use crate::support::database::Fresh;

#[tokio::test]
async fn every_store_projects_the_same_rows() {
    let memory = history(&*Fresh::memory().store).await;
    let sqlite = history(&*Fresh::sqlite().await.store).await;
    let postgres = history(&*Fresh::postgres().await.store).await;
    assert!(memory.contains("Ballot passed"), "{memory}");
    similar(&memory, &sqlite);
    similar(&memory, &postgres);
}

/// Equal, or the first line that is not.
fn similar(left: &str, right: &str) {
    for (nth, (left, right)) in left.lines().zip(right.lines()).enumerate() {
        assert_eq!(left, right, "line {nth}");
    }
    assert_eq!(left.len(), right.len());
}

/// Lets four meetings run, of every kind of event that leaves rows, and reads everything back.
async fn history(store: &dyn Store) -> String {
    let known = agents(store, 5).await;
    let messages = [1, 2, 3].map(|n| communication(n, known[0], known[1]));
    store.log(&messages).await.unwrap();
    store.revoke_agent(known[4], at(90)).await.unwrap();

    for n in [1, 2] {
        let related = messages.iter().map(|message| message.id).collect();
        let mut live = Live::begin_as(
            store,
            n,
            Created {
                related,
                ..created(n, &known[..2])
            },
        )
        .await;
        live.keep(store, join(known[2])).await;
        live.start(store).await;
        let name = agent(4).name;
        live.keep(
            store,
            Input::Connected {
                agent: known[3],
                name,
            },
        )
        .await;
        live.keep(store, by(known[2], Command::Leave)).await;
        live.keep(store, by_admin(Command::Pause)).await;
        live.keep(store, by_admin(Command::Resume)).await;
        live.decide(store).await;
    }
    let mut silent = Live::begin_as(store, 3, hasty(3, &known)).await;
    while silent.meeting.completed_at().is_none() {
        let agent = known[0];
        let input = if silent.meeting.last_seq() == 1 {
            Input::Connected {
                agent,
                name: String::new(),
            }
        } else {
            Input::DeadlineReached
        };
        silent.keep(store, input).await;
    }
    let mut cancelled = Live::begin(store, 4, &known[..2]).await;
    cancelled.start(store).await;
    cancelled.keep(store, speak(known[0], "once ß")).await;
    let reason = Some("no time".to_owned());
    cancelled
        .keep(store, by_admin(Command::Cancel { reason }))
        .await;
    assert!(cancelled.meeting.handle(at(99), agree(known[0])).is_err());
    all_rows(store).await
}

/// A meeting that starts by itself and whose every clock runs out within a second.
fn hasty(n: u64, known: &[synod::domain::AgentId]) -> Created {
    let settings = Settings {
        max_discussion_rounds: 1,
        opinion_timeout_ms: 1,
        vote_timeout_ms: 1,
        start: StartWhen::WhenAllJoined,
        ..Settings::default()
    };
    Created {
        settings,
        ..created(n, &known[..1])
    }
}

async fn all_rows(store: &dyn Store) -> String {
    let everything = everything();
    let (messages, meetings) = (CommunicationFilter::default(), MeetingFilter::default());
    let mut decisions = store
        .decisions(
            &DecisionFilter::default(),
            everything,
            &Reservation::unlimited(),
        )
        .await
        .unwrap();
    for decision in &mut decisions.items {
        decision.agreement = in_key_order(&decision.agreement);
    }
    let mut rows = format!(
        "{:#?}\n{:#?}\n{:#?}\n{:#?}\n{decisions:#?}\n",
        store
            .agents(everything, &Reservation::unlimited())
            .await
            .unwrap(),
        store
            .communications(&messages, everything, &Reservation::unlimited())
            .await
            .unwrap(),
        store
            .meetings(&meetings, everything, &Reservation::unlimited())
            .await
            .unwrap(),
        store.open_meetings().await.unwrap(),
    );
    for n in 1..=4 {
        let id = meeting_id(n);
        let of_meeting = format!(
            "{:#?}\n{:#?}\n{:#?}\n{:#?}\n",
            store.participants(id).await.unwrap(),
            store.messages(id, &Reservation::unlimited()).await.unwrap(),
            store
                .journal(id, 0, Part::of_answer(1000), &Reservation::unlimited())
                .await
                .unwrap(),
            store
                .related_communications(id, &Reservation::unlimited())
                .await
                .unwrap(),
        );
        rows.push_str(&of_meeting);
    }
    rows
}

/// PostgreSQL keeps its own order of keys.
fn in_key_order(json: &str) -> String {
    fn sorted(value: serde_json::Value) -> serde_json::Value {
        match value {
            serde_json::Value::Object(map) => {
                let keys: BTreeMap<_, _> = map.into_iter().map(|(k, v)| (k, sorted(v))).collect();
                keys.into_iter().collect()
            }
            serde_json::Value::Array(items) => items.into_iter().map(sorted).collect(),
            plain => plain,
        }
    }
    sorted(serde_json::from_str(json).unwrap()).to_string()
}
