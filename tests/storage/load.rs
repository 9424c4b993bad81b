//! The log's upkeep while everybody writes.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};

use chrono::{DateTime, TimeDelta, Utc};
use futures_util::future::join_all;
use synod::budget::Reservation;
use synod::domain::{AgentId, CommunicationId, Created};
use synod::storage::{Communication, CommunicationFilter, Error, Store};

use super::fixtures::{agents, communication, created, everything, new_meeting, pick};
use crate::support::database::Fresh;
use crate::support::on_each_database;

on_each_database!(under_load_upkeep_takes_nothing_that_is_young_or_linked_to,);

const NOW: &str = "2026-06-15T12:00:00Z";
/// In months that upkeep makes and drops, because all in them is older than a month, and before these.
const OLD: &[&str] = &[
    "1999-01-01T00:00:00Z",
    "2026-02-28T23:59:59.999999Z",
    "2026-03-01T00:00:00Z",
    "2026-04-30T23:59:59.999999Z",
];
const YOUNG: &[&str] = &[
    "2026-05-16T12:00:00Z",
    "2026-06-15T11:00:00Z",
    "2031-01-01T00:00:00Z",
];
const WRITERS: u64 = 3;
/// Of each writer; and meetings.
const TURNS: u64 = 40;

fn time(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

fn message(n: u64, times: &[&str], agent: AgentId) -> Communication {
    Communication {
        timestamp: time(pick(times, n)),
        ..communication(n, agent, agent)
    }
}

fn ids(messages: &[Communication]) -> impl Iterator<Item = CommunicationId> {
    messages.iter().map(|message| message.id)
}

/// What a store is asked again if it had to give up.
async fn done<T, F>(ask: impl Fn() -> F) -> Result<T, Error>
where
    F: Future<Output = Result<T, Error>>,
{
    loop {
        match ask().await {
            Err(error) if error.is_transient() => tokio::task::yield_now().await,
            answer => return answer,
        }
    }
}

/// Logs old and young messages in turn, and answers the young ones.
async fn write(store: &dyn Store, agent: AgentId, nth: u64) -> Vec<CommunicationId> {
    let mut young = Vec::new();
    for turn in 0..TURNS {
        let n = 1_000_000 + (nth * TURNS + turn) * 10;
        let old: Vec<_> = (n..n + 5).map(|n| message(n, OLD, agent)).collect();
        let new: Vec<_> = (n + 5..n + 10).map(|n| message(n, YOUNG, agent)).collect();
        let both = [old, new.clone()].concat();
        done(|| store.log(&both)).await.unwrap();
        young.extend(ids(&new));
    }
    young
}

/// Logs old messages and lets a meeting link to them at once, and answers those that were there in time.
async fn link(store: &dyn Store, agent: AgentId) -> Vec<CommunicationId> {
    let mut linked = Vec::new();
    for turn in 1..=TURNS {
        let messages: Vec<_> = (0..3).map(|n| message(turn * 10 + n, OLD, agent)).collect();
        done(|| store.log(&messages)).await.unwrap();
        let linking = Created {
            related: ids(&messages).collect(),
            ..created(turn, &[agent])
        };
        let (_, meeting) = new_meeting(linking, 0);
        match done(|| store.create_meeting(&meeting)).await {
            Ok(()) => linked.extend(ids(&messages)),
            Err(Error::UnknownCommunication(_)) => {}
            Err(error) => panic!("{error}"),
        }
    }
    linked
}

/// Makes the months of the spring, and lets go what is older than a month.
async fn upkeep(store: &dyn Store) -> Result<u64, Error> {
    store.maintain(time("2026-02-10T00:00:00Z"), None).await?;
    let month = Some(TimeDelta::days(30));
    let done = store.maintain(time(NOW), month).await?;
    Ok(done.deleted + done.dropped.len() as u64)
}

async fn under_load_upkeep_takes_nothing_that_is_young_or_linked_to(fresh: Fresh) {
    let store = &*fresh.store;
    let agent = agents(store, 1).await[0];
    let is_over = AtomicBool::new(false);
    let load = async {
        let writers = join_all((0..WRITERS).map(|nth| write(store, agent, nth)));
        let (young, linked) = tokio::join!(writers, link(store, agent));
        is_over.store(true, Ordering::Relaxed);
        (young.concat(), linked)
    };
    let over_and_over = async {
        let mut turns = 0;
        while !is_over.load(Ordering::Relaxed) {
            match upkeep(store).await {
                Ok(gone) => turns += u64::from(gone > 0),
                Err(error) => assert!(error.is_transient(), "{error}"),
            }
            tokio::task::yield_now().await;
        }
        turns
    };
    let ((young, linked), turns) = tokio::join!(load, over_and_over);
    done(|| upkeep(store)).await.unwrap();
    let page = CommunicationFilter::default();
    let page = store
        .communications(&page, everything(), &Reservation::unlimited())
        .await
        .unwrap();
    let there: BTreeSet<_> = ids(&page.items).collect();
    assert!(turns > 0, "upkeep had something to take under load");
    assert!(
        !linked.is_empty(),
        "meetings linked to something under load"
    );
    let stay: BTreeSet<_> = young.into_iter().chain(linked).collect();
    let lost: Vec<_> = stay.difference(&there).collect();
    assert!(lost.is_empty(), "lost: {lost:?}");
    let left: Vec<_> = there.difference(&stay).collect();
    assert!(left.is_empty(), "should be gone: {left:?}");
}
