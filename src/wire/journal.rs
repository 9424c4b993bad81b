//! The shape in which events are kept: version 1.
//!
//! A payload written once must be read for ever, so fields here are only added, with a default, and
//! a change of meaning is a new version.

use std::borrow::Cow;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::shape;
use crate::domain::{
    AgentId, CommunicationId, Created, DecisionId, Event, LeaveReason, MeetingId, MeetingType,
    Outcome, Verdict,
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

/// Puts an event in its kept shape.
pub fn encode(event: &Event) -> Encoded {
    let text = to_json(&Kept::from(event));
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
    if version != VERSION {
        return Err(fault(format!(
            "this server knows version {VERSION}; a newer one wrote it"
        )));
    }
    let kept: Kept = serde_json::from_str(&format!("{{{}:{payload}}}", to_json(&kind)))
        .map_err(|e| fault(e.to_string()))?;
    kept.into_event().map_err(fault)
}

/// What everyone is told of an event: its payload, without what is secret for now.
pub fn told<'a>(event: &Event, payload: &'a str) -> Cow<'a, str> {
    if let Event::VoteRecorded {
        round,
        agent,
        secret: true,
        ..
    } = event
    {
        Cow::Owned(to_json(
            &serde_json::json!({"round": round, "agent_id": agent.0, "secret": true}),
        ))
    } else {
        Cow::Borrowed(payload)
    }
}

