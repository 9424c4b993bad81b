//! What is true of every meeting at every moment, written once: asserted while testing, and used
//! by the property tests, the simulation and the checker of crash tests.

use std::collections::BTreeSet;

use super::{AgentId, Meeting, Outcome, Phase};

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

const INVARIANTS: [(&str, Predicate); 13] = [
    (
        "the holder of the turn is in the meeting and is the one the order names",
        holder_is_in_order,
    ),
    (
        "nobody stands twice on the roster, in an order or in an electorate",
        nobody_stands_twice,
    ),
    (
        "nobody gives two opinions in a round, or one before its turn has ended",
        opinions_follow_order,
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
        "a meeting has a round once it has started, and not before",
        rounds_begin_with_the_start,
    ),
    (
        "clocks stand still only while a meeting is in progress",
        only_progress_is_paused,
    ),
    (
        "a meeting that has ended waits for nothing",
        ended_waits_for_nothing,
    ),
    (
        "a meeting has ended at a time, and no other has",
        end_has_a_time,
    ),
    (
        "a meeting that ended by its rules has a decision or a summary, not both",
        decision_or_summary,
    ),
    ("nobody who left is connected", who_left_is_gone),
    ("whoever is connected has been seen", connected_were_seen),
];

fn holder_is_in_order(meeting: &Meeting) -> bool {
    match meeting.phase() {
        Phase::Discussing {
            order,
            taken,
            turn: Some(turn),
        } => {
            let place = taken.checked_sub(1);
            place.and_then(|place| order.get(place)) == Some(&turn.agent)
                && meeting.roster().has(turn.agent)
        }
        Phase::Discussing { turn: None, .. }
        | Phase::Pending
        | Phase::Voting(_)
        | Phase::Concluded { .. } => true,
    }
}

fn nobody_stands_twice(meeting: &Meeting) -> bool {
    are_distinct(meeting.roster().iter().map(|p| p.agent))
        && match meeting.phase() {
            Phase::Discussing { order, .. } => are_distinct(order.iter().copied()),
            Phase::Voting(ballot) => are_distinct(ballot.voters.iter().copied()),
            Phase::Pending | Phase::Concluded { .. } => true,
        }
}

fn opinions_follow_order(meeting: &Meeting) -> bool {
    let spoke = || meeting.opinions().iter().map(|opinion| opinion.agent);
    are_distinct(spoke())
        && match meeting.phase() {
            Phase::Discussing { order, taken, turn } => {
                let ended = taken.saturating_sub(usize::from(turn.is_some()));
                let mut heard = order.iter().take(ended);
                spoke().all(|agent| heard.any(|&other| other == agent))
            }
            Phase::Pending | Phase::Voting(_) | Phase::Concluded { .. } => true,
        }
}

fn votes_come_from_voters(meeting: &Meeting) -> bool {
    match meeting.phase() {
        Phase::Voting(ballot) => ballot.cast().all(|vote| ballot.is_eligible(vote.agent)),
        Phase::Discussing { .. } | Phase::Pending | Phase::Concluded { .. } => true,
    }
}

fn somebody_is_waited_for(meeting: &Meeting) -> bool {
    let roster = meeting.roster();
    let is_waited_for = match meeting.phase() {
        Phase::Discussing { turn, .. } => turn.is_some(),
        Phase::Voting(ballot) => {
            let mut voters = ballot.voters.iter();
            voters.any(|&voter| roster.has(voter) && !ballot.has_voted(voter))
        }
        Phase::Pending | Phase::Concluded { .. } => return true,
    };
    roster.present().next().is_some() && (is_waited_for || meeting.paused_at().is_some())
}

fn round_is_within_bound(meeting: &Meeting) -> bool {
    meeting.round() <= meeting.settings().max_discussion_rounds
}

fn rounds_begin_with_the_start(meeting: &Meeting) -> bool {
    let has_started = meeting.started_at().is_some();
    let may_have = match meeting.phase() {
        Phase::Pending => !has_started,
        Phase::Discussing { .. } | Phase::Voting(_) => has_started,
        Phase::Concluded { .. } => true,
    };
    may_have && has_started == (meeting.round() > 0)
}

fn only_progress_is_paused(meeting: &Meeting) -> bool {
    match meeting.phase() {
        Phase::Discussing { .. } | Phase::Voting(_) => true,
        Phase::Pending | Phase::Concluded { .. } => meeting.paused_at().is_none(),
    }
}

fn ended_waits_for_nothing(meeting: &Meeting) -> bool {
    !is_over(meeting) || meeting.deadline().is_none()
}

fn end_has_a_time(meeting: &Meeting) -> bool {
    is_over(meeting) == meeting.completed_at().is_some()
}

fn decision_or_summary(meeting: &Meeting) -> bool {
    let has_summary = meeting.summary().is_some();
    match meeting.phase() {
        Phase::Concluded { outcome } => match outcome {
            Outcome::NoConsensus | Outcome::NoQuorum | Outcome::Tie => has_summary,
            Outcome::Consensus | Outcome::Majority | Outcome::Cancelled | Outcome::Failed => {
                !has_summary
            }
        },
        Phase::Pending | Phase::Discussing { .. } | Phase::Voting(_) => !has_summary,
    }
}

fn who_left_is_gone(meeting: &Meeting) -> bool {
    meeting.roster().iter().all(|p| !(p.left && p.connected))
}

fn connected_were_seen(meeting: &Meeting) -> bool {
    meeting.roster().iter().all(|p| p.seen || !p.connected)
}

fn is_over(meeting: &Meeting) -> bool {
    matches!(meeting.phase(), Phase::Concluded { .. })
}

fn are_distinct(agents: impl Iterator<Item = AgentId>) -> bool {
    let mut seen = BTreeSet::new();
    agents.into_iter().all(|agent| seen.insert(agent))
}
