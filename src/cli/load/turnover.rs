//! Meetings that are opened and ended, one after another, as many as one likes: what a server keeps in memory of meetings that are over.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use clap::Args;
use serde::de::IgnoredAny;
use serde_json::{Value, json};
use tokio::task::JoinSet;
use uuid::Uuid;

use super::record::{Flaw, What};
use super::sitting::{Sitting, Talk};
use super::{Bench, memory};
use crate::client::{Client, Credentials};

/// Open and end meetings, one after another: each is created, cancelled and looked up, or with --held begun and talked to its end.
#[derive(Args)]
pub(super) struct Turnover {
    /// How many in all.
    #[arg(long = "meetings", value_name = "N", default_value_t = 10_000, value_parser = clap::value_parser!(u64).range(1..=100_000_000))]
    count: u64,
    /// How many at once.
    #[arg(long, value_name = "N", default_value_t = 16, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    at_once: u32,
    /// Two agents come into each, speak once, and vote.
    #[arg(long)]
    held: bool,
}

/// Which meeting is next, and how many are over.
#[derive(Default)]
struct Counter {
    begun: AtomicU64,
    over: AtomicU64,
}

impl Turnover {
    pub(super) async fn play(&self, bench: &Bench) -> anyhow::Result<()> {
        let agents = bench.agents(2 * self.at_once as usize).await?;
        bench.record.expect(What::Meeting, self.count);
        let counter = Arc::new(Counter::default());
        let mark_every = self.count.div_ceil(memory::MARKS);
        let mut turning = JoinSet::new();
        for pair in agents.chunks(2) {
            let (bench, pair, counter) = (bench.clone(), pair.to_vec(), Arc::clone(&counter));
            let (count, held) = (self.count, self.held);
            turning.spawn(async move {
                let client = bench.admin.with_token(&pair[0].token)?;
                while counter.begun.fetch_add(1, Ordering::Relaxed) < count {
                    let began = bench.clock.elapsed();
                    if held {
                        Sitting::open(&bench, &pair, BRIEF)
                            .await?
                            .hold(&bench)
                            .await?;
                    } else {
                        cancelled(&bench, &client, &pair).await?;
                    }
                    bench.record.took(What::Meeting, began);
                    let over = counter.over.fetch_add(1, Ordering::Relaxed) + 1;
                    if over % mark_every == 0 {
                        bench.memory.mark(over);
                    }
                }
                Ok::<_, anyhow::Error>(())
            });
        }
        while let Some(turned) = turning.join_next().await {
            turned??;
        }
        Ok(())
    }
}

/// Creates a meeting, cancels it, and looks whether that is how it is kept.
async fn cancelled(bench: &Bench, client: &Client, pair: &[Credentials]) -> anyhow::Result<()> {
    let ids: Vec<Uuid> = pair.iter().map(|agent| agent.id).collect();
    let meeting = json!({"topic": "Is it worth it?", "participant_ids": ids});
    let meeting = client.create_meeting(&meeting).await?;
    let cancel = format!("/api/v1/meetings/{meeting}/cancel");
    client.post::<IgnoredAny>(&cancel, &json!({})).await?;
    let kept: Value = client.meeting(meeting).await?;
    if kept["outcome"] != "cancelled" {
        let why = format_args!(
            "{meeting} was cancelled, and its outcome is {}",
            kept["outcome"]
        );
        bench.record.flaw(Flaw::Lost(1), why);
    }
    Ok(())
}

/// One round of short words.
const BRIEF: Talk = Talk {
    rounds: 1,
    think_ms: 0,
    opinion_bytes: 100,
    drop_percent: 0,
};
