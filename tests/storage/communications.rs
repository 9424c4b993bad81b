//! The log: kept exactly, all or nothing, and found again by every filter.

use std::slice::from_ref;

use synod::budget::Reservation;
use synod::storage::{Communication, CommunicationFilter, Error, Store, Total};

use super::fixtures::{agent_id, agents, at, communication, everything, pick, uuid};
use crate::support::database::Fresh;

on_every_store! {
    content_is_kept_byte_for_byte,
    logging_again_changes_nothing,
    an_unknown_agent_is_named_and_nothing_is_kept,
    filters_hold_alone_and_together,
    thousands_are_logged_at_once,
}

/// Texts that a careless store would alter.
const HARD_TEXTS: [&str; 8] = [
    "",
    " \t\r\n trailing ",
    "e\u{301} is not é",
    "👩‍👩‍👧‍👦 \u{202e}right to left\u{202c} \u{feff}",
    r#"back\slash "quote" 'quote' {"a":1} $1 ?"#,
    "\u{1}\u{7f}\u{80}\u{fffe}\u{ffff}\u{10ffff}",
    "{},{null},NULL",
    "Ünïcödé ﷽ ½",
];

async fn content_is_kept_byte_for_byte(fresh: &Fresh) {
    let store = &*fresh.store;
    let known = agents(store, 2).await;
    let message = |(n, text): (u64, &&str)| Communication {
        content: (*text).to_owned(),
        topic: Some((*text).to_owned()),
        ..communication(n, known[0], known[1])
    };
    let mut messages: Vec<_> = (0..).zip(&HARD_TEXTS).map(message).collect();
    messages.push(Communication {
        content: "long ß ".repeat(200_000),
        ..communication(99, known[1], known[1])
    });
    store.log(&messages).await.unwrap();
    for message in messages {
        let kept = store
            .communication(message.id, &Reservation::unlimited())
            .await
            .unwrap();
        assert!(kept.as_ref() == Some(&message), "{:.80}", message.content);
    }
}

async fn logging_again_changes_nothing(fresh: &Fresh) {
    let store = &*fresh.store;
    let known = agents(store, 2).await;
    let first = communication(1, known[0], known[1]);
    let second = communication(2, known[0], known[1]);
    store.log(&[]).await.unwrap();
    store.log(from_ref(&first)).await.unwrap();
    let altered = Communication {
        content: "altered".to_owned(),
        ..first.clone()
    };
    store.log(&[altered, second.clone()]).await.unwrap();
    let ids = [first.id, second.id];
    let mut kept = store
        .communications_by_id(&ids, &Reservation::unlimited())
        .await
        .unwrap();
    kept.sort_by_key(|message| message.id);
    assert_eq!(kept, [first, second]);
}

async fn an_unknown_agent_is_named_and_nothing_is_kept(fresh: &Fresh) {
    let store = &*fresh.store;
    let known = agents(store, 1).await;
    let messages = [
        communication(1, known[0], known[0]),
        communication(2, agent_id(9), known[0]),
        communication(3, known[0], agent_id(8)),
    ];
    let answer = store.log(&messages).await;
    let Err(Error::UnknownAgent(unknown)) = answer else {
        panic!("{answer:?}");
    };
    assert_eq!(unknown, [agent_id(8).0, agent_id(9).0]);
    assert_eq!(
        store
            .communication(messages[0].id, &Reservation::unlimited())
            .await
            .unwrap(),
        None
    );
}

/// Forty-eight messages between four agents, of three topics or none, at times that repeat.
async fn some_messages(store: &dyn Store) -> Vec<Communication> {
    let known = agents(store, 4).await;
    let message = |n: u64| {
        let (sender, receiver) = (pick(&known, n), pick(&known, n / 4));
        let topic = pick(
            &[
                Some("apples"),
                Some("pears"),
                Some("apples and pears"),
                None,
            ],
            n / 3,
        );
        Communication {
            timestamp: at(i64::try_from(n / 5).unwrap()),
            topic: topic.map(str::to_owned),
            ..communication(n, sender, receiver)
        }
    };
    let messages: Vec<_> = (0..48).map(message).collect();
    store.log(&messages).await.unwrap();
    messages
}

fn passes(filter: &CommunicationFilter, message: &Communication) -> bool {
    let involved = [Some(message.sender), Some(message.receiver)];
    filter.from.is_none_or(|from| message.timestamp >= from)
        && filter.until.is_none_or(|until| message.timestamp < until)
        && (filter.sender.is_none() || filter.sender == involved[0])
        && (filter.receiver.is_none() || filter.receiver == involved[1])
        && (filter.agent.is_none() || involved.contains(&filter.agent))
        && (filter.visible_to.is_none() || involved.contains(&filter.visible_to))
        && (filter.topic.is_none() || filter.topic == message.topic)
}

/// Every combination of filters, each with every other.
async fn filters_hold_alone_and_together(fresh: &Fresh) {
    let store = &*fresh.store;
    let mut messages = some_messages(store).await;
    messages.sort_by_key(|message| std::cmp::Reverse((message.timestamp, message.id)));
    for combination in 0..128_u32 {
        let when = |bit: u32| combination & (1 << bit) != 0;
        let filter = CommunicationFilter {
            from: when(0).then(|| at(2)),
            until: when(1).then(|| at(8)),
            sender: when(2).then(|| agent_id(1)),
            receiver: when(3).then(|| agent_id(2)),
            agent: when(4).then(|| agent_id(2)),
            visible_to: when(5).then(|| agent_id(if combination % 3 == 0 { 2 } else { 1 })),
            topic: when(6).then(|| "apples".to_owned()),
            words: None,
        };
        let expected: Vec<_> = messages.iter().filter(|m| passes(&filter, m)).collect();
        let found = store
            .communications(&filter, everything(), &Reservation::unlimited())
            .await
            .unwrap();
        assert_eq!(
            found.items.iter().collect::<Vec<_>>(),
            expected,
            "{filter:?}"
        );
        assert_eq!(
            found.total,
            Some(Total::exactly(expected.len() as u64)),
            "{filter:?}"
        );
    }
}

async fn thousands_are_logged_at_once(fresh: &Fresh) {
    let store = &*fresh.store;
    let known = agents(store, 2).await;
    let message = |n| communication(n, known[0], known[1]);
    let mut messages: Vec<_> = (0..5_000).map(message).collect();
    store.log(&messages).await.unwrap();
    let ids: Vec<_> = messages.iter().map(|message| message.id).collect();
    let mut kept = store
        .communications_by_id(&ids, &Reservation::unlimited())
        .await
        .unwrap();
    kept.sort_by_key(|message| message.id);
    assert!(kept == messages, "{} are kept", kept.len());

    for (n, message) in (0..).zip(&mut messages) {
        message.id.0 = uuid(9, n);
    }
    messages[4_321].receiver = agent_id(9);
    let answer = store.log(&messages).await;
    assert!(matches!(answer, Err(Error::UnknownAgent(ids)) if ids == [agent_id(9).0]));
    assert_eq!(
        store
            .communication(messages[0].id, &Reservation::unlimited())
            .await
            .unwrap(),
        None,
        "all or none"
    );
}
