//! Meetings at once, in which every agent speaks as soon as it is asked.

use clap::Args;
use tokio::task::JoinSet;

use super::Bench;
use super::record::What;
use super::sitting::{Sitting, Talk};

/// Hold meetings: every agent speaks in its turn, in every round, and votes.
#[derive(Args)]
pub(super) struct Meetings {
    /// How many at once.
    #[arg(long = "meetings", value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    count: u32,
    /// Agents in each.
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=256))]
    agents: u32,
    #[command(flatten)]
    pub(super) talk: Talk,
}

impl Meetings {
    pub(super) async fn play(&self, bench: &Bench) -> anyhow::Result<()> {
        let (meetings, each) = (self.count as usize, self.agents as usize);
        let agents = bench.agents(meetings * each).await?;
        // They all begin when the last has come in.
        let mut sittings = Vec::with_capacity(meetings);
        for agents in agents.chunks(each) {
            sittings.push(Sitting::open(bench, agents, self.talk).await?);
        }
        let turns = sittings.iter().map(Sitting::turns).sum();
        bench.record.expect(What::Turn, turns);
        let mut held = JoinSet::new();
        for sitting in sittings {
            let bench = bench.clone();
            held.spawn(async move { sitting.hold(&bench).await });
        }
        while let Some(held) = held.join_next().await {
            held??;
        }
        Ok(())
    }
}
