//! Two agents: one writes to the other, who drops its line now and then and must miss nothing.

use std::time::Duration;

use anyhow::Context;
use uuid::Uuid;

use super::super::Bench;
use super::super::record::{Flaw, What};
use crate::client::frame::DirectMessage;
use crate::client::{Client, ServerFrame, Socket};
use crate::wire::FrameId;

/// The one who is written to.
struct Receiver {
    client: Client,
    line: Option<Socket>,
    /// Of the last message it has.
    cursor: Option<String>,
    /// How many it has.
    received: u64,
}

/// Writes at a pace, each message counted from when it was due, until it is time.
pub(super) async fn exchange(bench: &Bench, pace: Duration, until: Duration) -> anyhow::Result<()> {
    let [writer, reader]: [_; 2] = bench
        .agents(2)
        .await?
        .try_into()
        .ok()
        .context("two agents")?;
    let mut line = bench.admin.with_token(&writer.token)?.line(None).await?;
    let mut receiver = Receiver {
        client: bench.admin.with_token(&reader.token)?,
        line: None,
        cursor: None,
        received: 0,
    };
    // There once before the first is sent, so that there is something to come back to.
    receiver.come_back().await?;
    let (mut due, mut number) = (bench.clock.elapsed(), 0);
    while due < until {
        tokio::time::sleep(due.saturating_sub(bench.clock.elapsed())).await;
        if number % DROPS_EVERY == DROPS_EVERY - 1 {
            receiver.line = None;
        }
        if write(bench, &mut line, reader.id, number).await? {
            receiver.receive(bench, number).await?;
            bench.record.took(What::DirectMessage, due);
            number += 1;
        }
        due += pace;
    }
    line.close().await;
    Ok(())
}

/// Sends one, waits for its ack, and says whether it was taken.
async fn write(bench: &Bench, line: &mut Socket, to: Uuid, number: u64) -> anyhow::Result<bool> {
    let (id, content) = (format!("mail {number}"), number.to_string());
    line.write_to(&id, to, &content).await?;
    loop {
        match line.next().await? {
            ServerFrame::Ack(ack) if ack.id == Some(FrameId::Text(id.clone())) => return Ok(true),
            ServerFrame::Error(refusal) => {
                let why = format_args!("{}: {}", refusal.code, refusal.message);
                bench.record.flaw(Flaw::Error, why);
                return Ok(false);
            }
            _ => {}
        }
    }
}

impl Receiver {
    async fn come_back(&mut self) -> anyhow::Result<()> {
        let line = self.client.line(self.cursor.as_deref()).await;
        self.line = Some(line.context("an agent could not open its line")?);
        Ok(())
    }

    /// Reads up to the message with this number.
    async fn receive(&mut self, bench: &Bench, number: u64) -> anyhow::Result<()> {
        while self.received <= number {
            if self.line.is_none() {
                self.come_back().await?;
            }
            let Some(line) = &mut self.line else {
                continue;
            };
            match tokio::time::timeout(PATIENCE, line.next()).await {
                Ok(Ok(ServerFrame::DirectMessage(message))) => self.hears(bench, message),
                Ok(Ok(_)) => {}
                // It comes back with its cursor.
                Ok(Err(_)) => self.line = None,
                Err(_) => {
                    let why = format_args!("direct message {number} did not come");
                    bench.record.flaw(Flaw::Lost(1), why);
                    self.received = number + 1;
                }
            }
        }
        Ok(())
    }

    fn hears(&mut self, bench: &Bench, message: DirectMessage) {
        bench.record.delivered();
        let Ok(number) = message.content.parse::<u64>() else {
            let why = format_args!(
                "a direct message came that nobody wrote: {}",
                message.content
            );
            return bench.record.flaw(Flaw::Error, why);
        };
        if number < self.received {
            let why = format_args!("direct message {number} came again");
            bench.record.flaw(Flaw::Doubled, why);
            return;
        }
        if number > self.received {
            let why = format_args!("direct message {number} came instead of {}", self.received);
            bench.record.flaw(Flaw::Lost(number - self.received), why);
        }
        self.received = number + 1;
        self.cursor = Some(message.cursor);
    }
}

/// Messages from one time that the line is dropped to the next.
const DROPS_EVERY: u64 = 20;
/// Longer than anything takes that works.
const PATIENCE: Duration = Duration::from_secs(30);
