//! Each invariant is seen to fail on a meeting that was broken by hand, which no script can do.

use super::super::Meeting;
use super::world::{A, B, C, at, called, quick, seated};
use crate::domain::invariants::{Violation, check};
use crate::domain::{CastVote, Opinion, Outcome, Phase, Settings, Vote};

/// Breaks a meeting in its first turn (A's), and names the invariant that notices.
fn notices(damage: impl FnOnce(&mut Meeting)) -> &'static str {
    broken(seated(&[A, B], quick()).meeting(), damage)
}

fn broken(sound: &Meeting, damage: impl FnOnce(&mut Meeting)) -> &'static str {
    assert_eq!(check(sound), Ok(()));
    let mut meeting = sound.clone();
    damage(&mut meeting);
    match check(&meeting) {
        Ok(()) => "nothing",
        Err(Violation(name)) => name,
    }
}

fn concluded(outcome: Outcome) -> impl FnOnce(&mut Meeting) {
    move |meeting| {
        meeting.phase = Phase::Concluded { outcome };
        meeting.completed_at = Some(at(0));
    }
}

fn drop_turn(meeting: &mut Meeting) {
    match &mut meeting.phase {
        Phase::Discussing { turn, .. } => *turn = None,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_holder_out_of_order_or_out_of_the_meeting_is_noticed() {
    let name = "the holder of the turn is in the meeting and is the one the order names";
    let give_to = |agent| {
        move |meeting: &mut Meeting| match &mut meeting.phase {
            Phase::Discussing {
                turn: Some(turn), ..
            } => turn.agent = agent,
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(notices(give_to(B)), name);
    assert_eq!(notices(give_to(C)), name);
    assert_eq!(notices(|meeting| meeting.roster.leave(A)), name);
    let untaken = |meeting: &mut Meeting| match &mut meeting.phase {
        Phase::Discussing { taken, .. } => *taken = 0,
        other => panic!("{other:?}"),
    };
    assert_eq!(notices(untaken), name);
}

#[test]
fn an_agent_that_stands_twice_is_noticed() {
    let name = "nobody stands twice on the roster, in an order or in an electorate";
    let doubled = |meeting: &mut Meeting| match &mut meeting.phase {
        Phase::Discussing { order, .. } => order.push(A),
        Phase::Voting(ballot) => ballot.voters.push(A),
        other => panic!("{other:?}"),
    };
    assert_eq!(notices(doubled), name);
    let ballot = seated(&[A], quick()).speak(A, "Tea.");
    assert_eq!(broken(ballot.meeting(), doubled), name);
}

#[test]
fn an_opinion_out_of_turn_or_a_second_one_is_noticed() {
    let name = "nobody gives two opinions in a round, or one before its turn has ended";
    let opinion = |agent| {
        move |meeting: &mut Meeting| {
            let content = None;
            meeting.opinions.push(Opinion { agent, content });
        }
    };
    assert_eq!(notices(opinion(A)), name);
    assert_eq!(notices(opinion(B)), name);
    let spoken = seated(&[A, B], quick()).speak(A, "Tea.");
    assert_eq!(broken(spoken.meeting(), opinion(A)), name);
    let ballot = spoken.speak(B, "Tea.");
    assert_eq!(broken(ballot.meeting(), opinion(A)), name);
}

#[test]
fn a_vote_from_outside_is_noticed() {
    let ballot = seated(&[A, B], quick()).speak(A, "Tea.").speak(B, "Tea.");
    let disenfranchised = |meeting: &mut Meeting| match &mut meeting.phase {
        Phase::Voting(ballot) => {
            let vote = Vote {
                agrees: None,
                rationale: None,
                confidence: None,
            };
            ballot.record(CastVote {
                agent: A,
                seq: 9,
                vote,
            });
            ballot.voters.retain(|&voter| voter != A);
        }
        other => panic!("{other:?}"),
    };
    assert_eq!(
        broken(ballot.meeting(), disenfranchised),
        "only those in the electorate have voted"
    );
}

#[test]
fn a_meeting_that_waits_for_nobody_is_noticed() {
    let name = "an unconcluded meeting in progress waits for somebody";
    assert_eq!(notices(drop_turn), name);
    let ballot = seated(&[A, B], quick()).speak(A, "Tea.").speak(B, "Tea.");
    let voted = ballot.vote(A, Some(true));
    let left = |meeting: &mut Meeting| meeting.roster.leave(B);
    assert_eq!(broken(voted.meeting(), left), name);
    let paused = seated(&[A], quick()).pause();
    let empty = |meeting: &mut Meeting| {
        drop_turn(meeting);
        meeting.roster.leave(A);
    };
    assert_eq!(broken(paused.meeting(), empty), name);
}

#[test]
fn a_round_too_many_or_too_early_is_noticed() {
    assert_eq!(
        notices(|meeting| meeting.round = 4),
        "the round is within its bound"
    );
    let name = "a meeting has a round once it has started, and not before";
    assert_eq!(notices(|meeting| meeting.round = 0), name);
    assert_eq!(notices(|meeting| meeting.started_at = None), name);
    let pending = called(&[A], Settings::default());
    let early = |meeting: &mut Meeting| {
        meeting.round = 1;
        meeting.started_at = Some(at(0));
    };
    assert_eq!(broken(pending.meeting(), early), name);
}

#[test]
fn a_pause_of_nothing_is_noticed() {
    let pending = called(&[A], quick());
    assert_eq!(
        broken(pending.meeting(), |meeting| meeting.paused_at = Some(at(0))),
        "clocks stand still only while a meeting is in progress"
    );
}

#[test]
fn an_end_without_a_time_or_the_reverse_is_noticed() {
    let name = "a meeting has ended at a time, and no other has";
    assert_eq!(notices(|meeting| meeting.completed_at = Some(at(0))), name);
    let over = seated(&[A], quick()).cancel("enough");
    assert_eq!(
        broken(over.meeting(), |meeting| meeting.completed_at = None),
        name
    );
}

#[test]
fn an_end_with_neither_decision_nor_summary_or_with_both_is_noticed() {
    let name = "a meeting that ended by its rules has a decision or a summary, not both";
    assert_eq!(notices(concluded(Outcome::Tie)), name);
    assert_eq!(notices(concluded(Outcome::Cancelled)), "nothing");
    let summed_up = |meeting: &mut Meeting| meeting.summary = Some("Nothing yet.".to_owned());
    assert_eq!(notices(summed_up), name);
}

#[test]
fn a_connection_of_somebody_who_left_or_was_never_there_is_noticed() {
    let connected_after_leaving = |meeting: &mut Meeting| {
        meeting.roster.leave(B);
        meeting.roster.connect(B);
    };
    assert_eq!(
        notices(connected_after_leaving),
        "nobody who left is connected"
    );
}

#[test]
fn a_journal_with_a_stray_vote_is_refused_and_not_folded() {
    use super::super::FoldError;
    use crate::domain::{
        AgentId, Created, DecisionId, Event, Meeting, MeetingId, Recorded, Settings, Vote,
    };
    use uuid::Uuid;

    let created = Created {
        meeting: MeetingId(Uuid::nil()),
        topic: String::new(),
        meeting_type: crate::domain::MeetingType::UserSpecified,
        settings: Settings::default(),
        moderator: None,
        participants: Vec::new(),
        related: Vec::new(),
        decision: DecisionId(Uuid::nil()),
    };
    let (_, first) = Meeting::create(chrono::DateTime::UNIX_EPOCH, created);
    let vote = Vote {
        agrees: Some(true),
        rationale: None,
        confidence: None,
    };
    let event = Event::VoteRecorded {
        round: 1,
        agent: AgentId(Uuid::nil()),
        vote,
        secret: false,
    };
    let stray = Recorded {
        seq: 2,
        at: first.at,
        event,
    };
    assert_eq!(
        Meeting::fold([first.clone(), stray]),
        Err(FoldError::Impossible(2))
    );
    let again = Recorded {
        seq: 2,
        ..first.clone()
    };
    assert_eq!(Meeting::fold([first, again]), Err(FoldError::Impossible(2)));
}
