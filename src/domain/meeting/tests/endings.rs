//! What a meeting says of itself when it ends.

use expect_test::expect;

use super::super::{FoldError, Meeting};
use super::world::{
    A, B, C, M, World, at, called, check, created, decided_by, one_round, quick, seated,
};
use crate::domain::{CommunicationId, Created, DecisionRule, Event, Ratio, Recorded, Settings};

#[test]
fn the_rationale_states_rule_count_and_round_and_the_voters_own_reasons() {
    check(
        seated(
            &[A, B, C],
            decided_by(DecisionRule::supermajority(Ratio::TWO_THIRDS)),
        )
        .speak(A, "Tea.")
        .speak(B, "Tea.")
        .propose(C, "Fine.", "We drink tea.")
        .vote_because(C, Some(false), "I like coffee.")
        .vote(B, Some(true))
        .vote_because(A, Some(true), "It is healthy."),
        expect![[r#"
            0    #5 started
            0    #6 round 1: a b c
            0    #7 turn 1.a until 100
            0    #8 says 1.a: "Tea."
            0    #9 turn 1.b until 100
            0    #10 says 1.b: "Tea."
            0    #11 turn 1.c until 100
            0    #12 says 1.c: "Fine.", proposes "We drink tea."
            0    #13 ballot 1 on "We drink tea." of c, voters a b c, until 50
            0    #14 vote 1.c: disagree, because "I like coffee."
            0    #15 vote 1.b: agree
            0    #16 vote 1.a: agree, because "It is healthy."
            0    #17 ballot 1 passed: 3 of 3 (2 yes, 1 no, 0 neither), quorum met; a agree, b agree, c disagree
            0    #18 decided 1 "We drink tea." of c: 3 of 3 (2 yes, 1 no, 0 neither), quorum met; a agree, b agree, c disagree
                 | Passed by supermajority of 2/3 in round 1: 3 of 3 voted, 2 agree, 1 disagree, 0 abstain, quorum met.
                 | a (agree): It is healthy.
                 | c (disagree): I like coffee.
            0    #19 completed: majority
        "#]],
    );
}

#[test]
fn the_rationale_tells_the_weights_where_they_matter() {
    let rule = DecisionRule {
        weights: [(B, 2)].into(),
        ..DecisionRule::majority()
    };
    check(
        seated(&[A, B], decided_by(rule))
            .speak(A, "Tea.")
            .speak(B, "Coffee.")
            .vote(A, Some(false))
            .vote(B, Some(true)),
        expect![[r#"
            0    #4 started
            0    #5 round 1: a b
            0    #6 turn 1.a until 100
            0    #7 says 1.a: "Tea."
            0    #8 turn 1.b until 100
            0    #9 says 1.b: "Coffee."
            0    #10 ballot 1 on "Coffee." of b, voters a b, until 50
            0    #11 vote 1.a: disagree
            0    #12 vote 1.b: agree
            0    #13 ballot 1 passed: 2 of 2 (1 yes, 1 no, 0 neither) by head, 3 of 3 (2 yes, 1 no, 0 neither) by weight, quorum met; a disagree, b agree
            0    #14 decided 1 "Coffee." of b: 2 of 2 (1 yes, 1 no, 0 neither) by head, 3 of 3 (2 yes, 1 no, 0 neither) by weight, quorum met; a disagree, b agree
                 | Passed by majority in round 1: 2 of 2 voted, 1 agree, 1 disagree, 0 abstain, quorum met; by weight 2 agree, 1 disagree of 3.
            0    #15 completed: majority
        "#]],
    );
}

#[test]
fn the_summary_of_a_meeting_without_decision_tells_every_ballot_and_where_each_stood_last() {
    let settings = Settings {
        max_discussion_rounds: 2,
        decision_rule: DecisionRule::majority(),
        ..quick()
    };
    check(
        seated(&[A, B], settings)
            .propose(A, "Tea.", "We drink tea.")
            .speak(B, "Coffee.")
            .vote(A, Some(true))
            .vote(B, Some(false))
            .wait_ms(100)
            .speak(B, "Coffee, still.")
            .wait_ms(50),
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
            0    #13 ballot 1 tie: 2 of 2 (1 yes, 1 no, 0 neither), quorum met; a agree, b disagree
            0    #14 round 2: a b
            0    #15 turn 2.a until 100
            100  #16 timeout 2.a
            100  #17 turn 2.b until 200
            100  #18 says 2.b: "Coffee, still."
            100  #19 ballot 2 on "We drink tea." of a, voters a b, until 150
            150  #20 ballot 2 no_quorum: 0 of 2 (0 yes, 0 no, 0 neither), quorum missed; nobody
            150  #21 completed: no_quorum
                 | No decision after 2 of 2 rounds.
                 | Round 1, tie (2 of 2 voted, 1 agree, 1 disagree, 0 abstain, quorum met): We drink tea.
                 | Round 2, no_quorum (0 of 2 voted, 0 agree, 0 disagree, 0 abstain, quorum not met): We drink tea.
                 | a last said: Tea.
                 | b last said: Coffee, still.
        "#]],
    );
}

#[test]
fn the_summary_shortens_long_words_at_a_character() {
    let long = "é".repeat(281);
    let just = "é".repeat(280);
    let world = seated(&[A, B], one_round()).speak(A, &long).speak(B, &just);
    let world = world.wait_ms(50);
    let summary = world.meeting().summary().expect("no decision was made");
    assert_eq!(
        summary,
        format!(
            "No decision after 1 of 1 rounds.\n\
             Round 1, no_quorum (0 of 2 voted, 0 agree, 0 disagree, 0 abstain, quorum not met): {just}\n\
             a last said: {just}…\n\
             b last said: {just}"
        )
    );
}

#[test]
fn a_meeting_that_the_server_gives_up_is_failed_once() {
    check(
        seated(&[A], quick()).fail("out of luck").fail("again"),
        expect![[r#"
            0    #3 started
            0    #4 round 1: a
            0    #5 turn 1.a until 100
            0    #6 failed: "out of luck"
            0    - server: nothing happens
        "#]],
    );
}

#[test]
fn a_decision_has_the_id_that_was_set_aside_and_the_rows_that_prompted_the_meeting() {
    let related = vec![CommunicationId(uuid::Uuid::from_u128(9))];
    let created = Created {
        related: related.clone(),
        ..created(&[A], one_round())
    };
    let decision = created.decision;
    let world = World::from(created).start();
    let world = world.speak(A, "Tea.").vote(A, Some(true));
    let decided = world
        .journal()
        .iter()
        .find_map(|recorded| match &recorded.event {
            Event::ConsensusReached {
                decision, related, ..
            } => Some((*decision, related.clone())),
            _ => None,
        });
    assert_eq!(decided, Some((decision, related)));
}

#[test]
fn a_journal_that_is_empty_beheaded_or_torn_does_not_fold() {
    let recorded = |seq, event| Recorded {
        seq,
        at: at(0),
        event,
    };
    let (_, first) = Meeting::create(at(0), created(&[A], quick()));
    let started = || Event::MeetingStarted { by: None };
    assert_eq!(Meeting::fold([]), Err(FoldError::Empty));
    assert_eq!(
        Meeting::fold([recorded(1, started())]),
        Err(FoldError::NotCreated)
    );
    let torn = [first.clone(), recorded(3, started())];
    let gap = |found| Err(FoldError::Gap { expected: 2, found });
    assert_eq!(Meeting::fold(torn), gap(3));
    let doubled = [first.clone(), recorded(1, started())];
    assert_eq!(Meeting::fold(doubled), gap(1));
    let headless = Recorded { seq: 2, ..first };
    assert_eq!(Meeting::fold([headless]), Err(FoldError::NotCreated));
}

#[test]
fn the_doorkeeper_says_beforehand_what_a_connection_would_be_told() {
    let open = called(&[A], quick());
    assert_eq!(open.meeting().admits(M), Ok(()));
    let over = open.cancel("enough");
    assert_eq!(
        over.meeting().admits(A).map_err(|refusal| refusal.code()),
        Err("meeting_over")
    );
}
