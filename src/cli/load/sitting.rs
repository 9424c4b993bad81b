//! One meeting from its first connection to its last event: what every scenario with meetings is made of.

use std::time::Duration;

use anyhow::{Context, bail};
use clap::Args;
use futures_util::stream::{self, StreamExt, TryStreamExt};
use serde::de::IgnoredAny;
use serde_json::json;
use tokio::task::JoinSet;
use uuid::Uuid;

use super::Bench;
use super::record::{Flaw, Record, What};
use super::witness::{OPINION, Witness};
use crate::client::{Client, Credentials, Ended, ServerFrame, Socket, Then};
use crate::clock::Clock;
use crate::wire::CloseCode;

/// How much is said, and how fast.
#[derive(Args, Clone, Copy)]
pub(super) struct Talk {
    /// Rounds of each meeting.
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=50))]
    pub(super) rounds: u32,
    /// How long an agent thinks before it speaks.
    #[arg(long, value_name = "MS", default_value_t = 0)]
    pub(super) think_ms: u64,
    /// How much it says.
    #[arg(long, value_name = "BYTES", default_value_t = 300, value_parser = clap::value_parser!(u32).range(1..=65_536))]
    pub(super) opinion_bytes: u32,
    /// How often, in percent, an agent that is asked drops its connection instead of answering, and comes back.
    #[arg(skip)]
    pub(super) drop_percent: u8,
}

/// A meeting whose agents are all there, and that has not begun.
pub(super) struct Sitting {
    meeting: Uuid,
    turns: u64,
    there: Vec<(Sitter, Socket)>,
}

/// One agent in its meeting.
struct Sitter {
    client: Client,
    clock: Clock,
    record: Record,
    agent: Uuid,
    meeting: Uuid,
    talk: Talk,
    witness: Witness,
}

/// When an agent drops its connection.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Drops {
    InsteadOfAnswering,
    BeforeTheAck,
}

impl Sitting {
    /// Creates a meeting, and lets its agents come in.
    pub(super) async fn open(
        bench: &Bench,
        agents: &[Credentials],
        talk: Talk,
    ) -> anyhow::Result<Self> {
        let ids: Vec<_> = agents.iter().map(|agent| agent.id).collect();
        let meeting = json!({
            "topic": "What can it bear?", "participant_ids": ids, "admission": "invited",
            "max_discussion_rounds": talk.rounds, "turn_order": "rotate",
        });
        let meeting = bench.admin.create_meeting(&meeting).await?;
        let sitters = agents
            .iter()
            .map(|agent| Sitter::new(bench, agent, meeting, talk));
        let sitters: Vec<_> = sitters.collect::<anyhow::Result<_>>()?;
        let coming = stream::iter(sitters).map(Sitter::come_in);
        Ok(Self {
            meeting,
            turns: agents.len() as u64 * u64::from(talk.rounds),
            there: coming.buffered(ENTER_AT_ONCE).try_collect().await?,
        })
    }

    /// How many turns there will be.
    pub(super) fn turns(&self) -> u64 {
        self.turns
    }

    /// Starts it, and lets everyone speak until it is over.
    pub(super) async fn hold(self, bench: &Bench) -> anyhow::Result<()> {
        let mut sitting = JoinSet::new();
        for (sitter, socket) in self.there {
            sitting.spawn(sitter.sit(socket));
        }
        let start = format!("/api/v1/meetings/{}/start", self.meeting);
        bench.admin.post::<IgnoredAny>(&start, &json!({})).await?;
        let mut turns = 0;
        while let Some(sat) = sitting.join_next().await {
            turns += sat??;
        }
        if turns < self.turns {
            let why = format_args!("{} turns were to come, {turns} came", self.turns);
            bench.record.flaw(Flaw::Lost(self.turns - turns), why);
        }
        Ok(())
    }
}

