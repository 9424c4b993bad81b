//! Agents that only listen, as many as one likes.

use std::time::Duration;

use clap::Args;
use futures_util::stream::{self, StreamExt};
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::Bench;
use super::record::{Flaw, Record, What};
use crate::client::{Credentials, Socket};

/// Connect agents that say nothing, and hold them: each has its own line open.
#[derive(Args)]
pub(super) struct Connections {
    /// How many. From one address to one port there are as many connections as the system has ports for them, some 28,000 on Linux.
    #[arg(long, value_name = "N", default_value_t = 1_000, value_parser = clap::value_parser!(u32).range(1..=60_000))]
    agents: u32,
    /// How many connect at once.
    #[arg(long, value_name = "N", default_value_t = 64, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    at_once: u32,
    /// For how long they stay once all are there.
    #[arg(long, value_name = "S", default_value_t = 5, value_parser = clap::value_parser!(u32).range(0..=86_400))]
    hold: u32,
}

/// Agents that listen until they are told to go.
pub(super) struct Listeners {
    listening: JoinSet<()>,
    go: watch::Sender<bool>,
}

impl Connections {
    pub(super) async fn play(&self, bench: &Bench) -> anyhow::Result<()> {
        let agents = bench.agents(self.agents as usize).await?;
        bench.record.expect(What::Connection, self.agents.into());
        let without = bench.memory.bytes();
        let listeners = Listeners::connect(bench, &agents, self.at_once as usize).await?;
        tokio::time::sleep(Duration::from_secs(self.hold.into())).await;
        bench.memory.connected(without, listeners.count());
        listeners.go().await
    }
}

impl Listeners {
    /// Connects them, so many at once, and comes back when all are there.
    pub(super) async fn connect(
        bench: &Bench,
        agents: &[Credentials],
        at_once: usize,
    ) -> anyhow::Result<Self> {
        let (go, told) = watch::channel(false);
        let mut listening = JoinSet::new();
        let coming = stream::iter(agents).map(|agent| open(bench, agent));
        let mut coming = coming.buffer_unordered(at_once);
        while let Some(opened) = coming.next().await {
            if let Some(socket) = opened? {
                // Read from now on, because pings are answered on the way.
                listening.spawn(listen(socket, told.clone(), bench.record.clone()));
            }
        }
        Ok(Self { listening, go })
    }

    fn count(&self) -> u64 {
        self.listening.len() as u64
    }

    /// Lets them say goodbye.
    pub(super) async fn go(mut self) -> anyhow::Result<()> {
        let _ = self.go.send(true);
        while let Some(gone) = self.listening.join_next().await {
            gone?;
        }
        Ok(())
    }
}

async fn open(bench: &Bench, agent: &Credentials) -> anyhow::Result<Option<Socket>> {
    let client = bench.admin.with_token(&agent.token)?;
    let began = bench.clock.elapsed();
    match client.line(None).await {
        Ok(socket) => {
            bench.record.took(What::Connection, began);
            Ok(Some(socket))
        }
        Err(error) => {
            let why = format_args!(
                "an agent could not connect: {:#}",
                anyhow::Error::new(error)
            );
            bench.record.flaw(Flaw::Error, why);
            Ok(None)
        }
    }
}

async fn listen(mut socket: Socket, mut go: watch::Receiver<bool>, record: Record) {
    loop {
        tokio::select! {
            heard = socket.next() => if let Err(ended) = heard {
                return record.flaw(Flaw::Lost(1), ended);
            },
            _ = go.wait_for(|go| *go) => break,
        }
    }
    socket.close().await;
}
