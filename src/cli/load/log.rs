//! Messages into the communication log, at a rate or as fast as they are taken, and all of them read back.
//!
//! Each client numbers its messages and waits for each answer before it sends the next, so what is kept of a client must be its numbers,
//! one by one, in order. That is checked page by page, and nothing is remembered but where the count stands.
//!
//! A rate is a schedule. What waits behind a slow answer waited since it was due, and that is the time it is counted from: without it the
//! slowest answers would hide all that they held up. Gil Tene calls that coordinated omission, and what is measured here response time, not service time.

use std::cmp::Ordering;
use std::time::Duration;

use anyhow::Context;
use clap::Args;
use futures_util::stream::{self, StreamExt, TryStreamExt};
use serde_json::{Value, json};
use tokio::task::JoinSet;
use uuid::Uuid;

use super::Bench;
use super::record::{Flaw, What};
use crate::client::Client;

/// Log messages between agents, and read them all back.
#[derive(Args)]
pub(super) struct Log {
    /// Messages a second of all clients together, each counted from when it was due, however late a slow answer let it be sent. All
    /// that are due are sent. 0 is as fast as they are answered.
    #[arg(long, value_name = "N", default_value_t = 0)]
    rate: u32,
    /// For how long.
    #[arg(long, value_name = "S", default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=86_400))]
    seconds: u32,
    #[command(flatten)]
    writers: Writers,
}

/// Who writes, and how much at once.
#[derive(Args, Clone, Copy)]
pub(super) struct Writers {
    /// Who send at once.
    #[arg(long, value_name = "N", default_value_t = 32, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    pub(super) clients: u32,
    /// How long a message is.
    #[arg(long, value_name = "BYTES", default_value_t = 300, value_parser = clap::value_parser!(u32).range(20..=1_048_576))]
    pub(super) message_bytes: u32,
}

/// One client that sends.
struct Sender {
    bench: Bench,
    client: Client,
    from: Uuid,
    to: Uuid,
    topic: String,
    message_bytes: u32,
}

/// When it sends.
struct Schedule {
    /// From one message to the next; nothing is as soon as the last is answered.
    pace: Option<Duration>,
    first: Duration,
    until: Duration,
}

/// What one client wrote.
struct Written {
    sender: Sender,
    numbers: u64,
    /// Of which it does not know.
    unanswered: u64,
}

impl Log {
    pub(super) async fn play(&self, bench: &Bench) -> anyhow::Result<()> {
        let messages = u64::from(self.rate) * u64::from(self.seconds);
        bench.record.expect(What::Message, messages);
        let length = Duration::from_secs(self.seconds.into());
        self.writers.write(bench, self.rate, length).await
    }
}

impl Writers {
    /// Sends at a rate, or flat out where it is 0, for so long, and reads everything back.
    pub(super) async fn write(
        self,
        bench: &Bench,
        rate: u32,
        length: Duration,
    ) -> anyhow::Result<()> {
        let agents = bench.agents(self.clients as usize).await?;
        let topic = format!("load-{}", bench.clock.id());
        let began = bench.clock.elapsed();
        let pace = (rate > 0).then(|| Duration::from_secs(1) * self.clients / rate);
        let mut sending = JoinSet::new();
        for (nth, agent) in agents.iter().enumerate() {
            let sender = Sender {
                bench: bench.clone(),
                client: bench.admin.with_token(&agent.token)?,
                from: agent.id,
                to: agents[(nth + 1) % agents.len()].id,
                topic: topic.clone(),
                message_bytes: self.message_bytes,
            };
            // Spread evenly over the time from one message to the next.
            let first = pace.unwrap_or_default() * u32::try_from(nth)? / self.clients;
            sending.spawn(sender.send(Schedule {
                pace,
                first: began + first,
                until: began + length,
            }));
        }
        let written = sending.join_all().await;
        let checked = stream::iter(written).map(|written| Ok(written.check()));
        let checked = checked.try_buffer_unordered(READ_AT_ONCE);
        checked.try_collect().await
    }
}

impl Sender {
    async fn send(self, schedule: Schedule) -> Written {
        let (mut numbers, mut unanswered, mut due) = (0, 0, schedule.first);
        loop {
            let now = self.bench.clock.elapsed();
            if schedule.pace.is_none() {
                due = now;
            }
            if due >= schedule.until {
                break;
            }
            tokio::time::sleep(due.saturating_sub(now)).await;
            let message = json!({
                "sender_id": self.from, "receiver_id": self.to, "topic": self.topic,
                "message_content": content(numbers, self.message_bytes),
            });
            numbers += 1;
            let answer = self
                .client
                .post::<Value>("/api/v1/communications", &message);
            match answer.await {
                Ok(_) => self.bench.record.took(What::Message, due),
                Err(error) => {
                    unanswered += 1;
                    self.bench.record.flaw(Flaw::Error, error);
                }
            }
            due += schedule.pace.unwrap_or_default();
        }
        Written {
            sender: self,
            numbers,
            unanswered,
        }
    }
}

