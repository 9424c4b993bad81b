//! The log's upkeep: old messages go, what a meeting links to stays, and months are made before they are needed.

use chrono::{DateTime, TimeDelta, Utc};
use futures_util::future::join;
use sqlx::{Executor, PgConnection};
use synod::budget::Reservation;
use synod::domain::{AgentId, CommunicationId, Created};
use synod::storage::{Communication, CommunicationFilter, DroppedPart, Store, Words};

use super::fixtures::{Live, agents, communication, created, everything};
use crate::support::database::Fresh;
use crate::support::patience::within;

on_every_store! {
    without_retention_every_message_stays,
    old_messages_go_but_those_that_a_meeting_links_to,
}

fn time(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

/// Message `n` of this time, from the first agent to itself.
fn message(n: u64, at: &str, agent: AgentId) -> Communication {
    Communication {
        timestamp: time(at),
        content: format!("old leaf {n}"),
        ..communication(n, agent, agent)
    }
}

async fn kept(store: &dyn Store, words: Option<Words>) -> Vec<CommunicationId> {
    let filter = CommunicationFilter {
        words,
        ..CommunicationFilter::default()
    };
    let page = store
        .communications(&filter, everything(), &Reservation::unlimited())
        .await
        .unwrap();
    page.items.iter().map(|message| message.id).collect()
}

/// Messages at these times, the first of them linked to by a meeting.
async fn log(store: &dyn Store, times: &[&str]) -> Vec<CommunicationId> {
    let known = agents(store, 1).await;
    let messages = (1..).zip(times).map(|(n, at)| message(n, at, known[0]));
    let messages: Vec<_> = messages.collect();
    store.log(&messages).await.unwrap();
    let linking = Created {
        related: vec![messages[0].id],
        ..created(1, &known)
    };
    Live::begin_as(store, 1, linking).await;
    messages.iter().map(|message| message.id).collect()
}

const NOW: &str = "2026-06-15T12:00:00Z";

async fn without_retention_every_message_stays(fresh: &Fresh) {
    let store = &*fresh.store;
    let ids = log(store, &["1999-01-01T00:00:00Z", "2026-06-15T00:00:00Z"]).await;
    let done = store.maintain(time(NOW), None).await.unwrap();
    assert_eq!((done.dropped, done.deleted), (vec![], 0));
    assert_eq!(kept(store, None).await, [ids[1], ids[0]]);
}

async fn old_messages_go_but_those_that_a_meeting_links_to(fresh: &Fresh) {
    let store = &*fresh.store;
    store
        .maintain(time("2026-02-10T00:00:00Z"), None)
        .await
        .unwrap();
    let times = [
        "2026-02-01T00:00:00Z",
        "2026-02-28T23:59:59.999999Z",
        "1999-01-01T00:00:00Z",
        "2026-05-16T12:00:00Z",
        "2026-06-15T11:00:00Z",
        "2031-01-01T00:00:00Z",
    ];
    let ids = log(store, &times).await;
    for turn in ["the first", "the second"] {
        let month = Some(TimeDelta::days(30));
        let done = store.maintain(time(NOW), month).await.unwrap();
        let stay = [ids[5], ids[4], ids[3], ids[0]];
        assert_eq!(kept(store, None).await, stay, "{turn}");
        let found = kept(store, Words::of("old leaf")).await;
        assert_eq!(found, stay, "words go with their message");
        assert!(done.deleted <= 2, "{done:?}");
        assert_eq!(
            turn == "the second",
            done.deleted == 0 && done.dropped.is_empty()
        );
    }
    let linked = store
        .communication(ids[0], &Reservation::unlimited())
        .await
        .unwrap()
        .unwrap();
    assert_eq!(linked.timestamp, time(times[0]));
}

/// In which part each message is, by the time of the message.
async fn parts(psql: &mut PgConnection) -> Vec<String> {
    sqlx::query_scalar("select tableoid::regclass::text from communications order by timestamp")
        .fetch_all(psql)
        .await
        .unwrap()
}

#[tokio::test]
async fn months_are_made_ahead_and_take_what_came_before_them() {
    let fresh = Fresh::postgres().await;
    let (store, mut psql) = (&*fresh.store, fresh.psql().await);
    let times = [
        "2026-05-31T23:59:59.999999Z",
        "2026-06-01T00:00:00Z",
        "2026-12-31T23:59:59Z",
    ];
    let ids = log(store, &times).await;
    assert_eq!(parts(&mut psql).await, ["communications_default"; 3]);
    let done = store.maintain(time(NOW), None).await.unwrap();
    let months = ["06", "07", "08", "09"].map(|month| format!("communications_2026_{month}"));
    assert_eq!(done.made, months);
    assert_eq!(
        parts(&mut psql).await,
        [
            "communications_default",
            "communications_2026_06",
            "communications_default"
        ]
    );
    assert_eq!(
        kept(store, Words::of("leaf")).await,
        [ids[2], ids[1], ids[0]]
    );
    let again = store.maintain(time(NOW), None).await.unwrap();
    assert_eq!(again.made, [""; 0]);
    let later = store
        .maintain(time("2026-10-01T00:00:00Z"), None)
        .await
        .unwrap();
    assert_eq!(later.made.len(), 4);
    assert_eq!(parts(&mut psql).await[2], "communications_2026_12");
}

#[tokio::test]
async fn a_month_goes_as_a_whole_once_all_of_it_is_too_old() {
    let fresh = Fresh::postgres().await;
    let (store, mut psql) = (&*fresh.store, fresh.psql().await);
    store
        .maintain(time("2026-02-10T00:00:00Z"), None)
        .await
        .unwrap();
    let times = [
        "2026-02-03T00:00:00Z",
        "2026-02-02T00:00:00Z",
        "2026-03-01T00:00:00Z",
    ];
    let ids = log(store, &times).await;
    let day = Some(TimeDelta::days(1));
    let early = store
        .maintain(time("2026-03-01T23:59:59Z"), day)
        .await
        .unwrap();
    assert_eq!((early.dropped, early.deleted), (vec![], 0));
    let done = store
        .maintain(time("2026-03-02T00:00:00Z"), day)
        .await
        .unwrap();
    let name = "communications_2026_02".to_owned();
    assert_eq!(done.dropped, [DroppedPart { name, kept: 1 }]);
    assert_eq!(kept(store, None).await, [ids[2], ids[0]]);
    let parts = parts(&mut psql).await;
    assert_eq!(parts, ["communications_default", "communications_2026_03"]);
}

#[tokio::test]
async fn upkeep_gives_up_where_it_would_have_to_wait() {
    let fresh = Fresh::postgres().await;
    let (store, mut reader) = (&*fresh.store, fresh.psql().await);
    reader.execute("begin").await.unwrap();
    reader
        .execute("select * from communications")
        .await
        .unwrap();
    let answer = store.maintain(time(NOW), None).await;
    assert!(
        answer.is_err_and(|error| error.is_transient()),
        "it may be tried again"
    );
    let known = agents(store, 1).await;
    store.log(&[message(1, NOW, known[0])]).await.unwrap();
    reader.execute("commit").await.unwrap();
    assert_eq!(store.maintain(time(NOW), None).await.unwrap().made.len(), 4);
}

#[tokio::test]
async fn a_message_that_waits_while_its_month_is_made_may_be_asked_for_again() {
    let fresh = Fresh::postgres().await;
    let (store, mut maker, mut watcher) = (&*fresh.store, fresh.psql().await, fresh.psql().await);
    let known = agents(store, 1).await;
    let messages = [message(1, NOW, known[0])];
    maker.execute("begin").await.unwrap();
    let lock = "lock table communications_default in access exclusive mode";
    maker.execute(lock).await.unwrap();
    let make = async {
        let waiting = "select pid from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'";
        while watcher.fetch_all(waiting).await.unwrap().is_empty() {
            tokio::task::yield_now().await;
        }
        let month = "create table communications_2026_06 (like communications including all);
                     alter table communications attach partition communications_2026_06
                     for values from ('2026-06-01Z') to ('2026-07-01Z'); commit";
        maker.execute(month).await.unwrap();
    };
    let (answer, ()) = within("it is refused", join(store.log(&messages), make)).await;
    assert!(answer.is_err_and(|error| error.is_transient()));
    store.log(&messages).await.unwrap();
    assert_eq!(parts(&mut maker).await, ["communications_2026_06"]);
}

#[tokio::test]
async fn a_message_that_is_just_being_linked_to_stays() {
    let fresh = Fresh::postgres().await;
    let (store, mut linker) = (&*fresh.store, fresh.psql().await);
    let ids = log(store, &["1999-01-01T00:00:00Z", "1999-01-02T00:00:00Z"]).await;
    store.maintain(time(NOW), None).await.unwrap();
    linker.execute("begin").await.unwrap();
    let link = "insert into meeting_communications
                select meetings.id, free.id from meetings, communications free
                 where free.id = $1 for key share of free";
    let link = sqlx::query(link).bind(ids[1].0);
    link.execute(&mut linker).await.unwrap();
    let day = Some(TimeDelta::days(1));
    assert_eq!(store.maintain(time(NOW), day).await.unwrap().deleted, 0);
    linker.execute("commit").await.unwrap();
    assert_eq!(store.maintain(time(NOW), day).await.unwrap().deleted, 0);
    assert_eq!(kept(store, None).await, [ids[1], ids[0]]);
}
