//! A built-in agent: it speaks and votes as its part says, over a WebSocket as any agent would.

use std::time::Duration;

use anyhow::{Context, bail};
use uuid::Uuid;

use super::script::{Part, Turn};
use crate::client::frame::{Motion, Opinion, ServerFrame};
use crate::client::{Client, Socket};
use crate::wire::CloseCode;

/// One agent of the demo.
pub(super) struct Agent {
    /// Its place in the speaking order.
    pub(super) seat: u32,
    /// Its id.
    pub(super) id: Uuid,
    /// The server, seen with its token.
    pub(super) client: Client,
    /// What it will say.
    pub(super) part: Part,
    /// How long it takes for that.
    pub(super) pace: Pace,
}

/// An agent that is in a meeting.
pub(super) struct Seated {
    agent: Agent,
    socket: Socket,
}

/// How long agents think, so that a person can follow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pace {
    /// As long as it takes to read what was said.
    Reading,
    /// Not at all.
    Fast,
}

impl Agent {
    /// Comes into a meeting.
    pub(super) async fn enter(self, meeting: Uuid) -> anyhow::Result<Seated> {
        self.pace.enter().await;
        let socket = self.client.attend(meeting, self.id, None).await;
        let socket =
            socket.with_context(|| format!("{} could not enter the meeting", self.part.name))?;
        Ok(Seated {
            agent: self,
            socket,
        })
    }

    fn turn(&self, round: u32) -> anyhow::Result<&Turn> {
        let index = usize::try_from(round)?.saturating_sub(1);
        let turn = self.part.rounds.get(index);
        turn.with_context(|| format!("there should have been no round {round}"))
    }
}

impl Seated {
    /// Takes part in the meeting until it is over.
    pub(super) async fn stay(mut self) -> anyhow::Result<()> {
        let played = self.play().await;
        played.with_context(|| format!("{} could not stay to the end", self.agent.part.name))
    }

    async fn play(&mut self) -> anyhow::Result<()> {
        let Self { agent, socket } = self;
        loop {
            match socket.next().await {
                Ok(ServerFrame::OpinionRequest(request)) => {
                    let turn = agent.turn(request.round)?;
                    let last = request.opinions.last();
                    agent.pace.read(last, request.motion.as_ref()).await;
                    let id = format!("opinion-{}", request.round);
                    let proposal = turn.proposal.as_deref();
                    socket.speak(&id, &turn.content, proposal).await?;
                }
                Ok(ServerFrame::ConsensusRequest(request)) => {
                    let turn = agent.turn(request.round)?;
                    agent.pace.read(request.opinions.last(), None).await;
                    agent.pace.raise_hand(agent.seat).await;
                    let id = format!("vote-{}", request.round);
                    socket.vote(&id, turn.agrees, Some(&turn.rationale)).await?;
                }
                Ok(ServerFrame::Error(refusal)) => {
                    bail!("the server refused: {} ({})", refusal.message, refusal.code)
                }
                Ok(
                    ServerFrame::Connected(_)
                    | ServerFrame::MeetingEvent(_)
                    | ServerFrame::DirectMessage(_)
                    | ServerFrame::Ack(_)
                    | ServerFrame::Unknown,
                ) => {}
                Err(ended) if ended.code == CloseCode::MEETING_OVER.code => return Ok(()),
                Err(ended) => return Err(ended.into()),
            }
        }
    }
}

impl Pace {
    async fn enter(self) {
        self.pause(Duration::from_millis(400)).await;
    }

    /// Long enough to read what the last speaker said and proposed, or else the result of a ballot.
    async fn read(self, last: Option<&Opinion>, motion: Option<&Motion>) {
        let said = last.map_or(0, |opinion| {
            let motion = motion.filter(|motion| motion.proposed_by == opinion.agent_id);
            opinion.content.len() + motion.map_or(0, |motion| motion.content.len())
        });
        let time = Duration::from_millis(18) * u32::try_from(said).unwrap_or(u32::MAX);
        let time = time.clamp(Duration::from_millis(2_000), Duration::from_millis(6_000));
        self.pause(time).await;
    }

    /// One hand after the other.
    async fn raise_hand(self, seat: u32) {
        self.pause(Duration::from_millis(700) * seat).await;
    }

    /// Time to read a heading or a result.
    async fn pause(self, time: Duration) {
        if self == Self::Reading {
            tokio::time::sleep(time).await;
        }
    }
}
