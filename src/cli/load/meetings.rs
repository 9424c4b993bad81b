//! Meetings at once, in which every agent speaks as soon as it is asked.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail};
use clap::Args;
use serde::de::IgnoredAny;
use serde_json::json;
use tokio::sync::Barrier;
use tokio::task::JoinSet;
use uuid::Uuid;

use super::Bench;
use super::report::{Flaws, Report, Times};
use super::witness::{OPINION, Witness};
use crate::client::{Client, Credentials, Ended, ServerFrame, Socket, Then};
use crate::clock::Clock;
use crate::wire::CloseCode;

/// Hold meetings: every agent speaks in its turn, in every round, and votes.
#[derive(Args)]
pub(super) struct Meetings {
    /// How many at once.
    #[arg(long = "meetings", value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    count: u32,
    /// Agents in each.
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=256))]
    agents: u32,
    /// Rounds of each.
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=50))]
    rounds: u32,
    /// How long an agent thinks before it speaks.
    #[arg(long, value_name = "MS", default_value_t = 0)]
    think_ms: u64,
    /// How much it says.
    #[arg(long, value_name = "BYTES", default_value_t = 300, value_parser = clap::value_parser!(u32).range(1..=65_536))]
    opinion_bytes: u32,
}

/// Hold meetings whose agents drop their connections when they are asked, and resume.
#[derive(Args)]
pub(super) struct Churn {
    #[command(flatten)]
    meetings: Meetings,
    /// How often an agent that is asked drops its connection instead of answering, and comes back.
    #[arg(long, value_name = "PERCENT", default_value_t = 10, value_parser = clap::value_parser!(u8).range(0..=90))]
    drop_percent: u8,
}

impl Churn {
    pub(super) async fn play(&self, bench: &Bench) -> anyhow::Result<Report> {
        self.meetings.play(bench, self.drop_percent).await
    }
}

impl Meetings {
    pub(super) async fn play(&self, bench: &Bench, drop_percent: u8) -> anyhow::Result<Report> {
        let (meetings, each) = (self.count as usize, self.agents as usize);
        let agents = bench.agents(meetings * each).await?;
        let turns = u64::from(self.count) * u64::from(self.agents) * u64::from(self.rounds);
        bench.progress.set_length(turns);
        // They all begin when the last has come in.
        let barrier = Arc::new(Barrier::new(meetings * each + 1));
        let mut sitting = JoinSet::new();
        let mut opened = Vec::with_capacity(meetings);
        for seated in agents.chunks(each) {
            let meeting = self.open(bench, seated).await?;
            opened.push(meeting);
            for credentials in seated {
                let sitter = Sitter {
                    drop_percent,
                    ..self.sitter(bench, credentials, meeting)?
                };
                sitting.spawn(sitter.sit(Arc::clone(&barrier)));
            }
        }
        tokio::select! {
            _ = barrier.wait() => {}
            // Nobody waits before the meeting is over, but for one that could not come in: the others would wait for it for ever.
            Some(early) = sitting.join_next() => {
                early??;
            }
        }
        let began = bench.clock.elapsed();
        for meeting in opened {
            let start = format!("/api/v1/meetings/{meeting}/start");
            bench.admin.post::<IgnoredAny>(&start, &json!({})).await?;
        }
        let mut report = Report {
            what: "turn",
            count: 0,
            deliveries: 0,
            took: Duration::ZERO,
            times: Times::default(),
            flaws: Flaws::default(),
        };
        while let Some(sat) = sitting.join_next().await {
            let witness = sat??;
            report.count += witness.turns;
            report.deliveries += witness.deliveries;
            report.times.add(&witness.times);
            report.flaws.add(witness.flaws);
        }
        report.took = bench.since(began);
        if report.count < turns {
            report.flaws.lost += turns - report.count;
            report.flaws.because(format_args!(
                "{turns} turns were to come, {} came",
                report.count
            ));
        }
        Ok(report)
    }

