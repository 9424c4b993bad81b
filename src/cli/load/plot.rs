//! A picture of a load: how long things took, and how many there were over time.
//!
//! Times stand over their percentile as `HdrHistogram` plots them, on an axis that gives every further nine as much room as the last:
//! 90 %, 99 %, 99.9 %. SVG alone, because a picture of pixels would need fonts.

use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow};
use plotters::coord::Shift;
use plotters::prelude::*;

use super::record::{Measure, Seen};
use super::report::Report;

type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;
type Drawn = Result<(), DrawingAreaErrorKind<std::io::Error>>;

/// Takes a file's name that says that it is an SVG.
pub(super) fn file(name: &str) -> Result<PathBuf, String> {
    let path = PathBuf::from(name);
    if path
        .extension()
        .is_some_and(|it| it.eq_ignore_ascii_case("svg"))
    {
        Ok(path)
    } else {
        Err("the picture is an SVG: name it FILE.svg".to_owned())
    }
}

/// Draws the report into a file.
pub(super) fn draw(report: &Report, path: &Path) -> anyhow::Result<()> {
    let picture = picture(report).map_err(|error| anyhow!("the plot cannot be drawn: {error}"))?;
    std::fs::write(path, picture).with_context(|| {
        format!(
            "cannot write {}: choose another file with --plot",
            path.display()
        )
    })
}

fn picture(report: &Report) -> Result<String, DrawingAreaErrorKind<std::io::Error>> {
    let mut text = String::new();
    {
        let whole = SVGBackend::with_string(&mut text, SIZE).into_drawing_area();
        whole.fill(&WHITE)?;
        let whole = whole.titled(
            &format!("synod load {}", report.scenario),
            ("sans-serif", 22),
        )?;
        let (above, below) = whole.split_vertically(SIZE.1 / 2);
        latency(&above, &report.seen)?;
        throughput(&below, &report.seen)?;
        whole.present()?;
    }
    Ok(text)
}

/// How many times out of how many a time was longer: 1 in 10 is 90 %.
fn latency(area: &Area<'_>, seen: &Seen) -> Drawn {
    let most = |of: fn(&Measure) -> f64| seen.measures.values().map(of).fold(0.0, f64::max);
    let most_ms = most(|measure| measure.times.ms(1.0));
    let most_count = most(|measure| measure.count() as f64);
    let mut chart = ChartBuilder::on(area)
        .margin(MARGIN)
        .x_label_area_size(LABELS)
        .y_label_area_size(LABELS)
        .build_cartesian_2d(
            (1.0..most_count.max(10.0)).log_scale(),
            0.0..most_ms.max(0.001),
        )?;
    chart
        .configure_mesh()
        .x_desc("percentile")
        .y_desc("ms")
        .x_label_formatter(&|one_in| percentile(*one_in))
        .draw()?;
    for (nth, (what, measure)) in seen.measures.iter().enumerate() {
        let color = Palette99::pick(nth).to_rgba();
        let count = measure.count() as f64;
        let points = measure
            .times
            .curve()
            .map(|(quantile, ms)| ((1.0 / (1.0 - quantile)).min(count), ms));
        chart
            .draw_series(LineSeries::new(points, color))?
            .label(what.plural())
            .legend(move |(x, y)| PathElement::new([(x, y), (x + LEGEND, y)], color));
    }
    let mut names = chart.configure_series_labels();
    let names = names.position(SeriesLabelPosition::UpperLeft);
    names
        .background_style(WHITE.mix(0.8))
        .border_style(BLACK)
        .draw()
}

fn throughput(area: &Area<'_>, seen: &Seen) -> Drawn {
    let rates = || seen.measures.values().map(|measure| &measure.per_second);
    let seconds = rates().map(Vec::len).max().unwrap_or_default();
    let most = rates().flatten().copied().max().unwrap_or_default();
    let mut chart = ChartBuilder::on(area)
        .margin(MARGIN)
        .x_label_area_size(LABELS)
        .y_label_area_size(LABELS)
        .build_cartesian_2d(0..seconds.max(1), 0..most.max(1))?;
    chart
        .configure_mesh()
        .x_desc("second")
        .y_desc("a second")
        .draw()?;
    for (nth, rate) in rates().enumerate() {
        let points = rate.iter().copied().enumerate();
        chart.draw_series(LineSeries::new(points, Palette99::pick(nth).to_rgba()))?;
    }
    Ok(())
}

/// What is written where one in so many is longer: 1 is 0 %, 1000 is 99.9 %.
fn percentile(one_in: f64) -> String {
    let percent = format!("{:.6}", 100.0 - 100.0 / one_in);
    let percent = percent.trim_end_matches('0').trim_end_matches('.');
    format!("{percent}%")
}

/// In pixels: of the picture, around its charts, for the numbers at their axes, of a line in the legend.
const SIZE: (u32, u32) = (960, 800);
const MARGIN: u32 = 12;
const LABELS: u32 = 56;
const LEGEND: i32 = 18;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_nine_has_a_name() {
        let names = [1.0, 10.0, 100.0, 1e3, 1e4, 1e5].map(percentile);
        assert_eq!(names, ["0%", "90%", "99%", "99.9%", "99.99%", "99.999%"]);
    }

    #[test]
    fn a_picture_of_pixels_is_not_promised() {
        assert_eq!(file("a.SVG"), Ok(PathBuf::from("a.SVG")));
        assert!(file("a.png").unwrap_err().contains("FILE.svg"));
    }
}
