//! What two servers on one PostgreSQL do to each other.

use std::sync::Arc;

use sqlx::{Executor, PgConnection};
use synod::budget::Reservation;
use synod::domain::MeetingId;
use synod::storage::Appended;
use synod::storage::Part;

use super::fixtures::{Live, agents, join};
use crate::support::database::{Fresh, somebody_waits};

async fn set_epoch(connection: &mut PgConnection, id: MeetingId) {
    let answer = sqlx::query("update meetings set epoch = epoch + 1 where id = $1");
    let answer = answer.bind(id.0).execute(connection).await.unwrap();
    assert_eq!(answer.rows_affected(), 1);
}

#[tokio::test]
async fn an_old_owner_that_waited_for_a_take_over_writes_nothing() {
    let fresh = Fresh::postgres().await;
    let store = Arc::clone(&fresh.store);
    let known = agents(&*store, 2).await;
    let mut live = Live::begin(&*store, 1, &known[..1]).await;
    let mut other = Live::begin(&*store, 2, &known[..1]).await;
    let appends = [live.handle(join(known[1])), other.handle(join(known[1]))];

    let (mut new_owner, mut observer) = (fresh.psql().await, fresh.psql().await);
    new_owner.execute("begin").await.unwrap();
    set_epoch(&mut new_owner, live.id()).await;
    let old_owner = tokio::spawn({
        let store = Arc::clone(&store);
        async move { store.append(&appends).await }
    });
    somebody_waits(&mut observer).await;
    new_owner.execute("commit").await.unwrap();

    let answers = old_owner.await.unwrap().unwrap();
    assert_eq!(answers, [Appended::Fenced, Appended::Committed]);
    assert_eq!(
        store
            .journal(live.id(), 0, Part::of_answer(10), &Reservation::unlimited())
            .await
            .unwrap()
            .len(),
        1
    );
    assert_eq!(store.participants(live.id()).await.unwrap().len(), 1);
    assert_eq!(store.participants(other.id()).await.unwrap().len(), 2);
}

#[tokio::test]
async fn a_take_over_waits_for_an_append_under_way_and_reads_it() {
    let fresh = Fresh::postgres().await;
    let store = Arc::clone(&fresh.store);
    let known = agents(&*store, 2).await;
    let live = Live::begin(&*store, 1, &known[..1]).await;
    let id = live.id();

    let (mut old_owner, mut observer) = (fresh.psql().await, fresh.psql().await);
    old_owner.execute("begin").await.unwrap();
    let fence = "update meetings set last_seq = 2 where epoch = 1 and last_seq = 1";
    assert_eq!(old_owner.execute(fence).await.unwrap().rows_affected(), 1);
    let new_owner = tokio::spawn({
        let store = Arc::clone(&store);
        async move { store.take_over(&[id]).await }
    });
    somebody_waits(&mut observer).await;
    let event = "insert into meeting_events (meeting_id, seq, epoch, kind, version, at, payload)
                 select id, 2, 1, 'late', 1, now(), '{}' from meetings";
    old_owner.execute(event).await.unwrap();
    old_owner.execute("commit").await.unwrap();

    let taken = new_owner.await.unwrap().unwrap();
    assert_eq!(taken[0].epoch, 2);
    assert_eq!(taken[0].journal.len(), 2, "the late event is among them");
}

#[tokio::test]
async fn take_overs_of_the_same_meetings_do_not_deadlock() {
    let fresh = Fresh::postgres().await;
    let known = agents(&*fresh.store, 1).await;
    let mut ids = Vec::new();
    for n in 1..=20 {
        ids.push(Live::begin(&*fresh.store, n, &known).await.id());
    }
    let mut backwards = ids.clone();
    backwards.reverse();
    let take = |ids: Vec<MeetingId>| {
        let store = Arc::clone(&fresh.store);
        tokio::spawn(async move {
            for _ in 0..20 {
                assert_eq!(store.take_over(&ids).await.unwrap().len(), 20);
            }
        })
    };
    let (one, other) = (take(ids.clone()), take(backwards));
    one.await.unwrap();
    other.await.unwrap();
    let last = fresh.store.take_over(&ids).await.unwrap();
    assert!(
        last.iter().all(|taken| taken.epoch == 42),
        "each counted once"
    );
}

#[tokio::test]
async fn connections_have_their_limits() {
    let fresh = Fresh::postgres().await;
    let mut locked = fresh.psql().await;
    let known = agents(&*fresh.store, 1).await;
    let live = Live::begin(&*fresh.store, 1, &known).await;
    locked.execute("begin").await.unwrap();
    set_epoch(&mut locked, live.id()).await;
    let id = live.id();
    let store = Arc::clone(&fresh.store);
    let blocked = tokio::spawn(async move { store.take_over(&[id]).await });
    let mut observer = fresh.psql().await;
    somebody_waits(&mut observer).await;
    // What the database's own time limit would do, only sooner.
    let cancel = "select pg_cancel_backend(pid) from pg_stat_activity
                   where datname = current_database() and wait_event_type = 'Lock'";
    observer.execute(cancel).await.unwrap();
    let answer = blocked.await.unwrap();
    assert!(
        answer.is_err_and(|error| error.is_transient()),
        "a cancelled statement may be repeated"
    );
}
