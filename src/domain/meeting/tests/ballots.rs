//! Motions, votes, and what they come to under each rule.

use expect_test::expect;

use super::world::{A, B, C, D, World, check, decided_by, one_round, quick, seated};
use crate::domain::{AgentId, Caller, Command, DecisionRule, Ratio, Vote};

/// All four speak; the ballot on the last opinion is open.
fn ballot_of_four(rule: DecisionRule) -> World {
    let mut world = seated(&[A, B, C, D], decided_by(rule));
    for speaker in [A, B, C, D] {
        world = world.speak(speaker, "Tea.");
    }
    world.forget()
}

/// A majority in which one agent's vote weighs more.
fn majority_with(agent: AgentId, weight: u32) -> DecisionRule {
    DecisionRule {
        weights: [(agent, weight)].into(),
        ..DecisionRule::majority()
    }
}

#[test]
fn the_motion_is_the_latest_proposal() {
    check(
        seated(&[A, B, C], quick())
            .propose(A, "Tea.", "We drink tea.")
            .propose(B, "Coffee.", "We drink coffee.")
            .speak(C, "I do not mind."),
        expect![[r#"
            0    #5 started
            0    #6 round 1: a b c
            0    #7 turn 1.a until 100
            0    #8 says 1.a: "Tea.", proposes "We drink tea."
            0    #9 turn 1.b until 100
            0    #10 says 1.b: "Coffee.", proposes "We drink coffee."
            0    #11 turn 1.c until 100
            0    #12 says 1.c: "I do not mind."
            0    #13 ballot 1 on "We drink coffee." of b, voters a b c, until 50
        "#]],
    );
}

#[test]
fn a_proposal_of_an_earlier_round_stays_the_motion() {
    check(
        seated(&[A], quick())
            .propose(A, "Tea.", "We drink tea.")
            .vote(A, Some(false))
            .speak(A, "I have nothing better."),
        expect![[r#"
            0    #3 started
            0    #4 round 1: a
            0    #5 turn 1.a until 100
            0    #6 says 1.a: "Tea.", proposes "We drink tea."
            0    #7 ballot 1 on "We drink tea." of a, voters a, until 50
            0    #8 vote 1.a: disagree
            0    #9 ballot 1 rejected: 1 of 1 (0 yes, 1 no, 0 neither), quorum met; a disagree
            0    #10 round 2: a
            0    #11 turn 2.a until 100
            0    #12 says 2.a: "I have nothing better."
            0    #13 ballot 2 on "We drink tea." of a, voters a, until 50
        "#]],
    );
}

#[test]
fn a_proposal_of_an_earlier_round_is_voted_on_even_if_nobody_speaks() {
    check(
        seated(&[A], quick())
            .propose(A, "Tea.", "We drink tea.")
            .vote(A, Some(false))
            .wait_ms(100),
        expect![[r#"
            0    #3 started
            0    #4 round 1: a
            0    #5 turn 1.a until 100
            0    #6 says 1.a: "Tea.", proposes "We drink tea."
            0    #7 ballot 1 on "We drink tea." of a, voters a, until 50
            0    #8 vote 1.a: disagree
            0    #9 ballot 1 rejected: 1 of 1 (0 yes, 1 no, 0 neither), quorum met; a disagree
            0    #10 round 2: a
            0    #11 turn 2.a until 100
            100  #12 timeout 2.a
            100  #13 ballot 2 on "We drink tea." of a, voters a, until 150
        "#]],
    );
}

#[test]
fn without_a_proposal_the_motion_is_the_last_opinion_really_given_in_the_round() {
    check(
        seated(&[A, B], quick())
            .speak(A, "Tea.")
            .wait_ms(100)
            .vote(A, Some(false))
            .vote(B, Some(false))
            .wait_ms(100)
            .speak(B, "Coffee."),
        expect![[r#"
            0    #4 started
            0    #5 round 1: a b
            0    #6 turn 1.a until 100
            0    #7 says 1.a: "Tea."
            0    #8 turn 1.b until 100
            100  #9 timeout 1.b
            100  #10 ballot 1 on "Tea." of a, voters a b, until 150
            100  #11 vote 1.a: disagree
            100  #12 vote 1.b: disagree
            100  #13 ballot 1 rejected: 2 of 2 (0 yes, 2 no, 0 neither), quorum met; a disagree, b disagree
            100  #14 round 2: a b
            100  #15 turn 2.a until 200
            200  #16 timeout 2.a
            200  #17 turn 2.b until 300
            200  #18 says 2.b: "Coffee."
            200  #19 ballot 2 on "Coffee." of b, voters a b, until 250
        "#]],
    );
}

#[test]
fn one_early_yes_is_no_consensus() {
    check(
        ballot_of_four(DecisionRule::unanimous())
            .vote(A, Some(true))
            .wait_ms(50),
        expect![[r#"
            0    #17 vote 1.a: agree
            50   #18 ballot 1 no_quorum: 1 of 4 (1 yes, 0 no, 0 neither), quorum missed; a agree
            50   #19 completed: no_quorum
                 | No decision after 1 of 1 rounds.
                 | Round 1, no_quorum (1 of 4 voted, 1 agree, 0 disagree, 0 abstain, quorum not met): Tea.
                 | a last said: Tea.
                 | b last said: Tea.
                 | c last said: Tea.
                 | d last said: Tea.
        "#]],
    );
}

#[test]
fn an_early_majority_does_not_close_the_ballot_before_all_have_voted() {
    check(
        ballot_of_four(DecisionRule::majority())
            .vote(A, Some(true))
            .vote(B, Some(true))
            .vote(C, Some(true))
            .wait_ms(49)
            .vote(D, Some(false)),
        expect![[r#"
            0    #17 vote 1.a: agree
            0    #18 vote 1.b: agree
            0    #19 vote 1.c: agree
            49   #20 vote 1.d: disagree
            49   #21 ballot 1 passed: 4 of 4 (3 yes, 1 no, 0 neither), quorum met; a agree, b agree, c agree, d disagree
            49   #22 decided 1 "Tea." of d: 4 of 4 (3 yes, 1 no, 0 neither), quorum met; a agree, b agree, c agree, d disagree
                 | Passed by majority in round 1: 4 of 4 voted, 3 agree, 1 disagree, 0 abstain, quorum met.
            49   #23 completed: majority
        "#]],
    );
}

#[test]
fn a_vote_is_final() {
    check(
        ballot_of_four(DecisionRule::majority())
            .vote(A, Some(true))
            .vote(A, Some(false))
            .vote(A, Some(true)),
        expect![[r#"
            0    #17 vote 1.a: agree
            0    - a refused: AlreadyVoted
            0    - a refused: AlreadyVoted
        "#]],
    );
}

#[test]
fn nobody_votes_outside_a_ballot() {
    check(
        seated(&[A], one_round())
            .vote(A, Some(true))
            .vote(B, Some(true))
            .speak(A, "Tea.")
            .stand_still_ms(50)
            .vote(A, Some(true)),
        expect![[r#"
            0    #3 started
            0    #4 round 1: a
            0    #5 turn 1.a until 100
            0    - a refused: NoOpenBallot
            0    - b refused: NotAParticipant
            0    #6 says 1.a: "Tea."
            0    #7 ballot 1 on "Tea." of a, voters a, until 50
            50   - a refused: NoOpenBallot
        "#]],
    );
}

#[test]
fn nobody_votes_from_outside_the_electorate() {
    let vote = Vote {
        agrees: Some(true),
        rationale: None,
        confidence: None,
    };
    check(
        seated(&[A], one_round())
            .speak(A, "Tea.")
            .vote(B, Some(true))
            .connect(B)
            .vote(B, Some(true))
            .ask(Caller::Admin, Command::CastVote(vote))
            .vote(A, Some(true)),
        expect![[r#"
            0    #3 started
            0    #4 round 1: a
            0    #5 turn 1.a until 100
            0    #6 says 1.a: "Tea."
            0    #7 ballot 1 on "Tea." of a, voters a, until 50
            0    - b refused: NotAParticipant
            0    #8 b is added
            0    #9 b joins
            0    - b refused: NotAParticipant
            0    - operator refused: NotAParticipant
            0    #10 vote 1.a: agree
            0    #11 ballot 1 passed: 1 of 1 (1 yes, 0 no, 0 neither), quorum met; a agree
            0    #12 decided 1 "Tea." of a: 1 of 1 (1 yes, 0 no, 0 neither), quorum met; a agree
                 | Passed by unanimous consent in round 1: 1 of 1 voted, 1 agree, 0 disagree, 0 abstain, quorum met.
            0    #13 completed: consensus
        "#]],
    );
}

#[test]
fn an_abstention_is_not_unanimous_consent() {
    check(
        ballot_of_four(DecisionRule::unanimous())
            .vote(A, Some(true))
            .vote(B, Some(true))
            .vote(C, Some(true))
            .vote(D, None),
        expect![[r#"
            0    #17 vote 1.a: agree
            0    #18 vote 1.b: agree
            0    #19 vote 1.c: agree
            0    #20 vote 1.d: abstain
            0    #21 ballot 1 rejected: 4 of 4 (3 yes, 0 no, 1 neither), quorum met; a agree, b agree, c agree, d abstain
            0    #22 completed: no_consensus
                 | No decision after 1 of 1 rounds.
                 | Round 1, rejected (4 of 4 voted, 3 agree, 0 disagree, 1 abstain, quorum met): Tea.
                 | a last said: Tea.
                 | b last said: Tea.
                 | c last said: Tea.
                 | d last said: Tea.
        "#]],
    );
}

#[test]
fn a_majority_is_more_yes_than_no_and_abstentions_do_not_weigh() {
    check(
        ballot_of_four(DecisionRule::majority())
            .vote(A, Some(true))
            .vote(B, None)
            .vote(C, None)
            .vote(D, None),
        expect![[r#"
            0    #17 vote 1.a: agree
            0    #18 vote 1.b: abstain
            0    #19 vote 1.c: abstain
            0    #20 vote 1.d: abstain
            0    #21 ballot 1 passed: 4 of 4 (1 yes, 0 no, 3 neither), quorum met; a agree, b abstain, c abstain, d abstain
            0    #22 decided 1 "Tea." of d: 4 of 4 (1 yes, 0 no, 3 neither), quorum met; a agree, b abstain, c abstain, d abstain
                 | Passed by majority in round 1: 4 of 4 voted, 1 agree, 0 disagree, 3 abstain, quorum met.
            0    #23 completed: majority
        "#]],
    );
}

#[test]
fn a_majority_with_as_many_yes_as_no_is_a_tie() {
    check(
        ballot_of_four(DecisionRule::majority())
            .vote(A, Some(true))
            .vote(B, Some(false))
            .wait_ms(50),
        expect![[r#"
            0    #17 vote 1.a: agree
            0    #18 vote 1.b: disagree
            50   #19 ballot 1 tie: 2 of 4 (1 yes, 1 no, 0 neither), quorum met; a agree, b disagree
            50   #20 completed: tie
                 | No decision after 1 of 1 rounds.
                 | Round 1, tie (2 of 4 voted, 1 agree, 1 disagree, 0 abstain, quorum met): Tea.
                 | a last said: Tea.
                 | b last said: Tea.
                 | c last said: Tea.
                 | d last said: Tea.
        "#]],
    );
}

#[test]
fn a_ballot_in_which_too_few_vote_has_no_quorum() {
    check(
        ballot_of_four(DecisionRule::majority())
            .vote(A, Some(true))
            .wait_ms(50),
        expect![[r#"
            0    #17 vote 1.a: agree
            50   #18 ballot 1 no_quorum: 1 of 4 (1 yes, 0 no, 0 neither), quorum missed; a agree
            50   #19 completed: no_quorum
                 | No decision after 1 of 1 rounds.
                 | Round 1, no_quorum (1 of 4 voted, 1 agree, 0 disagree, 0 abstain, quorum not met): Tea.
                 | a last said: Tea.
                 | b last said: Tea.
                 | c last said: Tea.
                 | d last said: Tea.
        "#]],
    );
}

#[test]
fn a_ballot_in_which_all_abstain_is_rejected() {
    check(
        ballot_of_four(DecisionRule::majority())
            .vote(A, None)
            .vote(B, None)
            .vote(C, None)
            .vote(D, None),
        expect![[r#"
            0    #17 vote 1.a: abstain
            0    #18 vote 1.b: abstain
            0    #19 vote 1.c: abstain
            0    #20 vote 1.d: abstain
            0    #21 ballot 1 rejected: 4 of 4 (0 yes, 0 no, 4 neither), quorum met; a abstain, b abstain, c abstain, d abstain
            0    #22 completed: no_consensus
                 | No decision after 1 of 1 rounds.
                 | Round 1, rejected (4 of 4 voted, 0 agree, 0 disagree, 4 abstain, quorum met): Tea.
                 | a last said: Tea.
                 | b last said: Tea.
                 | c last said: Tea.
                 | d last said: Tea.
        "#]],
    );
}

#[test]
fn a_supermajority_of_two_thirds_is_met_by_exactly_two_of_three() {
    check(
        ballot_of_four(DecisionRule::supermajority(Ratio::TWO_THIRDS))
            .vote(A, Some(true))
            .vote(B, Some(true))
            .vote(C, Some(false))
            .vote(D, None),
        expect![[r#"
            0    #17 vote 1.a: agree
            0    #18 vote 1.b: agree
            0    #19 vote 1.c: disagree
            0    #20 vote 1.d: abstain
            0    #21 ballot 1 passed: 4 of 4 (2 yes, 1 no, 1 neither), quorum met; a agree, b agree, c disagree, d abstain
            0    #22 decided 1 "Tea." of d: 4 of 4 (2 yes, 1 no, 1 neither), quorum met; a agree, b agree, c disagree, d abstain
                 | Passed by supermajority of 2/3 in round 1: 4 of 4 voted, 2 agree, 1 disagree, 1 abstain, quorum met.
            0    #23 completed: majority
        "#]],
    );
}

#[test]
fn a_supermajority_of_three_quarters_is_missed_by_two_of_three() {
    check(
        ballot_of_four(DecisionRule::supermajority(Ratio::new(3, 4)))
            .vote(A, Some(true))
            .vote(B, Some(true))
            .vote(C, Some(false))
            .vote(D, None),
        expect![[r#"
            0    #17 vote 1.a: agree
            0    #18 vote 1.b: agree
            0    #19 vote 1.c: disagree
            0    #20 vote 1.d: abstain
            0    #21 ballot 1 rejected: 4 of 4 (2 yes, 1 no, 1 neither), quorum met; a agree, b agree, c disagree, d abstain
            0    #22 completed: no_consensus
                 | No decision after 1 of 1 rounds.
                 | Round 1, rejected (4 of 4 voted, 2 agree, 1 disagree, 1 abstain, quorum met): Tea.
                 | a last said: Tea.
                 | b last said: Tea.
                 | c last said: Tea.
                 | d last said: Tea.
        "#]],
    );
}

#[test]
fn weights_decide_and_the_count_by_head_stands_beside_them() {
    check(
        ballot_of_four(majority_with(D, 4))
            .vote(A, Some(true))
            .vote(B, Some(true))
            .vote(C, Some(true))
            .vote(D, Some(false)),
        expect![[r#"
            0    #17 vote 1.a: agree
            0    #18 vote 1.b: agree
            0    #19 vote 1.c: agree
            0    #20 vote 1.d: disagree
            0    #21 ballot 1 rejected: 4 of 4 (3 yes, 1 no, 0 neither) by head, 7 of 7 (3 yes, 4 no, 0 neither) by weight, quorum met; a agree, b agree, c agree, d disagree
            0    #22 completed: no_consensus
                 | No decision after 1 of 1 rounds.
                 | Round 1, rejected (4 of 4 voted, 3 agree, 1 disagree, 0 abstain, quorum met; by weight 3 agree, 4 disagree of 7): Tea.
                 | a last said: Tea.
                 | b last said: Tea.
                 | c last said: Tea.
                 | d last said: Tea.
        "#]],
    );
}

#[test]
fn the_quorum_is_a_share_of_the_weight() {
    check(
        ballot_of_four(majority_with(D, 3))
            .vote(D, Some(true))
            .wait_ms(50),
        expect![[r#"
            0    #17 vote 1.d: agree
            50   #18 ballot 1 passed: 1 of 4 (1 yes, 0 no, 0 neither) by head, 3 of 6 (3 yes, 0 no, 0 neither) by weight, quorum met; d agree
            50   #19 decided 1 "Tea." of d: 1 of 4 (1 yes, 0 no, 0 neither) by head, 3 of 6 (3 yes, 0 no, 0 neither) by weight, quorum met; d agree
                 | Passed by majority in round 1: 1 of 4 voted, 1 agree, 0 disagree, 0 abstain, quorum met; by weight 3 agree, 0 disagree of 6.
            50   #20 completed: majority
        "#]],
    );
}

#[test]
fn a_blind_ballot_marks_its_votes_as_secret_until_it_closes() {
    let rule = DecisionRule {
        blind: true,
        ..DecisionRule::majority()
    };
    check(
        ballot_of_four(rule)
            .vote_because(A, Some(true), "It is healthy.")
            .wait_ms(50),
        expect![[r#"
            0    #17 vote 1.a: agree, because "It is healthy.", in secret
            50   #18 ballot 1 no_quorum: 1 of 4 (1 yes, 0 no, 0 neither), quorum missed; a agree, were secret
            50   #19 completed: no_quorum
                 | No decision after 1 of 1 rounds.
                 | Round 1, no_quorum (1 of 4 voted, 1 agree, 0 disagree, 0 abstain, quorum not met): Tea.
                 | a last said: Tea.
                 | b last said: Tea.
                 | c last said: Tea.
                 | d last said: Tea.
        "#]],
    );
}
