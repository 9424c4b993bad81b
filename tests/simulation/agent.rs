//! An agent in a meeting: it comes back until the meeting is over, and notes all that it hears.

use std::time::Duration;

use rand::RngExt;
use rand::rngs::StdRng;
use serde_json::{Value, json};
use synod::client::frame::{Ack, Refusal};
use synod::client::{Client, Error, ServerFrame, Socket, Then};
use synod::wire::FrameId;
use tokio::time::{sleep, timeout};
use uuid::Uuid;

use super::plan::between;
use super::temper::Temper;
use super::world::{Simulated, World};
use crate::log::Log;

/// One connection after another of an agent to a meeting.
pub(crate) struct Sitter {
    pub(crate) world: World,
    pub(crate) name: String,
    pub(crate) agent: Uuid,
    /// Somebody else.
    pub(crate) other: Uuid,
    pub(crate) token: String,
    pub(crate) meeting: Uuid,
    pub(crate) temper: Temper,
    pub(crate) dice: StdRng,
    pub(crate) log: Log,
    /// Ids and texts of frames whose answer it has not heard.
    pub(crate) unanswered: Vec<(FrameId, String)>,
}

/// What becomes of a sitter.
enum Next {
    Goes,
    ComesBack,
}

impl Sitter {
    /// Sits until the meeting is over, or until it is told not to come back.
    pub(crate) async fn sit(mut self) -> Log {
        loop {
            let url = self.world.any_server(&mut self.dice);
            let client = Client::over(Simulated, &url, &self.token).unwrap();
            let entering = client.attend(self.meeting, self.agent, self.log.last_seq());
            match timeout(PATIENCE, entering).await {
                Ok(Ok(socket)) => {
                    if let Next::Goes = self.converse(socket).await {
                        return self.log;
                    }
                }
                Ok(Err(Error::Refused(refused))) => {
                    self.note(format!("refused: {refused}"));
                    let will_pass =
                        refused.status.is_server_error() || refused.status.as_u16() == 429;
                    assert!(will_pass, "{}: {refused}", self.name);
                }
                Ok(Err(error)) => self.note(error),
                Err(_) => self.note("no answer to the handshake"),
            }
            sleep(between(&mut self.dice, 50..=1_500)).await;
        }
    }

    async fn converse(&mut self, mut socket: Socket) -> Next {
        for (_, text) in &self.unanswered {
            self.note(format!("sends again: {text}"));
            let _ = timeout(PATIENCE, socket.send_text(text.clone())).await;
        }
        loop {
            let text = match timeout(PATIENCE, socket.next_text()).await {
                Ok(Ok(text)) => text,
                Ok(Err(ended)) => {
                    self.note(&ended);
                    let then = ended.then();
                    self.log.endings.push(ended);
                    return match then {
                        Then::Stop => Next::Goes,
                        Then::ResumeLater | Then::ResumeAtOnce => Next::ComesBack,
                    };
                }
                // Nothing came for long: the line may be dead.
                Err(_) => return Next::ComesBack,
            };
            self.note(&text);
            let frame = self.log.hear(&text);
            if let ServerFrame::Ack(Ack { id: Some(id), .. })
            | ServerFrame::Error(Refusal { id: Some(id), .. }) = &frame
            {
                self.unanswered.retain(|(unanswered, _)| unanswered != id);
            }
            if self.temper.flaps(&mut self.dice) {
                self.note("drops its connection");
                return Next::ComesBack;
            }
            if let Some(deaf) = self.temper.stalls(&mut self.dice) {
                sleep(deaf).await;
            }
            let mut says = self.temper.blurts(&mut self.dice, self.agent, self.other);
            says.extend(self.answer(&frame).await);
            for frame in says {
                let text = frame.to_string();
                self.log.said.push(text.clone());
                if let Ok(id) = serde_json::from_value(frame["id"].clone()) {
                    self.unanswered.push((id, text.clone()));
                }
                // A connection that takes no more says so when it is read.
                let _ = timeout(PATIENCE, socket.send_text(text)).await;
            }
        }
    }

    /// What it says to what it is asked. Sent again after a lost connection, it has the same id.
    async fn answer(&mut self, frame: &ServerFrame) -> Option<Value> {
        let (round, is_vote) = match frame {
            ServerFrame::OpinionRequest(request) => (request.round, false),
            ServerFrame::ConsensusRequest(request) => (request.round, true),
            _ => return None,
        };
        if !self.temper.answers() {
            return None;
        }
        sleep(self.temper.thinks(&mut self.dice)).await;
        if self.temper == Temper::Leaving && self.dice.random_bool(0.3) {
            return Some(json!({"type": "leave", "id": "goodbye"}));
        }
        // What is sent under one id is the same whenever it is sent.
        Some(if is_vote {
            let agrees = (self.agent.as_u128() ^ u128::from(round)) & 3 != 0;
            json!({"type": "consensus_vote", "agrees": agrees, "rationale": "so it is", "id": format!("vote {round}")})
        } else {
            let content = format!("what {} thinks in round {round}", self.name);
            json!({"type": "opinion", "content": content, "id": format!("opinion {round}")})
        })
    }

    fn note(&self, what: impl std::fmt::Display) {
        self.world.chronicle.note(&self.name, what);
    }
}

/// Longer than the server lets a connection be silent.
const PATIENCE: Duration = Duration::from_secs(12);
