//! Lists in pages, from an index and never by sorting.
//!
//! A condition with `or` in it would keep a database from reading its rows in order, so a list is made of
//! branches that exclude each other: each is read from its own index, newest first, only as far as the
//! page needs, and the branches are merged. Only a list that the database believes to be short is found whole and sorted: then
//! two filters that are both common, and rarely hold together, need be laid over each other only once for rows and total. And of a
//! longer list that one index finds by several conditions together, or by words, the newest rows are found in a window of time
//! that is widened until it has the page.

use chrono::{DateTime, Utc};
use sqlx::Pool;

use super::super::{Error, Keyset, Page, PageRequest, Start, Total};
use super::fields::{Columns, Fields};
use super::kind::{Kind, Resolved, short_rows_bytes};
use super::lease::Lease;
use super::search::Near;
use super::statement::{Condition, Statement};
use super::windows::Windows;
use super::{Dialect, Fetched};
use crate::budget::Reservation;
use crate::config::Limits;

/// Which list, sorted by time and id, both descending.
#[derive(Clone)]
pub(in crate::storage) struct List {
    /// What is read of each row.
    pub(super) columns: &'static str,
    /// Where from.
    pub(super) table: &'static str,
    /// What a place that was found there is joined to, to read its row.
    pub(super) found: &'static str,
    /// The column of its time.
    pub(super) at: &'static str,
    /// The condition that a row stands behind a place, given its time and id.
    pub(super) behind: &'static str,
    /// The condition that a row is not older than a time.
    pub(super) since: &'static str,
    /// The condition that a row is older than a time.
    pub(super) before: &'static str,
    /// No row is older.
    pub(super) from: Option<DateTime<Utc>>,
    /// No row is newer.
    pub(super) until: Option<DateTime<Utc>>,
    /// Rows of any branch belong to the list; no row is in two.
    pub(super) branches: Vec<Vec<Condition>>,
}

/// How a page by number is read and counted, by how many rows the database believes the list to have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::storage) enum Way {
    /// So few that all are found, counted and sorted in one statement.
    Whole,
    /// Read in order, then counted as far as that is cheap.
    Counted,
    /// Read in order; so many that the guess stands for the total.
    Guessed(u64),
}

impl Way {
    /// The way for a list of so many rows; `None` where the database does not guess.
    pub(in crate::storage) fn of(guess: Option<u64>) -> Self {
        match guess {
            Some(rows) if rows <= Limits::TOTAL_EXACT_MAX_ROWS => Self::Whole,
            Some(rows) if rows > Limits::TOTAL_GUESSED_MIN_ROWS => Self::Guessed(rows),
            Some(_) | None => Self::Counted,
        }
    }
}

/// A page of rows that were found by their places.
struct Found<DB: Dialect> {
    rows: Vec<DB::Row>,
    /// How many were found.
    total: u64,
    /// Whether the list has no more.
    is_all: bool,
    /// Whether the page has fewer rows than were asked for, because an answer holds no more.
    is_cut: bool,
}

/// The rows of a page as they were read.
pub(super) struct Unresolved<DB: Dialect> {
    pub(super) rows: Vec<DB::Row>,
    pub(super) total: Option<Total>,
    /// Whether the list goes on behind them.
    pub(super) has_more: bool,
}

impl List {
    /// A list of the rows of a table by when they were created, with no branch yet. `found` says where a row is that was found by
    /// its id.
    pub(super) const fn by_creation(
        table: &'static str,
        columns: &'static str,
        found: &'static str,
    ) -> Self {
        Self {
            columns,
            table,
            found,
            at: "created_at",
            behind: "(created_at, id) < (?, ?)",
            since: "created_at >= ?",
            before: "created_at < ?",
            from: None,
            until: None,
            branches: Vec::new(),
        }
    }

    /// The same list of a span of time.
    pub(super) fn between(
        mut self,
        from: Option<DateTime<Utc>>,
        until: Option<DateTime<Utc>>,
    ) -> Self {
        (self.from, self.until) = (from, until);
        let times = [(self.since, from), (self.before, until)];
        for (sql, time) in times
            .into_iter()
            .filter_map(|(sql, time)| Some((sql, time?)))
        {
            for branch in &mut self.branches {
                branch.push(Condition::new(sql, [time.into()]));
            }
        }
        self
    }

