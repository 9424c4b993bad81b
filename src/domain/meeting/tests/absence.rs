//! Participants without a connection, and how long they are waited for.

use expect_test::expect;

use super::world::{A, B, C, called, check, quick, seated};

#[test]
fn an_agent_that_is_away_when_its_turn_comes_is_waited_for_only_the_grace() {
    check(
        seated(&[A, B, C], quick())
            .disconnect(B)
            .wait_ms(5)
            .speak(A, "Tea.")
            .wait_ms(10),
        expect![[r#"
            0    #5 started
            0    #6 round 1: a b c
            0    #7 turn 1.a until 100
            0    #8 b disconnects
            5    #9 says 1.a: "Tea."
            5    #10 turn 1.b until 105
            15   #11 timeout 1.b
            15   #12 turn 1.c until 115
        "#]],
    );
}

#[test]
fn an_agent_that_was_never_there_is_waited_for_only_the_grace() {
    check(
        called(&[A, B], quick()).connect(B).start().wait_ms(10),
        expect![[r#"
            0    #2 b joins
            0    #3 started
            0    #4 round 1: a b
            0    #5 turn 1.a until 100
            10   #6 timeout 1.a
            10   #7 turn 1.b until 110
        "#]],
    );
}

#[test]
fn an_agent_that_goes_during_its_turn_is_waited_for_only_the_grace() {
    check(
        seated(&[A, B], quick())
            .wait_ms(30)
            .disconnect(A)
            .wait_ms(9)
            .wait_ms(1)
            .connect(A)
            .speak(A, "I am back!"),
        expect![[r#"
            0    #4 started
            0    #5 round 1: a b
            0    #6 turn 1.a until 100
            30   #7 a disconnects
            40   #8 timeout 1.a
            40   #9 turn 1.b until 140
            40   #10 a joins again
            40   - a refused: NotYourTurn
        "#]],
    );
}

#[test]
fn an_agent_that_returns_in_time_keeps_its_turn_and_its_deadline() {
    check(
        seated(&[A, B], quick())
            .wait_ms(30)
            .disconnect(A)
            .wait_ms(9)
            .connect(A)
            .wait_ms(60)
            .speak(A, "Tea."),
        expect![[r#"
            0    #4 started
            0    #5 round 1: a b
            0    #6 turn 1.a until 100
            30   #7 a disconnects
            39   #8 a joins again
            99   #9 says 1.a: "Tea."
            99   #10 turn 1.b until 199
        "#]],
    );
}

#[test]
fn the_grace_never_reaches_past_the_deadline_of_the_turn() {
    check(
        seated(&[A, B], quick())
            .wait_ms(95)
            .disconnect(A)
            .wait_ms(5),
        expect![[r#"
            0    #4 started
            0    #5 round 1: a b
            0    #6 turn 1.a until 100
            95   #7 a disconnects
            100  #8 timeout 1.a
            100  #9 turn 1.b until 200
        "#]],
    );
}

#[test]
fn flapping_cannot_stretch_a_turn() {
    let mut world = seated(&[A, B], quick());
    for _ in 0..12 {
        world = world.disconnect(A).wait_ms(9).connect(A);
    }
    check(
        world.only("timeout"),
        expect![[r#"
            100  #30 timeout 1.a
        "#]],
    );
}

#[test]
fn an_absent_agent_may_still_speak_while_it_is_waited_for() {
    check(
        seated(&[A, B], quick())
            .disconnect(A)
            .wait_ms(9)
            .speak(A, "By another road.")
            .disconnect(B)
            .stand_still_ms(10)
            .speak(B, "Too late, although the timer has not fired."),
        expect![[r#"
            0    #4 started
            0    #5 round 1: a b
            0    #6 turn 1.a until 100
            0    #7 a disconnects
            9    #8 says 1.a: "By another road."
            9    #9 turn 1.b until 109
            9    #10 b disconnects
            19   - b refused: NotYourTurn
        "#]],
    );
}
