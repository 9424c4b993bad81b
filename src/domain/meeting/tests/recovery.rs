//! Back from a crash, and late through no fault of the agents.

use expect_test::expect;

use super::world::{A, B, C, called, check, one_round, quick, seated};

#[test]
fn a_turn_goes_on_after_a_restart_with_its_deadline_if_that_is_far_enough() {
    check(
        seated(&[A, B], quick())
            .wait_ms(20)
            .stand_still_ms(30)
            .recover()
            .connect(A)
            .wait_ms(49)
            .speak(A, "Tea."),
        expect![[r#"
            0    #4 started
            0    #5 round 1: a b
            0    #6 turn 1.a until 100
            50   #7 recovered
            50   #8 a joins again
            99   #9 says 1.a: "Tea."
            99   #10 turn 1.b until 199
        "#]],
    );
}

#[test]
fn a_turn_whose_deadline_fell_while_the_server_was_down_gets_the_grace() {
    check(
        seated(&[A, B], quick())
            .wait_ms(20)
            .stand_still_ms(1000)
            .recover()
            .wait_ms(9)
            .connect(A)
            .speak(A, "Tea."),
        expect![[r#"
            0    #4 started
            0    #5 round 1: a b
            0    #6 turn 1.a until 100
            1020 #7 recovered, deadline now 1030
            1029 #8 a joins again
            1029 #9 says 1.a: "Tea."
            1029 #10 turn 1.b until 1129
        "#]],
    );
}

#[test]
fn a_turn_whose_deadline_falls_just_after_the_return_gets_the_grace() {
    check(
        seated(&[A, B], quick())
            .stand_still_ms(91)
            .recover()
            .connect(A)
            .wait_ms(10),
        expect![[r#"
            0    #4 started
            0    #5 round 1: a b
            0    #6 turn 1.a until 100
            91   #7 recovered, deadline now 101
            91   #8 a joins again
            101  #9 timeout 1.a
            101  #10 turn 1.b until 201
        "#]],
    );
    check(
        seated(&[A, B], quick()).stand_still_ms(90).recover(),
        expect![[r#"
            0    #4 started
            0    #5 round 1: a b
            0    #6 turn 1.a until 100
            90   #7 recovered
        "#]],
    );
}

#[test]
fn a_holder_that_does_not_return_after_a_restart_is_waited_for_only_the_grace() {
    check(
        seated(&[A, B], quick()).recover().wait_ms(10),
        expect![[r#"
            0    #4 started
            0    #5 round 1: a b
            0    #6 turn 1.a until 100
            0    #7 recovered
            10   #8 timeout 1.a
            10   #9 turn 1.b until 110
        "#]],
    );
}

#[test]
fn a_ballot_goes_on_after_a_restart_with_the_votes_already_cast() {
    check(
        seated(&[A, B], one_round())
            .speak(A, "Tea.")
            .speak(B, "Tea.")
            .vote(A, Some(true))
            .stand_still_ms(1000)
            .recover()
            .connect(A)
            .vote(A, Some(false))
            .connect(B)
            .wait_ms(9)
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
            1000 #12 recovered, deadline now 1010
            1000 #13 a joins again
            1000 - a refused: AlreadyVoted
            1000 #14 b joins again
            1009 #15 vote 1.b: agree
            1009 #16 ballot 1 passed: 2 of 2 (2 yes, 0 no, 0 neither), quorum met; a agree, b agree
            1009 #17 decided 1 "Tea." of b: 2 of 2 (2 yes, 0 no, 0 neither), quorum met; a agree, b agree
                 | Passed by unanimous consent in round 1: 2 of 2 voted, 2 agree, 0 disagree, 0 abstain, quorum met.
            1009 #18 completed: consensus
        "#]],
    );
}

#[test]
fn a_paused_meeting_is_still_paused_after_a_restart() {
    check(
        seated(&[A, B], quick())
            .wait_ms(60)
            .pause()
            .stand_still_ms(1000)
            .recover()
            .connect(A)
            .speak(A, "Tea.")
            .resume()
            .wait_ms(40),
        expect![[r#"
            0    #4 started
            0    #5 round 1: a b
            0    #6 turn 1.a until 100
            60   #7 paused by m
            1060 #8 recovered
            1060 #9 a joins again
            1060 - a refused: Paused
            1060 #10 resumed by m, deadline now 1100
            1100 #11 timeout 1.a
            1100 #12 turn 1.b until 1200
        "#]],
    );
}

#[test]
fn a_pending_meeting_forgets_its_connections_in_a_restart() {
    check(
        called(&[A, B], quick())
            .recover()
            .connect(A)
            .recover()
            .recover()
            .disconnect(A)
            .connect(A),
        expect![[r#"
            0    - server: nothing happens
            0    #2 a joins
            0    #3 recovered
            0    - server: nothing happens
            0    - a: nothing happens
            0    #4 a joins again
        "#]],
    );
}

#[test]
fn a_meeting_that_is_over_stays_over_in_a_restart() {
    check(
        seated(&[A, B], one_round()).cancel("enough").recover(),
        expect![[r#"
            0    #4 started
            0    #5 round 1: a b
            0    #6 turn 1.a until 100
            0    #7 cancelled by m: Some("enough")
            0    - server: nothing happens
        "#]],
    );
}

#[test]
fn a_stall_moves_a_deadline_that_is_near_and_no_other() {
    check(
        seated(&[A, B], quick())
            .stand_still_ms(90)
            .stall()
            .stand_still_ms(5)
            .stall()
            .speak(A, "Tea.")
            .speak(B, "Tea.")
            .stand_still_ms(60)
            .stall()
            .vote(A, Some(true)),
        expect![[r#"
            0    #4 started
            0    #5 round 1: a b
            0    #6 turn 1.a until 100
            90   - server: nothing happens
            95   #7 stalled, deadline now 105
            95   #8 says 1.a: "Tea."
            95   #9 turn 1.b until 195
            95   #10 says 1.b: "Tea."
            95   #11 ballot 1 on "Tea." of b, voters a b, until 145
            155  #12 stalled, deadline now 165
            155  #13 vote 1.a: agree
        "#]],
    );
}

#[test]
fn a_stall_means_nothing_without_a_running_clock() {
    check(
        called(&[A], quick())
            .connect(A)
            .stall()
            .start()
            .pause()
            .stand_still_ms(1000)
            .stall(),
        expect![[r#"
            0    #2 a joins
            0    - server: nothing happens
            0    #3 started
            0    #4 round 1: a
            0    #5 turn 1.a until 100
            0    #6 paused by m
            1000 - server: nothing happens
        "#]],
    );
}

#[test]
fn a_clock_that_runs_backwards_does_not_turn_the_journal_back() {
    check(
        seated(&[A, B, C], quick())
            .wait_ms(50)
            .speak(A, "Tea.")
            .stand_still_ms(-40)
            .speak(B, "Coffee.")
            .told_at(),
        expect![[r#"
            0    #5 started
            0    #6 round 1: a b c
            0    #7 turn 1.a until 100
            50   #8 says 1.a: "Tea."
            50   #9 turn 1.b until 150
            10   #10 says 1.b: "Coffee."
            10   #11 turn 1.c until 150
            10   #11 is told at 50
        "#]],
    );
}

#[test]
fn a_meeting_that_moves_again_and_again_gives_a_turn_no_more_time_in_the_end() {
    check(
        seated(&[A, B], quick())
            .wait_ms(95)
            .recover()
            .wait_ms(9)
            .recover()
            .wait_ms(9)
            .recover()
            .wait_ms(9)
            .recover()
            .wait_ms(9),
        expect![[r#"
            0    #4 started
            0    #5 round 1: a b
            0    #6 turn 1.a until 100
            95   #7 recovered, deadline now 105
            104  #8 recovered, deadline now 114
            113  #9 recovered, deadline now 123
            122  #10 recovered
            123  #11 timeout 1.a
            123  #12 turn 1.b until 223
        "#]],
    );
}
