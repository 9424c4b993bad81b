//! The parts of the log, a month each: made ahead of time, and dropped when all in them is too old.
//!
//! Both need the log for themselves for a moment. Who cannot have it at once gives up and leaves it to the next turn, because
//! whoever waits for such a lock makes all others wait behind him. Until then messages without a month of their own
//! are kept in the default part.

use chrono::{DateTime, Datelike, Months, NaiveDate, NaiveTime, Utc};
use sqlx::postgres::Postgres;

use super::super::sql::fields::Fields;
use super::super::sql::lease::Lease;
use super::super::sql::statement::Statement;
use super::super::{DroppedPart, Error, Upkeep};
use crate::config::Limits;

/// How long to wait for a lock, and so at most how long others are kept waiting for one that does not come.
const WAIT_LITTLE: &str = "set local lock_timeout = '200ms'";
const PREFIX: &str = "communications_";

pub(super) async fn keep(
    lease: &mut Lease<Postgres>,
    now: DateTime<Utc>,
    oldest: Option<DateTime<Utc>>,
) -> Result<Upkeep, Error> {
    let mut upkeep = Upkeep::default();
    let there = there(lease).await?;
    let mut month = Month::of(now);
    for _ in 0..=Limits::PARTITIONS_AHEAD_MONTHS {
        if !there.contains(&month) {
            lease.begin().await?;
            let answer = make(lease, month).await;
            lease.end(answer).await?;
            upkeep.made.push(month.name());
        }
        month = month.next();
    }
    let is_over = |month: &&Month| oldest.is_some_and(|oldest| month.next().begin() <= oldest);
    for month in there.iter().filter(is_over) {
        lease.begin().await?;
        let answer = drop_month(lease, *month).await;
        let kept = lease.end(answer).await?;
        let name = month.name();
        upkeep.dropped.push(DroppedPart { name, kept });
    }
    Ok(upkeep)
}

/// The months that have a part; parts with other names are not ours.
async fn there(lease: &mut Lease<Postgres>) -> Result<Vec<Month>, Error> {
    let statement = Statement::new(
        "select part.relname::text as name
           from pg_inherits
           join pg_class part on part.oid = inhrelid
          where inhparent = 'communications'::regclass
          order by part.relname",
        [],
    );
    let rows = lease.fetch(statement).await?;
    let name = |row| Fields::of("pg_class", row).text("name");
    let names = rows.iter().map(name).collect::<Result<Vec<_>, _>>()?;
    Ok(names.iter().filter_map(|name| Month::named(name)).collect())
}

/// Makes a month's part, and moves there what came before it was made.
async fn make(lease: &mut Lease<Postgres>, month: Month) -> Result<(), Error> {
    let (name, begin, end) = (&month.name(), month.begin(), month.next().begin());
    lease.fetch(Statement::new(WAIT_LITTLE, [])).await?;
    let lock = "lock table communications_default in access exclusive mode";
    lease.fetch(Statement::new(lock, [])).await?;

    let mut create = Statement::new("create table ", []);
    create.push_quoted(name, '"');
    create.push(" (like communications including all)", []);
    lease.fetch(create).await?;

    // As the log itself has it, which a part does not inherit.
    let mut statistics = Statement::new("alter table ", []);
    statistics.push_quoted(name, '"');
    statistics.push(" alter column words set statistics 500", []);
    lease.fetch(statistics).await?;

    let mut moved = Statement::new("with moved as (delete from communications_default", []);
    let bounds = [begin.into(), end.into()];
    moved.push(
        " where timestamp >= ? and timestamp < ? returning *) ",
        bounds,
    );
    moved.push("insert into ", []).push_quoted(name, '"');
    moved.push(" select * from moved", []);
    lease.fetch(moved).await?;

    let mut attach = Statement::new("alter table communications attach partition ", []);
    attach.push_quoted(name, '"').push(" for values from (", []);
    attach
        .push_quoted(&begin.to_rfc3339(), '\'')
        .push(") to (", []);
    attach.push_quoted(&end.to_rfc3339(), '\'').push(")", []);
    lease.fetch(attach).await.map(|_| ())
}

/// Drops a month's part, but for what meetings link to, which goes to the default part. Answers how much that is.
async fn drop_month(lease: &mut Lease<Postgres>, month: Month) -> Result<u64, Error> {
    let name = &month.name();
    lease.fetch(Statement::new(WAIT_LITTLE, [])).await?;
    let mut detach = Statement::new("alter table communications detach partition ", []);
    detach.push_quoted(name, '"');
    lease.fetch(detach).await?;

    let mut copy = Statement::new(
        "with kept as (insert into communications select * from ",
        [],
    );
    copy.push_quoted(name, '"').push(
        " where id in (select communication_id from meeting_communications) returning id)
         select count(*) as kept from kept",
        [],
    );
    let rows = lease.fetch(copy).await?;
    let kept = rows
        .first()
        .map_or(Ok(0), |row| Fields::of(PREFIX, row).number("kept"))?;

    let mut gone = Statement::new("drop table ", []);
    gone.push_quoted(name, '"');
    lease.fetch(gone).await?;
    Ok(kept)
}

/// A month of UTC, by its first day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Month(NaiveDate);

impl Month {
    fn of(time: DateTime<Utc>) -> Self {
        let date = time.date_naive();
        Self(date.with_day(1).unwrap_or(date))
    }

    fn named(name: &str) -> Option<Self> {
        let (year, month) = name.strip_prefix(PREFIX)?.split_once('_')?;
        let first = NaiveDate::from_ymd_opt(year.parse().ok()?, month.parse().ok()?, 1)?;
        Some(Self(first)).filter(|month| month.name() == name)
    }

    fn name(self) -> String {
        format!("{PREFIX}{}", self.0.format("%Y_%m"))
    }

    fn begin(self) -> DateTime<Utc> {
        self.0.and_time(NaiveTime::MIN).and_utc()
    }

    fn next(self) -> Self {
        Self(self.0.checked_add_months(Months::new(1)).unwrap_or(self.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_month_is_found_again_by_its_name() {
        let december = Month::of("2026-12-31T23:59:59.999999Z".parse().unwrap());
        assert_eq!(december.name(), "communications_2026_12");
        assert_eq!(Month::named("communications_2026_12"), Some(december));
        assert_eq!(december.next().name(), "communications_2027_01");
        assert_eq!(
            december.next().begin().to_rfc3339(),
            "2027-01-01T00:00:00+00:00"
        );
    }

    #[test]
    fn what_is_no_month_has_no_name_of_one() {
        for name in [
            "communications_default",
            "communications_2026_13",
            "communications_2026_1",
            "meetings",
        ] {
            assert_eq!(Month::named(name), None, "{name}");
        }
    }
}
