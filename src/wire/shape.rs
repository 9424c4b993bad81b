//! The JSON mirrors of the domain's values, shared by frames, journal and REST.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use uuid::Uuid;

use crate::domain::decision_rule::Count as DomainCount;
use crate::domain::{self, AgentId};

/// Settings of a meeting; what is left out has its default, what is given back is whole.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Settings {
    /// Rounds at most.
    pub max_discussion_rounds: Option<u32>,
    /// `fixed`, `rotate` or `shuffle`.
    pub turn_order: Option<TurnOrder>,
    /// The seed of `shuffle`; drawn when left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub shuffle_seed: Option<u32>,
    /// Milliseconds.
    pub opinion_timeout_ms: Option<u32>,
    /// Milliseconds.
    pub vote_timeout_ms: Option<u32>,
    /// Milliseconds.
    pub reconnect_grace_ms: Option<u32>,
    /// `open` or `invited`.
    pub admission: Option<Admission>,
    /// `manual` or `when_all_joined`.
    pub start: Option<Start>,
    /// When a motion passes.
    pub decision_rule: Option<DecisionRule>,
}

/// Mirror of [`domain::TurnOrder`].
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the words say it")]
pub enum TurnOrder {
    Fixed,
    Rotate,
    Shuffle,
}

/// Mirror of [`domain::Admission`].
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the words say it")]
pub enum Admission {
    Open,
    Invited,
}

/// Mirror of [`domain::Start`].
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the words say it")]
pub enum Start {
    Manual,
    WhenAllJoined,
}

/// Mirror of [`domain::DecisionRule`].
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DecisionRule {
    /// Which votes must agree.
    pub rule: Rule,
    /// Only for `supermajority`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub threshold: Option<Ratio>,
    /// Share of the weight that must be cast.
    pub quorum: Option<Ratio>,
    /// Weight by agent id; 1 for those not named.
    #[serde(default)]
    pub weights: BTreeMap<Uuid, u32>,
    /// Hides votes until the ballot closes.
    #[serde(default)]
    pub blind: bool,
}

/// Mirror of [`domain::Rule`].
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the words say it")]
pub enum Rule {
    Unanimous,
    Majority,
    Supermajority,
}

/// A share: a number such as `0.5`, exact to six places, or a fraction such as `"2/3"`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ratio(pub domain::Ratio);

impl Serialize for Ratio {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let domain::Ratio {
            numerator,
            denominator,
        } = self.0;
        if MILLION.is_multiple_of(denominator.max(1)) {
            serializer.serialize_f64(f64::from(numerator) / f64::from(denominator))
        } else {
            serializer.collect_str(&format_args!("{numerator}/{denominator}"))
        }
    }
}

impl<'de> Deserialize<'de> for Ratio {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Given {
            Number(f64),
            Fraction(String),
        }
        let (numerator, denominator) = match Given::deserialize(deserializer) {
            Ok(Given::Number(share)) if (0.0..=1.0).contains(&share) => {
                (millionths(share), MILLION)
            }
            Ok(Given::Fraction(text)) => {
                fraction(&text).ok_or_else(|| serde::de::Error::custom(NOT_A_SHARE))?
            }
            Ok(Given::Number(_)) | Err(_) => return Err(serde::de::Error::custom(NOT_A_SHARE)),
        };
        let common = gcd(numerator, denominator);
        Ok(Self(domain::Ratio::new(
            numerator / common,
            denominator / common,
        )))
    }
}

const MILLION: u32 = 1_000_000;
const NOT_A_SHARE: &str = "must be a number between 0 and 1, or a fraction such as \"2/3\"";

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the share is between 0 and 1"
)]
fn millionths(share: f64) -> u32 {
    (share * f64::from(MILLION)).round() as u32
}

fn fraction(text: &str) -> Option<(u32, u32)> {
    let (numerator, denominator) = text.split_once('/')?;
    let parts = (
        numerator.trim().parse().ok()?,
        denominator.trim().parse().ok()?,
    );
    (parts.1 > 0).then_some(parts)
}

fn gcd(a: u32, b: u32) -> u32 {
    if b == 0 { a.max(1) } else { gcd(b, a % b) }
}

