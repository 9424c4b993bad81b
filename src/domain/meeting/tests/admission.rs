//! Who comes in, when, and what starts a meeting by itself.

use expect_test::expect;

use super::world::{A, B, C, D, M, called, check, quick, seated};
use crate::domain::{Admission, Caller, Settings, Start};

fn invited() -> Settings {
    Settings {
        admission: Admission::Invited,
        ..quick()
    }
}

fn when_all_joined() -> Settings {
    Settings {
        start: Start::WhenAllJoined,
        ..quick()
    }
}

#[test]
fn an_open_meeting_takes_in_whoever_connects_or_joins() {
    check(
        called(&[A], quick())
            .connect(B)
            .join(C)
            .connect(C)
            .join(C)
            .add(Caller::Admin, D)
            .add(Caller::Admin, D)
            .start(),
        expect![[r#"
            0    #2 b is added
            0    #3 b joins
            0    #4 c is added
            0    #5 c joins
            0    - c refused: AlreadyParticipant
            0    #6 d is added
            0    - operator refused: AlreadyParticipant
            0    #7 started
            0    #8 round 1: a b c d
            0    #9 turn 1.a until 100
        "#]],
    );
}

#[test]
fn an_invited_meeting_takes_in_only_those_named_or_added_by_an_operator() {
    check(
        called(&[A], invited())
            .connect(A)
            .connect(B)
            .join(B)
            .add(Caller::Admin, B)
            .connect(B)
            .connect(M),
        expect![[r#"
            0    #2 a joins
            0    - b refused: NotInvited
            0    - b refused: NotInvited
            0    #3 b is added
            0    #4 b joins
            0    - m refused: NotInvited
        "#]],
    );
}

#[test]
fn an_agent_joins_only_for_itself() {
    check(
        called(&[A], quick())
            .add(Caller::Agent(A), B)
            .add(Caller::Agent(M), B)
            .join(A),
        expect![[r#"
            0    - a refused: NotYourself
            0    - m refused: NotYourself
            0    - a refused: AlreadyParticipant
        "#]],
    );
}

#[test]
fn a_late_joiner_speaks_from_the_next_round_and_votes_in_ballots_opened_after_it_came() {
    check(
        seated(&[A], quick())
            .connect(B)
            .speak(B, "May I?")
            .speak(A, "Tea.")
            .connect(C)
            .vote(C, Some(true))
            .vote(B, Some(false))
            .vote(A, Some(true))
            .speak(A, "Tea!")
            .speak(B, "Coffee.")
            .speak(C, "Tea.")
            .vote(A, Some(true))
            .vote(B, Some(true))
            .vote(C, Some(true)),
        expect![[r#"
            0    #3 started
            0    #4 round 1: a
            0    #5 turn 1.a until 100
            0    #6 b is added
            0    #7 b joins
            0    - b refused: NotYourTurn
            0    #8 says 1.a: "Tea."
            0    #9 ballot 1 on "Tea." of a, voters a b, until 50
            0    #10 c is added
            0    #11 c joins
            0    - c refused: NotAParticipant
            0    #12 vote 1.b: disagree
            0    #13 vote 1.a: agree
            0    #14 ballot 1 rejected: 2 of 2 (1 yes, 1 no, 0 neither), quorum met; a agree, b disagree
            0    #15 round 2: a b c
            0    #16 turn 2.a until 100
            0    #17 says 2.a: "Tea!"
            0    #18 turn 2.b until 100
            0    #19 says 2.b: "Coffee."
            0    #20 turn 2.c until 100
            0    #21 says 2.c: "Tea."
            0    #22 ballot 2 on "Tea." of c, voters a b c, until 50
            0    #23 vote 2.a: agree
            0    #24 vote 2.b: agree
            0    #25 vote 2.c: agree
            0    #26 ballot 2 passed: 3 of 3 (3 yes, 0 no, 0 neither), quorum met; a agree, b agree, c agree
            0    #27 decided 2 "Tea." of c: 3 of 3 (3 yes, 0 no, 0 neither), quorum met; a agree, b agree, c agree
                 | Passed by unanimous consent in round 2: 3 of 3 voted, 3 agree, 0 disagree, 0 abstain, quorum met.
            0    #28 completed: consensus
        "#]],
    );
}

#[test]
fn a_meeting_can_start_by_itself_when_all_have_joined() {
    check(
        called(&[A, B], when_all_joined())
            .connect(A)
            .disconnect(A)
            .connect(B)
            .connect(A),
        expect![[r#"
            0    #2 a joins
            0    #3 a disconnects
            0    #4 b joins
            0    #5 a joins again
            0    #6 started
            0    #7 round 1: a b
            0    #8 turn 1.a until 100
        "#]],
    );
}

#[test]
fn a_meeting_that_waits_for_all_starts_when_the_missing_one_leaves() {
    check(
        called(&[A, B], when_all_joined()).connect(A).leave(B),
        expect![[r#"
            0    #2 a joins
            0    #3 b leaves
            0    #4 started
            0    #5 round 1: a
            0    #6 turn 1.a until 100
        "#]],
    );
}

#[test]
fn a_meeting_that_waits_for_all_may_be_started_by_hand() {
    check(
        called(&[A, B], when_all_joined()).connect(A).start(),
        expect![[r#"
            0    #2 a joins
            0    #3 started
            0    #4 round 1: a b
            0    #5 turn 1.a until 100
        "#]],
    );
}

#[test]
fn a_second_connection_of_an_agent_is_told_as_a_return() {
    check(
        called(&[A], quick()).connect(A).connect(A),
        expect![[r#"
            0    #2 a joins
            0    #3 a joins again
        "#]],
    );
}

#[test]
fn a_connection_that_goes_twice_or_was_never_there_is_told_once_or_never() {
    check(
        called(&[A], quick())
            .connect(A)
            .disconnect(A)
            .disconnect(A)
            .disconnect(B),
        expect![[r#"
            0    #2 a joins
            0    #3 a disconnects
            0    - a: nothing happens
            0    - b: nothing happens
        "#]],
    );
}