    async fn open(&self, bench: &Bench, seated: &[Credentials]) -> anyhow::Result<Uuid> {
        let ids: Vec<_> = seated.iter().map(|agent| agent.id).collect();
        let meeting = json!({
            "topic": "What can it bear?", "participant_ids": ids, "admission": "invited",
            "max_discussion_rounds": self.rounds, "turn_order": "rotate",
        });
        Ok(bench.admin.create_meeting(&meeting).await?)
    }

    fn sitter(&self, bench: &Bench, agent: &Credentials, meeting: Uuid) -> anyhow::Result<Sitter> {
        Ok(Sitter {
            client: bench.admin.with_token(&agent.token)?,
            clock: bench.clock.clone(),
            progress: bench.progress.clone(),
            agent: agent.id,
            meeting,
            think: Duration::from_millis(self.think_ms),
            opinion: "o".repeat(self.opinion_bytes as usize),
            drop_percent: 0,
            witness: Witness::of(agent.id),
        })
    }
}

/// One agent in its meeting.
struct Sitter {
    client: Client,
    clock: Clock,
    progress: indicatif::ProgressBar,
    agent: Uuid,
    meeting: Uuid,
    think: Duration,
    opinion: String,
    drop_percent: u8,
    witness: Witness,
}

impl Sitter {
    async fn sit(mut self, barrier: Arc<Barrier>) -> anyhow::Result<Witness> {
        let mut socket = self.enter().await?;
        barrier.wait().await;
        loop {
            let ended = self.converse(&mut socket).await;
            if ended.code == CloseCode::MEETING_OVER.code {
                break;
            }
            if ended.then() == Then::Stop {
                bail!("an agent was sent away: {ended}");
            }
            socket = self.enter().await?;
            for id in self.witness.unanswered() {
                self.say(&mut socket, &id).await;
            }
        }
        let over = self.client.meeting(self.meeting).await?;
        let last_seq = over["last_seq"]
            .as_u64()
            .context("a meeting has a last_seq")?;
        self.witness.ends(last_seq);
        Ok(self.witness)
    }

    fn drops(&self) -> bool {
        let [dice] = self.clock.bytes::<1>();
        u32::from(dice) * 100 < u32::from(self.drop_percent) * 256
    }

    async fn enter(&self) -> anyhow::Result<Socket> {
        let after = Some(self.witness.last_seq());
        let socket = self.client.attend(self.meeting, self.agent, after).await;
        socket.context("an agent could not come in")
    }

    async fn converse(&mut self, socket: &mut Socket) -> Ended {
        loop {
            let frame = match socket.next().await {
                Ok(frame) => frame,
                Err(ended) => return ended,
            };
            self.witness.hears(&frame, self.clock.elapsed());
            let is_asked = matches!(
                frame,
                ServerFrame::OpinionRequest(_) | ServerFrame::ConsensusRequest(_)
            );
            if is_asked && self.drops() {
                return Ended {
                    code: Ended::LOST,
                    reason: "dropped on purpose".to_owned(),
                };
            }
            let id = match &frame {
                ServerFrame::OpinionRequest(request) => {
                    if !self.think.is_zero() {
                        tokio::time::sleep(self.think).await;
                    }
                    format!("{OPINION} {}", request.round)
                }
                ServerFrame::ConsensusRequest(request) => format!("vote {}", request.round),
                _ => continue,
            };
            if self.witness.says(&id, self.clock.elapsed()) {
                self.say(socket, &id).await;
            }
        }
    }

    /// A connection that takes no more says why when it is read.
    async fn say(&self, socket: &mut Socket, id: &str) {
        let _ = if id.starts_with(OPINION) {
            self.progress.inc(1);
            socket.speak(id, &self.opinion, None).await
        } else {
            // Against it, so that there is another round.
            socket.vote(id, Some(false), None).await
        };
    }
}
