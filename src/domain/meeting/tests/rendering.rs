//! One line for each event, so that a journal reads like minutes.

use chrono::{DateTime, Utc};

use crate::domain::decision_rule::Count;
use crate::domain::{AgentId, CastVote, Event, LeaveReason, Motion, Tally, Vote};

/// The letter an agent is known by.
pub(super) fn letter_of(agent: AgentId) -> String {
    u32::try_from(agent.0.as_u128())
        .ok()
        .and_then(char::from_u32)
        .expect("agents in tests are letters")
        .to_string()
}

/// What an event says, in one line; the texts that a meeting writes itself follow, each line behind a bar.
pub(super) fn describe(event: &Event) -> String {
    match event {
        Event::MeetingCreated(created) => format!("created: {:?}", created.topic),
        Event::ParticipantAdded { agent, .. } => format!("{} is added", letter_of(*agent)),
        Event::AgentJoined { agent, returning } => {
            let again = if *returning { " again" } else { "" };
            format!("{} joins{again}", letter_of(*agent))
        }
        Event::AgentLeft { agent, reason } => match reason {
            LeaveReason::Disconnected => format!("{} disconnects", letter_of(*agent)),
            LeaveReason::Left => format!("{} leaves", letter_of(*agent)),
        },
        Event::MeetingStarted { .. } => "started".to_owned(),
        Event::Paused { by } => format!("paused by {}", by_whom(*by)),
        Event::Resumed { by, deadline } => {
            format!("resumed by {}{}", by_whom(*by), moved(*deadline))
        }
        Event::DeadlineMoved { deadline } => format!("stalled{}", moved(Some(*deadline))),
        Event::MeetingRecovered { deadline } => format!("recovered{}", moved(*deadline)),
        Event::MeetingCompleted { outcome, summary } => {
            let summary = summary.as_deref().map(bars).unwrap_or_default();
            format!("completed: {}{summary}", outcome.as_str())
        }
        Event::MeetingCancelled { by, reason } => {
            format!("cancelled by {}: {reason:?}", by_whom(*by))
        }
        Event::MeetingFailed { reason } => format!("failed: {reason:?}"),
        Event::RoundOpened { .. }
        | Event::TurnOpened { .. }
        | Event::OpinionPresented { .. }
        | Event::TurnTimedOut { .. } => describe_turn(event),
        Event::BallotOpened { .. }
        | Event::VoteRecorded { .. }
        | Event::BallotClosed { .. }
        | Event::ConsensusReached { .. } => describe_ballot(event),
    }
}

fn describe_turn(event: &Event) -> String {
    match event {
        Event::RoundOpened { round, order } => format!("round {round}: {}", letters(order)),
        Event::TurnOpened {
            round,
            agent,
            deadline,
        } => format!("turn {round}.{} until {}", letter_of(*agent), ms(*deadline)),
        Event::OpinionPresented {
            round,
            agent,
            content,
            proposal,
        } => {
            let proposes = proposal.as_ref().map(|p| format!(", proposes {p:?}"));
            let proposes = proposes.unwrap_or_default();
            format!("says {round}.{}: {content:?}{proposes}", letter_of(*agent))
        }
        Event::TurnTimedOut { round, agent } => format!("timeout {round}.{}", letter_of(*agent)),
        other => unreachable!("not of a turn: {other:?}"),
    }
}

fn describe_ballot(event: &Event) -> String {
    match event {
        Event::BallotOpened {
            round,
            motion,
            voters,
            deadline,
        } => format!(
            "ballot {round} on {}, voters {}, until {}",
            words(motion),
            letters(voters),
            ms(*deadline)
        ),
        Event::VoteRecorded {
            round,
            agent,
            vote,
            secret,
        } => {
            let secret = if *secret { ", in secret" } else { "" };
            format!("vote {round}.{}: {}{secret}", letter_of(*agent), said(vote))
        }
        Event::BallotClosed {
            round,
            tally,
            verdict,
            votes,
            secret,
        } => {
            let secret = if *secret { ", were secret" } else { "" };
            let (verdict, tally, votes) = (verdict.as_str(), figures(tally), answers(votes));
            format!("ballot {round} {verdict}: {tally}; {votes}{secret}")
        }
        Event::ConsensusReached {
            round,
            motion,
            rationale,
            tally,
            votes,
            ..
        } => {
            let (tally, votes) = (figures(tally), answers(votes));
            let motion = words(motion);
            format!(
                "decided {round} {motion}: {tally}; {votes}{}",
                bars(rationale)
            )
        }
        other => unreachable!("not of a ballot: {other:?}"),
    }
}

fn letters(agents: &[AgentId]) -> String {
    let letters: Vec<_> = agents.iter().copied().map(letter_of).collect();
    letters.join(" ")
}

fn words(motion: &Motion) -> String {
    format!("{:?} of {}", motion.content, letter_of(motion.proposed_by))
}

fn said(vote: &Vote) -> String {
    let reason = vote.rationale.as_ref();
    let reason = reason.map(|r| format!(", because {r:?}"));
    vote.answer().to_owned() + &reason.unwrap_or_default()
}

fn answers(votes: &[CastVote]) -> String {
    if votes.is_empty() {
        return "nobody".to_owned();
    }
    let votes = votes
        .iter()
        .map(|cast| format!("{} {}", letter_of(cast.agent), cast.vote.answer()));
    votes.collect::<Vec<_>>().join(", ")
}

fn figures(tally: &Tally) -> String {
    let quorum = if tally.quorum_met { "met" } else { "missed" };
    let heads = count(&tally.votes);
    if tally.weight == tally.votes {
        format!("{heads}, quorum {quorum}")
    } else {
        let weight = count(&tally.weight);
        format!("{heads} by head, {weight} by weight, quorum {quorum}")
    }
}

fn count(count: &Count) -> String {
    format!(
        "{} of {} ({} yes, {} no, {} neither)",
        count.cast, count.eligible, count.agree, count.disagree, count.abstain
    )
}

fn by_whom(by: Option<AgentId>) -> String {
    by.map_or_else(|| "operator".to_owned(), letter_of)
}

fn moved(deadline: Option<DateTime<Utc>>) -> String {
    deadline.map_or(String::new(), |d| format!(", deadline now {}", ms(d)))
}

fn ms(instant: DateTime<Utc>) -> i64 {
    instant.timestamp_millis()
}

fn bars(text: &str) -> String {
    format!("\n{text}").replace('\n', "\n     | ")
}
