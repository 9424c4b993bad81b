//! The table at the end: the server beside the relay.

use std::fmt;

use hdrhistogram::Histogram;

use crate::{Measured, Size, nanoseconds};

/// All that was measured.
#[derive(Default)]
pub(crate) struct Report {
    lines: Vec<Line>,
}

/// One venue with so many meetings of so many at once.
struct Line {
    venue: &'static str,
    size: Size,
    /// Turns a second of each repetition, all meetings together.
    rates: Vec<f64>,
    /// The same, with the time of ballots counted in.
    rates_of_all: Vec<f64>,
    /// Frames a second that agents received, all together.
    deliveries: Vec<f64>,
    acks: Histogram<u64>,
}

impl Report {
    /// Adds one repetition: the meetings that were held at once.
    pub(crate) fn add(&mut self, venue: &'static str, size: Size, measured: &[Measured]) {
        let line = self.line(venue, size);
        let turns = |m: &Measured| m.turns as f64;
        let rate = measured
            .iter()
            .map(|m| turns(m) / m.discussing.as_secs_f64());
        line.rates.push(rate.sum());
        let rate_of_all = measured.iter().map(|m| turns(m) / m.whole.as_secs_f64());
        line.rates_of_all.push(rate_of_all.sum());
        let deliveries = measured
            .iter()
            .map(|m| m.frames as f64 / m.whole.as_secs_f64());
        line.deliveries.push(deliveries.sum());
        for meeting in measured {
            line.acks
                .add(&meeting.acks)
                .expect("histograms of one kind add up");
        }
    }

    fn line(&mut self, venue: &'static str, size: Size) -> &mut Line {
        let same = |line: &Line| (line.venue, line.size) == (venue, size);
        let place = self.lines.iter().position(same).unwrap_or_else(|| {
            self.lines.push(Line {
                venue,
                size,
                rates: Vec::new(),
                rates_of_all: Vec::new(),
                deliveries: Vec::new(),
                acks: nanoseconds(),
            });
            self.lines.len() - 1
        });
        &mut self.lines[place]
    }
}

impl Line {
    fn ms(&self, quantile: f64) -> f64 {
        self.acks.value_at_quantile(quantile) as f64 / 1e6
    }
}

fn shown(ratio: Option<f64>) -> String {
    ratio.map_or_else(|| "-".to_owned(), |ratio| format!("{ratio:.2}"))
}

/// The middle one, or the higher of the two.
fn median(rates: &[f64]) -> f64 {
    let mut sorted = rates.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied().unwrap_or_default()
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "\nmedians of this run's repetitions, acks in ms")?;
        writeln!(
            f,
            "{:<9} {:>8} {:>8} {:>7} {:>8} {:>12} {:>7} {:>8} {:>8} {:>7}",
            "venue",
            "size",
            "turns/s",
            "× relay",
            "all/s",
            "deliveries/s",
            "× relay",
            "p50",
            "p99",
            "× relay"
        )?;
        for line in &self.lines {
            let rate = median(&line.rates);
            let relay = self
                .lines
                .iter()
                .find(|l| l.venue == "relay" && l.size == line.size);
            writeln!(
                f,
                "{:<9} {:>8} {rate:>8.0} {:>7} {:>8.0} {:>12.0} {:>7} {:>8.3} {:>8.3} {:>7}",
                line.venue,
                format!("{}x{}", line.size.agents, line.size.meetings),
                shown(relay.map(|relay| rate / median(&relay.rates))),
                median(&line.rates_of_all),
                median(&line.deliveries),
                shown(relay.map(|relay| median(&line.deliveries) / median(&relay.deliveries))),
                line.ms(0.5),
                line.ms(0.99),
                shown(relay.map(|relay| line.ms(0.5) / relay.ms(0.5))),
            )?;
        }
        Ok(())
    }
}
