//! What one answer may hold: never more bytes than its bound, unless it is a single row.

use std::slice::from_ref;

use synod::budget::Reservation;
use synod::config::Limits;
use synod::domain::CommunicationId;
use synod::storage::{Communication, CommunicationFilter, Error, Excerpt, PageRequest, Start};

use super::fixtures::{agents, communication, everything, page, uuid};
use crate::support::database::Fresh;

on_every_store! {
    excerpts_are_the_newest_messages_by_their_beginnings,
}

const MESSAGE_BYTES: usize = 10 * 1_048_576;

#[tokio::test]
async fn a_page_of_the_largest_messages_is_bounded_on_postgres() {
    a_page_of_the_largest_messages_is_bounded(&Fresh::postgres().await).await;
}

#[tokio::test]
async fn a_page_of_the_largest_messages_is_bounded_on_sqlite() {
    a_page_of_the_largest_messages_is_bounded(&Fresh::sqlite().await).await;
}

/// By number it is refused, because who counts pages would miss what is left out; by cursor it goes on behind what fits.
async fn a_page_of_the_largest_messages_is_bounded(fresh: &Fresh) {
    let store = &*fresh.store;
    let known = agents(store, 2).await;
    let fitting = Limits::ANSWER_MAX_BYTES / MESSAGE_BYTES;
    let mut ids = Vec::new();
    for n in 1..=fitting as u64 + 2 {
        let message = Communication {
            content: "x".repeat(MESSAGE_BYTES),
            ..communication(n, known[0], known[1])
        };
        store.log(from_ref(&message)).await.unwrap();
        ids.insert(0, message.id);
    }
    let branching = CommunicationFilter {
        visible_to: Some(known[0]),
        ..CommunicationFilter::default()
    };
    for filter in [CommunicationFilter::default(), branching] {
        let numbered = store
            .communications(&filter, everything(), &Reservation::unlimited())
            .await;
        assert!(matches!(numbered, Err(Error::TooMuch)));
        let first = store
            .communications(&filter, page(1, 1), &Reservation::unlimited())
            .await
            .unwrap();
        let mut walked: Vec<_> = first.items.iter().map(|m| m.id).collect();
        let mut next = first.next;
        while let Some(keyset) = next {
            let (size, start) = (Limits::PAGE_SIZE.1, Start::After(keyset));
            let request = PageRequest { size, start };
            let part = store
                .communications(&filter, request, &Reservation::unlimited())
                .await
                .unwrap();
            assert!((1..=fitting).contains(&part.items.len()));
            walked.extend(part.items.iter().map(|m| m.id));
            next = part.next;
        }
        assert_eq!(walked, ids);
    }
    let together = store
        .communications_by_id(&ids, &Reservation::unlimited())
        .await;
    assert!(matches!(together, Err(Error::TooMuch)));
}

async fn excerpts_are_the_newest_messages_by_their_beginnings(fresh: &Fresh) {
    let store = &*fresh.store;
    let known = agents(store, 3).await;
    let mut messages: Vec<_> = (0..9)
        .map(|n| communication(n, known[0], known[usize::from(n % 2 == 0)]))
        .collect();
    messages[3].topic = Some("tea".to_owned());
    messages[4].content = "\u{e9}t\u{e9} ".repeat(Limits::EXCERPT_CHARS);
    store.log(&messages).await.unwrap();
    messages.reverse();
    let excerpt = |m: &Communication| Excerpt {
        id: m.id,
        timestamp: m.timestamp,
        sender: m.sender,
        receiver: m.receiver,
        topic: m.topic.clone(),
        beginning: m.content.chars().take(Limits::EXCERPT_CHARS).collect(),
        is_json: m.is_json,
    };
    let all: Vec<_> = messages.iter().map(excerpt).collect();
    let filter = CommunicationFilter::default();
    assert_eq!(store.excerpts(&filter, 100).await.unwrap(), all);
    assert_eq!(store.excerpts(&filter, 4).await.unwrap(), all[..4]);
    let ids = [messages[0].id, CommunicationId(uuid(9, 9)), messages[4].id];
    let mut some = store.excerpts_by_id(&ids).await.unwrap();
    some.sort_by_key(|excerpt| std::cmp::Reverse(excerpt.timestamp));
    assert_eq!(some, [all[0].clone(), all[4].clone()]);
    let mine = CommunicationFilter {
        visible_to: Some(known[1]),
        ..filter
    };
    let own: Vec<_> = all.iter().filter(|h| h.receiver == known[1]).collect();
    let told = store.excerpts(&mine, 100).await.unwrap();
    assert_eq!(told.iter().collect::<Vec<_>>(), own);
    let newest = PageRequest::newest(100);
    let first = store
        .communications(&mine, newest, &Reservation::unlimited())
        .await
        .unwrap();
    assert_eq!(first.items.len(), own.len());
}
