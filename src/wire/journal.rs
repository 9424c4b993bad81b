//! The shape in which events are kept: version 1.
//!
//! A payload written once must be read for ever, so fields here are only added, with a default, and
//! a change of meaning is a new version. [`Kept`] is that shape, field by field.

use std::borrow::Cow;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::mirror::{Each, Maybe, One};
use super::shape;
use crate::domain::{
    AgentId, CastVote, CommunicationId, Created, DecisionId, Event, LeaveReason, MeetingId,
    MeetingType, Motion, Outcome, Settings, Tally, Verdict, Vote,
};

/// The version that is written.
pub const VERSION: u16 = 1;

/// An event in its kept shape.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Encoded {
    /// The kind's word.
    pub kind: &'static str,
    /// JSON text, always an object.
    pub payload: String,
}

/// A row that this server cannot read.
#[derive(Debug, thiserror::Error)]
#[error("cannot read a journal event of kind {kind:?}, version {version}: {why}")]
pub struct DecodeError {
    kind: String,
    version: u16,
    why: String,
}

/// What to do about a row from the future: nothing of it is lost.
const NEWER: &str = "A newer server wrote it: run that version of synod or a later one, which goes on with the meeting; \
                     nothing was changed";
/// What to do about a row that no server wrote.
pub(crate) const DAMAGED: &str =
    "No server wrote this: restore the journal from a backup; nothing was changed";

/// Puts an event in its kept shape.
pub fn encode(event: &Event) -> Encoded {
    let mut text = Vec::new();
    Kept::serialize(event, &mut serde_json::Serializer::new(&mut text)).expect(ALWAYS_JSON);
    let text = String::from_utf8(text).expect(ALWAYS_JSON);
    let kind = kind(event);
    // Serde's external tagging writes `{"<kind>":<payload>}`.
    let payload = text[kind.len() + 4..text.len() - 1].to_owned();
    Encoded { kind, payload }
}

/// Reads an event from its kept shape.
///
/// # Errors
/// If the kind or the version is unknown, or the payload does not have its shape.
pub fn decode(kind: &str, version: u16, payload: &str) -> Result<Event, DecodeError> {
    let fault = |why: String| DecodeError {
        kind: kind.to_owned(),
        version,
        why,
    };
    ensure_known(kind, version)?;
    // Serde would take fields in a list as well.
    if !payload.trim_start().starts_with('{') {
        return Err(fault(format!("its payload is no JSON object. {DAMAGED}")));
    }
    let text = format!("{{{}:{payload}}}", to_json(&kind));
    let mut json = serde_json::Deserializer::from_str(&text);
    let decoded = Kept::deserialize(&mut json).and_then(|event| json.end().map(|()| event));
    decoded.map_err(|error| fault(format!("{error}. {DAMAGED}")))
}

/// Sees to it that this server knows a kind of event in this version.
///
/// # Errors
/// If it does not.
pub fn ensure_known(kind: &str, version: u16) -> Result<(), DecodeError> {
    let why = if version != VERSION {
        format!("this server knows version {VERSION}. {NEWER}")
    } else if !KINDS.contains(&kind) {
        format!("this server does not know the kind. {NEWER}")
    } else {
        return Ok(());
    };
    let kind = kind.to_owned();
    Err(DecodeError { kind, version, why })
}

/// What everyone is told of an event: its payload, without what is secret for now.
pub fn told<'a>(event: &Event, payload: &'a str) -> Cow<'a, str> {
    if let Event::VoteRecorded {
        round,
        agent,
        vote,
        secret,
    } = event
        && told_vote(vote, *secret).is_none()
    {
        let redacted = serde_json::json!({"round": round, "agent_id": agent.0, "secret": true});
        Cow::Owned(redacted.to_string())
    } else {
        Cow::Borrowed(payload)
    }
}

