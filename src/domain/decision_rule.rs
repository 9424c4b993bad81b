//! When a motion passes.
//!
//! Counting is in whole numbers: a ratio is a fraction, so ⅔ of three is exactly two.

use std::collections::BTreeMap;

use super::{AgentId, Ballot, Outcome};

#[cfg(test)]
mod tests;

/// How a ballot is decided.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DecisionRule {
    /// Which votes must agree.
    pub rule: Rule,
    /// Share of the weight that must be cast, abstentions included, for the ballot to count.
    pub quorum: Ratio,
    /// Weight of each agent's vote; 1 for those not named.
    pub weights: BTreeMap<AgentId, u32>,
    /// Keeps each vote hidden until the ballot closes.
    pub blind: bool,
}

/// Which votes must agree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rule {
    /// Every eligible voter; an abstention or a missing vote is not agreement.
    Unanimous,
    /// More than half of the agree and disagree votes.
    Majority,
    /// At least `threshold` of the agree and disagree votes.
    Supermajority {
        /// The share, over one half and at most one.
        threshold: Ratio,
    },
}

impl Rule {
    /// The stable word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unanimous => "unanimous",
            Self::Majority => "majority",
            Self::Supermajority { .. } => "supermajority",
        }
    }
}

/// An exact share.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ratio {
    /// Parts.
    pub numerator: u32,
    /// Of so many.
    pub denominator: u32,
}

impl Ratio {
    /// Everything.
    pub const ALL: Self = Self::new(1, 1);
    /// One half.
    pub const HALF: Self = Self::new(1, 2);
    /// Two thirds.
    pub const TWO_THIRDS: Self = Self::new(2, 3);

    /// `numerator` of `denominator` parts.
    pub const fn new(numerator: u32, denominator: u32) -> Self {
        Self {
            numerator,
            denominator,
        }
    }

    /// Whether `part` is at least this share of `whole`.
    pub fn is_met(self, part: u64, whole: u64) -> bool {
        u128::from(part) * u128::from(self.denominator)
            >= u128::from(whole) * u128::from(self.numerator)
    }

    fn is_share(self) -> bool {
        self.denominator > 0 && self.numerator <= self.denominator
    }
}

/// The whole count of a ballot. Votes are counted by head, and by weight beside it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tally {
    /// Voters and votes, by head.
    pub votes: Count,
    /// The same by weight; this is what the rule and the quorum look at.
    pub weight: Count,
    /// Whether enough weight was cast.
    pub quorum_met: bool,
}

/// One way of counting.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Count {
    /// Could vote.
    pub eligible: u64,
    /// Voted, abstentions included.
    pub cast: u64,
    /// Agreed.
    pub agree: u64,
    /// Disagreed.
    pub disagree: u64,
    /// Abstained.
    pub abstain: u64,
}

/// What a ballot came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The motion is the decision.
    Passed,
    /// Too few agreed.
    Rejected,
    /// Too few voted.
    NoQuorum,
    /// As many agreed as disagreed, under the majority rule.
    Tie,
}

impl Verdict {
    /// The stable word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Rejected => "rejected",
            Self::NoQuorum => "no_quorum",
            Self::Tie => "tie",
        }
    }

    /// The verdict with this word.
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Passed, Self::Rejected, Self::NoQuorum, Self::Tie]
            .into_iter()
            .find(|v| v.as_str() == word)
    }

    /// How a meeting ends whose last ballot came to this.
    pub fn outcome(self, rule: Rule) -> Outcome {
        match (self, rule) {
            (Self::Passed, Rule::Unanimous) => Outcome::Consensus,
            (Self::Passed, Rule::Majority | Rule::Supermajority { .. }) => Outcome::Majority,
            (Self::Rejected, _) => Outcome::NoConsensus,
            (Self::NoQuorum, _) => Outcome::NoQuorum,
            (Self::Tie, _) => Outcome::Tie,
        }
    }
}

impl DecisionRule {
    /// Every eligible voter must agree.
    pub fn unanimous() -> Self {
        Self::with_quorum(Rule::Unanimous, Ratio::ALL)
    }

    /// More agree than disagree, and at least half vote.
    pub fn majority() -> Self {
        Self::with_quorum(Rule::Majority, Ratio::HALF)
    }

    /// At least `threshold` agree, and at least half vote.
    pub fn supermajority(threshold: Ratio) -> Self {
        Self::with_quorum(Rule::Supermajority { threshold }, Ratio::HALF)
    }

    fn with_quorum(rule: Rule, quorum: Ratio) -> Self {
        Self {
            rule,
            quorum,
            weights: BTreeMap::new(),
            blind: false,
        }
    }

    /// Names every field that is out of its bounds; empty when all are in order.
    pub fn faults(&self) -> Vec<(&'static str, String)> {
        let mut faults = Vec::new();
        if let Rule::Supermajority { threshold } = self.rule
            && !(threshold.is_share() && exceeds_half(threshold))
        {
            faults.push((
                "decision_rule.threshold",
                "must be over 1/2 and at most 1".to_owned(),
            ));
        }
        if !self.quorum.is_share() {
            faults.push(("decision_rule.quorum", "must be between 0 and 1".to_owned()));
        }
        if self
            .weights
            .values()
            .any(|weight| !(1..=MAX_WEIGHT).contains(weight))
        {
            let reason = format!("must be whole numbers between 1 and {MAX_WEIGHT}");
            faults.push(("decision_rule.weights", reason));
        }
        faults
    }

    /// The weight of an agent's vote.
    pub fn weight(&self, agent: AgentId) -> u64 {
        u64::from(self.weights.get(&agent).copied().unwrap_or(1))
    }

    /// Counts a ballot and judges it.
    pub fn judge(&self, ballot: &Ballot) -> (Tally, Verdict) {
        let mut votes = Count::default();
        let mut weight = Count::default();
        for &voter in &ballot.voters {
            votes.eligible += 1;
            weight.eligible += self.weight(voter);
        }
        for cast in ballot.cast() {
            votes.add(cast.vote.agrees, 1);
            weight.add(cast.vote.agrees, self.weight(cast.agent));
        }
        let quorum_met = weight.cast > 0 && self.quorum.is_met(weight.cast, weight.eligible);
        (
            Tally {
                votes,
                weight,
                quorum_met,
            },
            self.verdict(weight, quorum_met),
        )
    }

    fn verdict(&self, weight: Count, quorum_met: bool) -> Verdict {
        if !quorum_met {
            return Verdict::NoQuorum;
        }
        let decided = weight.agree + weight.disagree;
        let passed = match self.rule {
            Rule::Unanimous => weight.agree == weight.eligible,
            Rule::Majority if decided > 0 && weight.agree == weight.disagree => {
                return Verdict::Tie;
            }
            Rule::Majority => weight.agree > weight.disagree,
            Rule::Supermajority { threshold } => {
                decided > 0 && threshold.is_met(weight.agree, decided)
            }
        };
        if passed {
            Verdict::Passed
        } else {
            Verdict::Rejected
        }
    }
}

impl Count {
    fn add(&mut self, agrees: Option<bool>, weight: u64) {
        self.cast += weight;
        match agrees {
            Some(true) => self.agree += weight,
            Some(false) => self.disagree += weight,
            None => self.abstain += weight,
        }
    }
}

fn exceeds_half(ratio: Ratio) -> bool {
    u64::from(ratio.numerator) * 2 > u64::from(ratio.denominator)
}

/// A million to one is enough to express any share of a say; sums of it cannot overflow.
pub const MAX_WEIGHT: u32 = 1_000_000;
