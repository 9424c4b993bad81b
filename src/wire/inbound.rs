//! Text from an agent to a [`Request`]: parse, don't validate later.

use serde::Deserialize;
use uuid::Uuid;

use super::fault;
use super::frame::{FrameId, MAX_FRAME_ID_CHARS};
use crate::domain::{AgentId, Command, MeetingId, Vote};

/// A frame that an agent may send.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inbound {
    /// The id that the client gave it.
    pub id: Option<FrameId>,
    /// What it asks.
    pub request: Request,
}

/// What a frame asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Request {
    /// Something of the meeting.
    Meeting(Command),
    /// To bring a message to another agent.
    Direct(Direct),
}

/// A message to another agent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Direct {
    /// To whom.
    pub receiver: AgentId,
    /// The words.
    pub content: String,
    /// What it is about.
    pub topic: Option<String>,
}

/// Why a frame was not understood; the socket stays open.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Rejection {
    /// The id of the frame, where it could be read.
    pub id: Option<FrameId>,
    /// The stable code.
    pub code: &'static str,
    /// What to do instead.
    pub message: String,
}

/// Whose frame it is: what it may say about itself must agree with this.
#[derive(Clone, Copy, Debug)]
pub struct Sender {
    /// The agent, from its token; `None` only watches.
    pub agent: Option<AgentId>,
    /// The meeting of the connection; `None` on an agent's own line.
    pub meeting: Option<MeetingId>,
}

/// Understands one frame.
///
/// # Errors
/// A rejection with the code `invalid_frame`, `message_too_large` or `forbidden`.
pub fn parse(text: &str, sender: Sender, max_content_bytes: usize) -> Result<Inbound, Rejection> {
    let reject = |code, message| Rejection {
        id: id_of(text),
        code,
        message,
    };
    let invalid = |reason| reject("invalid_frame", format!("{UNKNOWN}: {reason}"));
    let wire = read(text).map_err(invalid)?;
    wire.check(sender)
        .map_err(|(code, why)| reject(code, why))?;
    let id = wire.id.clone();
    let kind = wire.said().map_err(invalid)?;
    let checked = kind.check(max_content_bytes);
    checked.map_err(|(code, why)| reject(code, why))?;
    let request = match kind {
        WireKind::Opinion { content, proposal } => {
            Request::Meeting(Command::Speak { content, proposal })
        }
        WireKind::ConsensusVote {
            agrees,
            rationale,
            confidence,
        } => Request::Meeting(Command::CastVote(Vote {
            agrees,
            rationale,
            confidence,
        })),
        WireKind::Leave => Request::Meeting(Command::Leave),
        WireKind::DirectMessage {
            receiver_id,
            content,
            topic,
        } => Request::Direct(Direct {
            receiver: AgentId(receiver_id),
            content,
            topic,
        }),
    };
    Ok(Inbound { id, request })
}

/// The fields that frames have, whatever they are.
#[derive(Deserialize)]
struct WireFrame {
    #[serde(rename = "type")]
    kind: WireType,
    id: Option<FrameId>,
    meeting_id: Option<Uuid>,
    agent_id: Option<Uuid>,
    receiver_id: Option<Uuid>,
    content: Option<String>,
    proposal: Option<String>,
    topic: Option<String>,
    #[serde(default, deserialize_with = "given")]
    agrees: Option<Agrees>,
    rationale: Option<String>,
    confidence: Option<f64>,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(try_from = "String")]
enum WireType {
    Opinion,
    ConsensusVote,
    Leave,
    DirectMessage,
}

impl TryFrom<String> for WireType {
    type Error = String;

    fn try_from(word: String) -> Result<Self, String> {
        match &*word {
            "opinion" => Ok(Self::Opinion),
            "consensus_vote" => Ok(Self::ConsensusVote),
            "leave" => Ok(Self::Leave),
            "direct_message" => Ok(Self::DirectMessage),
            _ => Err(format!(
                "unknown word `{word}`, expected one of `opinion`, `consensus_vote`, `leave`, `direct_message`"
            )),
        }
    }
}

/// What a frame says, with what that must have.
enum WireKind {
    Opinion {
        content: String,
        proposal: Option<String>,
    },
    ConsensusVote {
        agrees: Option<bool>,
        rationale: Option<String>,
        confidence: Option<f64>,
    },
    Leave,
    DirectMessage {
        receiver_id: Uuid,
        content: String,
        topic: Option<String>,
    },
}

/// `agrees` may be null, which abstains, but it may not be forgotten.
struct Agrees(Option<bool>);

fn given<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<Agrees>, D::Error> {
    Option::deserialize(deserializer).map(|agrees| Some(Agrees(agrees)))
}

