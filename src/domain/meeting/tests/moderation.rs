//! Starting, pausing, resuming, cancelling, and who may.

use expect_test::expect;

use super::world::{A, B, M, called, check, decided_by, one_round, quick, seated};
use crate::domain::{Caller, Command, DecisionRule};

#[test]
fn only_the_moderator_or_an_operator_moves_a_meeting() {
    let cancel = || Command::Cancel { reason: None };
    check(
        called(&[A], quick())
            .ask(Caller::Agent(A), Command::Start)
            .ask(Caller::Admin, Command::Start)
            .ask(Caller::Agent(A), Command::Pause)
            .ask(Caller::Admin, Command::Pause)
            .ask(Caller::Agent(A), Command::Resume)
            .ask(Caller::Admin, Command::Resume)
            .ask(Caller::Agent(A), cancel())
            .ask(Caller::Admin, cancel()),
        expect![[r#"
            0    - a refused: NotModerator
            0    #2 started
            0    #3 round 1: a
            0    #4 turn 1.a until 100
            0    - a refused: NotModerator
            0    #5 paused by operator
            0    - a refused: NotModerator
            0    #6 resumed by operator, deadline now 100
            0    - a refused: NotModerator
            0    #7 cancelled by operator: None
        "#]],
    );
}

#[test]
fn a_meeting_starts_once_and_not_without_participants() {
    check(
        called(&[], quick())
            .start()
            .connect(A)
            .start()
            .start()
            .speak(A, "Tea.")
            .start()
            .cancel("enough")
            .start(),
        expect![[r#"
            0    - m refused: NoParticipants
            0    #2 a is added
            0    #3 a joins
            0    #4 started
            0    #5 round 1: a
            0    #6 turn 1.a until 100
            0    - m refused: AlreadyStarted(InProgress)
            0    #7 says 1.a: "Tea."
            0    #8 ballot 1 on "Tea." of a, voters a, until 50
            0    - m refused: AlreadyStarted(InProgress)
            0    #9 cancelled by m: Some("enough")
            0    - m refused: Over
        "#]],
    );
}

#[test]
fn a_pause_moves_the_deadline_of_a_turn_by_its_length() {
    check(
        seated(&[A, B], quick())
            .wait_ms(40)
            .pause()
            .wait_ms(1000)
            .resume()
            .wait_ms(59)
            .wait_ms(1),
        expect![[r#"
            0    #4 started
            0    #5 round 1: a b
            0    #6 turn 1.a until 100
            40   #7 paused by m
            1040 #8 resumed by m, deadline now 1100
            1100 #9 timeout 1.a
            1100 #10 turn 1.b until 1200
        "#]],
    );
}

#[test]
fn a_pause_moves_the_deadline_of_a_ballot_by_its_length() {
    check(
        seated(&[A], one_round())
            .speak(A, "Tea.")
            .wait_ms(49)
            .pause()
            .wait_ms(1000)
            .resume()
            .vote(A, Some(true)),
        expect![[r#"
            0    #3 started
            0    #4 round 1: a
            0    #5 turn 1.a until 100
            0    #6 says 1.a: "Tea."
            0    #7 ballot 1 on "Tea." of a, voters a, until 50
            49   #8 paused by m
            1049 #9 resumed by m, deadline now 1050
            1049 #10 vote 1.a: agree
            1049 #11 ballot 1 passed: 1 of 1 (1 yes, 0 no, 0 neither), quorum met; a agree
            1049 #12 decided 1 "Tea." of a: 1 of 1 (1 yes, 0 no, 0 neither), quorum met; a agree
                 | Passed by unanimous consent in round 1: 1 of 1 voted, 1 agree, 0 disagree, 0 abstain, quorum met.
            1049 #13 completed: consensus
        "#]],
    );
}

#[test]
fn nobody_speaks_or_votes_while_the_clocks_stand_still() {
    check(
        seated(&[A], quick())
            .pause()
            .speak(A, "Tea.")
            .timer()
            .resume()
            .speak(A, "Tea.")
            .pause()
            .vote(A, Some(true))
            .resume()
            .vote(A, Some(true)),
        expect![[r#"
            0    #3 started
            0    #4 round 1: a
            0    #5 turn 1.a until 100
            0    #6 paused by m
            0    - a refused: Paused
            0    - timer: nothing happens
            0    #7 resumed by m, deadline now 100
            0    #8 says 1.a: "Tea."
            0    #9 ballot 1 on "Tea." of a, voters a, until 50
            0    #10 paused by m
            0    - a refused: Paused
            0    #11 resumed by m, deadline now 50
            0    #12 vote 1.a: agree
            0    #13 ballot 1 passed: 1 of 1 (1 yes, 0 no, 0 neither), quorum met; a agree
            0    #14 decided 1 "Tea." of a: 1 of 1 (1 yes, 0 no, 0 neither), quorum met; a agree
                 | Passed by unanimous consent in round 1: 1 of 1 voted, 1 agree, 0 disagree, 0 abstain, quorum met.
            0    #15 completed: consensus
        "#]],
    );
}

#[test]
fn a_holder_that_is_away_after_a_pause_is_waited_for_the_grace() {
    check(
        seated(&[A, B], quick())
            .pause()
            .disconnect(A)
            .wait_ms(1000)
            .resume()
            .wait_ms(10),
        expect![[r#"
            0    #4 started
            0    #5 round 1: a b
            0    #6 turn 1.a until 100
            0    #7 paused by m
            0    #8 a disconnects
            1000 #9 resumed by m, deadline now 1100
            1010 #10 timeout 1.a
            1010 #11 turn 1.b until 1110
        "#]],
    );
}

#[test]
fn a_floor_that_was_passed_during_a_pause_is_taken_at_its_end() {
    check(
        seated(&[A, B], quick())
            .pause()
            .leave(A)
            .speak(B, "Now?")
            .wait_ms(1000)
            .resume(),
        expect![[r#"
            0    #4 started
            0    #5 round 1: a b
            0    #6 turn 1.a until 100
            0    #7 paused by m
            0    #8 a leaves
            0    - b refused: Paused
            1000 #9 resumed by m
            1000 #10 turn 1.b until 1100
        "#]],
    );
}

#[test]
fn a_ballot_that_nobody_is_missing_from_after_a_pause_closes_at_its_end() {
    check(
        seated(&[A, B], one_round())
            .speak(A, "Tea.")
            .speak(B, "Tea.")
            .vote(A, Some(true))
            .pause()
            .leave(B)
            .resume(),
        expect![[r#"
            0    #4 started
            0    #5 round 1: a b
            0    #6 turn 1.a until 100
            0    #7 says 1.a: "Tea."
            0    #8 turn 1.b until 100
            0    #9 says 1.b: "Tea."
            0    #10 ballot 1 on "Tea." of b, voters a b, until 50
            0    #11 vote 1.a: agree
            0    #12 paused by m
            0    #13 b leaves
            0    #14 resumed by m, deadline now 50
            0    #15 ballot 1 no_quorum: 1 of 2 (1 yes, 0 no, 0 neither), quorum missed; a agree
            0    #16 completed: no_quorum
                 | No decision after 1 of 1 rounds.
                 | Round 1, no_quorum (1 of 2 voted, 1 agree, 0 disagree, 0 abstain, quorum not met): Tea.
                 | a last said: Tea.
                 | b last said: Tea.
        "#]],
    );
}

#[test]
fn a_paused_meeting_ends_when_the_last_one_leaves() {
    check(
        seated(&[A], quick()).pause().leave(A),
        expect![[r#"
            0    #3 started
            0    #4 round 1: a
            0    #5 turn 1.a until 100
            0    #6 paused by m
            0    #7 a leaves
            0    #8 completed: no_quorum
                 | No decision after 1 of 3 rounds.
        "#]],
    );
}

#[test]
fn a_ballot_is_counted_even_in_a_pause_when_the_last_one_leaves() {
    check(
        seated(&[A, B], decided_by(DecisionRule::majority()))
            .speak(A, "Tea.")
            .speak(B, "Tea.")
            .vote(A, Some(true))
            .pause()
            .leave(A)
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
            0    #12 paused by m
            0    #13 a leaves
            0    #14 b leaves
            0    #15 ballot 1 passed: 1 of 2 (1 yes, 0 no, 0 neither), quorum met; a agree
            0    #16 decided 1 "Tea." of b: 1 of 2 (1 yes, 0 no, 0 neither), quorum met; a agree
                 | Passed by majority in round 1: 1 of 2 voted, 1 agree, 0 disagree, 0 abstain, quorum met.
            0    #17 completed: majority
        "#]],
    );
}

#[test]
fn pausing_and_resuming_need_the_state_that_they_end() {
    check(
        called(&[A], quick())
            .pause()
            .resume()
            .start()
            .resume()
            .pause()
            .pause()
            .cancel("enough")
            .pause()
            .resume(),
        expect![[r#"
            0    - m refused: NotInProgress(Pending)
            0    - m refused: NotInProgress(Pending)
            0    #2 started
            0    #3 round 1: a
            0    #4 turn 1.a until 100
            0    - m refused: NotPaused
            0    #5 paused by m
            0    - m refused: Paused
            0    #6 cancelled by m: Some("enough")
            0    - m refused: Over
            0    - m refused: Over
        "#]],
    );
}

#[test]
fn a_meeting_can_be_cancelled_at_any_time_before_its_end() {
    check(
        called(&[A], quick()).cancel("no need"),
        expect![[r#"
            0    #2 cancelled by m: Some("no need")
        "#]],
    );
    check(
        seated(&[A], quick()).cancel("enough"),
        expect![[r#"
            0    #3 started
            0    #4 round 1: a
            0    #5 turn 1.a until 100
            0    #6 cancelled by m: Some("enough")
        "#]],
    );
    check(
        seated(&[A], quick()).speak(A, "Tea.").cancel("enough"),
        expect![[r#"
            0    #3 started
            0    #4 round 1: a
            0    #5 turn 1.a until 100
            0    #6 says 1.a: "Tea."
            0    #7 ballot 1 on "Tea." of a, voters a, until 50
            0    #8 cancelled by m: Some("enough")
        "#]],
    );
    check(
        seated(&[A], quick()).pause().cancel("enough"),
        expect![[r#"
            0    #3 started
            0    #4 round 1: a
            0    #5 turn 1.a until 100
            0    #6 paused by m
            0    #7 cancelled by m: Some("enough")
        "#]],
    );
}

#[test]
fn a_meeting_that_is_over_refuses_everything_and_waits_for_nothing() {
    let over = seated(&[A], quick()).cancel("enough").forget();
    assert_eq!(over.meeting().deadline(), None);
    check(
        over.speak(A, "But")
            .vote(A, Some(true))
            .connect(A)
            .connect(B)
            .disconnect(A)
            .join(B)
            .add(Caller::Admin, B)
            .leave(A)
            .start()
            .pause()
            .resume()
            .cancel("again")
            .timer()
            .recover()
            .stall()
            .fail("broken"),
        expect![[r#"
            0    - a refused: Over
            0    - a refused: Over
            0    - a refused: Over
            0    - b refused: Over
            0    - a: nothing happens
            0    - b refused: Over
            0    - operator refused: Over
            0    - a refused: Over
            0    - m refused: Over
            0    - m refused: Over
            0    - m refused: Over
            0    - m refused: Over
            0    - timer: nothing happens
            0    - server: nothing happens
            0    - server: nothing happens
            0    - server: nothing happens
        "#]],
    );
}

#[test]
fn the_moderator_may_take_part_as_well() {
    check(
        called(&[A], quick())
            .connect(M)
            .start()
            .speak(A, "Tea.")
            .speak(M, "Tea."),
        expect![[r#"
            0    #2 m is added
            0    #3 m joins
            0    #4 started
            0    #5 round 1: a m
            0    #6 turn 1.a until 100
            0    #7 says 1.a: "Tea."
            0    #8 turn 1.m until 100
            0    #9 says 1.m: "Tea."
            0    #10 ballot 1 on "Tea." of m, voters a m, until 50
        "#]],
    );
}
