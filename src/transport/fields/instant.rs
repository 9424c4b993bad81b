//! Points in time, as requests write them and as they are kept: in UTC, in whole microseconds, without leap seconds, and no
//! further away than every database can count.

use chrono::{DateTime, Datelike, Days, NaiveDate, NaiveTime, TimeDelta, Utc};

use crate::config::Limits;

/// Reads an instant (RFC 3339, with its zone).
pub(super) fn read(text: &str) -> Result<DateTime<Utc>, String> {
    read_as(INSTANT, text)
}

/// Reads where a span begins: an instant, or a day in UTC from its first moment on.
pub(super) fn read_start(text: &str) -> Result<DateTime<Utc>, String> {
    match text.parse() {
        Ok(day) => beginning(day),
        Err(_) => read_as(DATE_OR_INSTANT, text),
    }
}

/// Reads where a span ends, as the first moment after it: an instant that is part of it, or a whole day in UTC.
pub(super) fn read_end(text: &str) -> Result<DateTime<Utc>, String> {
    let end = match text.parse() {
        Ok(day) => beginning(day)?.checked_add_days(Days::new(1)),
        Err(_) => read_as(DATE_OR_INSTANT, text)?.checked_add_signed(TimeDelta::microseconds(1)),
    };
    end.ok_or_else(far_away)
}

/// An instant as it is kept, unless it lies too far away.
pub(super) fn of_micros(micros: i64) -> Option<DateTime<Utc>> {
    let instant = DateTime::from_timestamp_micros(micros)?;
    Limits::YEARS.contains(&instant.year()).then_some(instant)
}

fn read_as(form: &str, text: &str) -> Result<DateTime<Utc>, String> {
    let instant = DateTime::parse_from_rfc3339(text).map_err(|_| form.to_owned())?;
    // A leap second is counted like the first second of the next minute, as all do who count from 1970 on.
    of_micros(instant.timestamp_micros()).ok_or_else(far_away)
}

fn beginning(day: NaiveDate) -> Result<DateTime<Utc>, String> {
    let beginning = day.and_time(NaiveTime::MIN).and_utc();
    of_micros(beginning.timestamp_micros()).ok_or_else(far_away)
}

fn far_away() -> String {
    let (first, last) = (Limits::YEARS.start(), Limits::YEARS.end());
    format!("must lie in the years {first} to {last}, in UTC")
}

const INSTANT: &str = "must be an instant with its zone (2026-01-31T12:00:00Z)";
const DATE_OR_INSTANT: &str =
    "must be a date (2026-01-31) or an instant with its zone (2026-01-31T12:00:00Z)";

#[cfg(test)]
mod tests {
    use chrono::SecondsFormat;

    use super::*;

    #[track_caller]
    fn check(read: fn(&str) -> Result<DateTime<Utc>, String>, text: &str, expected: &str) {
        let shown = read(text).map(|at| at.to_rfc3339_opts(SecondsFormat::AutoSi, true));
        assert_eq!(shown.unwrap_or_else(|reason| reason), expected, "{text}");
    }

    #[test]
    fn an_instant_is_read_as_it_is_kept() {
        check(read, "2026-01-31T14:30:00+02:30", "2026-01-31T12:00:00Z");
        check(
            read,
            "1969-12-31T23:59:59.1234569Z",
            "1969-12-31T23:59:59.123456Z",
        );
        check(read, "2016-12-31T23:59:60Z", "2017-01-01T00:00:00Z");
        check(read, "2016-12-31T23:59:60.5Z", "2017-01-01T00:00:00.500Z");
        for wrong in ["2026-01-31", "2026-01-31T12:00:00", "now"] {
            check(read, wrong, INSTANT);
        }
    }

    #[test]
    fn the_years_that_every_database_keeps_are_taken_to_their_edges() {
        let far_away = far_away();
        check(read, "0001-01-01T00:00:00Z", "0001-01-01T00:00:00Z");
        check(read, "0001-01-01T00:00:00+00:01", &far_away);
        check(read, "0000-12-31T23:59:59Z", &far_away);
        let last = "9999-12-31T23:59:59.999999Z";
        check(read, last, last);
        check(read, "9999-12-31T23:59:59-00:01", &far_away);
        check(read, "9999-12-31T23:59:60Z", &far_away);
    }

    #[test]
    fn a_day_is_whole_at_the_edges_too() {
        check(read_start, "0001-01-01", "0001-01-01T00:00:00Z");
        check(read_end, "0001-01-01", "0001-01-02T00:00:00Z");
        check(read_start, "9999-12-31", "9999-12-31T00:00:00Z");
        check(read_end, "9999-12-31", "+10000-01-01T00:00:00Z");
        let far_away = far_away();
        for read in [read_start, read_end] {
            for far in ["0000-12-31", "-4714-01-01", "+10000-01-01", "+262142-12-31"] {
                check(read, far, &far_away);
            }
            check(read, "31.01.2026", DATE_OR_INSTANT);
        }
    }

    #[test]
    fn the_end_of_a_span_is_part_of_it() {
        check(
            read_end,
            "2016-12-31T23:59:60Z",
            "2017-01-01T00:00:00.000001Z",
        );
        check(
            read_end,
            "9999-12-31T23:59:59.999999Z",
            "+10000-01-01T00:00:00Z",
        );
    }
}