type Fault = (&'static str, String);

impl WireFrame {
    fn check(&self, sender: Sender) -> Result<(), Fault> {
        if self
            .agent_id
            .is_some_and(|claimed| Some(AgentId(claimed)) != sender.agent)
        {
            return Err((
                "forbidden",
                "agent_id is not yours: leave it out, the token says who you are".to_owned(),
            ));
        }
        if sender.agent.is_none() {
            return Err(("forbidden", "this connection only watches".to_owned()));
        }
        if self
            .meeting_id
            .is_some_and(|named| Some(MeetingId(named)) != sender.meeting)
        {
            return Err((
                "invalid_frame",
                "meeting_id is not the meeting of this connection".to_owned(),
            ));
        }
        if sender.meeting.is_none() && !matches!(self.kind, WireType::DirectMessage) {
            let message = "this is the agent's own line: send that on the meeting's socket";
            return Err(("invalid_frame", message.to_owned()));
        }
        if let Some(FrameId::Text(id)) = &self.id
            && id.chars().count() > MAX_FRAME_ID_CHARS
        {
            return Err((
                "invalid_frame",
                format!("id must have at most {MAX_FRAME_ID_CHARS} characters"),
            ));
        }
        Ok(())
    }

    fn said(self) -> Result<WireKind, String> {
        let missing = |field| format!("missing field `{field}`");
        Ok(match self.kind {
            WireType::Opinion => WireKind::Opinion {
                content: self.content.ok_or_else(|| missing("content"))?,
                proposal: self.proposal,
            },
            WireType::ConsensusVote => WireKind::ConsensusVote {
                agrees: self.agrees.ok_or_else(|| missing("agrees"))?.0,
                rationale: self.rationale,
                confidence: self.confidence,
            },
            WireType::Leave => WireKind::Leave,
            WireType::DirectMessage => WireKind::DirectMessage {
                receiver_id: self.receiver_id.ok_or_else(|| missing("receiver_id"))?,
                content: self.content.ok_or_else(|| missing("content"))?,
                topic: self.topic,
            },
        })
    }
}

impl WireKind {
    fn check(&self, max_content_bytes: usize) -> Result<(), Fault> {
        match self {
            Self::Opinion { content, proposal } => {
                if content.is_empty() {
                    return Err(("invalid_frame", "content must not be empty".to_owned()));
                }
                if proposal.as_ref().is_some_and(String::is_empty) {
                    let message = "proposal must not be empty: leave it out to propose nothing";
                    return Err(("invalid_frame", message.to_owned()));
                }
                check_text("content", content, max_content_bytes)?;
                check_text(
                    "proposal",
                    proposal.as_deref().unwrap_or_default(),
                    max_content_bytes,
                )
            }
            Self::ConsensusVote {
                rationale,
                confidence,
                ..
            } => {
                if confidence.is_some_and(|confidence| !(0.0..=1.0).contains(&confidence)) {
                    return Err((
                        "invalid_frame",
                        "confidence must be between 0 and 1".to_owned(),
                    ));
                }
                check_text(
                    "rationale",
                    rationale.as_deref().unwrap_or_default(),
                    max_content_bytes,
                )
            }
            Self::Leave => Ok(()),
            // The frame's own limit is the content's: only one reads it.
            Self::DirectMessage { content, topic, .. } => {
                if content.is_empty() {
                    return Err(("invalid_frame", "content must not be empty".to_owned()));
                }
                let topic = topic.as_deref().unwrap_or_default();
                if topic.chars().count() > MAX_TOPIC_CHARS {
                    let message = format!("topic must have at most {MAX_TOPIC_CHARS} characters");
                    return Err(("invalid_frame", message));
                }
                check_text("content", content, usize::MAX)?;
                check_text("topic", topic, usize::MAX)
            }
        }
    }
}

/// Characters of a message's topic, as wide as its column.
pub const MAX_TOPIC_CHARS: usize = 255;

fn check_text(field: &str, text: &str, max_bytes: usize) -> Result<(), Fault> {
    if text.len() > max_bytes {
        return Err((
            "message_too_large",
            format!(
                "{field} has {} bytes; at most {max_bytes} are taken",
                text.len()
            ),
        ));
    }
    if text.contains('\0') {
        return Err(("invalid_frame", format!("{field} must not contain U+0000")));
    }
    Ok(())
}

/// The id of a frame that is not carried out, so that its sender can tell which it was.
pub fn id_of(text: &str) -> Option<FrameId> {
    #[derive(Deserialize)]
    struct OnlyId {
        id: Option<FrameId>,
    }
    serde_json::from_str::<OnlyId>(text).ok()?.id
}

const UNKNOWN: &str = "not a frame this server knows";

/// The fields of a frame, or what is wrong with which of them.
fn read(text: &str) -> Result<WireFrame, String> {
    // A list of values without names would be taken for a frame.
    if !text.trim_start().starts_with('{') {
        return Err("it must be a JSON object".to_owned());
    }
    serde_json::from_str(text).map_err(|error| {
        let mut again = serde_json::Deserializer::from_str(text);
        match serde_path_to_error::deserialize::<_, WireFrame>(&mut again) {
            Err(error) if !matches!(&*error.path().to_string(), "." | "?") => {
                format!("{}: {}", error.path(), fault::reason(error.inner()))
            }
            _ if error.is_data() => fault::reason(&error),
            _ => error.to_string(),
        }
    })
}

#[cfg(test)]
mod tests;
