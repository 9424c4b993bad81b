//! The frames as a client sees them: what it reads, typed, and what it may send.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use crate::wire::FrameId;

/// A frame from the server.
#[derive(Clone, Debug, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum ServerFrame {
    /// The first one.
    Connected(Connected),
    /// It is this agent's turn to speak.
    OpinionRequest(OpinionRequest),
    /// It is time to vote.
    ConsensusRequest(ConsensusRequest),
    /// Something happened.
    MeetingEvent(MeetingEvent),
    /// Another agent wrote.
    DirectMessage(DirectMessage),
    /// A frame was carried out.
    Ack(Ack),
    /// A frame was not.
    Error(Refusal),
    /// A frame of a newer server.
    #[serde(other)]
    Unknown,
}

/// Where the meeting stands when the socket opens.
#[derive(Clone, Debug, Deserialize)]
pub struct Connected {
    /// The version of the protocol.
    pub protocol_version: u32,
    /// The meeting; `None` on an agent's own line.
    pub meeting_id: Option<Uuid>,
    /// Who this connection speaks for; `None` only watches.
    pub agent_id: Option<Uuid>,
    /// What the meeting is about.
    #[serde(default)]
    pub topic: String,
    /// The last event of the journal.
    #[serde(default)]
    pub last_seq: u64,
    /// Status, participants, turn, ballot: as in REST.
    #[serde(default)]
    pub state: Value,
    /// Of a line: the last message that the client has.
    pub cursor: Option<String>,
    /// Of a line: the meetings that the agent is in and that have not ended.
    #[serde(default)]
    pub meetings: Vec<Value>,
}

/// The floor is this agent's.
#[derive(Clone, Debug, Deserialize)]
pub struct OpinionRequest {
    /// The meeting.
    pub meeting_id: Uuid,
    /// What it is about.
    pub topic: String,
    /// Counts from 1.
    pub round: u32,
    /// Until when.
    pub deadline: DateTime<Utc>,
    /// The same, counted from now.
    pub time_left_ms: u64,
    /// What was said in this round so far.
    #[serde(default)]
    pub opinions: Vec<Opinion>,
    /// What would be voted on if the round ended now.
    pub motion: Option<Motion>,
    /// The messages that prompted the meeting, as far as they are shown.
    #[serde(default)]
    pub evidence: Vec<Evidence>,
    /// How many of them are not.
    #[serde(default)]
    pub evidence_left_out: usize,
}

/// A message that prompted the meeting.
#[derive(Clone, Debug, Deserialize)]
pub struct Evidence {
    /// The message.
    pub id: Uuid,
    /// When it was sent.
    pub timestamp: DateTime<Utc>,
    /// By whom.
    pub sender_id: Uuid,
    /// To whom.
    pub receiver_id: Uuid,
    /// The words.
    pub content: String,
    /// Whether there are more words than these.
    pub cut: bool,
}

/// A ballot is open.
#[derive(Clone, Debug, Deserialize)]
pub struct ConsensusRequest {
    /// The meeting.
    pub meeting_id: Uuid,
    /// What it is about.
    pub topic: String,
    /// Counts from 1.
    pub round: u32,
    /// Until when.
    pub deadline: DateTime<Utc>,
    /// The same, counted from now.
    pub time_left_ms: u64,
    /// What was said in this round.
    #[serde(default)]
    pub opinions: Vec<Opinion>,
    /// What is voted on.
    pub motion: Motion,
}

/// What one agent said.
#[derive(Clone, Debug, Deserialize)]
pub struct Opinion {
    /// Who.
    pub agent_id: Uuid,
    /// The words.
    pub content: String,
    /// Whether `content` is only the beginning; `GET /api/v1/meetings/{id}` has all of it.
    #[serde(default)]
    pub cut: bool,
}

/// What is voted on.
#[derive(Clone, Debug, Deserialize)]
pub struct Motion {
    /// The text.
    pub content: String,
    /// Who put it forward.
    pub proposed_by: Uuid,
}

/// One event of the meeting's journal.
#[derive(Clone, Debug, Deserialize)]
pub struct MeetingEvent {
    /// Its kind's word, such as `opinion_presented`.
    pub event: String,
    /// The meeting.
    pub meeting_id: Uuid,
    /// Counts without gaps.
    pub seq: u64,
    /// When it happened.
    pub at: DateTime<Utc>,
    /// What it says; the shape depends on `event`.
    pub data: Value,
}

/// A message from another agent.
#[derive(Clone, Debug, Deserialize)]
pub struct DirectMessage {
    /// From whom.
    pub sender_id: Uuid,
    /// The words.
    pub content: String,
    /// What it is about.
    pub topic: Option<String>,
    /// Its row in the log.
    pub communication_id: Uuid,
    /// When it was sent.
    pub at: DateTime<Utc>,
    /// What to come back with, having read it.
    pub cursor: String,
}