/// What everyone is told of a vote when it is recorded: nothing while it is secret. The event that closes the ballot tells
/// it then.
pub(super) fn told_vote(vote: &Vote, secret: bool) -> Option<&Vote> {
    (!secret).then_some(vote)
}

/// The words for all kinds, in the order of [`Event`].
pub const KINDS: [&str; 20] = [
    "meeting_created",
    "participant_added",
    "agent_joined",
    "agent_left",
    "meeting_started",
    "round_opened",
    "turn_opened",
    "opinion_presented",
    "turn_timed_out",
    "ballot_opened",
    "vote_recorded",
    "ballot_closed",
    "consensus_reached",
    "meeting_completed",
    "meeting_cancelled",
    "meeting_failed",
    "paused",
    "resumed",
    "deadline_moved",
    "meeting_recovered",
];

/// The word for an event's kind.
pub fn kind(event: &Event) -> &'static str {
    match event {
        Event::MeetingCreated(_) => "meeting_created",
        Event::ParticipantAdded { .. } => "participant_added",
        Event::AgentJoined { .. } => "agent_joined",
        Event::AgentLeft { .. } => "agent_left",
        Event::MeetingStarted { .. } => "meeting_started",
        Event::RoundOpened { .. } => "round_opened",
        Event::TurnOpened { .. } => "turn_opened",
        Event::OpinionPresented { .. } => "opinion_presented",
        Event::TurnTimedOut { .. } => "turn_timed_out",
        Event::BallotOpened { .. } => "ballot_opened",
        Event::VoteRecorded { .. } => "vote_recorded",
        Event::BallotClosed { .. } => "ballot_closed",
        Event::ConsensusReached { .. } => "consensus_reached",
        Event::MeetingCompleted { .. } => "meeting_completed",
        Event::MeetingCancelled { .. } => "meeting_cancelled",
        Event::MeetingFailed { .. } => "meeting_failed",
        Event::Paused { .. } => "paused",
        Event::Resumed { .. } => "resumed",
        Event::DeadlineMoved { .. } => "deadline_moved",
        Event::MeetingRecovered { .. } => "meeting_recovered",
    }
}

/// JSON of a value that always has one.
pub(crate) fn to_json<T: Serialize + ?Sized>(value: &T) -> String {
    serde_json::to_string(value).expect(ALWAYS_JSON)
}

const ALWAYS_JSON: &str = "our own shapes have string keys, finite numbers and no bytes";

