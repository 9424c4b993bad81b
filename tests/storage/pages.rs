//! Pages: by number with a total, or from a place on, without skips or repeats while rows are added.

use synod::budget::Reservation;
use synod::config::Limits;
use synod::domain::{AgentId, CommunicationId};
use synod::storage::{
    Communication, CommunicationFilter, Keyset, Page, PageRequest, Start, Store, Total,
};

use uuid::Uuid;

use super::fixtures::{agents, at, communication, page, pick};
use crate::support::database::Fresh;

on_every_store! {
    numbered_pages_cover_the_list_once,
    a_walk_from_place_to_place_is_not_disturbed_by_new_rows,
    pages_end_where_the_list_ends,
    a_walk_is_not_disturbed_by_new_rows_of_the_same_time,
    a_long_list_has_an_estimated_total_that_is_not_too_low,
}

/// Twenty messages, several at one time, so that the id must decide.
async fn twenty(store: &dyn Store) -> (Vec<AgentId>, Vec<Communication>) {
    let known = agents(store, 3).await;
    let message = |n: u64| Communication {
        timestamp: at(i64::try_from(n / 4).unwrap()),
        ..communication(n, pick(&known[..2], n), pick(&known, n))
    };
    let mut messages: Vec<_> = (0..20).map(message).collect();
    store.log(&messages).await.unwrap();
    messages.reverse();
    (known, messages)
}

/// A filter that lets all pass, the plain way and the way with branches.
fn filters(everyone: AgentId) -> [CommunicationFilter; 2] {
    let plain = CommunicationFilter::default();
    let branching = CommunicationFilter {
        visible_to: Some(everyone),
        ..plain.clone()
    };
    [plain, branching]
}

async fn numbered_pages_cover_the_list_once(fresh: &Fresh) {
    let store = &*fresh.store;
    let (known, messages) = twenty(store).await;
    for filter in filters(known[0]) {
        let all = store
            .communications(&filter, page(1, 100), &Reservation::unlimited())
            .await
            .unwrap()
            .items;
        let visible = |m: &&Communication| {
            filter
                .visible_to
                .is_none_or(|agent| m.sender == agent || m.receiver == agent)
        };
        assert_eq!(
            all.iter().collect::<Vec<_>>(),
            messages.iter().filter(visible).collect::<Vec<_>>()
        );
        let mut walked = Vec::new();
        for number in 1..=all.len().div_ceil(7) {
            let number = u32::try_from(number).unwrap();
            let part = store
                .communications(&filter, page(number, 7), &Reservation::unlimited())
                .await
                .unwrap();
            assert_eq!(part.total, Some(Total::exactly(all.len() as u64)));
            walked.extend(part.items);
        }
        assert_eq!(walked, all);
    }
}

async fn a_walk_from_place_to_place_is_not_disturbed_by_new_rows(fresh: &Fresh) {
    let store = &*fresh.store;
    let (known, _) = twenty(store).await;
    for (round, filter) in (0_u64..).zip(filters(known[0])) {
        let before = store
            .communications(&filter, page(1, 100), &Reservation::unlimited())
            .await
            .unwrap()
            .items;
        let mut part = store
            .communications(&filter, page(1, 3), &Reservation::unlimited())
            .await
            .unwrap();
        let mut walked = part.items;
        while let Some(next) = part.next {
            let n = 1000 + 100 * round + walked.len() as u64;
            store
                .log(&[communication(n, known[0], known[0])])
                .await
                .unwrap();
            let start = Start::After(next);
            let request = PageRequest { size: 3, start };
            part = store
                .communications(&filter, request, &Reservation::unlimited())
                .await
                .unwrap();
            assert_eq!(part.total, None, "nothing is counted");
            walked.extend(part.items.clone());
        }
        assert_eq!(walked, before);
    }
}