impl Settings {
    /// The settings meant, with defaults where nothing is said; `seed` is for a shuffle that names none.
    pub fn into_domain(self, seed: u32) -> domain::Settings {
        let default = domain::Settings::default();
        let turn_order = match self.turn_order {
            None | Some(TurnOrder::Fixed) => domain::TurnOrder::Fixed,
            Some(TurnOrder::Rotate) => domain::TurnOrder::Rotate,
            Some(TurnOrder::Shuffle) => domain::TurnOrder::Shuffle {
                seed: u64::from(self.shuffle_seed.unwrap_or(seed)),
            },
        };
        domain::Settings {
            max_discussion_rounds: self
                .max_discussion_rounds
                .unwrap_or(default.max_discussion_rounds),
            turn_order,
            opinion_timeout_ms: self
                .opinion_timeout_ms
                .unwrap_or(default.opinion_timeout_ms),
            vote_timeout_ms: self.vote_timeout_ms.unwrap_or(default.vote_timeout_ms),
            reconnect_grace_ms: self
                .reconnect_grace_ms
                .unwrap_or(default.reconnect_grace_ms),
            admission: match self.admission {
                None | Some(Admission::Open) => domain::Admission::Open,
                Some(Admission::Invited) => domain::Admission::Invited,
            },
            start: match self.start {
                None | Some(Start::Manual) => domain::Start::Manual,
                Some(Start::WhenAllJoined) => domain::Start::WhenAllJoined,
            },
            decision_rule: self
                .decision_rule
                .map_or(default.decision_rule, DecisionRule::into_domain),
        }
    }
}

impl From<Settings> for domain::Settings {
    /// Kept settings are whole, so nothing is left to chance.
    fn from(kept: Settings) -> Self {
        kept.into_domain(0)
    }
}

impl From<&domain::Settings> for Settings {
    fn from(settings: &domain::Settings) -> Self {
        let (turn_order, shuffle_seed) = match settings.turn_order {
            domain::TurnOrder::Fixed => (TurnOrder::Fixed, None),
            domain::TurnOrder::Rotate => (TurnOrder::Rotate, None),
            domain::TurnOrder::Shuffle { seed } => (TurnOrder::Shuffle, u32::try_from(seed).ok()),
        };
        Self {
            max_discussion_rounds: Some(settings.max_discussion_rounds),
            turn_order: Some(turn_order),
            shuffle_seed,
            opinion_timeout_ms: Some(settings.opinion_timeout_ms),
            vote_timeout_ms: Some(settings.vote_timeout_ms),
            reconnect_grace_ms: Some(settings.reconnect_grace_ms),
            admission: Some(match settings.admission {
                domain::Admission::Open => Admission::Open,
                domain::Admission::Invited => Admission::Invited,
            }),
            start: Some(match settings.start {
                domain::Start::Manual => Start::Manual,
                domain::Start::WhenAllJoined => Start::WhenAllJoined,
            }),
            decision_rule: Some(DecisionRule::from(&settings.decision_rule)),
        }
    }
}

impl DecisionRule {
    fn into_domain(self) -> domain::DecisionRule {
        let mut rule = match self.rule {
            Rule::Unanimous => domain::DecisionRule::unanimous(),
            Rule::Majority => domain::DecisionRule::majority(),
            Rule::Supermajority => domain::DecisionRule::supermajority(
                self.threshold
                    .map_or(domain::Ratio::TWO_THIRDS, |ratio| ratio.0),
            ),
        };
        rule.quorum = self.quorum.map_or(rule.quorum, |ratio| ratio.0);
        rule.weights = self
            .weights
            .into_iter()
            .map(|(agent, weight)| (AgentId(agent), weight))
            .collect();
        rule.blind = self.blind;
        rule
    }
}

impl From<&domain::DecisionRule> for DecisionRule {
    fn from(rule: &domain::DecisionRule) -> Self {
        let (word, threshold) = match rule.rule {
            domain::Rule::Unanimous => (Rule::Unanimous, None),
            domain::Rule::Majority => (Rule::Majority, None),
            domain::Rule::Supermajority { threshold } => {
                (Rule::Supermajority, Some(Ratio(threshold)))
            }
        };
        let weights = rule
            .weights
            .iter()
            .map(|(agent, weight)| (agent.0, *weight))
            .collect();
        Self {
            rule: word,
            threshold,
            quorum: Some(Ratio(rule.quorum)),
            weights,
            blind: rule.blind,
        }
    }
}

/// One of a closed set of words.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Word(Cow<'static, str>);

macro_rules! words {
    ($($kind:ident),*) => {$(
        impl From<&domain::$kind> for Word {
            fn from(kind: &domain::$kind) -> Self {
                Self(Cow::Borrowed(kind.as_str()))
            }
        }

        impl TryFrom<Word> for domain::$kind {
            type Error = String;

            fn try_from(word: Word) -> Result<Self, String> {
                Self::parse(&word.0).ok_or_else(|| format!("unknown word {:?}", word.0))
            }
        }
    )*};
}

