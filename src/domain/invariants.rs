//! What is true of every meeting at every moment, written once: asserted while testing, and used
//! by the property tests, the simulation and the checker of crash tests.

use super::{Meeting, Phase};

/// A predicate that does not hold.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Violation(pub &'static str);

/// Checks one meeting.
///
/// # Errors
/// The first invariant that does not hold.
pub fn check(meeting: &Meeting) -> Result<(), Violation> {
    for (name, holds) in INVARIANTS {
        if !holds(meeting) {
            return Err(Violation(name));
        }
    }
    Ok(())
}

type Predicate = fn(&Meeting) -> bool;

const INVARIANTS: [(&str, Predicate); 6] = [
    (
        "the holder of the turn is in the meeting and is the one the order names",
        holder_is_in_order,
    ),
    (
        "only those in the electorate have voted",
        votes_come_from_voters,
    ),
    (
        "an unconcluded meeting in progress waits for somebody",
        somebody_is_waited_for,
    ),
    ("the round is within its bound", round_is_within_bound),
    (
        "a meeting that has ended waits for nothing",
        ended_waits_for_nothing,
    ),
    ("nobody who left is connected", who_left_is_gone),
];

fn holder_is_in_order(meeting: &Meeting) -> bool {
    match meeting.phase() {
        Phase::Discussing {
            order,
            taken,
            turn: Some(turn),
        } => order.get(taken - 1) == Some(&turn.agent) && meeting.roster().has(turn.agent),
        Phase::Discussing { turn: None, .. }
        | Phase::Pending
        | Phase::Voting(_)
        | Phase::Concluded { .. } => true,
    }
}

fn votes_come_from_voters(meeting: &Meeting) -> bool {
    match meeting.phase() {
        Phase::Voting(ballot) => ballot.cast().all(|vote| ballot.is_eligible(vote.agent)),
        Phase::Discussing { .. } | Phase::Pending | Phase::Concluded { .. } => true,
    }
}

fn somebody_is_waited_for(meeting: &Meeting) -> bool {
    match meeting.phase() {
        Phase::Discussing { turn, .. } => turn.is_some() || meeting.paused_at().is_some(),
        Phase::Voting(ballot) => !ballot.voters.is_empty(),
        Phase::Pending | Phase::Concluded { .. } => true,
    }
}

fn round_is_within_bound(meeting: &Meeting) -> bool {
    meeting.round() <= meeting.settings().max_discussion_rounds
}

fn ended_waits_for_nothing(meeting: &Meeting) -> bool {
    !matches!(meeting.phase(), Phase::Concluded { .. }) || meeting.deadline().is_none()
}

fn who_left_is_gone(meeting: &Meeting) -> bool {
    meeting.roster().iter().all(|p| !(p.left && p.connected))
}