/// The kept shape of [`Event`]: the tag is the kind, the content is the payload.
#[derive(Serialize, Deserialize)]
#[serde(remote = "Event", rename_all = "snake_case")]
enum Kept {
    MeetingCreated(#[serde(with = "boxed_created")] Box<Created>),
    ParticipantAdded {
        #[serde(rename = "agent_id", with = "One::<Uuid>")]
        agent: AgentId,
        name: String,
    },
    AgentJoined {
        #[serde(rename = "agent_id", with = "One::<Uuid>")]
        agent: AgentId,
        returning: bool,
    },
    AgentLeft {
        #[serde(rename = "agent_id", with = "One::<Uuid>")]
        agent: AgentId,
        #[serde(with = "One::<shape::Word>")]
        reason: LeaveReason,
    },
    MeetingStarted {
        #[serde(with = "Maybe::<Uuid>")]
        by: Option<AgentId>,
    },
    RoundOpened {
        round: u32,
        #[serde(with = "Each::<Uuid>")]
        order: Vec<AgentId>,
    },
    TurnOpened {
        round: u32,
        #[serde(rename = "agent_id", with = "One::<Uuid>")]
        agent: AgentId,
        deadline: DateTime<Utc>,
    },
    OpinionPresented {
        round: u32,
        #[serde(rename = "agent_id", with = "One::<Uuid>")]
        agent: AgentId,
        content: String,
        proposal: Option<String>,
    },
    TurnTimedOut {
        round: u32,
        #[serde(rename = "agent_id", with = "One::<Uuid>")]
        agent: AgentId,
    },
    BallotOpened {
        round: u32,
        #[serde(with = "One::<shape::Motion>")]
        motion: Motion,
        #[serde(with = "Each::<Uuid>")]
        voters: Vec<AgentId>,
        deadline: DateTime<Utc>,
    },
    VoteRecorded {
        round: u32,
        #[serde(rename = "agent_id", with = "One::<Uuid>")]
        agent: AgentId,
        #[serde(flatten, with = "One::<shape::Vote>")]
        vote: Vote,
        secret: bool,
    },
    BallotClosed {
        round: u32,
        #[serde(with = "One::<shape::Tally>")]
        tally: Tally,
        #[serde(with = "One::<shape::Word>")]
        verdict: Verdict,
        #[serde(with = "Each::<shape::CastVote>")]
        votes: Vec<CastVote>,
        secret: bool,
    },
    ConsensusReached {
        #[serde(rename = "decision_id", with = "One::<Uuid>")]
        decision: DecisionId,
        round: u32,
        #[serde(with = "One::<shape::Motion>")]
        motion: Motion,
        rationale: String,
        #[serde(with = "One::<shape::Tally>")]
        tally: Tally,
        #[serde(with = "Each::<shape::CastVote>")]
        votes: Vec<CastVote>,
        #[serde(rename = "related_communication_ids", with = "Each::<Uuid>")]
        related: Vec<CommunicationId>,
    },
    MeetingCompleted {
        #[serde(with = "One::<shape::Word>")]
        outcome: Outcome,
        summary: Option<String>,
    },
    MeetingCancelled {
        #[serde(with = "Maybe::<Uuid>")]
        by: Option<AgentId>,
        reason: Option<String>,
    },
    MeetingFailed {
        reason: String,
    },
    Paused {
        #[serde(with = "Maybe::<Uuid>")]
        by: Option<AgentId>,
    },
    Resumed {
        #[serde(with = "Maybe::<Uuid>")]
        by: Option<AgentId>,
        deadline: Option<DateTime<Utc>>,
    },
    DeadlineMoved {
        deadline: DateTime<Utc>,
    },
    MeetingRecovered {
        deadline: Option<DateTime<Utc>>,
    },
}

/// The kept shape of [`Created`].
#[derive(Serialize, Deserialize)]
#[serde(remote = "Created")]
struct KeptCreated {
    #[serde(rename = "meeting_id", with = "One::<Uuid>")]
    meeting: MeetingId,
    topic: String,
    #[serde(with = "One::<shape::Word>")]
    meeting_type: MeetingType,
    #[serde(with = "One::<shape::Settings>")]
    settings: Settings,
    #[serde(rename = "moderator_id", with = "Maybe::<Uuid>")]
    moderator: Option<AgentId>,
    #[serde(with = "Each::<KeptParticipant>")]
    participants: Vec<(AgentId, String)>,
    #[serde(rename = "related_communication_ids", with = "Each::<Uuid>")]
    related: Vec<CommunicationId>,
    #[serde(rename = "decision_id", with = "One::<Uuid>")]
    decision: DecisionId,
}

mod boxed_created {
    use serde::{Deserializer, Serializer};

    use super::{Created, KeptCreated};

