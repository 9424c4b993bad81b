//! How much was said of a subject in the days before: what has always been talked about grows less urgent than what is new.

use std::collections::HashMap;

use super::reading::Reading;

/// Words of a subject that an older message must share with it to be of it.
const SHARED_MIN: u32 = 2;
/// A word that one in so many older messages has is of no subject.
const COMMON_ONE_IN: usize = 20;
/// Older messages with one word that are counted whatever their share.
const COMMON_MIN: usize = 20;

/// The older messages, by their words. They are counted, and are never evidence.
pub(super) struct Before {
    having: HashMap<u32, Vec<u32>>,
    messages: usize,
    /// How many times as long as the window the time before is.
    windows: f64,
}

impl Before {
    /// What was said in a time so many times as long as the window.
    pub(super) fn new(readings: &[Reading], windows: f64) -> Self {
        let mut having = HashMap::<u32, Vec<u32>>::new();
        for (at, reading) in (0..).zip(readings) {
            for term in distinct(&reading.terms) {
                having.entry(term).or_default().push(at);
            }
        }
        let messages = readings.len();
        let common = COMMON_MIN.max(messages / COMMON_ONE_IN);
        having.retain(|_, messages| messages.len() <= common);
        Self {
            having,
            messages,
            windows,
        }
    }

    /// How many messages of the subject of these a window had; nothing where nothing was said before.
    pub(super) fn usual(&self, subject: &[&Reading]) -> Option<f64> {
        if self.messages == 0 {
            return None;
        }
        let mut shared = HashMap::<u32, u32>::new();
        for term in terms_of(subject) {
            for message in self.having.get(&term).into_iter().flatten() {
                *shared.entry(*message).or_default() += 1;
            }
        }
        let of_subject = shared.values().filter(|terms| **terms >= SHARED_MIN);
        Some(of_subject.count() as f64 / self.windows)
    }
}

/// The terms of a subject: those that two of its messages have, or all of its only message.
fn terms_of(subject: &[&Reading]) -> impl Iterator<Item = u32> {
    let least = subject.len().min(2);
    let mut counts = HashMap::<u32, usize>::new();
    for term in subject.iter().flat_map(|reading| distinct(&reading.terms)) {
        *counts.entry(term).or_default() += 1;
    }
    let enough = move |(term, count): (u32, usize)| (count >= least).then_some(term);
    counts.into_iter().filter_map(enough)
}

fn distinct(terms: &[u32]) -> Vec<u32> {
    let mut terms = terms.to_vec();
    terms.sort_unstable();
    terms.dedup();
    terms
}