async fn pages_end_where_the_list_ends(fresh: &Fresh) {
    let store = &*fresh.store;
    let empty = Page {
        items: Vec::new(),
        total: Some(Total::exactly(0)),
        next: None,
    };
    let all = CommunicationFilter::default();
    assert_eq!(
        store
            .communications(&all, page(1, 5), &Reservation::unlimited())
            .await
            .unwrap(),
        empty
    );

    let (_, messages) = twenty(store).await;
    let exact = store
        .communications(&all, page(2, 10), &Reservation::unlimited())
        .await
        .unwrap();
    assert_eq!((exact.items.len(), exact.next), (10, None));
    let beyond = store
        .communications(&all, page(4, 10), &Reservation::unlimited())
        .await
        .unwrap();
    assert_eq!(
        (beyond.items, beyond.total, beyond.next),
        (Vec::new(), Some(Total::exactly(20)), None)
    );
    let inside = store
        .communications(&all, page(1, 10), &Reservation::unlimited())
        .await
        .unwrap();
    let place = Keyset {
        at: messages[9].timestamp,
        id: messages[9].id.0,
    };
    assert_eq!(inside.next, Some(place));
}

/// What comes in has the time of the row where the page ends, and an id before or behind it: each old row is still met once.
async fn a_walk_is_not_disturbed_by_new_rows_of_the_same_time(fresh: &Fresh) {
    let store = &*fresh.store;
    let (known, _) = twenty(store).await;
    for (round, filter) in (1_u64..).zip(filters(known[0])) {
        let all = store
            .communications(&filter, page(1, 1000), &Reservation::unlimited())
            .await
            .unwrap();
        let before = all.items;
        let mut part = store
            .communications(&filter, page(1, 3), &Reservation::unlimited())
            .await
            .unwrap();
        let mut walked = part.items.clone();
        while let Some(place) = part.next {
            let n = place.id.as_u64_pair().1;
            let beside = |kind| Communication {
                id: CommunicationId(Uuid::from_u64_pair(kind, 100 * round + n)),
                timestamp: place.at,
                ..communication(0, known[0], known[0])
            };
            if before.iter().any(|old| old.id.0 == place.id) {
                store.log(&[beside(1), beside(3)]).await.unwrap();
            }
            let start = Start::After(place);
            let request = PageRequest { size: 3, start };
            part = store
                .communications(&filter, request, &Reservation::unlimited())
                .await
                .unwrap();
            assert_eq!(part.total, None, "nothing is counted");
            walked.extend(part.items.clone());
        }
        let is_sorted = walked.is_sorted_by(|a, b| (a.timestamp, a.id) > (b.timestamp, b.id));
        assert!(is_sorted, "nothing is met twice");
        walked.retain(|message| before.contains(message));
        assert_eq!(walked, before);
    }
}

async fn a_long_list_has_an_estimated_total_that_is_not_too_low(fresh: &Fresh) {
    let store = &*fresh.store;
    let known = agents(store, 2).await;
    let most = Limits::TOTAL_EXACT_MAX_ROWS;
    let message = |n: u64| communication(n, known[0], pick(&known, n / (most - 1)));
    let messages: Vec<_> = (0..=most).map(message).collect();
    store.log(&messages).await.unwrap();
    let total = async |visible_to, number| {
        let filter = CommunicationFilter {
            receiver: visible_to,
            ..CommunicationFilter::default()
        };
        let page = page(number, 10);
        let page = store
            .communications(&filter, page, &Reservation::unlimited())
            .await
            .unwrap();
        page.total.expect("a total")
    };
    assert_eq!(total(Some(known[0]), 1).await, Total::exactly(most - 1));
    assert_eq!(total(Some(known[1]), 1).await, Total::exactly(2));
    let long = total(None, 1).await;
    assert!(long.rows > most, "{long:?}");
    assert_eq!(
        long.is_estimate,
        long.rows != most + 1 || fresh.database.is_some()
    );
    let end = u32::try_from(most / 10 + 1).unwrap();
    assert_eq!(
        total(None, end).await,
        Total::exactly(most + 1),
        "the end was seen"
    );
}
