//! Tables of ballots and what they come to under each rule, and the same count made on paper.

use proptest::collection::btree_map;
use proptest::prelude::{Just, Strategy, any, prop_oneof};
use proptest::proptest;
use uuid::Uuid;

use super::*;
use crate::domain::{CastVote, Motion, Vote};

fn agent(number: usize) -> AgentId {
    AgentId(Uuid::from_u128(number as u128))
}

/// A ballot of voters 0, 1, 2, …: `+` agrees, `-` disagrees, `0` abstains, `.` does not vote.
fn ballot(votes: &str) -> Ballot {
    let motion = Motion {
        content: "Tea.".to_owned(),
        proposed_by: agent(0),
    };
    let electorate = (0..votes.len()).map(agent).collect();
    let mut ballot = Ballot::new(motion, electorate, chrono::DateTime::UNIX_EPOCH);
    for (number, answer) in votes.chars().enumerate() {
        let agrees = match answer {
            '+' => Some(true),
            '-' => Some(false),
            '0' => None,
            '.' => continue,
            other => panic!("not a vote: {other}"),
        };
        ballot.record(CastVote {
            agent: agent(number),
            seq: number as u64,
            vote: Vote {
                agrees,
                rationale: None,
                confidence: None,
            },
        });
    }
    ballot
}

/// Judges each ballot of a table, `votes verdict` a line, under one rule.
fn check(rule: &DecisionRule, table: &str) {
    for line in table.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let (votes, expected) = line.split_once(' ').expect("votes and a verdict");
        let (_, verdict) = rule.judge(&ballot(votes));
        assert_eq!(verdict.as_str(), expected.trim(), "{votes} under {rule:?}");
    }
}

#[test]
fn unanimity_is_the_consent_of_every_eligible_voter() {
    check(
        &DecisionRule::unanimous(),
        "+    passed
         +++  passed
         ++.  no_quorum
         ++0  rejected
         ++-  rejected
         ...  no_quorum
         000  rejected",
    );
    let any_quorum = DecisionRule {
        quorum: Ratio::new(0, 1),
        ..DecisionRule::unanimous()
    };
    check(
        &any_quorum,
        "+..  rejected
         ...  no_quorum",
    );
}

#[test]
fn a_majority_is_over_one_half_of_those_who_decide() {
    check(
        &DecisionRule::majority(),
        "++-   passed
         +--   rejected
         +-    tie
         +-0   tie
         ++--  tie
         +000  passed
         -000  rejected
         0000  rejected
         +...  no_quorum
         +0..  passed
         +-..  tie
         ....  no_quorum",
    );
}

#[test]
fn exactly_two_thirds_are_two_thirds() {
    check(
        &DecisionRule::supermajority(Ratio::TWO_THIRDS),
        "++-        passed
         ++--       rejected
         +++-       passed
         ++++--     passed
         +++---     rejected
         ++++++---  passed
         +++++----  rejected
         ++-0       passed
         +-         rejected
         000        rejected
         +....      no_quorum",
    );
}

#[test]
fn a_supermajority_of_all_needs_all_who_decide() {
    check(
        &DecisionRule::supermajority(Ratio::ALL),
        "+++-  rejected
         ++00  passed
         ++..  passed",
    );
}

#[test]
fn a_quorum_of_a_third_is_met_by_exactly_one_of_three() {
    let rule = DecisionRule {
        quorum: Ratio::new(1, 3),
        ..DecisionRule::majority()
    };
    check(
        &rule,
        "+..      passed
         +...     no_quorum
         ++....   passed
         +-....   tie
         0.....   no_quorum
         00....   rejected",
    );
}

#[test]
fn ratios_are_exact_where_floating_point_is_not() {
    let two_thirds = Ratio::TWO_THIRDS;
    assert!(two_thirds.is_met(2, 3));
    assert!(!two_thirds.is_met(666, 1000));
    assert!(two_thirds.is_met(667, 1000));
    let third_of_most = u64::MAX / 3;
    assert!(Ratio::new(1, 3).is_met(third_of_most, u64::MAX));
    assert!(!Ratio::new(1, 3).is_met(third_of_most - 1, u64::MAX));
    assert!(Ratio::new(u32::MAX, u32::MAX).is_met(u64::MAX, u64::MAX));
}

#[test]
fn the_tally_counts_by_head_and_by_weight() {
    let rule = DecisionRule {
        weights: [(agent(0), 3), (agent(4), 7), (agent(9), 5)].into(),
        ..DecisionRule::majority()
    };
    let (tally, verdict) = rule.judge(&ballot("+-0-."));
    let count = |eligible, cast, agree, disagree, abstain| Count {
        eligible,
        cast,
        agree,
        disagree,
        abstain,
    };
    assert_eq!(tally.votes, count(5, 4, 1, 2, 1));
    assert_eq!(tally.weight, count(13, 6, 3, 2, 1));
    assert_eq!((tally.quorum_met, verdict), (false, Verdict::NoQuorum));
}

