//! A subject in words: its key phrase, a title, and the reason.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, TimeDelta, Utc};

use super::cues::Cue;
use super::reading::{Reading, Written};
use super::signals::Signals;
use super::vectors::COMPARED_MIN;
use super::{Kind, Question};

/// Words of a key phrase at most.
const PHRASE_WORDS_MAX: usize = 3;

/// Finds key phrases in what was read.
pub(super) struct Phrases<'a> {
    readings: &'a [Reading],
    written: Written,
    /// How many messages have each term.
    having: Vec<u32>,
}

impl<'a> Phrases<'a> {
    pub(super) fn new(readings: &'a [Reading], written: Written) -> Self {
        let mut having = vec![0; written.len()];
        for reading in readings {
            let terms: BTreeSet<_> = reading.terms.iter().collect();
            for term in terms {
                having[*term as usize] += 1;
            }
        }
        Self {
            readings,
            written,
            having,
        }
    }

    /// What these messages are about, in at most two phrases: runs of words that stand side by side in many of them and are
    /// rare elsewhere.
    pub(super) fn key(&self, messages: &[usize]) -> String {
        let mut runs = BTreeMap::<&[u32], (f64, usize)>::new();
        for (place, at) in messages.iter().enumerate() {
            let here: BTreeSet<_> = self.readings[*at].runs(PHRASE_WORDS_MAX).collect();
            for run in here {
                let words = run.iter().filter(|term| self.written.is_word(**term));
                if words.count() == run.len() {
                    runs.entry(run).or_insert((0.0, place)).0 += 1.0;
                }
            }
        }
        let score = |run: &[u32], count: f64| {
            let all = self.readings.len().max(COMPARED_MIN) as f64;
            let rare = |term: &u32| ((1.0 + all) / f64::from(self.having[*term as usize])).ln();
            let mean = run.iter().map(rare).sum::<f64>() / run.len() as f64;
            // A longer run says a little more, but how many messages have it says most.
            (count - 0.5) * mean * (0.75 + 0.25 * run.len() as f64)
        };
        let mut runs: Vec<_> = runs
            .into_iter()
            .map(|(run, (count, place))| (score(run, count), place, run))
            .collect();
        runs.sort_by(|one, other| other.0.total_cmp(&one.0).then(one.1.cmp(&other.1)));
        let Some((_, _, first)) = runs.first() else {
            return String::new();
        };
        let second = runs
            .iter()
            .map(|(_, _, run)| *run)
            .find(|run| !run.iter().any(|term| first.contains(term)));
        let second = second.filter(|_| first.len() == 1);
        let both = [Some(*first), second].into_iter().flatten();
        both.map(|run| self.written.run(run))
            .collect::<Vec<_>>()
            .join(", ")
    }
}

/// What to do about it.
pub(super) fn title(kind: Kind, key: &str) -> String {
    let what = match kind {
        Kind::Conflict => "Resolve disagreement",
        Kind::OpenQuestion => "Answer open question",
        Kind::Coordination => "Coordinate",
    };
    if key.is_empty() {
        what.to_owned()
    } else {
        format!("{what}: {key}")
    }
}

/// Why, with counts.
pub(super) fn reason(signals: &Signals, question: &Question, last_at: DateTime<Utc>) -> String {
    let opposed = signals
        .count(Cue::Against)
        .max(signals.count(Cue::Contrast))
        .max(signals.count(Cue::Propose));
    let told = [
        (opposed, "takes a side", "take a side"),
        (signals.questions, "asks", "ask"),
        (signals.count(Cue::Hedge), "leaves it open", "leave it open"),
        (signals.count(Cue::Wait), "waits", "wait"),
        (signals.count(Cue::HandOver), "passes it on", "pass it on"),
        (
            signals.count(Cue::Overlap),
            "tells of doing the same",
            "tell of doing the same",
        ),
        (signals.count(Cue::Urgent), "presses", "press"),
    ];
    let told = told.into_iter().filter(|(count, _, _)| *count > 0);
    let told: Vec<_> = told
        .map(|(count, one, many)| format!("{count} {}", if count == 1 { one } else { many }))
        .collect();
    let hours = counted(i64::from(question.hours_back), "hour");
    let messages = counted(
        i64::try_from(signals.evidence.len()).unwrap_or(i64::MAX),
        "message",
    );
    let told = if told.is_empty() {
        String::new()
    } else {
        format!(": {}", told.join(", "))
    };
    // Clocks differ: a message from the future is from now.
    let ago = ago((question.now - last_at).max(TimeDelta::zero()));
    format!(
        "{messages} between {} agents in the last {hours}{told}; the last {ago}",
        signals.agents.len()
    )
}

fn ago(age: TimeDelta) -> String {
    match (age.num_minutes(), age.num_hours(), age.num_days()) {
        (0, _, _) => "just now".to_owned(),
        (minutes, 0, _) => counted(minutes, "minute") + " ago",
        (_, hours, 0..=1) => counted(hours, "hour") + " ago",
        (_, _, days) => counted(days, "day") + " ago",
    }
}

fn counted(count: i64, what: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {what}{plural}")
}
