//! Who speaks when, and what happens to those who do not.

use expect_test::expect;

use super::world::{A, B, C, M, World, called, check, one_round, quick, seated};
use crate::domain::{Caller, Command, Settings, TurnOrder};

#[test]
fn a_meeting_in_full_consensus_ends_after_one_round() {
    check(
        called(&[A, B, C], quick())
            .connect(A)
            .connect(B)
            .connect(C)
            .start()
            .wait_ms(5)
            .speak(A, "Tea.")
            .wait_ms(5)
            .speak(B, "Coffee keeps me awake.")
            .wait_ms(5)
            .propose(C, "Tea it is.", "We drink tea.")
            .wait_ms(5)
            .vote(B, Some(true))
            .vote(A, Some(true))
            .vote(C, Some(true)),
        expect![[r#"
            0    #2 a joins
            0    #3 b joins
            0    #4 c joins
            0    #5 started
            0    #6 round 1: a b c
            0    #7 turn 1.a until 100
            5    #8 says 1.a: "Tea."
            5    #9 turn 1.b until 105
            10   #10 says 1.b: "Coffee keeps me awake."
            10   #11 turn 1.c until 110
            15   #12 says 1.c: "Tea it is.", proposes "We drink tea."
            15   #13 ballot 1 on "We drink tea." of c, voters a b c, until 65
            20   #14 vote 1.b: agree
            20   #15 vote 1.a: agree
            20   #16 vote 1.c: agree
            20   #17 ballot 1 passed: 3 of 3 (3 yes, 0 no, 0 neither), quorum met; a agree, b agree, c agree
            20   #18 decided 1 "We drink tea." of c: 3 of 3 (3 yes, 0 no, 0 neither), quorum met; a agree, b agree, c agree
                 | Passed by unanimous consent in round 1: 3 of 3 voted, 3 agree, 0 disagree, 0 abstain, quorum met.
            20   #19 completed: consensus
        "#]],
    );
}

#[test]
fn a_second_round_follows_a_ballot_that_fails() {
    check(
        seated(&[A, B], quick())
            .propose(A, "Tea.", "We drink tea.")
            .speak(B, "Coffee.")
            .vote(A, Some(true))
            .vote(B, Some(false))
            .propose(A, "Then both.", "We drink both.")
            .speak(B, "Fine.")
            .vote(A, Some(true))
            .vote(B, Some(true)),
        expect![[r#"
            0    #4 started
            0    #5 round 1: a b
            0    #6 turn 1.a until 100
            0    #7 says 1.a: "Tea.", proposes "We drink tea."
            0    #8 turn 1.b until 100
            0    #9 says 1.b: "Coffee."
            0    #10 ballot 1 on "We drink tea." of a, voters a b, until 50
            0    #11 vote 1.a: agree
            0    #12 vote 1.b: disagree
            0    #13 ballot 1 rejected: 2 of 2 (1 yes, 1 no, 0 neither), quorum met; a agree, b disagree
            0    #14 round 2: a b
            0    #15 turn 2.a until 100
            0    #16 says 2.a: "Then both.", proposes "We drink both."
            0    #17 turn 2.b until 100
            0    #18 says 2.b: "Fine."
            0    #19 ballot 2 on "We drink both." of a, voters a b, until 50
            0    #20 vote 2.a: agree
            0    #21 vote 2.b: agree
            0    #22 ballot 2 passed: 2 of 2 (2 yes, 0 no, 0 neither), quorum met; a agree, b agree
            0    #23 decided 2 "We drink both." of a: 2 of 2 (2 yes, 0 no, 0 neither), quorum met; a agree, b agree
                 | Passed by unanimous consent in round 2: 2 of 2 voted, 2 agree, 0 disagree, 0 abstain, quorum met.
            0    #24 completed: consensus
        "#]],
    );
}

/// Three silent rounds, of which only the orders are told.
fn rounds_in(turn_order: TurnOrder) -> World {
    let settings = Settings {
        turn_order,
        ..quick()
    };
    seated(&[A, B, C], settings).wait_ms(900).only(" round ")
}

#[test]
fn a_fixed_order_is_the_order_of_the_list_in_every_round() {
    check(
        rounds_in(TurnOrder::Fixed),
        expect![[r#"
            0    #6 round 1: a b c
            300  #13 round 2: a b c
            600  #20 round 3: a b c
        "#]],
    );
}

#[test]
fn a_rotating_order_gives_the_first_word_to_the_next_each_round() {
    check(
        rounds_in(TurnOrder::Rotate),
        expect![[r#"
            0    #6 round 1: a b c
            300  #13 round 2: b c a
            600  #20 round 3: c a b
        "#]],
    );
}

#[test]
fn a_shuffled_order_is_drawn_from_the_seed_for_each_round() {
    check(
        rounds_in(TurnOrder::Shuffle { seed: 7 }),
        expect![[r#"
            0    #6 round 1: a b c
            300  #13 round 2: b c a
            600  #20 round 3: b c a
        "#]],
    );
    check(
        rounds_in(TurnOrder::Shuffle { seed: 8 }),
        expect![[r#"
            0    #6 round 1: b a c
            300  #13 round 2: c a b
            600  #20 round 3: a c b
        "#]],
    );
}

#[test]
fn only_the_holder_of_the_turn_may_speak_and_only_once() {
    check(
        seated(&[A, B], quick())
            .speak(B, "Me first!")
            .speak(C, "I am not even here.")
            .speak(M, "I only moderate.")
            .ask(
                Caller::Admin,
                Command::Speak {
                    content: "I operate.".to_owned(),
                    proposal: None,
                },
            )
            .speak(A, "Tea.")
            .speak(A, "And cake."),
        expect![[r#"
            0    #4 started
            0    #5 round 1: a b
            0    #6 turn 1.a until 100
            0    - b refused: NotYourTurn
            0    - c refused: NotAParticipant
            0    - m refused: NotAParticipant
            0    - operator refused: NotAParticipant
            0    #7 says 1.a: "Tea."
            0    #8 turn 1.b until 100
            0    - a refused: NotYourTurn
        "#]],
    );
}

#[test]
fn a_silent_agent_is_timed_out_and_the_meeting_goes_on_without_it() {
    check(
        seated(&[A, B, C], one_round())
            .speak(A, "Tea.")
            .wait_ms(100)
            .speak(C, "Tea.")
            .vote(A, Some(true))
            .vote(C, Some(true))
            .wait_ms(50),
        expect![[r#"
            0    #5 started
            0    #6 round 1: a b c
            0    #7 turn 1.a until 100
            0    #8 says 1.a: "Tea."
            0    #9 turn 1.b until 100
            100  #10 timeout 1.b
            100  #11 turn 1.c until 200
            100  #12 says 1.c: "Tea."
            100  #13 ballot 1 on "Tea." of c, voters a b c, until 150
            100  #14 vote 1.a: agree
            100  #15 vote 1.c: agree
            150  #16 ballot 1 no_quorum: 2 of 3 (2 yes, 0 no, 0 neither), quorum missed; a agree, c agree
            150  #17 completed: no_quorum
                 | No decision after 1 of 1 rounds.
                 | Round 1, no_quorum (2 of 3 voted, 2 agree, 0 disagree, 0 abstain, quorum not met): Tea.
                 | a last said: Tea.
                 | c last said: Tea.
        "#]],
    );
}

#[test]
fn an_opinion_that_comes_too_late_is_refused_even_before_the_timer_fires() {
    check(
        seated(&[A, B], quick())
            .stand_still_ms(99)
            .speak(B, "Not yet mine.")
            .stand_still_ms(1)
            .speak(A, "Sorry, I was thinking.")
            .timer()
            .speak(A, "But I have thought!"),
        expect![[r#"
            0    #4 started
            0    #5 round 1: a b
            0    #6 turn 1.a until 100
            99   - b refused: NotYourTurn
            100  - a refused: NotYourTurn
            100  #7 timeout 1.a
            100  #8 turn 1.b until 200
            100  - a refused: NotYourTurn
        "#]],
    );
}

#[test]
fn an_opinion_in_the_last_millisecond_counts() {
    check(
        seated(&[A, B], quick()).wait_ms(99).speak(A, "Just so."),
        expect![[r#"
            0    #4 started
            0    #5 round 1: a b
            0    #6 turn 1.a until 100
            99   #7 says 1.a: "Just so."
            99   #8 turn 1.b until 199
        "#]],
    );
}

#[test]
fn a_timer_that_fires_early_or_twice_is_harmless() {
    check(
        seated(&[A, B], quick())
            .timer()
            .stand_still_ms(99)
            .timer()
            .stand_still_ms(1)
            .timer()
            .timer(),
        expect![[r#"
            0    #4 started
            0    #5 round 1: a b
            0    #6 turn 1.a until 100
            0    - timer: nothing happens
            99   - timer: nothing happens
            100  #7 timeout 1.a
            100  #8 turn 1.b until 200
            100  - timer: nothing happens
        "#]],
    );
}

#[test]
fn a_round_in_which_nobody_speaks_has_no_ballot() {
    check(
        seated(&[A, B], quick()).wait_ms(600),
        expect![[r#"
            0    #4 started
            0    #5 round 1: a b
            0    #6 turn 1.a until 100
            100  #7 timeout 1.a
            100  #8 turn 1.b until 200
            200  #9 timeout 1.b
            200  #10 round 2: a b
            200  #11 turn 2.a until 300
            300  #12 timeout 2.a
            300  #13 turn 2.b until 400
            400  #14 timeout 2.b
            400  #15 round 3: a b
            400  #16 turn 3.a until 500
            500  #17 timeout 3.a
            500  #18 turn 3.b until 600
            600  #19 timeout 3.b
            600  #20 completed: no_consensus
                 | No decision after 3 of 3 rounds.
        "#]],
    );
}

#[test]
fn nobody_speaks_before_the_start_or_in_a_ballot() {
    check(
        called(&[A], quick())
            .connect(A)
            .speak(A, "Hello?")
            .start()
            .speak(A, "Tea.")
            .speak(A, "Sugar?"),
        expect![[r#"
            0    #2 a joins
            0    - a refused: NotInProgress(Pending)
            0    #3 started
            0    #4 round 1: a
            0    #5 turn 1.a until 100
            0    #6 says 1.a: "Tea."
            0    #7 ballot 1 on "Tea." of a, voters a, until 50
            0    - a refused: NotYourTurn
        "#]],
    );
}
