//! A built-in agent: it speaks and votes as its part says, over a WebSocket as any agent would.

use std::time::Duration;

use anyhow::{Context, bail};
use uuid::Uuid;

use super::script::{Part, Turn};
use crate::client::frame::{Opinion, ServerFrame};
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

/// How long agents think, so that a person can follow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pace {
    /// As long as it takes to read what was said.
    Reading,
    /// Not at all.
    Fast,
}

impl Agent {
    /// Takes part in a meeting until it is over.
    pub(super) async fn attend(self, meeting: Uuid) -> anyhow::Result<()> {
        let name = &self.part.name;
        let socket = self.client.attend(meeting, self.id, None).await;
        let socket = socket.with_context(|| format!("{name} could not enter the meeting"))?;
        let played = self.play(socket).await;
        played.with_context(|| format!("{name} could not stay to the end"))
    }

    async fn play(&self, mut socket: Socket) -> anyhow::Result<()> {
        loop {
            match socket.next().await {
                Ok(ServerFrame::OpinionRequest(request)) => {
                    let turn = self.turn(request.round)?;
                    self.pace.read(&request.opinions).await;
                    let id = format!("opinion-{}", request.round);
                    socket
                        .speak(&id, &turn.content, turn.proposal.as_deref())
                        .await?;
                }
                Ok(ServerFrame::ConsensusRequest(request)) => {
                    let turn = self.turn(request.round)?;
                    self.pace.raise_hand(self.seat).await;
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

    fn turn(&self, round: u32) -> anyhow::Result<&Turn> {
        let index = usize::try_from(round)?.saturating_sub(1);
        let turn = self.part.rounds.get(index);
        turn.with_context(|| format!("there should have been no round {round}"))
    }
}

impl Pace {
    /// Long enough to read what the last speaker said, and never tedious.
    async fn read(self, opinions: &[Opinion]) {
        let last = opinions.last().map_or(0, |opinion| opinion.content.len());
        let millis = u64::try_from(last).unwrap_or(0) * 18;
        self.pause(Duration::from_millis(millis.clamp(1_500, 4_500)))
            .await;
    }

    /// One hand after the other.
    async fn raise_hand(self, seat: u32) {
        self.pause(Duration::from_millis(700) * (seat + 1)).await;
    }

    /// Time to read a heading or a result.
    async fn pause(self, time: Duration) {
        if self == Self::Reading {
            tokio::time::sleep(time).await;
        }
    }
}
