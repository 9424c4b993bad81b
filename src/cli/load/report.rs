//! What a load came to: for people, and for programs.

use std::fmt;
use std::path::Path;

use anyhow::Context;
use serde::Serialize;
use serde_json::{Value, json};

use super::memory::Usage;
use super::record::{Flaws, Measure, Record, Seen, What};

/// What a load came to.
pub(super) struct Report {
    pub(super) scenario: &'static str,
    pub(super) seen: Seen,
    memory: Option<Usage>,
}

/// The quantiles that are told, by their names.
const QUANTILES: [(&str, f64); 4] = [("p50", 0.5), ("p95", 0.95), ("p99", 0.99), ("max", 1.0)];

impl Report {
    pub(super) fn of(scenario: &'static str, record: &Record, memory: Option<Usage>) -> Self {
        Self {
            scenario,
            seen: record.seen(),
            memory,
        }
    }

    /// Whether something was done, and nothing of it was wrong.
    pub(super) fn is_flawless(&self) -> bool {
        self.seen.flaws == Flaws::default() && !self.seen.measures.is_empty()
    }

    pub(super) fn to_json(&self) -> Value {
        let seen = &self.seen;
        let measured = |(what, measure): (&What, &Measure)| {
            let ms = |(name, quantile): (&str, f64)| {
                (name.to_owned(), json!(measure.times.ms(quantile)))
            };
            json!({
                "what": what.name(), "count": measure.count(), "per_s": measure.per_s(),
                "ms": QUANTILES.into_iter().map(ms).collect::<serde_json::Map<_, _>>(),
            })
        };
        let Flaws {
            lost,
            doubled,
            out_of_order,
            errors,
            first,
        } = &seen.flaws;
        json!({
            "scenario": self.scenario, "seconds": seen.took().as_secs_f64(),
            "measured": seen.measures.iter().map(measured).collect::<Vec<_>>(),
            "deliveries": seen.deliveries, "deliveries_per_s": seen.deliveries_per_s(),
            "lost": lost, "doubled": doubled, "out_of_order": out_of_order, "errors": errors, "first_flaw": first,
            "server_memory": self.memory.as_ref().map(Usage::to_json),
        })
    }

    /// Writes one row for each thing that was measured or counted.
    pub(super) fn write_csv(&self, path: &Path) -> anyhow::Result<()> {
        let cannot = || {
            format!(
                "cannot write {}: choose another file with --csv",
                path.display()
            )
        };
        let mut writer = csv::Writer::from_path(path).with_context(cannot)?;
        for row in self.rows() {
            writer.serialize(row).with_context(cannot)?;
        }
        writer.flush().with_context(cannot)
    }

    fn rows(&self) -> Vec<Row> {
        let (scenario, seen) = (self.scenario, &self.seen);
        let timed = |(what, measure): (&What, &Measure)| {
            let ms = |(_, quantile)| Some(measure.times.ms(quantile));
            let [p50_ms, p95_ms, p99_ms, max_ms] = QUANTILES.map(ms);
            Row {
                scenario,
                what: what.name().to_owned(),
                value: measure.count(),
                per_s: Some(measure.per_s()),
                p50_ms,
                p95_ms,
                p99_ms,
                max_ms,
            }
        };
        let counted = |(what, value): (String, u64)| Row {
            scenario,
            what,
            value,
            ..Row::default()
        };
        let flaws = flaws(&seen.flaws).map(|(name, count)| (name.replace(' ', "_"), count));
        let memory = self.memory.iter().flat_map(Usage::values);
        let mut rows: Vec<_> = seen.measures.iter().map(timed).collect();
        rows.push(Row {
            per_s: Some(seen.deliveries_per_s()),
            ..counted(("delivery".to_owned(), seen.deliveries))
        });
        rows.extend(flaws.into_iter().chain(memory).map(counted));
        rows
    }
}

/// One line of the file. What has no times leaves them empty.
#[derive(Default, Serialize)]
struct Row {
    scenario: &'static str,
    what: String,
    value: u64,
    per_s: Option<f64>,
    p50_ms: Option<f64>,
    p95_ms: Option<f64>,
    p99_ms: Option<f64>,
    max_ms: Option<f64>,
}

fn flaws(flaws: &Flaws) -> [(&'static str, u64); 4] {
    [
        ("lost", flaws.lost),
        ("doubled", flaws.doubled),
        ("out of order", flaws.out_of_order),
        ("errors", flaws.errors),
    ]
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seen = &self.seen;
        let title = format!("{}, {:.1} s", self.scenario, seen.took().as_secs_f64());
        write!(f, "{title:<18}{:>10}{:>27}", "count", "rate")?;
        for (name, _) in QUANTILES {
            write!(f, "{:>10}", format!("{name} ms"))?;
        }
        writeln!(f)?;
        for (what, measure) in &seen.measures {
            let rate = format!("{:.1} {}/s", measure.per_s(), what.plural());
            write!(f, "{:<18}{:>10}{rate:>27}", what.plural(), measure.count())?;
            for (_, quantile) in QUANTILES {
                write!(f, "{:>10.2}", measure.times.ms(quantile))?;
            }
            writeln!(f)?;
        }
        if seen.deliveries > 0 {
            let rate = format!("{:.0} deliveries/s", seen.deliveries_per_s());
            writeln!(f, "{:<18}{:>10}{rate:>27}", "deliveries", seen.deliveries)?;
        }
        for (name, count) in flaws(&seen.flaws) {
            writeln!(f, "{name:<18}{count:>10}")?;
        }
        for line in self.memory.iter().flat_map(Usage::lines) {
            writeln!(f, "{line}")?;
        }
        match &seen.flaws.first {
            Some(first) => write!(f, "first flaw: {first}"),
            None => write!(f, "nothing was lost, doubled, out of order or refused"),
        }
    }
}
