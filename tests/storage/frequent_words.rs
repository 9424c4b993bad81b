//! Words that very many messages have: found in order all the same, and in nobody's way.

use futures_util::future::join_all;
use sqlx::Connection;
use synod::budget::Reservation;
use synod::storage::{Communication, CommunicationFilter, Start, Store, Words};

use super::fixtures::{agents, page};
use crate::support::database::Fresh;
use crate::support::patience::eventually;

/// Messages of two agents, most in the order of their time: every one has `all`, one in ten `some`, the older half `old` and one in a
/// thousand `few`. Every fiftieth was imported, and is much older than its neighbours; fifty at a time were sent at once.
const FILL: [&str; 2] = [
    "with recursive n (i) as (select 1 union all select i + 1 from n where i < 20000)
     insert into communications (nth, id, timestamp, sender_id, receiver_id, message_content, content_type, created_at)
     select i, unhex(printf('%032x', (i * 7919) % 30011)),
            1700000000000000 + (i / 50) * 1000000 - iif(i % 50 = 7, 20000000000, 0),
            iif(i % 3 = 0, (select max(id) from agents), (select min(id) from agents)),
            iif(i % 2, (select max(id) from agents), (select min(id) from agents)),
            'words', 'text/plain', 1700000000000000
       from n",
    "insert into communications_words (rowid, words)
     select nth, 'all' || iif(nth % 10 = 0, ' some', '') || iif(nth < 10000, ' old', '') || iif(nth % 1000 = 0, ' few', '')
       from communications",
];

fn sorted(word: &str, condition: &str) -> String {
    format!(
        "select cast(id as text) from (select lower(hex(id)) as id, timestamp from communications where {condition}
            and nth in (select rowid from communications_words where communications_words match '{word}')
          order by timestamp desc, id desc)"
    )
}

#[tokio::test]
async fn the_pages_of_a_frequent_word_in_sqlite_are_the_list_in_order() {
    let fresh = Fresh::sqlite().await;
    let mut known = agents(&*fresh.store, 2).await;
    known.sort_by_key(|agent| agent.0);
    for sql in FILL {
        fresh.execute(sql).await;
    }
    let first = format!("x'{}'", known[0].0.simple());
    let all = CommunicationFilter::default();
    let sender = Some(known[0]);
    let filters: [(CommunicationFilter, String); 4] = [
        (all.clone(), "true".to_owned()),
        (
            CommunicationFilter {
                sender,
                ..all.clone()
            },
            format!("sender_id = {first}"),
        ),
        (
            CommunicationFilter {
                agent: sender,
                ..all.clone()
            },
            format!("(sender_id = {first} or receiver_id = {first})"),
        ),
        (
            CommunicationFilter {
                until: "2023-11-14T23:00:00Z".parse().ok(),
                ..all
            },
            "timestamp < 1700002800000000".to_owned(),
        ),
    ];
    for word in ["all", "some", "old", "few"] {
        for (filter, condition) in &filters {
            let sorted = fresh.texts(sorted(word, condition)).await;
            let words = Words::of(word);
            let filter = CommunicationFilter {
                words,
                ..filter.clone()
            };
            let about = format!("{word}, {condition}");
            pages_are(&*fresh.store, &filter, &sorted, &about).await;
        }
    }
}

/// Walks through a list by cursor, and opens its third page by number.
async fn pages_are(
    store: &dyn Store,
    filter: &CommunicationFilter,
    sorted: &[String],
    about: &str,
) {
    let ids = |found: &[Communication]| -> Vec<String> {
        let ids = found.iter().map(|m| m.id.0.simple().to_string());
        ids.collect()
    };
    let (mut next, mut found) = (page(1, 500), Vec::new());
    loop {
        let answer = store
            .communications(filter, next, &Reservation::unlimited())
            .await
            .unwrap();
        if let Some(total) = answer.total {
            let is_right = if total.is_estimate {
                total.rows > 1_000 && sorted.len() > 1_000
            } else {
                total.rows == sorted.len() as u64
            };
            assert!(is_right, "{about}: {total:?}");
        }
        found.extend(ids(&answer.items));
        let Some(keyset) = answer.next else { break };
        next.start = Start::After(keyset);
    }
    assert_eq!(found.len(), sorted.len(), "{about}");
    assert!(found == sorted, "{about}");
    let third = store
        .communications(filter, page(3, 50), &Reservation::unlimited())
        .await
        .unwrap();
    let expected = &sorted[sorted.len().min(100)..sorted.len().min(150)];
    assert!(ids(&third.items) == expected, "{about}");
}

#[tokio::test]
async fn however_many_search_others_are_served() {
    let fresh = Fresh::postgres().await;
    let store = &fresh.store;
    let known = agents(&**store, 1).await;
    let mut psql = fresh.psql().await;
    // Nobody can read the log, so every search that has a connection keeps it.
    let mut held = psql.begin().await.unwrap();
    sqlx::query("lock table communications in access exclusive mode")
        .execute(&mut *held)
        .await
        .unwrap();
    let filter = CommunicationFilter {
        words: Words::of("tea"),
        ..CommunicationFilter::default()
    };
    let unlimited = Reservation::unlimited();
    let searches =
        join_all((0..20).map(|_| store.communications(&filter, page(1, 50), &unlimited)));
    let others = async {
        let waiting = "select count(*) from pg_locks where not granted";
        eventually("searches wait for the log", || async {
            let mut psql = fresh.psql().await;
            let waiting: i64 = sqlx::query_scalar(waiting)
                .fetch_one(&mut psql)
                .await
                .ok()?;
            (waiting >= 2).then_some(())
        })
        .await;
        for _ in 0..100 {
            assert!(
                store
                    .agent(known[0], &Reservation::unlimited())
                    .await
                    .unwrap()
                    .is_some()
            );
        }
        held.rollback().await.unwrap();
    };
    let (answers, ()) = tokio::join!(searches, others);
    assert!(answers.iter().all(Result::is_ok), "they were only waiting");
}