/// A frame was carried out.
#[derive(Clone, Debug, Deserialize)]
pub struct Ack {
    /// The id that the frame had.
    pub id: Option<FrameId>,
    /// The event that it became; `None` for a direct message.
    pub seq: Option<u64>,
    /// Of a direct message: its row in the log.
    pub communication_id: Option<Uuid>,
    /// Of a direct message: whether its receiver was there.
    pub delivered: Option<bool>,
}

/// A frame was not carried out.
#[derive(Clone, Debug, Deserialize)]
pub struct Refusal {
    /// The id that the frame had.
    pub id: Option<FrameId>,
    /// The stable word, such as `not_your_turn`.
    pub code: String,
    /// For people.
    pub message: String,
    /// When another try may succeed.
    pub retry_after_ms: Option<u64>,
}

/// A frame from an agent.
#[derive(Clone, Copy, Debug, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum AgentFrame<'a> {
    /// Takes the turn.
    Opinion {
        /// The words.
        content: &'a str,
        /// A motion put forward with them.
        #[serde(skip_serializing_if = "Option::is_none")]
        proposal: Option<&'a str>,
    },
    /// Votes.
    ConsensusVote {
        /// `None` abstains.
        agrees: Option<bool>,
        /// Why.
        #[serde(skip_serializing_if = "Option::is_none")]
        rationale: Option<&'a str>,
        /// From 0 to 1.
        #[serde(skip_serializing_if = "Option::is_none")]
        confidence: Option<f64>,
    },
    /// Leaves the meeting for good.
    Leave {},
    /// Writes to another agent.
    DirectMessage {
        /// To whom.
        receiver_id: Uuid,
        /// The words.
        content: &'a str,
        /// What it is about.
        #[serde(skip_serializing_if = "Option::is_none")]
        topic: Option<&'a str>,
    },
}

impl AgentFrame<'_> {
    /// The frame's text, under `id`.
    pub(super) fn encode(&self, id: &str) -> String {
        #[derive(Serialize)]
        struct WithId<'a> {
            id: &'a str,
            #[serde(flatten)]
            frame: &'a AgentFrame<'a>,
        }
        serde_json::to_string(&WithId { id, frame: self })
            .unwrap_or_else(|_| unreachable!("strings, booleans and numbers always have JSON"))
    }
}

impl ServerFrame {
    /// Reads a frame.
    ///
    /// # Errors
    /// If it is not JSON, or lacks what its type must have.
    pub fn read(text: &str) -> Result<Self, serde_json::Error> {
        serde_json::from_str(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{AgentId, MeetingId};
    use crate::wire::inbound::{Sender, parse};

    #[test]
    fn the_server_understands_every_frame() {
        let sender = Sender {
            agent: Some(AgentId(Uuid::from_u128(1))),
            meeting: Some(MeetingId(Uuid::from_u128(9))),
        };
        let frames = [
            AgentFrame::Opinion {
                content: "yes",
                proposal: None,
            },
            AgentFrame::Opinion {
                content: "yes",
                proposal: Some("do it"),
            },
            AgentFrame::ConsensusVote {
                agrees: None,
                rationale: Some("unsure"),
                confidence: Some(0.5),
            },
            AgentFrame::Leave {},
            AgentFrame::DirectMessage {
                receiver_id: Uuid::from_u128(2),
                content: "hello",
                topic: Some("greetings"),
            },
        ];
        for frame in frames {
            let inbound = parse(&frame.encode("f1"), sender, 100).unwrap();
            assert_eq!(inbound.id, Some(FrameId::Text("f1".to_owned())));
        }
    }

    #[test]
    fn an_event_keeps_its_data_and_ignores_what_is_new() {
        let text = r#"{"type":"meeting_event","event":"turn_opened","meeting_id":"00000000-0000-0000-0000-000000000009",
            "seq":4,"at":"2030-01-01T00:00:00Z","data":{"round":1},"from_the_future":true}"#;
        let ServerFrame::MeetingEvent(event) = ServerFrame::read(text).unwrap() else {
            panic!("not an event");
        };
        assert_eq!((event.event.as_str(), event.seq), ("turn_opened", 4));
        assert_eq!(event.data["round"], 1);
    }

    #[test]
    fn a_frame_of_a_newer_server_is_no_fault() {
        let frame = ServerFrame::read(r#"{"type":"applause","volume":11}"#).unwrap();
        assert!(matches!(frame, ServerFrame::Unknown));
    }

    #[test]
    fn an_answer_carries_the_id_it_was_given() {
        let ServerFrame::Ack(ack) =
            ServerFrame::read(r#"{"type":"ack","id":"f1","seq":7}"#).unwrap()
        else {
            panic!("not an ack");
        };
        assert_eq!(ack.id, Some(FrameId::Text("f1".to_owned())));
    }
}