    #[expect(
        clippy::borrowed_box,
        reason = "serde hands over a reference to the field"
    )]
    pub(super) fn serialize<S: Serializer>(
        created: &Box<Created>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        KeptCreated::serialize(created, serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Box<Created>, D::Error> {
        KeptCreated::deserialize(deserializer).map(Box::new)
    }
}

#[derive(Serialize, Deserialize)]
struct KeptParticipant {
    agent_id: Uuid,
    name: String,
}

impl From<&(AgentId, String)> for KeptParticipant {
    fn from((agent, name): &(AgentId, String)) -> Self {
        Self {
            agent_id: agent.0,
            name: name.clone(),
        }
    }
}

impl From<KeptParticipant> for (AgentId, String) {
    fn from(kept: KeptParticipant) -> Self {
        (AgentId(kept.agent_id), kept.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(event: &Event, payload: &str) {
        let encoded = encode(event);
        assert_eq!(encoded.payload, payload);
        let decoded = decode(encoded.kind, VERSION, &encoded.payload).unwrap();
        assert_eq!(&decoded, event);
    }

    fn agent() -> AgentId {
        AgentId(Uuid::from_u128(1))
    }

    #[test]
    fn a_kept_event_comes_back_as_it_was() {
        let vote = Vote {
            agrees: None,
            rationale: Some("compass 🧭 \"\\".to_owned()),
            confidence: Some(0.1),
        };
        check(
            &Event::VoteRecorded {
                round: 2,
                agent: agent(),
                vote,
                secret: false,
            },
            r#"{"round":2,"agent_id":"00000000-0000-0000-0000-000000000001","agrees":null,"rationale":"compass 🧭 \"\\","confidence":0.1,"secret":false}"#,
        );
        check(
            &Event::MeetingCompleted {
                outcome: Outcome::NoQuorum,
                summary: None,
            },
            r#"{"outcome":"no_quorum","summary":null}"#,
        );
        check(&Event::Paused { by: None }, r#"{"by":null}"#);
        check(
            &Event::RoundOpened {
                round: 1,
                order: vec![agent()],
            },
            r#"{"round":1,"order":["00000000-0000-0000-0000-000000000001"]}"#,
        );
    }

    #[test]
    fn a_created_meeting_comes_back_with_its_settings() {
        let created = Created {
            meeting: MeetingId(Uuid::from_u128(2)),
            topic: "Why?".to_owned(),
            meeting_type: MeetingType::AutoGenerated,
            settings: Settings::default(),
            moderator: Some(agent()),
            participants: vec![(agent(), "Ada".to_owned())],
            related: vec![CommunicationId(Uuid::from_u128(3))],
            decision: DecisionId(Uuid::from_u128(4)),
        };
        let event = Event::MeetingCreated(Box::new(created));
        let Encoded { kind, payload } = encode(&event);
        assert_eq!(decode(kind, VERSION, &payload).unwrap(), event);
    }

    #[test]
    fn every_kind_that_can_be_read_is_listed() {
        let mut unknown = serde_json::Deserializer::from_str(r#"{"?":{}}"#);
        let error = Kept::deserialize(&mut unknown).unwrap_err().to_string();
        let (_, known) = error.split_once("expected one of ").unwrap();
        let known: Vec<_> = known.split('`').skip(1).step_by(2).collect();
        assert_eq!(known, KINDS);
    }

    #[test]
    fn a_row_of_an_unknown_kind_or_version_is_named() {
        let unknown = decode("meeting_danced", VERSION, "{}")
            .unwrap_err()
            .to_string();
        assert!(unknown.contains("meeting_danced"), "{unknown}");
        let newer = decode("paused", 2, r#"{"by":null}"#)
            .unwrap_err()
            .to_string();
        assert!(newer.contains("version 2"), "{newer}");
        let word = decode(
            "meeting_completed",
            VERSION,
            r#"{"outcome":"bliss","summary":null}"#,
        );
        assert!(word.unwrap_err().to_string().contains("bliss"));
    }

    #[test]
    fn a_secret_vote_is_told_without_what_it_says() {
        let vote = Vote {
            agrees: Some(true),
            rationale: Some("hush".to_owned()),
            confidence: None,
        };
        let event = Event::VoteRecorded {
            round: 1,
            agent: agent(),
            vote,
            secret: true,
        };
        let told = told(&event, &encode(&event).payload).into_owned();
        assert!(!told.contains("agrees") && !told.contains("hush"), "{told}");
    }
}
