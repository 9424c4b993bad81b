//! Messages into the communication log, at a rate or as fast as they are taken.

use std::collections::HashMap;
use std::time::Duration;

use anyhow::Context;
use clap::Args;
use serde_json::{Value, json};
use tokio::task::JoinSet;
use uuid::Uuid;

use super::Bench;
use super::report::{Flaws, Report, Times};
use crate::client::Client;
use crate::clock::Clock;

/// Log messages between agents, and read them all back.
#[derive(Args)]
pub(super) struct Log {
    /// Messages a second of all clients together, sent when they are due, however slow the answers are. 0 is as fast as they are
    /// answered.
    #[arg(long, value_name = "N", default_value_t = 0)]
    rate: u32,
    /// For how long.
    #[arg(long, value_name = "S", default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=3_600))]
    seconds: u32,
    /// Who send at once.
    #[arg(long, value_name = "N", default_value_t = 32, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    clients: u32,
    /// How long a message is.
    #[arg(long, value_name = "BYTES", default_value_t = 300, value_parser = clap::value_parser!(u32).range(1..=1_048_576))]
    message_bytes: u32,
}

/// One client that sends.
struct Sender {
    client: Client,
    clock: Clock,
    progress: indicatif::ProgressBar,
    body: Value,
    /// From one message to the next; nothing is as soon as it is answered.
    pace: Option<Duration>,
    until: Duration,
}

/// What became of its messages.
#[derive(Default)]
struct Sent {
    ids: Vec<Uuid>,
    times: Times,
    flaws: Flaws,
}

impl Log {
    pub(super) async fn play(&self, bench: &Bench) -> anyhow::Result<Report> {
        let agents = bench.agents(self.clients as usize).await?;
        let topic = format!("load {}", bench.clock.id());
        if self.rate > 0 {
            bench
                .progress
                .set_length(u64::from(self.rate) * u64::from(self.seconds));
        }
        let began = bench.clock.elapsed();
        let until = began + Duration::from_secs(self.seconds.into());
        let pace = (self.rate > 0).then(|| Duration::from_secs(1) * self.clients / self.rate);
        let mut sending = JoinSet::new();
        for (nth, agent) in agents.iter().enumerate() {
            let other = &agents[(nth + 1) % agents.len()];
            let content = "m".repeat(self.message_bytes as usize);
            let sender = Sender {
                client: bench.admin.with_token(&agent.token)?,
                clock: bench.clock.clone(),
                progress: bench.progress.clone(),
                body: json!({"sender_id": agent.id, "receiver_id": other.id, "message_content": content, "topic": topic}),
                pace,
                until,
            };
            // Spread evenly over the time from one message to the next.
            let first = pace.unwrap_or_default() * u32::try_from(nth)? / self.clients;
            sending.spawn(sender.send(began + first));
        }
        let mut sent = Sent::default();
        while let Some(one) = sending.join_next().await {
            let one = one?;
            sent.ids.extend(one.ids);
            sent.times.add(&one.times);
            sent.flaws.add(one.flaws);
        }
        let took = bench.since(began);
        let count = sent.ids.len() as u64;
        let mut flaws = sent.flaws;
        flaws.add(read_back(&bench.admin, &topic, sent.ids).await?);
        Ok(Report {
            what: "message",
            count,
            deliveries: 0,
            took,
            times: sent.times,
            flaws,
        })
    }
}

impl Sender {
    async fn send(self, first: Duration) -> Sent {
        let (mut sent, mut due) = (Sent::default(), first);
        loop {
            let now = self.clock.elapsed();
            if now.max(due) >= self.until {
                return sent;
            }
            if self.pace.is_some() {
                tokio::time::sleep(due.saturating_sub(now)).await;
            } else {
                due = now;
            }
            let answer: Result<Value, _> =
                self.client.post("/api/v1/communications", &self.body).await;
            // Counted from when it was due: what waited behind a slow answer waited (coordinated omission).
            sent.times.record(self.clock.elapsed().saturating_sub(due));
            match answer.map(|kept| kept["id"].as_str().and_then(|id| id.parse().ok())) {
                Ok(Some(id)) => sent.ids.push(id),
                Ok(None) => sent.refuse("an answer without an id"),
                Err(error) => sent.refuse(error),
            }
            self.progress.inc(1);
            due += self.pace.unwrap_or_default();
        }
    }
}

impl Sent {
    fn refuse(&mut self, why: impl std::fmt::Display) {
        self.flaws.refused += 1;
        self.flaws.because(why);
    }
}

/// Reads everything under the topic, and holds it against what was answered.
async fn read_back(admin: &Client, topic: &str, ids: Vec<Uuid>) -> anyhow::Result<Flaws> {
    let mut missing: HashMap<Uuid, u32> = ids.into_iter().map(|id| (id, 0)).collect();
    let topic = topic.replace(' ', "%20");
    let first = format!("/api/v1/communications?topic={topic}&page_size={PAGE_ROWS}");
    let mut path = first.clone();
    loop {
        let page: Value = admin.get(&path).await?;
        let rows = page["communications"].as_array();
        for row in rows.context("a page has communications")? {
            let id = row["id"].as_str().and_then(|id| id.parse().ok());
            *missing
                .entry(id.context("a message has an id")?)
                .or_default() += 1;
        }
        match page["next_cursor"].as_str() {
            Some(cursor) => path = format!("{first}&cursor={cursor}"),
            None => break,
        }
    }
    let mut flaws = Flaws::default();
    for (id, times) in missing {
        match times {
            0 => {
                flaws.lost += 1;
                flaws.because(format_args!("{id} was answered and is not kept"));
            }
            1 => {}
            _ => {
                flaws.doubled += 1;
                flaws.because(format_args!("{id} is kept {times} times"));
            }
        }
    }
    Ok(flaws)
}

/// As many as one page may have.
const PAGE_ROWS: u32 = 200;
