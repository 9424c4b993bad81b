//! A meeting told from its journal: who was in it, what was said in order, how it ended.
//!
//! As JSON it is the value itself; [`Transcript::to_markdown`] is the same for people. It tells what
//! everyone in the meeting was told and no more, so a vote that is secret for now says nothing here either. What only
//! served the conversation (who was given the floor, and until when) is left to the journal.

mod markdown;
mod quote;
#[cfg(test)]
mod tests;

use chrono::{DateTime, Utc};
use serde::Serialize;
use uuid::Uuid;

pub use quote::plain;

use super::journal::told_vote;
use super::mirror::{Maybe, One};
use super::shape;
use crate::domain::meeting::FoldError;
use crate::domain::{
    AgentId, CastVote, Event, LeaveReason, Meeting, MeetingType, Outcome, Phase, Recorded, Roster,
    Settings, Tally, Verdict,
};

/// A meeting and what was said in it.
#[derive(Clone, Debug, Serialize)]
pub struct Transcript {
    meeting: Heading,
    entries: Vec<Entry>,
}

impl Transcript {
    /// Tells a meeting from its whole journal.
    ///
    /// # Errors
    /// If the journal does not begin with the creation, or has a gap.
    pub fn of(journal: &[Recorded]) -> Result<Self, FoldError> {
        let meeting = Meeting::fold(journal.iter().cloned())?;
        let told = |recorded: &Recorded| {
            let what = what(&recorded.event, meeting.roster())?;
            let (seq, at) = (recorded.seq, recorded.at);
            Some(Entry { seq, at, what })
        };
        Ok(Self {
            meeting: Heading::of(&meeting),
            entries: journal.iter().filter_map(told).collect(),
        })
    }

    /// The same as Markdown (`CommonMark`). Whatever an agent wrote stands in a quote, word for word, and cannot leave it.
    pub fn to_markdown(&self) -> String {
        markdown::page(self)
    }
}

/// The meeting as its journal leaves it.
#[derive(Clone, Debug, Serialize)]
struct Heading {
    id: Uuid,
    topic: String,
    #[serde(with = "One::<shape::Word>")]
    meeting_type: MeetingType,
    status: &'static str,
    #[serde(with = "Maybe::<shape::Word>")]
    outcome: Option<Outcome>,
    created_at: DateTime<Utc>,
    started_at: Option<DateTime<Utc>>,
    completed_at: Option<DateTime<Utc>>,
    moderator: Option<Named>,
    /// Everyone who ever was in it, in the order in which they came.
    participants: Vec<Named>,
    #[serde(with = "One::<shape::Settings>")]
    settings: Settings,
    related_communication_ids: Vec<Uuid>,
    last_seq: u64,
}

/// An agent, for people.
#[derive(Clone, Debug, Serialize)]
struct Named {
    agent_id: Uuid,
    /// Its id where it was never a participant.
    name: String,
}

/// One event, as far as everyone was told of it.
#[derive(Clone, Debug, Serialize)]
struct Entry {
    seq: u64,
    at: DateTime<Utc>,
    #[serde(flatten)]
    what: What,
}

/// What an entry says; `kind` is the word of the journal.
#[derive(Clone, Debug, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
enum What {
    ParticipantAdded {
        agent: Named,
    },
    AgentJoined {
        agent: Named,
        returning: bool,
    },
    AgentLeft {
        agent: Named,
        #[serde(with = "One::<shape::Word>")]
        reason: LeaveReason,
    },
    MeetingStarted {
        by: Option<Named>,
    },
    RoundOpened {
        round: u32,
        order: Vec<Named>,
    },
    OpinionPresented {
        round: u32,
        agent: Named,
        content: String,
        proposal: Option<String>,
    },
    TurnTimedOut {
        round: u32,
        agent: Named,
    },
    BallotOpened {
        round: u32,
        motion: Motion,
        voters: Vec<Named>,
        deadline: DateTime<Utc>,
    },
    VoteRecorded {
        round: u32,
        agent: Named,
        secret: bool,
        #[serde(flatten)]
        vote: Option<shape::Vote>,
    },
    BallotClosed {
        round: u32,
        #[serde(with = "One::<shape::Word>")]
        verdict: Verdict,
        #[serde(with = "One::<shape::Tally>")]
        tally: Tally,
        votes: Vec<Cast>,
        secret: bool,
    },
    ConsensusReached {
        decision_id: Uuid,
        round: u32,
        motion: Motion,
        rationale: String,
        #[serde(with = "One::<shape::Tally>")]
        tally: Tally,
    },
    MeetingCompleted {
        #[serde(with = "One::<shape::Word>")]
        outcome: Outcome,
        summary: Option<String>,
    },
    MeetingCancelled {
        by: Option<Named>,
        reason: Option<String>,
    },
    MeetingFailed {
        reason: String,
    },
    Paused {
        by: Option<Named>,
    },
    Resumed {
        by: Option<Named>,
    },
    DeadlineMoved {
        deadline: DateTime<Utc>,
    },
    MeetingRecovered {
        deadline: Option<DateTime<Utc>>,
    },
}

#[derive(Clone, Debug, Serialize)]
struct Motion {
    content: String,
    proposed_by: Named,
}

#[derive(Clone, Debug, Serialize)]
struct Cast {
    agent: Named,
    #[serde(flatten)]
    vote: shape::Vote,
}

