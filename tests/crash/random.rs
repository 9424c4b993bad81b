//! Kills at random instants, with much going on.
//!
//! How often and from which seed on is said by the environment, so that this is a short test and, by `scripts/torture`, a
//! long one.

use std::env;
use std::ops::RangeInclusive;
use std::time::Duration;

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha12Rng;
use synod::clock::Clock;

use super::IfThisFails;
use super::load::{Load, Tally};
use crate::support::database::Fresh;
use crate::support::process::Process;

/// For how long one seed after the other is tried; without it only the first is.
const MINUTES: &str = "SYNOD_TORTURE_MINUTES";
/// The first seed.
const SEED: &str = "SYNOD_TORTURE_SEED";
/// Times that a server is killed at work, for each seed.
const KILLS: u32 = 6;
/// How much is heard from one kill to the next.
const BEATS: RangeInclusive<u64> = 1..=400;

#[tokio::test]
async fn torture_by_kills_at_random_instants_loses_nothing_and_doubles_nothing() {
    let clock = Clock::system();
    let first = number(SEED).unwrap_or(1);
    let length = Duration::from_mins(number(MINUTES).unwrap_or(0));
    let mut total = Total::of(first);
    for seed in first.. {
        let _again = IfThisFails(format!(
            "seed {seed}; to repeat it: {SEED}={seed} scripts/test torture"
        ));
        total.seeds.1 = seed;
        let (postgres, sqlite) = (Fresh::postgres().await, Fresh::sqlite().await);
        let (postgres, sqlite) = tokio::join!(storm(postgres, seed), storm(sqlite, seed));
        total.add(postgres);
        total.add(sqlite);
        let Tally { lost, doubled, .. } = &total.tally;
        assert_eq!((*lost, *doubled), (0, 0), "lost and doubled");
        if clock.elapsed() >= length {
            break;
        }
        println!("{} s: {total}", clock.elapsed().as_secs());
    }
}

fn number(variable: &str) -> Option<u64> {
    let text = env::var(variable).ok()?;
    let number = text.parse();
    Some(number.unwrap_or_else(|_| panic!("{variable} is no number: {text}")))
}

/// Kills a server again and again while agents are at work, and answers how often, and what became of their work.
async fn storm(fresh: Fresh, seed: u64) -> (Kills, Tally) {
    let mut dice = ChaCha12Rng::seed_from_u64(seed);
    let mut kills = Kills::default();
    let mut server = Process::serve(&fresh).await;
    let load = Load::begin(&server.admin).await;
    for _ in 0..KILLS {
        load.pulse.after(dice.random_range(BEATS)).await;
        server.kill().await;
        kills.at_work += 1;
        // Now and then it is killed once more, while it comes back.
        while dice.random_ratio(1, 4) {
            server.start().await;
            for _ in 0..dice.random_range(0..4) {
                let _ = server.admin.is_ready().await;
            }
            server.kill().await;
            kills.at_start += 1;
        }
        server.restart().await;
    }
    let tally = load.end(&fresh).await;
    assert!(server.terminate().await.success());
    (kills, tally)
}

/// How often a server was killed. It was started again as often.
#[derive(Default)]
struct Kills {
    at_work: usize,
    at_start: usize,
}

/// What became of all seeds, from the first to the last; told at the end, however it ends.
struct Total {
    seeds: (u64, u64),
    kills: Kills,
    tally: Tally,
}

impl Total {
    fn of(seed: u64) -> Self {
        Self {
            seeds: (seed, seed),
            kills: Kills::default(),
            tally: Tally::default(),
        }
    }

    fn add(&mut self, (kills, tally): (Kills, Tally)) {
        self.kills.at_work += kills.at_work;
        self.kills.at_start += kills.at_start;
        self.tally += tally;
    }
}

impl std::fmt::Display for Total {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Kills { at_work, at_start } = self.kills;
        let Tally {
            meetings,
            acked,
            lost,
            doubled,
            ..
        } = &self.tally;
        let restarts = at_work + at_start;
        write!(
            f,
            "{at_work} kills at work and {at_start} at start, {restarts} restarts, {meetings} meetings ended, {acked} acked, \
             {lost} lost, {doubled} doubled, seeds {} to {}",
            self.seeds.0, self.seeds.1
        )
    }
}

impl Drop for Total {
    fn drop(&mut self) {
        println!("torture: {self}");
    }
}
