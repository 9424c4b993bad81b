//! The table at the end: each writer beside the others of its database.

use std::fmt;
use std::time::Duration;

use hdrhistogram::Histogram;

use super::Shape;

/// All that was measured.
#[derive(Default)]
pub(crate) struct Report {
    lines: Vec<Line>,
}

/// One writer, one shape.
pub(crate) struct Line {
    /// What was written at once.
    pub(crate) shape: Shape,
    database: &'static str,
    writer: &'static str,
    /// Nanoseconds of each commit, up to a minute.
    commits: Histogram<u64>,
}

impl Line {
    /// Nothing measured yet.
    pub(crate) fn new(database: &'static str, writer: &'static str, shape: Shape) -> Self {
        let commits = Histogram::new_with_max(60_000_000_000, 3)
            .expect("three significant digits are possible");
        Self {
            shape,
            database,
            writer,
            commits,
        }
    }

    /// One commit took so long.
    pub(crate) fn took(&mut self, time: Duration) {
        self.commits
            .saturating_record(u64::try_from(time.as_nanos()).unwrap_or(u64::MAX));
    }

    fn ms(&self, quantile: f64) -> f64 {
        self.commits.value_at_quantile(quantile) as f64 / 1e6
    }

    /// Of the median commit, which a checkpoint or a busy machine moves least.
    fn events_per_second(&self) -> f64 {
        self.shape.events as f64 / self.ms(0.5) * 1e3
    }
}

impl Report {
    /// Adds what was measured; nothing if it was filtered out.
    pub(crate) fn add(&mut self, line: Line) {
        if !line.commits.is_empty() {
            self.lines.push(line);
        }
    }

    /// The rate of `line` beside that of `other`; `-` if the other was not measured.
    fn ratio(&self, line: &Line, other: impl Fn(&&Line) -> bool) -> String {
        let mut others = self
            .lines
            .iter()
            .filter(|other| other.database == line.database);
        let other = others.find(other);
        let ratio = other.map(|other| line.events_per_second() / other.events_per_second());
        ratio.map_or_else(|| "-".to_owned(), |ratio| format!("{ratio:.2}"))
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "\nEvents kept, by the median commit of this run")?;
        writeln!(
            f,
            "{:<9} {:<7} {:>6} {:>8} {:>9} {:>8} {:>8} {:>8} {:>8}",
            "database",
            "writer",
            "events",
            "meetings",
            "events/s",
            "p50 ms",
            "p99 ms",
            "× single",
            "× raw"
        )?;
        for line in &self.lines {
            let Shape { events, meetings } = line.shape;
            let beside_single = self.ratio(line, |other| other.writer == "single");
            let beside_raw = self.ratio(line, |other| {
                let same = (other.shape.events, other.shape.meetings) == (events, meetings);
                other.writer == "raw" && same
            });
            writeln!(
                f,
                "{:<9} {:<7} {events:>6} {meetings:>8} {:>9.0} {:>8.3} {:>8.3} {beside_single:>8} {beside_raw:>8}",
                line.database,
                line.writer,
                line.events_per_second(),
                line.ms(0.5),
                line.ms(0.99),
            )?;
        }
        Ok(())
    }
}
