//! How well suggestions meet what was expected.

use std::collections::{BTreeMap, BTreeSet};

use synod::topics::Kind;
use uuid::Uuid;

use super::corpus::Log;

/// Suggestions, the first one first.
pub(super) type Suggested = Vec<Named>;

/// What is looked at of a suggestion.
pub(super) struct Named {
    /// The messages that it names.
    pub(super) messages: Vec<Uuid>,
    /// Of which kind it says that it is; the baselines do not say.
    pub(super) kind: Option<Kind>,
}

/// Shares of one: of one log, or the mean of many.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Score {
    /// Of the first three suggestions, or fewer, the share that meets an expected topic; of a log that expects none, whether none came.
    pub(super) precision: f64,
    /// Of the expected topics, the share that the first five suggestions meet.
    pub(super) recall: f64,
    /// Of the messages that those suggestions name which meet a topic, the share that belongs to it; `None` where none meets one.
    pub(super) evidence: Option<f64>,
    /// Of the suggestions that meet a topic, the share that is of its kind; `None` where none meets one.
    pub(super) kind: Option<f64>,
}

/// Scores one log. A suggestion meets a topic if at least half of the messages that it names belong to it; the first that does counts.
pub(super) fn score(log: &Log, suggested: &Suggested) -> Score {
    let mut met = BTreeSet::new();
    let (mut shares, mut kinds) = (Vec::new(), Vec::new());
    let yes = |is: bool| if is { 1.0 } else { 0.0 };
    let meets: Vec<_> = suggested
        .iter()
        .map(|named| {
            let Some((topic, share)) = main_topic(log, &named.messages) else {
                return false;
            };
            let is_first = share >= 0.5 && met.insert(topic);
            if is_first {
                shares.push(share);
                kinds.push(yes(named.kind == Some(log.kind_of(topic))));
            }
            is_first
        })
        .collect();
    let among = |first: usize| meets.iter().take(first).filter(|meets| **meets).count() as f64;
    let (expected, given) = (log.expected.len(), meets.len().min(3));
    Score {
        precision: match (expected, given) {
            (0, given) => yes(given == 0),
            (_, 0) => 0.0,
            (_, given) => among(3) / given as f64,
        },
        recall: if expected == 0 {
            1.0
        } else {
            among(5) / expected as f64
        },
        evidence: mean_if_any(&shares),
        kind: mean_if_any(&kinds),
    }
}

/// The topic that most of these belong to, and their share.
fn main_topic<'a>(log: &'a Log, messages: &[Uuid]) -> Option<(&'a str, f64)> {
    let mut counts = BTreeMap::<_, usize>::new();
    for topic in messages.iter().filter_map(|message| log.topic_of(*message)) {
        *counts.entry(topic).or_default() += 1;
    }
    let (topic, count) = counts.into_iter().max_by_key(|(_, count)| *count)?;
    Some((topic, count as f64 / messages.len() as f64))
}

impl Score {
    /// The harmonic mean of precision and recall.
    pub(super) fn harmonic(&self) -> f64 {
        2.0 * self.precision * self.recall / (self.precision + self.recall)
    }

    /// The mean of the scores of many logs.
    pub(super) fn mean(scores: &[Self]) -> Self {
        let of = |value: fn(&Self) -> f64| mean(&scores.iter().map(value).collect::<Vec<_>>());
        let of_some = |value: fn(&Self) -> Option<f64>| {
            mean_if_any(&scores.iter().filter_map(value).collect::<Vec<_>>())
        };
        Self {
            precision: of(|score| score.precision),
            recall: of(|score| score.recall),
            evidence: of_some(|score| score.evidence),
            kind: of_some(|score| score.kind),
        }
    }
}

fn mean_if_any(values: &[f64]) -> Option<f64> {
    (!values.is_empty()).then(|| mean(values))
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len().max(1) as f64
}