/// The word for an event's kind.
pub fn kind(event: &Event) -> &'static str {
    match event {
        Event::MeetingCreated(_) => "meeting_created",
        Event::ParticipantAdded { .. } => "participant_added",
        Event::AgentJoined { .. } => "agent_joined",
        Event::AgentLeft { .. } => "agent_left",
        Event::MeetingStarted => "meeting_started",
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
pub(crate) fn to_json<T: Serialize>(value: &T) -> String {
    serde_json::to_string(value).expect("our own shapes have string keys and finite numbers")
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Kept {
    MeetingCreated(Box<KeptCreated>),
    ParticipantAdded {
        agent_id: Uuid,
        name: String,
    },
    AgentJoined {
        agent_id: Uuid,
        returning: bool,
    },
    AgentLeft {
        agent_id: Uuid,
        reason: String,
    },
    MeetingStarted {},
    RoundOpened {
        round: u32,
        order: Vec<Uuid>,
    },
    TurnOpened {
        round: u32,
        agent_id: Uuid,
        deadline: DateTime<Utc>,
    },
    OpinionPresented {
        round: u32,
        agent_id: Uuid,
        content: String,
        proposal: Option<String>,
    },
    TurnTimedOut {
        round: u32,
        agent_id: Uuid,
    },
    BallotOpened {
        round: u32,
        motion: shape::Motion,
        voters: Vec<Uuid>,
        deadline: DateTime<Utc>,
    },
    VoteRecorded {
        round: u32,
        agent_id: Uuid,
        #[serde(flatten)]
        vote: shape::Vote,
        secret: bool,
    },
    BallotClosed {
        round: u32,
        tally: shape::Tally,
        verdict: String,
        votes: Vec<shape::CastVote>,
        secret: bool,
    },
    ConsensusReached {
        decision_id: Uuid,
        round: u32,
        motion: shape::Motion,
        rationale: String,
        tally: shape::Tally,
        votes: Vec<shape::CastVote>,
        related_communication_ids: Vec<Uuid>,
    },
    MeetingCompleted {
        outcome: String,
        summary: Option<String>,
    },
    MeetingCancelled {
        by: Option<Uuid>,
        reason: Option<String>,
    },
    MeetingFailed {
        reason: String,
    },
    Paused {
        by: Option<Uuid>,
    },
    Resumed {
        by: Option<Uuid>,
        deadline: Option<DateTime<Utc>>,
    },
    DeadlineMoved {
        deadline: DateTime<Utc>,
    },
    MeetingRecovered {
        deadline: Option<DateTime<Utc>>,
    },
}

#[derive(Serialize, Deserialize)]
struct KeptCreated {
    meeting_id: Uuid,
    topic: String,
    meeting_type: String,
    settings: shape::Settings,
    moderator_id: Option<Uuid>,
    participants: Vec<KeptParticipant>,
    related_communication_ids: Vec<Uuid>,
    decision_id: Uuid,
}

#[derive(Serialize, Deserialize)]
struct KeptParticipant {
    agent_id: Uuid,
    name: String,
}

impl From<&Event> for Kept {
    fn from(event: &Event) -> Self {
        match event.clone() {
            Event::MeetingCreated(created) => {
                Self::MeetingCreated(Box::new(KeptCreated::from(&*created)))
            }
            Event::ParticipantAdded { agent, name } => Self::ParticipantAdded {
                agent_id: agent.0,
                name,
            },
            Event::AgentJoined { agent, returning } => Self::AgentJoined {
                agent_id: agent.0,
                returning,
            },
            Event::AgentLeft { agent, reason } => Self::AgentLeft {
                agent_id: agent.0,
                reason: reason.as_str().to_owned(),
            },
            Event::MeetingStarted => Self::MeetingStarted {},
            Event::RoundOpened { round, order } => Self::RoundOpened {
                round,
                order: uuids(&order),
            },
            Event::TurnOpened {
                round,
                agent,
                deadline,
            } => Self::TurnOpened {
                round,
                agent_id: agent.0,
                deadline,
            },
            Event::OpinionPresented {
                round,
                agent,
                content,
                proposal,
            } => Self::OpinionPresented {
                round,
                agent_id: agent.0,
                content,
                proposal,
            },
            Event::TurnTimedOut { round, agent } => Self::TurnTimedOut {
                round,
                agent_id: agent.0,
            },
            Event::BallotOpened {
                round,
                motion,
                voters,
                deadline,
            } => Self::BallotOpened {
                round,
                motion: (&motion).into(),
                voters: uuids(&voters),
                deadline,
            },
            Event::VoteRecorded {
                round,
                agent,
                vote,
                secret,
            } => Self::VoteRecorded {
                round,
                agent_id: agent.0,
                vote: (&vote).into(),
                secret,
            },
            Event::BallotClosed {
                round,
                tally,
                verdict,
                votes,
                secret,
            } => {
                let votes = votes.iter().map(Into::into).collect();
                Self::BallotClosed {
                    round,
                    tally: tally.into(),
                    verdict: verdict.as_str().to_owned(),
                    votes,
                    secret,
                }
            }
            Event::ConsensusReached {
                decision,
                round,
                motion,
                rationale,
                tally,
                votes,
                related,
            } => Self::ConsensusReached {
                decision_id: decision.0,
                round,
                motion: (&motion).into(),
                rationale,
                tally: tally.into(),
                votes: votes.iter().map(Into::into).collect(),
                related_communication_ids: related.iter().map(|id| id.0).collect(),
            },
            Event::MeetingCompleted { outcome, summary } => Self::MeetingCompleted {
                outcome: outcome.as_str().to_owned(),
                summary,
            },
            Event::MeetingCancelled { by, reason } => Self::MeetingCancelled {
                by: by.map(|a| a.0),
                reason,
            },
            Event::MeetingFailed { reason } => Self::MeetingFailed { reason },
            Event::Paused { by } => Self::Paused {
                by: by.map(|a| a.0),
            },
            Event::Resumed { by, deadline } => Self::Resumed {
                by: by.map(|a| a.0),
                deadline,
            },
            Event::DeadlineMoved { deadline } => Self::DeadlineMoved { deadline },
            Event::MeetingRecovered { deadline } => Self::MeetingRecovered { deadline },
        }
    }
}

impl Kept {
    fn into_event(self) -> Result<Event, String> {
        Ok(match self {
            Self::MeetingCreated(created) => {
                Event::MeetingCreated(Box::new(created.into_created()?))
            }
            Self::ParticipantAdded { agent_id, name } => Event::ParticipantAdded {
                agent: AgentId(agent_id),
                name,
            },
            Self::AgentJoined {
                agent_id,
                returning,
            } => Event::AgentJoined {
                agent: AgentId(agent_id),
                returning,
            },
            Self::AgentLeft { agent_id, reason } => Event::AgentLeft {
                agent: AgentId(agent_id),
                reason: leave_reason(&reason)?,
            },
            Self::MeetingStarted {} => Event::MeetingStarted,
            Self::RoundOpened { round, order } => Event::RoundOpened {
                round,
                order: agents(order),
            },
            Self::TurnOpened {
                round,
                agent_id,
                deadline,
            } => Event::TurnOpened {
                round,
                agent: AgentId(agent_id),
                deadline,
            },
            Self::OpinionPresented {
                round,
                agent_id,
                content,
                proposal,
            } => Event::OpinionPresented {
                round,
                agent: AgentId(agent_id),
                content,
                proposal,
            },
            Self::TurnTimedOut { round, agent_id } => Event::TurnTimedOut {
                round,
                agent: AgentId(agent_id),
            },
            Self::BallotOpened {
                round,
                motion,
                voters,
                deadline,
            } => Event::BallotOpened {
                round,
                motion: motion.into(),
                voters: agents(voters),
                deadline,
            },
            Self::VoteRecorded {
                round,
                agent_id,
                vote,
                secret,
            } => Event::VoteRecorded {
                round,
                agent: AgentId(agent_id),
                vote: vote.into(),
                secret,
            },
            Self::BallotClosed {
                round,
                tally,
                verdict,
                votes,
                secret,
            } => {
                let verdict =
                    Verdict::parse(&verdict).ok_or_else(|| unknown("verdict", &verdict))?;
                let votes = votes.into_iter().map(Into::into).collect();
                Event::BallotClosed {
                    round,
                    tally: tally.into(),
                    verdict,
                    votes,
                    secret,
                }
            }
            Self::ConsensusReached {
                decision_id,
                round,
                motion,
                rationale,
                tally,
                votes,
                related_communication_ids,
            } => Event::ConsensusReached {
                decision: DecisionId(decision_id),
                round,
                motion: motion.into(),
                rationale,
                tally: tally.into(),
                votes: votes.into_iter().map(Into::into).collect(),
                related: related_communication_ids
                    .into_iter()
                    .map(CommunicationId)
                    .collect(),
            },
            Self::MeetingCompleted { outcome, summary } => {
                let outcome =
                    Outcome::parse(&outcome).ok_or_else(|| unknown("outcome", &outcome))?;
                Event::MeetingCompleted { outcome, summary }
            }
            Self::MeetingCancelled { by, reason } => Event::MeetingCancelled {
                by: by.map(AgentId),
                reason,
            },
            Self::MeetingFailed { reason } => Event::MeetingFailed { reason },
            Self::Paused { by } => Event::Paused {
                by: by.map(AgentId),
            },
            Self::Resumed { by, deadline } => Event::Resumed {
                by: by.map(AgentId),
                deadline,
            },
            Self::DeadlineMoved { deadline } => Event::DeadlineMoved { deadline },
            Self::MeetingRecovered { deadline } => Event::MeetingRecovered { deadline },
        })
    }
}

impl From<&Created> for KeptCreated {
    fn from(created: &Created) -> Self {
        let participant = |(agent, name): &(AgentId, String)| KeptParticipant {
            agent_id: agent.0,
            name: name.clone(),
        };
        Self {
            meeting_id: created.meeting.0,
            topic: created.topic.clone(),
            meeting_type: created.meeting_type.as_str().to_owned(),
            settings: (&created.settings).into(),
            moderator_id: created.moderator.map(|a| a.0),
            participants: created.participants.iter().map(participant).collect(),
            related_communication_ids: created.related.iter().map(|id| id.0).collect(),
            decision_id: created.decision.0,
        }
    }
}

impl KeptCreated {
    fn into_created(self) -> Result<Created, String> {
        let meeting_type = MeetingType::parse(&self.meeting_type);
        Ok(Created {
            meeting: MeetingId(self.meeting_id),
            topic: self.topic,
            meeting_type: meeting_type
                .ok_or_else(|| unknown("meeting_type", &self.meeting_type))?,
            settings: self.settings.into_domain(0),
            moderator: self.moderator_id.map(AgentId),
            participants: self
                .participants
                .into_iter()
                .map(|p| (AgentId(p.agent_id), p.name))
                .collect(),
            related: self
                .related_communication_ids
                .into_iter()
                .map(CommunicationId)
                .collect(),
            decision: DecisionId(self.decision_id),
        })
    }
}

fn leave_reason(word: &str) -> Result<LeaveReason, String> {
    let reasons = [LeaveReason::Disconnected, LeaveReason::Left];
    reasons
        .into_iter()
        .find(|reason| reason.as_str() == word)
        .ok_or_else(|| unknown("reason", word))
}

fn unknown(field: &str, word: &str) -> String {
    format!("unknown {field} {word:?}")
}

fn uuids(agents: &[AgentId]) -> Vec<Uuid> {
    agents.iter().map(|agent| agent.0).collect()
}

fn agents(uuids: Vec<Uuid>) -> Vec<AgentId> {
    uuids.into_iter().map(AgentId).collect()
}