impl Written {
    /// Reads what is kept of it, the newest first.
    async fn check(self) -> anyhow::Result<()> {
        let Sender {
            bench,
            from,
            topic,
            message_bytes,
            ..
        } = &self.sender;
        // No page is larger than the largest message that may be sent.
        let rows = (PAGE_MAX_BYTES / message_bytes).clamp(1, PAGE_MAX_ROWS);
        let first =
            format!("/api/v1/communications?sender_id={from}&topic={topic}&page_size={rows}");
        let (mut path, mut countdown) = (first.clone(), Countdown::from(self.numbers));
        loop {
            let page: Value = bench.admin.get(&path).await?;
            let rows = page["communications"].as_array();
            for row in rows.context("a page has communications")? {
                let said = row["message_content"].as_str().unwrap_or_default();
                let number = said.get(..DIGITS).and_then(|digits| digits.parse().ok());
                match number.filter(|number| content(*number, *message_bytes) == said) {
                    Some(number) => countdown.sees(number),
                    None => bench
                        .record
                        .flaw(Flaw::Lost(1), "a message is not kept as it was sent"),
                }
            }
            match page["next_cursor"].as_str() {
                Some(cursor) => path = format!("{first}&cursor={cursor}"),
                None => break,
            }
        }
        countdown.ends(self.unanswered, |flaw| {
            bench.record.flaw(
                flaw,
                format_args!("what is kept of {from} is not what it sent"),
            );
        });
        Ok(())
    }
}

/// A client's numbers as they must come: from the last to 0, each once.
struct Countdown {
    /// One more than what must come next.
    above: u64,
    lost: u64,
    doubled: u64,
    out_of_order: u64,
}

impl Countdown {
    /// So many numbers.
    fn from(numbers: u64) -> Self {
        Self {
            above: numbers,
            lost: 0,
            doubled: 0,
            out_of_order: 0,
        }
    }

    fn sees(&mut self, number: u64) {
        match number.cmp(&self.above) {
            Ordering::Less => {
                self.lost += self.above - number - 1;
                self.above = number;
            }
            Ordering::Equal => self.doubled += 1,
            Ordering::Greater => match self.lost.checked_sub(1) {
                // It is the one that seemed to be lost, as far as can be told without a list.
                Some(others) => {
                    self.lost = others;
                    self.out_of_order += 1;
                }
                None => self.doubled += 1,
            },
        }
    }

    /// There are no more. What was not answered may be kept or not.
    fn ends(self, unanswered: u64, mut flaw: impl FnMut(Flaw)) {
        let lost = (self.lost + self.above).saturating_sub(unanswered);
        if lost > 0 {
            flaw(Flaw::Lost(lost));
        }
        (0..self.doubled).for_each(|_| flaw(Flaw::Doubled));
        (0..self.out_of_order).for_each(|_| flaw(Flaw::OutOfOrder));
    }
}

/// The message with this number.
fn content(number: u64, bytes: u32) -> String {
    let padding = (bytes as usize).saturating_sub(DIGITS);
    format!("{number:0DIGITS$}{:m<padding$}", "")
}

/// Of a message's number: of any number there is.
const DIGITS: usize = 20;
/// Clients whose messages are read back at once.
const READ_AT_ONCE: usize = 4;
/// As many as one page may have.
const PAGE_MAX_ROWS: u32 = 500;
/// What is asked for at once, at most.
const PAGE_MAX_BYTES: u32 = 4_194_304;

#[cfg(test)]
mod tests {
    use super::*;

    /// What is wrong with these, of four messages.
    fn flaws(numbers: &[u64], unanswered: u64) -> Vec<Flaw> {
        let (mut countdown, mut flaws) = (Countdown::from(4), Vec::new());
        for number in numbers {
            countdown.sees(*number);
        }
        countdown.ends(unanswered, |flaw| flaws.push(flaw));
        flaws
    }

    #[test]
    fn what_is_kept_is_what_was_sent_once_and_in_order() {
        assert_eq!(flaws(&[3, 2, 1, 0], 0), []);
        assert_eq!(flaws(&[3, 1, 0], 0), [Flaw::Lost(1)]);
        assert_eq!(flaws(&[2, 1, 0], 0), [Flaw::Lost(1)]);
        assert_eq!(flaws(&[3, 2], 0), [Flaw::Lost(2)]);
        assert_eq!(flaws(&[3, 2, 2, 1, 0], 0), [Flaw::Doubled]);
        assert_eq!(flaws(&[3, 2, 1, 3, 0], 0), [Flaw::Doubled]);
        assert_eq!(flaws(&[3, 1, 2, 0], 0), [Flaw::OutOfOrder]);
        assert_eq!(flaws(&[3, 1, 0, 2], 0), [Flaw::OutOfOrder]);
        assert_eq!(flaws(&[3, 1, 0], 1), [], "it was never answered");
    }

    #[test]
    fn a_message_is_as_long_as_it_is_meant_to_be() {
        assert_eq!(content(7, 24), "00000000000000000007mmmm");
        assert_eq!(content(u64::MAX, 20).len(), 20);
    }
}