words!(LeaveReason, MeetingType, Outcome, Verdict);

/// Mirror of [`domain::Motion`].
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Motion {
    /// The text.
    pub content: String,
    /// Who put it forward.
    pub proposed_by: Uuid,
}

impl From<&domain::Motion> for Motion {
    fn from(motion: &domain::Motion) -> Self {
        Self {
            content: motion.content.clone(),
            proposed_by: motion.proposed_by.0,
        }
    }
}

impl From<Motion> for domain::Motion {
    fn from(motion: Motion) -> Self {
        Self {
            content: motion.content,
            proposed_by: AgentId(motion.proposed_by),
        }
    }
}

/// What a vote says.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Vote {
    /// True, false, or null for an abstention.
    pub agrees: Option<bool>,
    /// Why.
    pub rationale: Option<String>,
    /// From 0 to 1.
    pub confidence: Option<f64>,
}

impl From<&domain::Vote> for Vote {
    fn from(vote: &domain::Vote) -> Self {
        Self {
            agrees: vote.agrees,
            rationale: vote.rationale.clone(),
            confidence: vote.confidence,
        }
    }
}

impl From<Vote> for domain::Vote {
    fn from(vote: Vote) -> Self {
        Self {
            agrees: vote.agrees,
            rationale: vote.rationale,
            confidence: vote.confidence,
        }
    }
}

/// Mirror of [`domain::CastVote`].
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct CastVote {
    /// Who voted.
    pub agent_id: Uuid,
    /// The event that recorded it.
    pub seq: u64,
    /// What it says.
    #[serde(flatten)]
    pub vote: Vote,
}

impl From<&domain::CastVote> for CastVote {
    fn from(cast: &domain::CastVote) -> Self {
        Self {
            agent_id: cast.agent.0,
            seq: cast.seq,
            vote: Vote::from(&cast.vote),
        }
    }
}

impl From<CastVote> for domain::CastVote {
    fn from(cast: CastVote) -> Self {
        Self {
            agent: AgentId(cast.agent_id),
            seq: cast.seq,
            vote: cast.vote.into(),
        }
    }
}

/// Mirror of [`domain::Tally`]: by head, and the same by weight.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Tally {
    /// By head.
    #[serde(flatten)]
    pub votes: Count,
    /// By weight; the rule and the quorum look at this.
    pub weight: Count,
    /// Whether enough was cast.
    pub quorum_met: bool,
}

/// Mirror of [`domain::decision_rule::Count`].
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(remote = "DomainCount")]
struct CountFields {
    eligible: u64,
    cast: u64,
    agree: u64,
    disagree: u64,
    abstain: u64,
}

/// One way of counting.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Count(#[serde(with = "CountFields")] DomainCount);

impl From<&domain::Tally> for Tally {
    fn from(tally: &domain::Tally) -> Self {
        Self {
            votes: Count(tally.votes),
            weight: Count(tally.weight),
            quorum_met: tally.quorum_met,
        }
    }
}

impl From<Tally> for domain::Tally {
    fn from(tally: Tally) -> Self {
        Self {
            votes: tally.votes.0,
            weight: tally.weight.0,
            quorum_met: tally.quorum_met,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_come_back_as_they_were_given() {
        let text = r#"{"max_discussion_rounds":5,"turn_order":"shuffle","shuffle_seed":7,"admission":"invited",
            "decision_rule":{"rule":"supermajority","threshold":"3/4","quorum":0.6,"blind":true,
            "weights":{"00000000-0000-0000-0000-000000000001":3}}}"#;
        let given: Settings = serde_json::from_str(text).unwrap();
        let meant = given.into_domain(0);
        let kept = serde_json::to_string(&Settings::from(&meant)).unwrap();
        let again: Settings = serde_json::from_str(&kept).unwrap();
        assert_eq!(again.into_domain(0), meant);
        assert_eq!(meant.decision_rule.quorum, domain::Ratio::new(3, 5));
    }

    #[test]
    fn two_thirds_stay_exact() {
        let kept = serde_json::to_string(&Ratio(domain::Ratio::TWO_THIRDS)).unwrap();
        assert_eq!(kept, r#""2/3""#);
        assert_eq!(
            serde_json::from_str::<Ratio>(&kept).unwrap().0,
            domain::Ratio::TWO_THIRDS
        );
    }

    #[test]
    fn a_share_outside_its_bounds_is_explained() {
        let error = serde_json::from_str::<Ratio>("1.5")
            .unwrap_err()
            .to_string();
        assert!(error.starts_with(NOT_A_SHARE), "{error}");
    }
}