impl Heading {
    fn of(meeting: &Meeting) -> Self {
        let (created, roster) = (meeting.created(), meeting.roster());
        let outcome = match meeting.phase() {
            Phase::Concluded { outcome } => Some(*outcome),
            Phase::Pending | Phase::Discussing { .. } | Phase::Voting(_) => None,
        };
        Self {
            id: created.meeting.0,
            topic: created.topic.clone(),
            meeting_type: created.meeting_type,
            status: meeting.status().as_str(),
            outcome,
            created_at: meeting.created_at(),
            started_at: meeting.started_at(),
            completed_at: meeting.completed_at(),
            moderator: created.moderator.map(|agent| Named::of(agent, roster)),
            participants: each(roster.iter().map(|p| p.agent), roster),
            settings: created.settings.clone(),
            related_communication_ids: created.related.iter().map(|id| id.0).collect(),
            last_seq: meeting.last_seq(),
        }
    }
}

impl Named {
    fn of(agent: AgentId, roster: &Roster) -> Self {
        Self {
            agent_id: agent.0,
            name: roster.name(agent),
        }
    }
}

impl Motion {
    fn of(motion: &crate::domain::Motion, roster: &Roster) -> Self {
        Self {
            content: motion.content.clone(),
            proposed_by: Named::of(motion.proposed_by, roster),
        }
    }
}

impl Cast {
    fn of(cast: &CastVote, roster: &Roster) -> Self {
        Self {
            agent: Named::of(cast.agent, roster),
            vote: shape::Vote::from(&cast.vote),
        }
    }
}

fn each(agents: impl IntoIterator<Item = AgentId>, roster: &Roster) -> Vec<Named> {
    let agents = agents.into_iter();
    agents.map(|agent| Named::of(agent, roster)).collect()
}

fn what(event: &Event, roster: &Roster) -> Option<What> {
    let named = |agent: AgentId| Named::of(agent, roster);
    Some(match event {
        Event::MeetingCreated(_) | Event::TurnOpened { .. } => return None,
        Event::ParticipantAdded { agent, .. } => What::ParticipantAdded {
            agent: named(*agent),
        },
        &Event::AgentJoined { agent, returning } => What::AgentJoined {
            agent: named(agent),
            returning,
        },
        &Event::AgentLeft { agent, reason } => What::AgentLeft {
            agent: named(agent),
            reason,
        },
        Event::RoundOpened { .. } | Event::OpinionPresented { .. } | Event::TurnTimedOut { .. } => {
            of_a_round(event, roster)?
        }
        Event::BallotOpened { .. }
        | Event::VoteRecorded { .. }
        | Event::BallotClosed { .. }
        | Event::ConsensusReached { .. } => of_a_ballot(event, roster)?,
        Event::MeetingStarted { by } => What::MeetingStarted { by: by.map(named) },
        Event::MeetingCompleted { outcome, summary } => What::MeetingCompleted {
            outcome: *outcome,
            summary: summary.clone(),
        },
        Event::MeetingCancelled { by, reason } => What::MeetingCancelled {
            by: by.map(named),
            reason: reason.clone(),
        },
        Event::MeetingFailed { reason } => What::MeetingFailed {
            reason: reason.clone(),
        },
        Event::Paused { by } => What::Paused { by: by.map(named) },
        Event::Resumed { by, .. } => What::Resumed { by: by.map(named) },
        &Event::DeadlineMoved { deadline } => What::DeadlineMoved { deadline },
        &Event::MeetingRecovered { deadline } => What::MeetingRecovered { deadline },
    })
}

fn of_a_round(event: &Event, roster: &Roster) -> Option<What> {
    match event {
        Event::RoundOpened { round, order } => Some(What::RoundOpened {
            round: *round,
            order: each(order.iter().copied(), roster),
        }),
        Event::OpinionPresented {
            round,
            agent,
            content,
            proposal,
        } => Some(What::OpinionPresented {
            round: *round,
            agent: Named::of(*agent, roster),
            content: content.clone(),
            proposal: proposal.clone(),
        }),
        Event::TurnTimedOut { round, agent } => Some(What::TurnTimedOut {
            round: *round,
            agent: Named::of(*agent, roster),
        }),
        _ => None,
    }
}

fn of_a_ballot(event: &Event, roster: &Roster) -> Option<What> {
    match event {
        Event::BallotOpened {
            round,
            motion,
            voters,
            deadline,
        } => Some(What::BallotOpened {
            round: *round,
            motion: Motion::of(motion, roster),
            voters: each(voters.iter().copied(), roster),
            deadline: *deadline,
        }),
        Event::VoteRecorded {
            round,
            agent,
            vote,
            secret,
        } => Some(What::VoteRecorded {
            round: *round,
            agent: Named::of(*agent, roster),
            secret: *secret,
            vote: told_vote(vote, *secret).map(shape::Vote::from),
        }),
        Event::BallotClosed {
            round,
            tally,
            verdict,
            votes,
            secret,
        } => Some(What::BallotClosed {
            round: *round,
            verdict: *verdict,
            tally: *tally,
            votes: votes.iter().map(|cast| Cast::of(cast, roster)).collect(),
            secret: *secret,
        }),
        Event::ConsensusReached {
            decision,
            round,
            motion,
            rationale,
            tally,
            ..
        } => Some(What::ConsensusReached {
            decision_id: decision.0,
            round: *round,
            motion: Motion::of(motion, roster),
            rationale: rationale.clone(),
            tally: *tally,
        }),
        _ => None,
    }
}
