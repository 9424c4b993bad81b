//! Lists in pages, from an index and never by sorting.
//!
//! A condition with `or` in it would keep a database from reading its rows in order, so a list is made of
//! branches that exclude each other: each is read from its own index, newest first, only as far as the
//! page needs, and the branches are merged.

use sqlx::Pool;

use super::super::{Error, Keyset, Page, PageRequest, Start};
use super::Dialect;
use super::fields::Fields;
use super::lease::Lease;
use super::statement::{Condition, Statement};

/// Which list, sorted by time and id, both descending.
pub(super) struct List {
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
        let (skipped, total) = match request.start {
            Start::Number(number) => {
                let skipped = u64::from(number.saturating_sub(1)) * u64::from(request.size);
                (skipped, Some(self.count(&mut lease).await?))
            }
            Start::After(keyset) => {
                self.start_after(keyset);
                (0, None)
            }
        };
        let rows = lease.fetch(self.rows(request.size, skipped)).await?;
        let has_more = rows.len() > request.size as usize;
        let rows = rows.iter().take(request.size as usize);
        let items = rows.map(decode).collect::<Result<Vec<_>, _>>()?;
        let next = items.last().filter(|_| has_more).map(place);
        Ok(Page { items, total, next })
    }

    fn start_after(&mut self, Keyset { at, id }: Keyset) {
        for branch in &mut self.branches {
            branch.push(Condition::new(self.behind, [at.into(), id.into()]));
        }
    }

    /// One row more than the page holds, to see whether there is a next one.
    fn rows<DB: Dialect>(&self, size: u32, skipped: u64) -> Statement<DB> {
        let wanted = u64::from(size) + 1;
        let mut statement = Statement::new("", []);
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

    async fn count<DB: Dialect>(&self, lease: &mut Lease<DB>) -> Result<u64, Error> {
        let mut statement = Statement::new("select", []);
        for (nth, branch) in self.branches.iter().enumerate() {
            statement.push(if nth == 0 { " " } else { " + " }, []);
            statement.push("(select count(*) from ", []);
            statement.push(self.table, []).push_where(branch);
            statement.push(")", []);
        }
        statement.push(" as total", []);
        let rows = lease.fetch(statement).await?;
        rows.first()
            .map_or(Ok(0), |row| Fields::of(self.table, row).number("total"))
    }
}
