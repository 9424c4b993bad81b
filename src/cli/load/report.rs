//! What a load came to: how much, how fast, and what went wrong.

use std::fmt;
use std::time::Duration;

use hdrhistogram::Histogram;
use serde_json::{Value, json};

/// Times, in whole microseconds.
pub(super) struct Times(Histogram<u64>);

impl Default for Times {
    fn default() -> Self {
        // Three digits of every time, however long: it grows as it must.
        let times = Histogram::new(3);
        Self(times.unwrap_or_else(|_| unreachable!("three digits are few enough")))
    }
}

impl Times {
    pub(super) fn record(&mut self, time: Duration) {
        let us = u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
        // It grows to hold whatever comes.
        let _ = self.0.record(us);
    }

    pub(super) fn add(&mut self, others: &Self) {
        // It grows to hold them.
        let _ = self.0.add(&others.0);
    }

    fn ms(&self, quantile: f64) -> f64 {
        self.0.value_at_quantile(quantile) as f64 / 1_000.0
    }
}

/// What must be nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Flaws {
    /// What was answered or announced, and never came or is not kept.
    pub(super) lost: u64,
    /// What came, or is kept, twice.
    pub(super) doubled: u64,
    /// What came before what it follows.
    pub(super) out_of_order: u64,
    /// What was refused without reason.
    pub(super) refused: u64,
    /// Why, for the first of them.
    pub(super) first: Option<String>,
}

impl Flaws {
    pub(super) fn add(&mut self, other: Self) {
        self.lost += other.lost;
        self.doubled += other.doubled;
        self.out_of_order += other.out_of_order;
        self.refused += other.refused;
        self.first = self.first.take().or(other.first);
    }

    /// Remembers why, if it is the first.
    pub(super) fn because(&mut self, why: impl fmt::Display) {
        self.first.get_or_insert_with(|| why.to_string());
    }
}

/// What a load came to.
pub(super) struct Report {
    /// What was measured: `turn`, `message`.
    pub(super) what: &'static str,
    /// How many of it.
    pub(super) count: u64,
    /// Frames that all agents received; nothing where there are no sockets.
    pub(super) deliveries: u64,
    /// For how long.
    pub(super) took: Duration,
    /// From asking to the answer that it is kept.
    pub(super) times: Times,
    pub(super) flaws: Flaws,
}

impl Report {
    pub(super) fn is_flawless(&self) -> bool {
        self.flaws == Flaws::default() && self.count > 0
    }

    fn per_s(&self, count: u64) -> f64 {
        count as f64 / self.took.as_secs_f64().max(f64::MIN_POSITIVE)
    }

    pub(super) fn to_json(&self) -> Value {
        let Flaws {
            lost,
            doubled,
            out_of_order,
            refused,
            first,
        } = &self.flaws;
        json!({
            "what": self.what, "count": self.count, "seconds": self.took.as_secs_f64(),
            "per_s": self.per_s(self.count), "deliveries_per_s": self.per_s(self.deliveries),
            "ms": {"p50": self.times.ms(0.5), "p95": self.times.ms(0.95), "p99": self.times.ms(0.99), "max": self.times.ms(1.0)},
            "lost": lost, "doubled": doubled, "out_of_order": out_of_order, "refused": refused,
            "first_flaw": first,
        })
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let row = |f: &mut fmt::Formatter<'_>, name: &str, value: String| {
            writeln!(f, "{name:<16}{value:>12}")
        };
        row(f, &format!("{}s", self.what), self.count.to_string())?;
        row(f, "seconds", format!("{:.2}", self.took.as_secs_f64()))?;
        row(
            f,
            &format!("{}s/s", self.what),
            format!("{:.0}", self.per_s(self.count)),
        )?;
        if self.deliveries > 0 {
            row(
                f,
                "deliveries/s",
                format!("{:.0}", self.per_s(self.deliveries)),
            )?;
        }
        for (name, quantile) in [
            ("p50 ms", 0.5),
            ("p95 ms", 0.95),
            ("p99 ms", 0.99),
            ("max ms", 1.0),
        ] {
            row(f, name, format!("{:.2}", self.times.ms(quantile)))?;
        }
        let flaws = &self.flaws;
        row(f, "lost", flaws.lost.to_string())?;
        row(f, "doubled", flaws.doubled.to_string())?;
        row(f, "out of order", flaws.out_of_order.to_string())?;
        row(f, "refused", flaws.refused.to_string())?;
        match &flaws.first {
            Some(first) => write!(f, "first flaw: {first}"),
            None => write!(f, "nothing was lost, doubled, out of order or refused"),
        }
    }
}
