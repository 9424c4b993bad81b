//! What all agents and clients of a load saw, written down in one place as it happens.
//!
//! It keeps times as histograms and faults as numbers, never a list of what was done, so that a load may go on for as long as one likes.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use hdrhistogram::Histogram;
use indicatif::ProgressBar;

use crate::clock::Clock;

/// What is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum What {
    /// From speaking to one's own ack.
    Turn,
    /// From creating a meeting to the answer that it is over.
    Meeting,
    /// From the moment when a message was due, or sent where there is no schedule, to the answer that it is kept.
    Message,
    /// From the moment when it was due to its receiver's having it.
    DirectMessage,
    /// From asking the log something to its answer.
    Query,
    /// From opening a connection to having it.
    Connection,
    /// The same, of an agent that comes back after it lost one.
    Resume,
}

/// What must not be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Flaw {
    /// So many were answered or announced, and never came or are not kept.
    Lost(u64),
    /// One came, or is kept, twice.
    Doubled,
    /// One came before what it follows.
    OutOfOrder,
    /// One was refused without reason, or not answered.
    Error,
}

/// How often each of them was.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Flaws {
    pub(super) lost: u64,
    pub(super) doubled: u64,
    pub(super) out_of_order: u64,
    pub(super) errors: u64,
    /// Why, for the first of all.
    pub(super) first: Option<String>,
}

/// Times, in whole microseconds.
#[derive(Clone)]
pub(super) struct Times(Histogram<u64>);

/// All of one kind.
#[derive(Clone, Default)]
pub(super) struct Measure {
    pub(super) times: Times,
    /// When the first began and the last ended; of the same clock as all.
    span: Option<(Duration, Duration)>,
    /// How many ended in each second of the load.
    pub(super) per_second: Vec<u32>,
}

/// What was seen so far; cheap to clone, and every clone writes to the same.
#[derive(Clone)]
pub(super) struct Record(Arc<Inner>);

struct Inner {
    clock: Clock,
    began: Duration,
    bar: ProgressBar,
    deliveries: AtomicU64,
    seen: Mutex<Seen>,
}

#[derive(Clone, Default)]
pub(super) struct Seen {
    pub(super) measures: BTreeMap<What, Measure>,
    pub(super) deliveries: u64,
    pub(super) flaws: Flaws,
    /// What the progress bar counts.
    counted: Option<What>,
}

impl What {
    /// As one says it of one: `turn`.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Turn => "turn",
            Self::Meeting => "meeting",
            Self::Message => "message",
            Self::DirectMessage => "direct message",
            Self::Query => "query",
            Self::Connection => "connection",
            Self::Resume => "resume",
        }
    }

    /// As one says it of many: `turns`.
    pub(super) fn plural(self) -> &'static str {
        match self {
            Self::Turn => "turns",
            Self::Meeting => "meetings",
            Self::Message => "messages",
            Self::DirectMessage => "direct messages",
            Self::Query => "queries",
            Self::Connection => "connections",
            Self::Resume => "resumes",
        }
    }
}

impl Record {
    /// Nothing seen yet. The bar is told how far a load has come.
    pub(super) fn new(clock: Clock, bar: ProgressBar) -> Self {
        Self(Arc::new(Inner {
            began: clock.elapsed(),
            clock,
            bar,
            deliveries: AtomicU64::new(0),
            seen: Mutex::default(),
        }))
    }

    /// So many of these are to come: the bar counts them.
    pub(super) fn expect(&self, what: What, count: u64) {
        self.lock().counted = Some(what);
        self.0.bar.set_length(count);
    }

    /// One is done, which began then.
    pub(super) fn took(&self, what: What, began: Duration) {
        let Inner { clock, bar, .. } = &*self.0;
        let now = clock.elapsed();
        let second = now.saturating_sub(self.0.began).as_secs();
        let mut seen = self.lock();
        let measure = seen.measures.entry(what).or_default();
        measure.add(began, now, usize::try_from(second).unwrap_or(usize::MAX));
        if seen.counted == Some(what) {
            bar.inc(1);
        }
    }

