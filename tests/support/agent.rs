//! Agents: known to a server, and, with a script, able to sit through a whole meeting.

use serde_json::json;
use synod::client::frame::{ConsensusRequest, OpinionRequest};
use synod::client::{Client, ServerFrame, Socket, Then};
use tokio::task::JoinHandle;
use uuid::Uuid;

use super::log::Log;
use super::patience::{eventually, within};
use super::talk::{Talk, opinion, vote};

/// An agent that a server knows.
#[derive(Clone)]
pub(crate) struct Agent {
    pub(crate) id: Uuid,
    pub(crate) name: String,
    /// The server, seen with the agent's token.
    pub(crate) client: Client,
    pub(crate) token: String,
}

/// What an agent is asked.
pub(crate) enum Asked {
    ToSpeak(OpinionRequest),
    ToVote(ConsensusRequest),
}

/// What it does then.
pub(crate) enum Does {
    /// Speaks.
    Says(String),
    /// Speaks and puts a motion forward.
    Proposes(String, String),
    /// Votes.
    Votes(Option<bool>),
    /// Lets the time pass.
    Nothing,
    /// Drops its connection without a word, and comes back.
    Flaps,
    /// Drops its connection without a word, for good.
    Vanishes,
    /// Leaves the meeting.
    Leaves,
}

/// Decides what an agent does when it is asked.
pub(crate) type Script = Box<dyn FnMut(&Asked) -> Does + Send>;

/// Says which round it is, and agrees.
pub(crate) fn agreeable() -> Script {
    script(|asked| match asked {
        Asked::ToSpeak(request) => Does::Says(format!("what I think in round {}", request.round)),
        Asked::ToVote(_) => Does::Votes(Some(true)),
    })
}

/// Says which round it is, and agrees from this round on.
pub(crate) fn agrees_in_round(round: u32) -> Script {
    script(move |asked| match asked {
        Asked::ToSpeak(request) => Does::Says(format!("what I doubt in round {}", request.round)),
        Asked::ToVote(request) => Does::Votes(Some(request.round >= round)),
    })
}

/// Does the same whatever it is asked.
pub(crate) fn always(does: impl Fn() -> Does + Send + 'static) -> Script {
    script(move |_| does())
}

/// A closure as a script.
pub(crate) fn script(decide: impl FnMut(&Asked) -> Does + Send + 'static) -> Script {
    Box::new(decide)
}

impl Agent {
    /// The same agent, at another server.
    pub(crate) fn at(&self, server: &Client) -> Self {
        let client = server.with_token(&self.token).expect("a token");
        Self {
            client,
            ..self.clone()
        }
    }

    /// A connection in the hands of the test, which hears what happens from now on.
    pub(crate) async fn talk(&self, meeting: Uuid) -> Talk {
        self.talk_after(meeting, None).await
    }

    /// A connection in the hands of the test, which first hears all that it missed.
    pub(crate) async fn talk_after(&self, meeting: Uuid, after: Option<u64>) -> Talk {
        let talk = Talk::of(&self.client, meeting, self.id, after).await;
        talk.unwrap_or_else(|error| panic!("{} cannot connect: {error}", self.name))
    }

    /// Sits through a meeting as its script says. It hears the meeting from its first event, and comes
    /// back, with the last event it heard, whenever the close code or the lack of one lets it.
    pub(crate) fn attend(&self, meeting: Uuid, script: Script) -> Attending {
        let sitting = Sitting {
            agent: self.clone(),
            meeting,
            script,
            log: Log::new(Some(self.id), Some(0)),
        };
        Attending {
            name: self.name.clone(),
            task: tokio::spawn(sitting.run()),
        }
    }

    /// Tries until the server is there. One that says that the agent is wrong is believed.
    async fn connect(&self, meeting: Uuid, after: Option<u64>) -> Socket {
        eventually("the server lets the agent in", || async {
            match self.client.attend(meeting, self.id, after).await {
                Ok(socket) => Some(socket),
                Err(error) => {
                    let status = error.status();
                    let is_mine = status.is_some_and(|status| status.is_client_error());
                    assert!(!is_mine, "{} is refused: {error}", self.name);
                    None
                }
            }
        })
        .await
    }
}

/// An agent that sits in a meeting.
pub(crate) struct Attending {
    name: String,
    task: JoinHandle<Log>,
}

impl Attending {
    /// What it heard, once it has gone for good.
    pub(crate) async fn log(self) -> Log {
        let ended = within(&format!("{} has gone", self.name), self.task).await;
        ended.unwrap_or_else(|error| panic!("{}: {error}", self.name))
    }
}

/// What all of them heard, once they have gone for good.
pub(crate) async fn logs(attending: impl IntoIterator<Item = Attending>) -> Vec<Log> {
    let mut logs = Vec::new();
    for one in attending {
        logs.push(one.log().await);
    }
    logs
}

struct Sitting {
    agent: Agent,
    meeting: Uuid,
    script: Script,
    log: Log,
}

/// What becomes of a connection.
enum Next {
    Goes,
    ComesBack,
}

impl Sitting {
    async fn run(mut self) -> Log {
        loop {
            let socket = self.agent.connect(self.meeting, self.log.last_seq()).await;
            if let Next::Goes = self.converse(socket).await {
                return self.log;
            }
        }
    }

    async fn converse(&mut self, mut socket: Socket) -> Next {
        loop {
            let text = match socket.next_text().await {
                Ok(text) => text,
                Err(ended) => {
                    let then = ended.then();
                    self.log.endings.push(ended);
                    return match then {
                        Then::Stop => Next::Goes,
                        Then::ResumeLater | Then::ResumeAtOnce => Next::ComesBack,
                    };
                }
            };
            let asked = match self.log.hear(&text) {
                ServerFrame::OpinionRequest(request) => Asked::ToSpeak(request),
                ServerFrame::ConsensusRequest(request) => Asked::ToVote(request),
                _ => continue,
            };
            if let Some(next) = self.answer(&mut socket, &asked).await {
                return next;
            }
        }
    }

    /// Frames carry the same id when they are sent again, so that they act once. A frame that a
    /// connection no longer takes is sent again on the next one: the request is repeated there.
    async fn answer(&mut self, socket: &mut Socket, asked: &Asked) -> Option<Next> {
        let id = match asked {
            Asked::ToSpeak(request) => format!("opinion of round {}", request.round),
            Asked::ToVote(request) => format!("vote of round {}", request.round),
        };
        let mut frame = match (self.script)(asked) {
            Does::Says(content) => opinion(&content),
            Does::Proposes(content, proposal) => {
                let mut frame = opinion(&content);
                frame["proposal"] = proposal.into();
                frame
            }
            Does::Votes(agrees) => vote(agrees, "my reason"),
            Does::Leaves => json!({"type": "leave"}),
            Does::Nothing => return None,
            Does::Flaps => return Some(Next::ComesBack),
            Does::Vanishes => return Some(Next::Goes),
        };
        frame["id"] = id.into();
        let text = frame.to_string();
        self.log.said.push(text.clone());
        let _ = socket.send_text(text).await;
        None
    }
}