    /// Reads one page. What it takes is reserved first: the short texts, then the long ones.
    pub(super) async fn page<DB: Dialect, T>(
        mut self,
        pool: &Pool<DB>,
        request: PageRequest,
        kind: &Kind<DB, T>,
        reservation: &Reservation,
    ) -> Result<Page<T>, Error> {
        self.columns = kind.short;
        let most = short_rows_bytes(request.size as usize + 1);
        reservation.take(most).await?;
        let Unresolved {
            rows,
            total,
            has_more,
        } = self.read_page(pool, request).await?;
        let unused = short_rows_bytes(request.size as usize + 1 - rows.len());
        reservation.keep(reservation.bytes() - unused);
        let Resolved { items, is_cut } = kind.resolve(pool, &rows, reservation).await?;
        // A page by number would pass over what is missing in this one.
        if is_cut && matches!(request.start, Start::Number(_)) {
            return Err(Error::TooMuch);
        }
        let next = items.last().filter(|_| has_more || is_cut);
        let next = next.map(kind.place);
        Ok(Page { items, total, next })
    }

    /// Reads the rows of one page.
    pub(super) async fn read_page<DB: Dialect>(
        mut self,
        pool: &Pool<DB>,
        request: PageRequest,
    ) -> Result<Unresolved<DB>, Error> {
        let mut lease = Lease::of(pool).await?;
        let skipped = self.begin(request);
        let near = self.prepare(&mut lease).await?;
        let is_numbered = matches!(request.start, Start::Number(_));
        let way = self.way(&mut lease, request).await?;
        if let Some(way) = way
            && let Some(found) = self.find(&mut lease, way, request.size, skipped).await?
        {
            let rows = found.rows.into_iter();
            let rows: Vec<_> = rows
                .filter(|row| matches!(row.id("id"), Ok(Some(_))))
                .collect();
            let has_more = found.total > skipped + rows.len() as u64;
            if found.is_cut && is_numbered {
                return Err(Error::TooMuch);
            }
            let total = match way {
                _ if !is_numbered => None,
                _ if found.is_all => Some(Total::exactly(found.total)),
                Way::Guessed(rows) => Some(Total {
                    rows: rows.max(found.total),
                    is_estimate: true,
                }),
                Way::Whole | Way::Counted => Some(self.total(None, &mut lease).await?),
            };
            return Ok(Unresolved {
                rows,
                total,
                has_more,
            });
        }
        let read = self.read(near.as_ref(), &mut lease, request.size, skipped);
        let Fetched { mut rows, is_cut } = read.await?;
        // Who counts pages would pass over what is missing in this one.
        if is_cut && is_numbered {
            return Err(Error::TooMuch);
        }
        let has_more = is_cut || rows.len() > request.size as usize;
        rows.truncate(request.size as usize);
        let seen = skipped + rows.len() as u64;
        let total = match way.filter(|_| is_numbered) {
            None => None,
            // The end of the list is on this page.
            Some(_) if !has_more && (skipped == 0 || !rows.is_empty()) => {
                Some(Total::exactly(seen))
            }
            Some(Way::Guessed(rows)) if has_more => Some(Total {
                rows: rows.max(seen + 1),
                is_estimate: true,
            }),
            Some(_) => Some(self.total(near.as_ref(), &mut lease).await?),
        };
        Ok(Unresolved {
            rows,
            total,
            has_more,
        })
    }

    /// The way for a page; `None` where it is read in order from its place on and nothing is counted.
    pub(in crate::storage) async fn way<DB: Dialect>(
        &self,
        lease: &mut Lease<DB>,
        request: PageRequest,
    ) -> Result<Option<Way>, Error> {
        if matches!(request.start, Start::Number(_)) || self.is_laid::<DB>() {
            return Ok(Some(Way::of(self.guess(lease).await?)));
        }
        Ok(None)
    }