    /// A frame came.
    pub(super) fn delivered(&self) {
        self.0.deliveries.fetch_add(1, Ordering::Relaxed);
    }

    /// Something was wrong.
    pub(super) fn flaw(&self, flaw: Flaw, why: impl fmt::Display) {
        let flaws = &mut self.lock().flaws;
        match flaw {
            Flaw::Lost(count) => flaws.lost += count,
            Flaw::Doubled => flaws.doubled += 1,
            Flaw::OutOfOrder => flaws.out_of_order += 1,
            Flaw::Error => flaws.errors += 1,
        }
        flaws.first.get_or_insert_with(|| why.to_string());
    }

    /// What was seen until now.
    pub(super) fn seen(&self) -> Seen {
        Seen {
            deliveries: self.0.deliveries.load(Ordering::Relaxed),
            ..self.lock().clone()
        }
    }

    fn lock(&self) -> MutexGuard<'_, Seen> {
        // A panic cannot leave numbers half written, so a poisoned lock is still good.
        self.0.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Measure {
    fn add(&mut self, began: Duration, ended: Duration, second: usize) {
        self.times.record(ended.saturating_sub(began));
        let (first, last) = self.span.unwrap_or((began, ended));
        self.span = Some((first.min(began), last.max(ended)));
        if self.per_second.len() <= second {
            self.per_second.resize(second + 1, 0);
        }
        self.per_second[second] += 1;
    }

    pub(super) fn count(&self) -> u64 {
        self.times.0.len()
    }

    /// How many a second, from the beginning of the first to the end of the last.
    pub(super) fn per_s(&self) -> f64 {
        rate(self.count(), self.span)
    }
}

impl Seen {
    /// From the beginning of the first of all to the end of the last.
    fn span(&self) -> Option<(Duration, Duration)> {
        let spans = self.measures.values().filter_map(|measure| measure.span);
        spans.reduce(|(first, last), (began, ended)| (first.min(began), last.max(ended)))
    }

    pub(super) fn took(&self) -> Duration {
        self.span()
            .map_or(Duration::ZERO, |(first, last)| last.saturating_sub(first))
    }

    pub(super) fn deliveries_per_s(&self) -> f64 {
        rate(self.deliveries, self.span())
    }
}

/// How much there is, and what is wrong with it, in few words.
impl fmt::Display for Seen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (what, measure) in &self.measures {
            write!(f, "{} {}, ", measure.count(), what.plural())?;
        }
        let Flaws {
            lost,
            doubled,
            out_of_order,
            errors,
            first: _,
        } = self.flaws;
        write!(f, "{} flaws", lost + doubled + out_of_order + errors)
    }
}

fn rate(count: u64, span: Option<(Duration, Duration)>) -> f64 {
    let Some((first, last)) = span else {
        return 0.0;
    };
    count as f64 / last.saturating_sub(first).as_secs_f64().max(1e-6)
}

impl Default for Times {
    fn default() -> Self {
        // Three digits of every time, however long: it grows as it must.
        let times = Histogram::new(3);
        Self(times.unwrap_or_else(|_| unreachable!("three digits are few enough")))
    }
}

impl Times {
    fn record(&mut self, time: Duration) {
        let us = u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
        // It grows to hold whatever comes.
        let _ = self.0.record(us);
    }

    pub(super) fn ms(&self, quantile: f64) -> f64 {
        self.0.value_at_quantile(quantile) as f64 / 1_000.0
    }

    /// The whole distribution, from the shortest to the longest: a quantile and the milliseconds within which so many were. The nearer
    /// to the end, the closer they stand.
    pub(super) fn curve(&self) -> impl Iterator<Item = (f64, f64)> + '_ {
        let steps = self.0.iter_quantiles(STEPS_PER_HALF);
        steps.map(|step| {
            let ms = step.value_iterated_to() as f64 / 1_000.0;
            (step.quantile_iterated_to(), ms)
        })
    }
}

/// Points of a curve each time that what is left is halved: as `HdrHistogram`'s own plots have.
const STEPS_PER_HALF: u32 = 5;