impl Sitter {
    fn new(bench: &Bench, agent: &Credentials, meeting: Uuid, talk: Talk) -> anyhow::Result<Self> {
        Ok(Self {
            client: bench.admin.with_token(&agent.token)?,
            clock: bench.clock.clone(),
            record: bench.record.clone(),
            agent: agent.id,
            meeting,
            talk,
            witness: Witness::of(agent.id, bench.record.clone()),
        })
    }

    async fn come_in(self) -> anyhow::Result<(Self, Socket)> {
        let socket = self.enter().await?;
        Ok((self, socket))
    }

    /// Answers how often it spoke.
    async fn sit(mut self, mut socket: Socket) -> anyhow::Result<u64> {
        loop {
            let ended = self.converse(&mut socket).await;
            if ended
                .as_ref()
                .is_some_and(|ended| ended.code == CloseCode::MEETING_OVER.code)
            {
                break;
            }
            // What was dropped on purpose goes without a goodbye, as where a network fails.
            drop(socket);
            if let Some(ended) = ended {
                self.wait_to_resume(&ended).await?;
            }
            let began = self.clock.elapsed();
            socket = self.enter().await?;
            self.record.took(What::Resume, began);
            for id in self.witness.unanswered() {
                self.say(&mut socket, &id).await;
            }
        }
        let over = self.client.meeting(self.meeting).await?;
        let last_seq = over["last_seq"].as_u64();
        Ok(self
            .witness
            .ends(last_seq.context("a meeting has a last_seq")?))
    }

    async fn wait_to_resume(&self, ended: &Ended) -> anyhow::Result<()> {
        match ended.then() {
            Then::Stop => bail!("an agent was sent away: {ended}"),
            Then::ResumeLater => tokio::time::sleep(ended.wait()).await,
            Then::ResumeAtOnce => {}
        }
        Ok(())
    }

    /// Whether, asked this, it drops its connection, and when.
    fn drops(&self, is_opinion: bool) -> Option<Drops> {
        let [dice, coin] = self.clock.bytes();
        let drops = u32::from(dice) * 100 < u32::from(self.talk.drop_percent) * 256;
        // A meeting may be over with its last vote, and whoever comes back then is not answered any more.
        let is_silent = !is_opinion || coin % 2 == 0;
        drops.then_some(if is_silent {
            Drops::InsteadOfAnswering
        } else {
            Drops::BeforeTheAck
        })
    }

    async fn enter(&self) -> anyhow::Result<Socket> {
        let after = Some(self.witness.last_seq());
        let socket = self.client.attend(self.meeting, self.agent, after).await;
        socket.context("an agent could not come in")
    }

    /// Answers how the connection ended; nothing if it is to be dropped.
    async fn converse(&mut self, socket: &mut Socket) -> Option<Ended> {
        loop {
            let frame = match socket.next().await {
                Ok(frame) => frame,
                Err(ended) => return Some(ended),
            };
            self.witness.hears(&frame);
            let (id, is_opinion) = match &frame {
                ServerFrame::OpinionRequest(request) => {
                    (format!("{OPINION} {}", request.round), true)
                }
                ServerFrame::ConsensusRequest(request) => {
                    (format!("vote {}", request.round), false)
                }
                _ => continue,
            };
            let drops = self.drops(is_opinion);
            if drops == Some(Drops::InsteadOfAnswering) {
                return None;
            }
            if is_opinion && self.talk.think_ms > 0 {
                tokio::time::sleep(Duration::from_millis(self.talk.think_ms)).await;
            }
            if self.witness.says(&id, self.clock.elapsed()) {
                self.say(socket, &id).await;
            }
            if drops.is_some() {
                return None;
            }
        }
    }

    /// A connection that takes no more says why when it is read.
    async fn say(&self, socket: &mut Socket, id: &str) {
        let _ = if id.starts_with(OPINION) {
            let opinion = "o".repeat(self.talk.opinion_bytes as usize);
            socket.speak(id, &opinion, None).await
        } else {
            // Against it, so that there is another round.
            socket.vote(id, Some(false), None).await
        };
    }
}

/// Enough to be quick, few enough not to be the load.
const ENTER_AT_ONCE: usize = 32;
