//! Which rows follow from an event. Pure, and the same for every database.

use chrono::{DateTime, Utc};
use serde_json::json;

use super::Message;
use crate::domain::phase::NO_RESPONSE;
use crate::domain::{
    AgentId, CastVote, Created, DecisionId, Event, LeaveReason, Motion, Recorded, Tally, Vote,
};

/// A row to be written beside the journal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Row {
    /// Something said.
    Message(Message),
    /// Someone became a participant; a row that is there already loses its `left_at` and gets a `speaking_order` if it has none.
    Added {
        /// Who.
        agent: AgentId,
        /// When.
        at: DateTime<Utc>,
    },
    /// Someone left for good.
    Left {
        /// Who.
        agent: AgentId,
        /// When.
        at: DateTime<Utc>,
    },
    /// The meeting decided. The database itself lists the decision for all who were in the meeting.
    Decided(Decided),
}

/// The row of a decision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decided {
    /// Its id.
    pub id: DecisionId,
    /// What was decided.
    pub content: String,
    /// Why.
    pub rationale: String,
    /// The log rows that prompted the meeting.
    pub related: Vec<crate::domain::CommunicationId>,
    /// Tally and votes as JSON text.
    pub agreement: String,
    /// When.
    pub at: DateTime<Utc>,
}

/// A participant as the meeting is created.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// Who.
    pub agent: AgentId,
    /// Whether it moderates.
    pub is_moderator: bool,
    /// From 1; `None` for a moderator who does not participate.
    pub speaking_order: Option<u32>,
}

/// The participants that a new meeting has: those named, once each, and the moderator.
pub fn places(created: &Created) -> Vec<Place> {
    let mut places: Vec<Place> = Vec::new();
    let named = created.participants.iter().map(|(agent, _)| *agent);
    for (agent, is_named) in named
        .map(|a| (a, true))
        .chain(created.moderator.map(|a| (a, false)))
    {
        if places.iter().all(|place| place.agent != agent) {
            let order = u32::try_from(places.len()).map_or(u32::MAX, |before| before + 1);
            places.push(Place {
                agent,
                is_moderator: created.moderator == Some(agent),
                speaking_order: is_named.then_some(order),
            });
        }
    }
    places
}

/// The rows that follow from one event.
pub fn project(recorded: &Recorded) -> Vec<Row> {
    let at = recorded.at;
    let said = |by: Option<AgentId>, kind, round: u32, content: String| {
        vec![message(recorded, by, kind, round, content)]
    };
    let meta = |round, content| said(None, "meta", round, content);
    match &recorded.event {
        &Event::ParticipantAdded { agent, .. } => vec![Row::Added { agent, at }],
        &Event::AgentLeft { agent, reason } => match reason {
            LeaveReason::Left => vec![Row::Left { agent, at }],
            LeaveReason::Disconnected => Vec::new(),
        },
        Event::MeetingStarted { .. } => meta(0, "Meeting started".to_owned()),
        Event::OpinionPresented {
            round,
            agent,
            content,
            ..
        } => said(Some(*agent), "opinion", *round, content.clone()),
        Event::TurnTimedOut { round, agent } => {
            said(Some(*agent), "opinion", *round, NO_RESPONSE.to_owned())
        }
        Event::BallotOpened { round, motion, .. } => {
            meta(*round, format!("Ballot opened on: {}", motion.content))
        }
        Event::VoteRecorded {
            round,
            agent,
            vote,
            secret: false,
        } => said(Some(*agent), "consensus", *round, vote_text(vote)),
        Event::BallotClosed {
            round,
            votes,
            secret,
            ..
        } => {
            let mut rows = revealed(recorded, *round, if *secret { votes } else { &[] });
            rows.extend(meta(*round, result_text(&recorded.event)));
            rows
        }
        Event::ConsensusReached { .. } => decided(recorded).into_iter().collect(),
        Event::MeetingCancelled { reason, .. } => {
            let why = reason.as_ref().map(|reason| format!(": {reason}"));
            meta(0, format!("Meeting cancelled{}", why.unwrap_or_default()))
        }
        Event::MeetingFailed { reason } => meta(0, format!("Meeting failed: {reason}")),
        Event::MeetingCreated(_)
        | Event::AgentJoined { .. }
        | Event::RoundOpened { .. }
        | Event::TurnOpened { .. }
        | Event::VoteRecorded { secret: true, .. }
        | Event::MeetingCompleted { .. }
        | Event::Paused { .. }
        | Event::Resumed { .. }
        | Event::DeadlineMoved { .. }
        | Event::MeetingRecovered { .. } => Vec::new(),
    }
}

fn result_text(event: &Event) -> String {
    let Event::BallotClosed { tally, verdict, .. } = event else {
        return String::new();
    };
    let count = tally.votes;
    let (agree, disagree, abstain) = (count.agree, count.disagree, count.abstain);
    let (verdict, eligible) = (verdict.as_str(), count.eligible);
    format!("Ballot {verdict}: {agree} agree, {disagree} disagree, {abstain} abstain of {eligible}")
}

fn decided(recorded: &Recorded) -> Option<Row> {
    let Event::ConsensusReached {
        decision,
        motion,
        rationale,
        tally,
        votes,
        related,
        ..
    } = &recorded.event
    else {
        return None;
    };
    Some(Row::Decided(Decided {
        id: *decision,
        content: motion.content.clone(),
        rationale: rationale.clone(),
        related: related.clone(),
        agreement: agreement(motion, *tally, votes),
        at: recorded.at,
    }))
}

fn message(
    recorded: &Recorded,
    agent: Option<AgentId>,
    message_type: &'static str,
    round: u32,
    content: String,
) -> Row {
    let (sequence_number, timestamp) = (recorded.seq, recorded.at);
    Row::Message(Message {
        agent,
        content,
        sequence_number,
        message_type,
        round,
        timestamp,
    })
}

/// The votes of a blind ballot become rows only when it closes, each under the number of its own event.
fn revealed(recorded: &Recorded, round: u32, votes: &[CastVote]) -> Vec<Row> {
    let reveal = |cast: &CastVote| {
        Row::Message(Message {
            agent: Some(cast.agent),
            content: vote_text(&cast.vote),
            sequence_number: cast.seq,
            message_type: "consensus",
            round,
            timestamp: recorded.at,
        })
    };
    votes.iter().map(reveal).collect()
}

fn vote_text(vote: &Vote) -> String {
    match &vote.rationale {
        Some(rationale) => format!("{}: {rationale}", vote.answer()),
        None => vote.answer().to_owned(),
    }
}

fn agreement(motion: &Motion, tally: Tally, votes: &[CastVote]) -> String {
    let votes: Vec<_> = votes
        .iter()
        .map(|cast| {
            let vote = &cast.vote;
            json!({"agent_id": cast.agent.0, "agrees": vote.agrees, "rationale": vote.rationale, "confidence": vote.confidence})
        })
        .collect();
    let count = |count: crate::domain::decision_rule::Count| json!({"eligible": count.eligible, "cast": count.cast, "agree": count.agree, "disagree": count.disagree, "abstain": count.abstain});
    json!({
        "proposed_by": motion.proposed_by.0,
        "tally": count(tally.votes),
        "weight": count(tally.weight),
        "quorum_met": tally.quorum_met,
        "votes": votes,
    })
    .to_string()
}
