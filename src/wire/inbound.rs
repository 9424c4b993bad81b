//! Text from an agent to a [`Request`]: parse, don't validate later.

use serde::Deserialize;
use uuid::Uuid;

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
    let wire: WireFrame =
        serde_json::from_str(text).map_err(|e| reject("invalid_frame", explain(&e)))?;
    if let Err((code, message)) = wire.check(sender, max_content_bytes) {
        return Err(reject(code, message));
    }
    let WireFrame { id, kind, .. } = wire;
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
        WireKind::Leave {} => Request::Meeting(Command::Leave),
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

#[derive(Deserialize)]
struct WireFrame {
    id: Option<FrameId>,
    meeting_id: Option<Uuid>,
    agent_id: Option<Uuid>,
    #[serde(flatten)]
    kind: WireKind,
}

#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum WireKind {
    Opinion {
        content: String,
        proposal: Option<String>,
    },
    ConsensusVote {
        #[serde(deserialize_with = "present")]
        agrees: Option<bool>,
        rationale: Option<String>,
        confidence: Option<f64>,
    },
    Leave {},
    DirectMessage {
        receiver_id: Uuid,
        content: String,
        topic: Option<String>,
    },
}

/// `agrees` may be null, which abstains, but it may not be forgotten.
fn present<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<bool>, D::Error> {
    Option::deserialize(deserializer)
}

type Fault = (&'static str, String);

impl WireFrame {
    fn check(&self, sender: Sender, max_content_bytes: usize) -> Result<(), Fault> {
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
        if sender.meeting.is_none() && !matches!(self.kind, WireKind::DirectMessage { .. }) {
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
        self.kind.check(max_content_bytes)
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
            Self::Leave {} => Ok(()),
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

fn explain(error: &serde_json::Error) -> String {
    format!("not a frame this server knows: {error}")
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};

    use super::*;

    fn check(text: &str, expected: &Expect) {
        let sender = Sender {
            agent: Some(AgentId(Uuid::from_u128(1))),
            meeting: Some(MeetingId(Uuid::from_u128(9))),
        };
        let shown = match parse(text, sender, 16) {
            Ok(inbound) => format!("{:?} {:?}", inbound.id, inbound.request),
            Err(rejection) => format!(
                "{:?} {}: {}",
                rejection.id, rejection.code, rejection.message
            ),
        };
        expected.assert_eq(&shown);
    }

    #[test]
    fn an_opinion_with_a_proposal() {
        check(
            r#"{"type":"opinion","id":"a1","content":"yes","proposal":"do it"}"#,
            &expect![[
                r#"Some(Text("a1")) Meeting(Speak { content: "yes", proposal: Some("do it") })"#
            ]],
        );
    }

    #[test]
    fn a_null_vote_abstains() {
        check(
            r#"{"type":"consensus_vote","id":7,"agrees":null}"#,
            &expect![
                "Some(Number(Number(7))) Meeting(CastVote(Vote { agrees: None, rationale: None, confidence: None }))"
            ],
        );
    }

    #[test]
    fn a_vote_without_an_answer_is_no_abstention() {
        check(
            r#"{"type":"consensus_vote","id":"v"}"#,
            &expect![[
                r#"Some(Text("v")) invalid_frame: not a frame this server knows: missing field `agrees` at line 1 column 34"#
            ]],
        );
    }

    #[test]
    fn an_id_that_would_be_rounded_is_refused() {
        let given = |id: &str| {
            let frame = format!(r#"{{"type":"opinion","id":{id},"content":"yes"}}"#);
            let sender = Sender {
                agent: Some(AgentId(Uuid::from_u128(1))),
                meeting: Some(MeetingId(Uuid::from_u128(9))),
            };
            match parse(&frame, sender, 16) {
                Ok(inbound) => inbound.id.expect("it has one").to_json(),
                Err(rejection) => {
                    assert_eq!(rejection.code, "invalid_frame");
                    assert!(
                        rejection.message.contains("whole number of 64 bits"),
                        "{rejection}"
                    );
                    "refused".to_owned()
                }
            }
        };
        for whole in [
            "0",
            "-9223372036854775808",
            "18446744073709551615",
            r#""1e3""#,
        ] {
            assert_eq!(given(whole), whole);
        }
        for other in [
            "18446744073709551616",
            "-9223372036854775809",
            "-0",
            "1.5",
            "1e3",
            "true",
            "[7]",
        ] {
            assert_eq!(given(other), "refused", "{other}");
        }
    }

    #[test]
    fn an_agent_cannot_claim_to_be_another() {
        check(
            r#"{"type":"opinion","content":"x","agent_id":"00000000-0000-0000-0000-000000000002"}"#,
            &expect![
                "None forbidden: agent_id is not yours: leave it out, the token says who you are"
            ],
        );
    }

    #[test]
    fn what_is_too_large_or_has_nul_is_refused_by_name() {
        check(
            r#"{"type":"opinion","content":"seventeen bytes!!"}"#,
            &expect!["None message_too_large: content has 17 bytes; at most 16 are taken"],
        );
        check(
            r#"{"type":"opinion","content":"a\u0000b"}"#,
            &expect!["None invalid_frame: content must not contain U+0000"],
        );
    }

    #[test]
    fn what_is_no_frame_is_explained() {
        check(
            "hello",
            &expect![
                "None invalid_frame: not a frame this server knows: expected value at line 1 column 1"
            ],
        );
        check(
            r#"{"id":"q","type":"dance"}"#,
            &expect![[
                r#"Some(Text("q")) invalid_frame: not a frame this server knows: unknown variant `dance`, expected one of `opinion`, `consensus_vote`, `leave`, `direct_message` at line 1 column 25"#
            ]],
        );
    }
}