#[test]
fn settings_of_a_rule_are_kept_within_their_bounds() {
    let faults = |rule: DecisionRule| {
        let faults = rule.faults().into_iter();
        faults.map(|(field, _)| field).collect::<Vec<_>>()
    };
    let sound = [
        DecisionRule::unanimous(),
        DecisionRule::majority(),
        DecisionRule::supermajority(Ratio::TWO_THIRDS),
        DecisionRule::supermajority(Ratio::ALL),
        DecisionRule::supermajority(Ratio::new(u32::MAX / 2 + 1, u32::MAX)),
    ];
    for rule in sound {
        assert_eq!(faults(rule), [""; 0]);
    }
    for threshold in [Ratio::HALF, Ratio::new(4, 3), Ratio::new(1, 0)] {
        let rule = DecisionRule::supermajority(threshold);
        assert_eq!(faults(rule), ["decision_rule.threshold"]);
    }
    for weight in [0, MAX_WEIGHT + 1] {
        let wrong = DecisionRule {
            quorum: Ratio::new(3, 2),
            weights: [(agent(0), weight)].into(),
            ..DecisionRule::majority()
        };
        assert_eq!(
            faults(wrong),
            ["decision_rule.quorum", "decision_rule.weights"]
        );
    }
}

#[test]
fn every_verdict_is_parsed_from_its_word_and_has_its_outcome() {
    let majority = [
        (Verdict::Passed, Outcome::Majority),
        (Verdict::Rejected, Outcome::NoConsensus),
        (Verdict::NoQuorum, Outcome::NoQuorum),
        (Verdict::Tie, Outcome::Tie),
    ];
    for (verdict, outcome) in majority {
        assert_eq!(Verdict::parse(verdict.as_str()), Some(verdict));
        assert_eq!(verdict.outcome(Rule::Majority), outcome);
    }
    assert_eq!(Verdict::Passed.outcome(Rule::Unanimous), Outcome::Consensus);
    assert_eq!(Verdict::parse("unheard of"), None);
}

/// The same judgement on slips of paper: each voter has as many as its vote weighs.
fn judged_on_paper(rule: &DecisionRule, votes: &str) -> Verdict {
    let slips: Vec<char> = votes
        .chars()
        .enumerate()
        .flat_map(|(number, answer)| {
            let weight = rule.weights.get(&agent(number)).copied().unwrap_or(1);
            std::iter::repeat_n(answer, weight as usize)
        })
        .collect();
    let count = |answer| slips.iter().filter(|&&slip| slip == answer).count();
    let (yes, no, cast) = (count('+'), count('-'), slips.len() - count('.'));
    let least = |ratio: Ratio, whole: usize| {
        (whole * ratio.numerator as usize).div_ceil(ratio.denominator as usize)
    };
    let passes = match rule.rule {
        _ if cast == 0 || cast < least(rule.quorum, slips.len()) => return Verdict::NoQuorum,
        Rule::Unanimous => yes == slips.len(),
        Rule::Majority if yes > 0 && yes == no => return Verdict::Tie,
        Rule::Majority => yes > no,
        Rule::Supermajority { threshold } => yes > 0 && yes >= least(threshold, yes + no),
    };
    if passes {
        Verdict::Passed
    } else {
        Verdict::Rejected
    }
}

fn rules() -> impl Strategy<Value = DecisionRule> {
    let share = || (1..=12_u32).prop_flat_map(|whole| (0..=whole, Just(whole)));
    let rule = prop_oneof![
        Just(Rule::Unanimous),
        Just(Rule::Majority),
        share().prop_map(|(part, whole)| {
            // Anything over one half, up to all.
            let threshold = Ratio::new(whole + 1 + part.min(whole - 1), 2 * whole);
            Rule::Supermajority { threshold }
        }),
    ];
    let weights = btree_map((0..9_usize).prop_map(agent), 1..6_u32, 0..9);
    (rule, share(), weights, any::<bool>()).prop_map(|(rule, quorum, weights, blind)| {
        let quorum = Ratio::new(quorum.0, quorum.1);
        DecisionRule {
            rule,
            quorum,
            weights,
            blind,
        }
    })
}

proptest! {
    #[test]
    fn judging_agrees_with_counting_slips_of_paper(rule in rules(), votes in "[-+0.]{1,9}") {
        assert!(rule.faults().is_empty());
        let (tally, verdict) = rule.judge(&ballot(&votes));
        assert_eq!(verdict, judged_on_paper(&rule, &votes));
        assert_eq!(verdict == Verdict::NoQuorum, !tally.quorum_met);
        for count in [tally.votes, tally.weight] {
            assert_eq!(count.cast, count.agree + count.disagree + count.abstain);
            assert!(count.cast <= count.eligible);
        }
    }

    #[test]
    fn one_more_yes_never_turns_a_passed_motion_down(rule in rules(), votes in "[-+0.]{1,9}") {
        let agreeing = votes.replacen(['-', '0', '.'], "+", 1);
        if rule.judge(&ballot(&votes)).1 == Verdict::Passed {
            assert_eq!(rule.judge(&ballot(&agreeing)).1, Verdict::Passed);
        }
    }
}
