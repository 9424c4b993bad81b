//! Everything at once, for as long as one likes: what a house full of agents does to a server.
//!
//! Meetings of several sizes one after another, whose agents drop and resume; messages into the log at a rate, read back at the end;
//! direct messages; questions to the log; and agents that only listen. All of it is checked, and none of it is remembered.

mod mail;
mod questions;

use std::time::Duration;

use clap::Args;
use tokio::task::JoinSet;

use super::Bench;
use super::connections::Listeners;
use super::log::Writers;
use super::sitting::{Sitting, Talk};

/// Do all of it at once, for some minutes: meetings with churn, the log, direct messages, questions, and idle agents.
#[derive(Args)]
pub(super) struct Mixed {
    /// For how long; the last meetings are held to their end.
    #[arg(long, value_name = "MIN", default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..=10_080))]
    minutes: u64,
    /// The same in seconds, for a short one.
    #[arg(long, value_name = "S", conflicts_with = "minutes", value_parser = clap::value_parser!(u64).range(1..=604_800))]
    seconds: Option<u64>,
    /// Meetings at once; where one ends the next begins, of 2, 5, 20 and 50 agents in turn.
    #[arg(long = "meetings", value_name = "N", default_value_t = 2, value_parser = clap::value_parser!(u32).range(1..=100))]
    meetings: u32,
    /// How long an agent thinks before it speaks.
    #[arg(long, value_name = "MS", default_value_t = 10)]
    think_ms: u64,
    /// How often an agent that is asked drops its connection, and comes back.
    #[arg(long, value_name = "PERCENT", default_value_t = 5, value_parser = clap::value_parser!(u8).range(0..=90))]
    drop_percent: u8,
    /// Messages a second into the log.
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    rate: u32,
    /// Direct messages a second, and questions to the log.
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    asides: u32,
    /// Agents that only listen.
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u32).range(0..=60_000))]
    idle: u32,
}

impl Mixed {
    pub(super) async fn play(&self, bench: &Bench) -> anyhow::Result<()> {
        let idle = bench.agents(self.idle as usize).await?;
        let idle = Listeners::connect(bench, &idle, CONNECT_AT_ONCE).await?;
        let length = Duration::from_secs(self.seconds.unwrap_or(self.minutes * 60));
        let until = bench.clock.elapsed() + length;
        let pace = Duration::from_secs(1) / self.asides;
        tokio::try_join!(
            bench.count_seconds(length),
            self.meet(bench, until),
            WRITERS.write(bench, self.rate, length),
            mail::exchange(bench, pace, until),
            questions::ask(bench, pace, until),
        )?;
        idle.go().await
    }

    /// Holds meetings until it is time.
    async fn meet(&self, bench: &Bench, until: Duration) -> anyhow::Result<()> {
        let mut meeting = JoinSet::new();
        for first in 0..self.meetings as usize {
            let (think_ms, drop_percent) = (self.think_ms, self.drop_percent);
            let bench = bench.clone();
            meeting.spawn(async move {
                let most = SIZES.iter().map(|(agents, _)| *agents).max();
                let agents = bench.agents(most.unwrap_or_default()).await?;
                for (size, rounds) in SIZES.into_iter().cycle().skip(first) {
                    let talk = Talk {
                        rounds,
                        think_ms,
                        opinion_bytes: OPINION_BYTES,
                        drop_percent,
                    };
                    let sitting = Sitting::open(&bench, &agents[..size], talk).await?;
                    sitting.hold(&bench).await?;
                    if bench.clock.elapsed() >= until {
                        break;
                    }
                }
                Ok::<_, anyhow::Error>(())
            });
        }
        while let Some(met) = meeting.join_next().await {
            met??;
        }
        Ok(())
    }
}

/// Agents and rounds of the meetings that follow each other.
const SIZES: [(usize, u32); 4] = [(2, 5), (5, 3), (20, 2), (50, 1)];
const OPINION_BYTES: u32 = 300;
/// Who write into the log.
const WRITERS: Writers = Writers {
    clients: 16,
    message_bytes: 300,
};
/// Enough to be quick.
const CONNECT_AT_ONCE: usize = 32;