    /// The page among rows that are found by their places, if they are few enough: those of the whole list, or of windows of
    /// time that reach ever further back until they have the page. `None` if that is not the way, or the rows were more than
    /// was guessed.
    async fn find<DB: Dialect>(
        &self,
        lease: &mut Lease<DB>,
        way: Way,
        size: u32,
        skipped: u64,
    ) -> Result<Option<Found<DB>>, Error> {
        let mut windows = match way {
            Way::Whole => None,
            Way::Counted => {
                self.windows(lease, Limits::TOTAL_EXACT_MAX_ROWS, size, skipped)
                    .await?
            }
            Way::Guessed(rows) => self.windows(lease, rows, size, skipped).await?,
        };
        if windows.is_none() && way != Way::Whole {
            return Ok(None);
        }
        loop {
            let window = windows.as_ref().map(|windows| windows.list(self));
            let rows = window.as_ref().unwrap_or(self).whole("", size, skipped);
            let Fetched { rows, is_cut } = lease.fetch_some(rows).await?;
            let total = self.number_of(&rows)?;
            let is_all = windows.as_ref().is_none_or(Windows::has_all);
            if total > Limits::TOTAL_EXACT_MAX_ROWS {
                return Ok(None);
            }
            if is_all || total > skipped + u64::from(size) {
                return Ok(Some(Found {
                    rows,
                    total,
                    is_all,
                    is_cut,
                }));
            }
            windows = windows.map(Windows::wider);
        }
    }

    /// Whether the list is best found by laying what it asks for over each other: where there are several such conditions, or
    /// one that no other index has.
    pub(in crate::storage) fn is_laid<DB: Dialect>(&self) -> bool {
        let has_index = DB::EXPLAIN.is_some();
        let all = |branch: &Vec<Condition>| {
            let laid = branch.iter().filter(|c| c.can_be_laid()).count();
            laid > 1 || branch.iter().any(Condition::must_be_laid)
        };
        has_index && self.branches.iter().all(all)
    }

    /// The conditions of a branch, as the index has them by which it is found.
    fn laid<DB: Dialect>(&self, branch: &[Condition]) -> Vec<Condition> {
        let is_laid = self.is_laid::<DB>();
        let as_found = |c: &Condition| if is_laid { c.laid() } else { c.clone() };
        branch.iter().map(as_found).collect()
    }

    /// Sets the list to where the page begins; answers how many rows are to be skipped from there.
    pub(in crate::storage) fn begin(&mut self, request: PageRequest) -> u64 {
        match request.start {
            Start::Number(number) => u64::from(number.saturating_sub(1)) * u64::from(request.size),
            Start::After(keyset) => {
                self.start_after(keyset);
                0
            }
        }
    }

    fn start_after(&mut self, Keyset { at, id }: Keyset) {
        self.until = Some(self.until.map_or(at, |until| until.min(at)));
        for branch in &mut self.branches {
            branch.push(Condition::new(self.behind, [at.into(), id.into()]));
        }
    }

    /// One row more than the page holds, to see whether there is a next one. With `explain` in front, how that is done.
    pub(in crate::storage) fn rows<DB: Dialect>(
        &self,
        explain: &'static str,
        size: u32,
        skipped: u64,
    ) -> Statement<DB> {
        let wanted = u64::from(size) + 1;
        let mut statement = Statement::for_its_values(explain);
        if let [branch] = &self.branches[..] {
            self.push_select(&mut statement, branch);
        } else {
            statement.push("select * from (", []);
            for (nth, branch) in self.branches.iter().enumerate() {
                statement.push(if nth == 0 { "" } else { " union all " }, []);
                statement.push("select * from (", []);
                self.push_select(&mut statement, branch);
                statement.push(" limit ?) as branch", [(skipped + wanted).into()]);
            }
            statement.push(") as merged", []);
            self.push_order(&mut statement);
        }
        statement.push(" limit ? offset ?", [wanted.into(), skipped.into()]);
        statement
    }

    fn push_select<DB: Dialect>(&self, statement: &mut Statement<DB>, branch: &[Condition]) {
        statement.push("select ", []).push(self.columns, []);
        statement.push(" from ", []).push(self.table, []);
        statement.push_where(branch);
        self.push_order(statement);
    }

