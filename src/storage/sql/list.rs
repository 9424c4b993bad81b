//! Lists in pages, from an index and never by sorting.
//!
//! A condition with `or` in it would keep a database from reading its rows in order, so a list is made of
//! branches that exclude each other: each is read from its own index, newest first, only as far as the
//! page needs, and the branches are merged.

use sqlx::Pool;

use super::super::{Error, Keyset, Page, PageRequest, Start, Total};
use super::Dialect;
use super::fields::{Columns, Fields};
use super::lease::Lease;
use super::statement::{Condition, Statement};
use crate::config::Limits;

/// Which list, sorted by time and id, both descending.
pub(in crate::storage) struct List {
    /// What is read of each row.
    pub(super) columns: &'static str,
    /// Where from.
    pub(super) table: &'static str,
    /// The column of its time.
    pub(super) at: &'static str,
    /// The condition that a row stands behind a place, given its time and id.
    pub(super) behind: &'static str,
    /// Rows of any branch belong to the list; no row is in two.
    pub(super) branches: Vec<Vec<Condition>>,
}

impl List {
    /// Reads one page.
    pub(super) async fn page<DB: Dialect, T>(
        mut self,
        pool: &Pool<DB>,
        request: PageRequest,
        decode: fn(&DB::Row) -> Result<T, Error>,
        place: fn(&T) -> Keyset,
    ) -> Result<Page<T>, Error> {
        let mut lease = Lease::of(pool).await?;
        let skipped = self.begin(request);
        let rows = lease.fetch(self.rows("", request.size, skipped)).await?;
        let has_more = rows.len() > request.size as usize;
        let rows = rows.iter().take(request.size as usize);
        let items = rows.map(decode).collect::<Result<Vec<_>, _>>()?;
        let total = match request.start {
            Start::After(_) => None,
            // The end of the list is on this page.
            Start::Number(_) if !has_more && (skipped == 0 || !items.is_empty()) => {
                Some(Total::exactly(skipped + items.len() as u64))
            }
            Start::Number(_) => Some(self.total(&mut lease).await?),
        };
        let next = items.last().filter(|_| has_more).map(place);
        Ok(Page { items, total, next })
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

    fn push_order<DB: Dialect>(&self, statement: &mut Statement<DB>) {
        statement.push(" order by ", []).push(self.at, []);
        statement.push(" desc, id desc", []);
    }

    async fn total<DB: Dialect>(&self, lease: &mut Lease<DB>) -> Result<Total, Error> {
        let rows = lease.fetch(self.count("")).await?;
        let counted = rows
            .first()
            .map_or(Ok(0), |row| Fields::of(self.table, row).number("total"))?;
        if counted <= Limits::TOTAL_EXACT_MAX_ROWS {
            return Ok(Total::exactly(counted));
        }
        let guessed = self.guess(lease).await?;
        Ok(Total {
            rows: guessed.map_or(counted, |guessed| guessed.max(counted)),
            is_estimate: true,
        })
    }

    /// Counts each branch, but not much further than totals are exact. With `explain` in front, how that is done.
    pub(in crate::storage) fn count<DB: Dialect>(&self, explain: &'static str) -> Statement<DB> {
        let mut statement = Statement::for_its_values(explain);
        statement.push("select", []);
        for (nth, branch) in self.branches.iter().enumerate() {
            statement.push(if nth == 0 { " " } else { " + " }, []);
            statement.push("(select count(*) from (select 1 from ", []);
            statement.push(self.table, []).push_where(branch);
            let enough = Limits::TOTAL_EXACT_MAX_ROWS + 1;
            statement.push(" limit ?) as counted)", [enough.into()]);
        }
        statement.push(" as total", []);
        statement
    }

    /// How many rows the database believes there are, if it has a notion.
    async fn guess<DB: Dialect>(&self, lease: &mut Lease<DB>) -> Result<Option<u64>, Error> {
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

/// The column of an explanation.
pub(in crate::storage) const PLAN: &str = "QUERY PLAN";
