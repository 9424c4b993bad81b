//! Leaving for good, and coming back all the same.

use expect_test::expect;

use super::world::{A, B, C, called, check, decided_by, one_round, quick, seated};
use crate::domain::{Admission, DecisionRule, Settings};

fn invited() -> Settings {
    Settings {
        admission: Admission::Invited,
        ..quick()
    }
}

#[test]
fn a_holder_that_leaves_passes_the_floor_at_once() {
    check(
        seated(&[A, B], one_round())
            .leave(A)
            .speak(A, "One more thing.")
            .speak(B, "Tea.")
            .vote(A, Some(true))
            .vote(B, Some(true)),
        expect![[r#"
            0    #4 started
            0    #5 round 1: a b
            0    #6 turn 1.a until 100
            0    #7 a leaves
            0    #8 turn 1.b until 100
            0    - a refused: NotAParticipant
            0    #9 says 1.b: "Tea."
            0    #10 ballot 1 on "Tea." of b, voters b, until 50
            0    - a refused: NotAParticipant
            0    #11 vote 1.b: agree
            0    #12 ballot 1 passed: 1 of 1 (1 yes, 0 no, 0 neither), quorum met; b agree
            0    #13 decided 1 "Tea." of b: 1 of 1 (1 yes, 0 no, 0 neither), quorum met; b agree
                 | Passed by unanimous consent in round 1: 1 of 1 voted, 1 agree, 0 disagree, 0 abstain, quorum met.
            0    #14 completed: consensus
        "#]],
    );
}

#[test]
fn an_agent_that_leaves_before_its_turn_is_passed_over() {
    check(
        seated(&[A, B, C], quick()).leave(B).speak(A, "Tea."),
        expect![[r#"
            0    #5 started
            0    #6 round 1: a b c
            0    #7 turn 1.a until 100
            0    #8 b leaves
            0    #9 says 1.a: "Tea."
            0    #10 turn 1.c until 100
        "#]],
    );
}

#[test]
fn a_ballot_waits_no_longer_for_a_voter_that_left_but_still_counts_it_as_eligible() {
    check(
        seated(&[A, B], one_round())
            .speak(A, "Tea.")
            .speak(B, "Tea.")
            .vote(A, Some(true))
            .leave(B),
        expect![[r#"
            0    #4 started
            0    #5 round 1: a b
            0    #6 turn 1.a until 100
            0    #7 says 1.a: "Tea."
            0    #8 turn 1.b until 100
            0    #9 says 1.b: "Tea."
            0    #10 ballot 1 on "Tea." of b, voters a b, until 50
            0    #11 vote 1.a: agree
            0    #12 b leaves
            0    #13 ballot 1 no_quorum: 1 of 2 (1 yes, 0 no, 0 neither), quorum missed; a agree
            0    #14 completed: no_quorum
                 | No decision after 1 of 1 rounds.
                 | Round 1, no_quorum (1 of 2 voted, 1 agree, 0 disagree, 0 abstain, quorum not met): Tea.
                 | a last said: Tea.
                 | b last said: Tea.
        "#]],
    );
}

#[test]
fn a_vote_stays_when_its_voter_leaves() {
    check(
        seated(&[A, B], one_round())
            .speak(A, "Tea.")
            .speak(B, "Tea.")
            .vote(A, Some(true))
            .leave(A)
            .vote(B, Some(true)),
        expect![[r#"
            0    #4 started
            0    #5 round 1: a b
            0    #6 turn 1.a until 100
            0    #7 says 1.a: "Tea."
            0    #8 turn 1.b until 100
            0    #9 says 1.b: "Tea."
            0    #10 ballot 1 on "Tea." of b, voters a b, until 50
            0    #11 vote 1.a: agree
            0    #12 a leaves
            0    #13 vote 1.b: agree
            0    #14 ballot 1 passed: 2 of 2 (2 yes, 0 no, 0 neither), quorum met; a agree, b agree
            0    #15 decided 1 "Tea." of b: 2 of 2 (2 yes, 0 no, 0 neither), quorum met; a agree, b agree
                 | Passed by unanimous consent in round 1: 2 of 2 voted, 2 agree, 0 disagree, 0 abstain, quorum met.
            0    #16 completed: consensus
        "#]],
    );
}

#[test]
fn a_meeting_ends_when_the_last_one_leaves() {
    check(
        seated(&[A, B], quick())
            .speak(A, "Tea.")
            .leave(A)
            .leave(B)
            .connect(A),
        expect![[r#"
            0    #4 started
            0    #5 round 1: a b
            0    #6 turn 1.a until 100
            0    #7 says 1.a: "Tea."
            0    #8 turn 1.b until 100
            0    #9 a leaves
            0    #10 b leaves
            0    #11 completed: no_quorum
                 | No decision after 1 of 3 rounds.
                 | a last said: Tea.
            0    - a refused: Over
        "#]],
    );
}

#[test]
fn a_ballot_is_counted_when_the_last_one_leaves() {
    check(
        seated(&[A, B, C], decided_by(DecisionRule::majority()))
            .speak(A, "Tea.")
            .speak(B, "Tea.")
            .speak(C, "Coffee.")
            .vote(A, Some(true))
            .vote(B, Some(true))
            .leave(A)
            .leave(B)
            .leave(C),
        expect![[r#"
            0    #5 started
            0    #6 round 1: a b c
            0    #7 turn 1.a until 100
            0    #8 says 1.a: "Tea."
            0    #9 turn 1.b until 100
            0    #10 says 1.b: "Tea."
            0    #11 turn 1.c until 100
            0    #12 says 1.c: "Coffee."
            0    #13 ballot 1 on "Coffee." of c, voters a b c, until 50
            0    #14 vote 1.a: agree
            0    #15 vote 1.b: agree
            0    #16 a leaves
            0    #17 b leaves
            0    #18 c leaves
            0    #19 ballot 1 passed: 2 of 3 (2 yes, 0 no, 0 neither), quorum met; a agree, b agree
            0    #20 decided 1 "Coffee." of c: 2 of 3 (2 yes, 0 no, 0 neither), quorum met; a agree, b agree
                 | Passed by majority in round 1: 2 of 3 voted, 2 agree, 0 disagree, 0 abstain, quorum met.
            0    #21 completed: majority
        "#]],
    );
}

#[test]
fn a_ballot_that_fails_when_the_last_one_leaves_opens_no_further_round() {
    check(
        seated(&[A], quick()).speak(A, "Tea.").leave(A),
        expect![[r#"
            0    #3 started
            0    #4 round 1: a
            0    #5 turn 1.a until 100
            0    #6 says 1.a: "Tea."
            0    #7 ballot 1 on "Tea." of a, voters a, until 50
            0    #8 a leaves
            0    #9 ballot 1 no_quorum: 0 of 1 (0 yes, 0 no, 0 neither), quorum missed; nobody
            0    #10 completed: no_quorum
                 | No decision after 1 of 3 rounds.
                 | Round 1, no_quorum (0 of 1 voted, 0 agree, 0 disagree, 0 abstain, quorum not met): Tea.
                 | a last said: Tea.
        "#]],
    );
}

#[test]
fn a_pending_meeting_outlives_the_last_one_that_leaves() {
    check(
        called(&[A], quick())
            .connect(A)
            .leave(A)
            .start()
            .join(A)
            .start(),
        expect![[r#"
            0    #2 a joins
            0    #3 a leaves
            0    - m refused: NoParticipants
            0    #4 a is added
            0    #5 started
            0    #6 round 1: a
            0    #7 turn 1.a until 100
        "#]],
    );
}

#[test]
fn an_agent_that_left_may_come_back_and_does_not_speak_twice_in_a_round() {
    check(
        seated(&[A, B], quick())
            .speak(A, "Tea.")
            .leave(A)
            .vote(A, Some(true))
            .leave(A)
            .connect(A)
            .speak(B, "Tea.")
            .vote(B, Some(true))
            .vote(A, Some(true)),
        expect![[r#"
            0    #4 started
            0    #5 round 1: a b
            0    #6 turn 1.a until 100
            0    #7 says 1.a: "Tea."
            0    #8 turn 1.b until 100
            0    #9 a leaves
            0    - a refused: NotAParticipant
            0    - a refused: NotAParticipant
            0    #10 a is added
            0    #11 a joins again
            0    #12 says 1.b: "Tea."
            0    #13 ballot 1 on "Tea." of b, voters a b, until 50
            0    #14 vote 1.b: agree
            0    #15 vote 1.a: agree
            0    #16 ballot 1 passed: 2 of 2 (2 yes, 0 no, 0 neither), quorum met; a agree, b agree
            0    #17 decided 1 "Tea." of b: 2 of 2 (2 yes, 0 no, 0 neither), quorum met; a agree, b agree
                 | Passed by unanimous consent in round 1: 2 of 2 voted, 2 agree, 0 disagree, 0 abstain, quorum met.
            0    #18 completed: consensus
        "#]],
    );
}

#[test]
fn an_agent_that_left_and_came_back_before_its_turn_has_its_turn() {
    check(
        seated(&[A, B], invited())
            .leave(B)
            .join(B)
            .speak(A, "Tea.")
            .connect(B)
            .speak(B, "Tea."),
        expect![[r#"
            0    #4 started
            0    #5 round 1: a b
            0    #6 turn 1.a until 100
            0    #7 b leaves
            0    #8 b is added
            0    #9 says 1.a: "Tea."
            0    #10 turn 1.b until 100
            0    #11 b joins again
            0    #12 says 1.b: "Tea."
            0    #13 ballot 1 on "Tea." of b, voters a b, until 50
        "#]],
    );
}