    pub(super) fn push_order<DB: Dialect>(&self, statement: &mut Statement<DB>) {
        statement.push(" order by ", []).push(self.at, []);
        statement.push(" desc, id desc", []);
    }

    async fn total<DB: Dialect>(
        &self,
        near: Option<&Near>,
        lease: &mut Lease<DB>,
    ) -> Result<Total, Error> {
        let counted = self.counted(near, lease).await?;
        if counted <= Limits::TOTAL_EXACT_MAX_ROWS {
            return Ok(Total::exactly(counted));
        }
        let guessed = self.guess(lease).await?;
        Ok(Total {
            rows: guessed.map_or(counted, |guessed| guessed.max(counted)),
            is_estimate: true,
        })
    }

    pub(super) fn number_of(&self, rows: &[impl Columns]) -> Result<u64, Error> {
        let total = |row| Fields::of(self.table, row).number("total");
        rows.first().map_or(Ok(0), total)
    }

    /// One page and the total of a list that is short. Its rows are found by their places, which stand in the indexes, and only
    /// those of the page are fetched. Each row has the total with it; a page without rows has one row without an id.
    pub(in crate::storage) fn whole<DB: Dialect>(
        &self,
        explain: &'static str,
        size: u32,
        skipped: u64,
    ) -> Statement<DB> {
        let mut statement = Statement::for_its_values(explain);
        statement.push("with found as materialized (", []);
        for (nth, branch) in self.branches.iter().enumerate() {
            statement.push(if nth == 0 { "" } else { " union all " }, []);
            statement.push("(select ", []).push(self.at, []);
            statement.push(" as found_at, id as found_id from ", []);
            statement
                .push(self.table, [])
                .push_where(&self.laid::<DB>(branch));
            let enough = Limits::TOTAL_EXACT_MAX_ROWS + 1;
            statement.push(" limit ?)", [enough.into()]);
        }
        statement.push("), page as (select * from found", []);
        statement.push(NEWEST_FOUND, []);
        statement.push(
            " limit ? offset ?) select ",
            [u64::from(size).into(), skipped.into()],
        );
        statement.push(self.columns, []).push(", total", []);
        statement.push(" from (select count(*) as total from found) as counted", []);
        statement.push(" left join (page join ", []);
        statement.push(self.found, []).push(") on true", []);
        statement.push(NEWEST_FOUND, []);
        statement
    }

    /// Counts each branch, but not much further than totals are exact. With `explain` in front, how that is done.
    pub(in crate::storage) fn count<DB: Dialect>(&self, explain: &'static str) -> Statement<DB> {
        let mut statement = Statement::for_its_values(explain);
        statement.push("select", []);
        for (nth, branch) in self.branches.iter().enumerate() {
            statement.push(if nth == 0 { " " } else { " + " }, []);
            statement.push("(select count(*) from (select 1 from ", []);
            statement
                .push(self.table, [])
                .push_where(&self.laid::<DB>(branch));
            let enough = Limits::TOTAL_EXACT_MAX_ROWS + 1;
            statement.push(" limit ?) as counted)", [enough.into()]);
        }
        statement.push(" as total", []);
        statement
    }

    /// How many rows the database believes there are, if it has a notion. It knows more of columns than of what is laid.
    pub(in crate::storage) async fn guess<DB: Dialect>(
        &self,
        lease: &mut Lease<DB>,
    ) -> Result<Option<u64>, Error> {
        let Some(explain) = DB::EXPLAIN else {
            return Ok(None);
        };
        let mut statement = Statement::for_its_values(explain);
        for (nth, branch) in self.branches.iter().enumerate() {
            statement.push(if nth == 0 { "" } else { " union all " }, []);
            statement.push("select 1 from ", []);
            statement.push(self.table, []).push_where(branch);
        }
        let rows = lease.fetch(statement).await?;
        let plan = rows.first().map(|row| row.document(PLAN)).transpose()?;
        let rows = |plan: serde_json::Value| plan[0]["Plan"]["Plan Rows"].as_u64();
        Ok(plan.and_then(rows))
    }
}

const NEWEST_FOUND: &str = " order by found_at desc, found_id desc";
/// The column of an explanation.
pub(in crate::storage) const PLAN: &str = "QUERY PLAN";
