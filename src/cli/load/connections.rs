//! Agents that only listen, as many as one likes.

use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;

use super::Bench;
use super::report::{Flaws, Report, Times};
use crate::client::{Client, Credentials};
use crate::clock::Clock;

/// Connect agents that say nothing, and hold them: each has its own line open.
#[derive(Args)]
pub(super) struct Connections {
    /// How many.
    #[arg(long, value_name = "N", default_value_t = 1_000, value_parser = clap::value_parser!(u32).range(1..=60_000))]
    agents: u32,
    /// How many connect at once.
    #[arg(long, value_name = "N", default_value_t = 64, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    at_once: u32,
    /// For how long they stay once all are there.
    #[arg(long, value_name = "S", default_value_t = 5, value_parser = clap::value_parser!(u32).range(0..=86_400))]
    hold: u32,
}

/// An agent that listens until it is told to go.
struct Listener {
    client: Client,
    clock: Clock,
    progress: indicatif::ProgressBar,
    door: Arc<Semaphore>,
    /// Counted down as they come in.
    there: Arc<watch::Sender<u32>>,
    go: watch::Receiver<bool>,
}

impl Connections {
    pub(super) async fn play(&self, bench: &Bench) -> anyhow::Result<Report> {
        let agents = bench.agents(self.agents as usize).await?;
        bench.progress.set_length(self.agents.into());
        let door = Arc::new(Semaphore::new(self.at_once as usize));
        let (there, mut missing) = watch::channel(self.agents);
        let (go, told) = watch::channel(false);
        let there = Arc::new(there);
        let began = bench.clock.elapsed();
        let mut listening = JoinSet::new();
        for Credentials { token, .. } in &agents {
            let listener = Listener {
                client: bench.admin.with_token(token)?,
                clock: bench.clock.clone(),
                progress: bench.progress.clone(),
                door: Arc::clone(&door),
                there: Arc::clone(&there),
                go: told.clone(),
            };
            listening.spawn(listener.listen());
        }
        let _ = missing.wait_for(|missing| *missing == 0).await;
        let took = bench.since(began);
        tokio::time::sleep(Duration::from_secs(self.hold.into())).await;
        let _ = go.send(true);
        let (mut count, mut times, mut flaws) = (0, Times::default(), Flaws::default());
        while let Some(listened) = listening.join_next().await {
            match listened? {
                Ok(time) => {
                    count += 1;
                    times.record(time);
                }
                Err(flaw) => flaws.add(flaw),
            }
        }
        Ok(Report {
            what: "connection",
            count,
            deliveries: 0,
            took,
            times,
            flaws,
        })
    }
}

impl Listener {
    /// Answers how long it took to connect, or what was wrong.
    async fn listen(mut self) -> Result<Duration, Flaws> {
        let mut flaws = Flaws::default();
        let permit = self.door.acquire().await;
        let began = self.clock.elapsed();
        let line = self.client.line(None).await;
        let took = self.clock.elapsed().saturating_sub(began);
        drop(permit);
        self.progress.inc(1);
        self.there.send_modify(|missing| *missing -= 1);
        let mut socket = match line {
            Ok(socket) => socket,
            Err(error) => {
                flaws.refused += 1;
                flaws.because(error);
                return Err(flaws);
            }
        };
        loop {
            tokio::select! {
                // Read all the time, because pings are answered on the way.
                heard = socket.next() => if let Err(ended) = heard {
                    flaws.lost += 1;
                    flaws.because(ended);
                    return Err(flaws);
                },
                _ = self.go.wait_for(|go| *go) => break,
            }
        }
        socket.close().await;
        Ok(took)
    }
}
