//! Rows found by their words, where the database does not say beforehand how many have them.
//!
//! Few are looked up, each in its table, and sorted. Many are not: the list is read in its order, and each row is held
//! against the collected numbers of those that have the words. Of a word that is everywhere those are too many to collect for each
//! page, so first only the list's newest rows are read, and only what lies among these is collected.

use sqlx::Pool;
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::timeout;

use super::super::Error;
use super::fields::Fields;
use super::lease::Lease;
use super::list::List;
use super::statement::{Condition, Statement};
use super::{Dialect, Fetched};
use crate::config::Limits;

/// Places for what takes long, fewer than there are connections: however many search or read
/// journals, and however long that takes, others are served.
pub(super) struct Places(Semaphore);

/// A connection for something that takes long, and the place that it takes.
pub(super) struct Slow<'a, DB: Dialect> {
    lease: Lease<DB>,
    _place: SemaphorePermit<'a>,
}

impl<DB: Dialect> std::ops::Deref for Slow<'_, DB> {
    type Target = Lease<DB>;

    fn deref(&self) -> &Lease<DB> {
        &self.lease
    }
}

impl<DB: Dialect> std::ops::DerefMut for Slow<'_, DB> {
    fn deref_mut(&mut self) -> &mut Lease<DB> {
        &mut self.lease
    }
}

impl Places {
    /// One in so many of these connections, at least one.
    pub(super) fn among<DB: Dialect>(pool: &Pool<DB>, one_in: u32) -> Self {
        let places = pool.options().get_max_connections() / one_in;
        Self(Semaphore::new(places.max(1) as usize))
    }

    /// A place, waited for no longer than for a connection.
    pub(super) async fn take<DB: Dialect>(
        &self,
        pool: &Pool<DB>,
    ) -> Result<SemaphorePermit<'_>, Error> {
        let patience = pool.options().get_acquire_timeout();
        let taken = timeout(patience, self.0.acquire()).await;
        let place = taken.ok().and_then(Result::ok);
        place.ok_or_else(|| {
            Error::Unavailable("every connection that long reads may have is in use".into())
        })
    }

    /// A connection with a place.
    pub(super) async fn lease<DB: Dialect>(&self, pool: &Pool<DB>) -> Result<Slow<'_, DB>, Error> {
        let place = self.take(pool).await?;
        Ok(Slow {
            lease: Lease::of(pool).await?,
            _place: place,
        })
    }
}

/// How a database finds rows by words.
#[derive(Clone, Copy)]
pub(in crate::storage) struct Search {
    /// The condition that a row has them.
    pub(in crate::storage) has: &'static str,
    /// How it is asked where many have them; `None` where the database sees to that itself.
    pub(in crate::storage) many: Option<Many>,
}

/// How rows are found by words that many have.
#[derive(Clone, Copy, Debug)]
pub(in crate::storage) struct Many {
    /// Counts those that have the words, up to a limit.
    pub(in crate::storage) counted: &'static str,
    /// The condition that a row has them, for rows that are read in another order.
    pub(in crate::storage) passed: &'static str,
    /// The same for rows whose `nth` lies between two others.
    pub(in crate::storage) near: Option<&'static str>,
}

/// The newest rows of a list in which many have the words.
pub(in crate::storage) struct Near {
    list: List,
    /// Whether the list has no more.
    is_all: bool,
}

impl List {
    /// Sees how many rows have the words, if the list is about any, and if they are many prepares for that. Answers with the
    /// newest rows, which are to be looked through first.
    pub(in crate::storage) async fn prepare<DB: Dialect>(
        &mut self,
        lease: &mut Lease<DB>,
    ) -> Result<Option<Near>, Error> {
        let most = Limits::SEARCH_LOOKED_UP_MAX_ROWS;
        let mut conditions = self.branches.iter().flatten();
        let Some(count) = conditions.find_map(|c| c.counted(most + 1)) else {
            return Ok(None);
        };
        if self.number_of(&lease.fetch(count).await?)? <= most {
            return Ok(None);
        }
        let near = self.near(lease).await?;
        for condition in self.branches.iter_mut().flatten() {
            *condition = condition.passed();
        }
        Ok(near)
    }

    /// The newest rows, whether they have the words or not.
    async fn near<DB: Dialect>(&self, lease: &mut Lease<DB>) -> Result<Option<Near>, Error> {
        let mut conditions = self.branches.iter().flatten();
        if !conditions.any(|condition| condition.near(0, 0).is_some()) {
            return Ok(None);
        }
        let found = lease.fetch(self.newest()).await?;
        let Some(row) = found.first().map(|row| Fields::of(self.table, row)) else {
            return Ok(None);
        };
        // What is as old as the oldest of them may be missing among them.
        let since = row.maybe_time("since")?;
        let since = since.map(|oldest| oldest + chrono::TimeDelta::microseconds(1));
        let [least, most] = ["least", "most"].map(|column| row.maybe_number(column));
        let (least, most) = (least?.unwrap_or(0), most?.unwrap_or(0));
        let mut list = self.clone();
        for branch in &mut list.branches {
            for condition in &mut *branch {
                if let Some(near) = condition.near(least, most) {
                    *condition = near;
                }
            }
            branch.extend(since.map(|since| Condition::new(self.since, [since.into()])));
        }
        let is_all = since.is_none();
        Ok(Some(Near { list, is_all }))
    }

    /// Between which numbers the newest rows of all branches are, and since when none is missing; null if none is at all. Read from
    /// the index of each branch alone.
    fn newest<DB: Dialect>(&self) -> Statement<DB> {
        let mut statement = Statement::for_its_values(
            "select max(since) as since, min(least) as least, max(most) as most from (",
        );
        let rows = Limits::SEARCH_NEAR_ROWS;
        for (nth, branch) in self.branches.iter().enumerate() {
            statement.push(if nth == 0 { "" } else { " union all " }, []);
            statement.push(
                "select case when count(*) = ? then min(at) end as since, min(nth) as least, max(nth) as most from (select ",
                [rows.into()],
            );
            statement.push(self.at, []).push(" as at, nth from ", []);
            statement.push(self.table, []);
            let others = branch.iter().filter(|condition| !condition.is_of_words());
            statement.push_where(&others.cloned().collect::<Vec<_>>());
            self.push_order(&mut statement);
            statement.push(" limit ?)", [rows.into()]);
        }
        statement.push(")", []);
        statement
    }

    /// Reads a page in order: out of what is near, if that has enough.
    pub(super) async fn read<DB: Dialect>(
        &self,
        near: Option<&Near>,
        lease: &mut Lease<DB>,
        size: u32,
        skipped: u64,
    ) -> Result<Fetched<DB::Row>, Error> {
        if let Some(Near { list, is_all }) = near {
            let fetched = lease.fetch_some(list.rows("", size, skipped)).await?;
            if *is_all || fetched.is_cut || fetched.rows.len() > size as usize {
                return Ok(fetched);
            }
        }
        lease.fetch_some(self.rows("", size, skipped)).await
    }

    /// How many rows there are, counted no further than totals are exact: out of what is near, if that has so many.
    pub(super) async fn counted<DB: Dialect>(
        &self,
        near: Option<&Near>,
        lease: &mut Lease<DB>,
    ) -> Result<u64, Error> {
        if let Some(Near { list, is_all }) = near {
            let counted = self.number_of(&lease.fetch(list.count("")).await?)?;
            if *is_all || counted > Limits::TOTAL_EXACT_MAX_ROWS {
                return Ok(counted);
            }
        }
        self.number_of(&lease.fetch(self.count("")).await?)
    }
}

#[cfg(test)]
mod tests {
    use sqlx::sqlite::SqlitePoolOptions;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn searches_leave_half_of_the_connections_to_others() {
        let pool = SqlitePoolOptions::new()
            .max_connections(5)
            .connect_lazy("sqlite::memory:")
            .unwrap();
        let places = Places::among(&pool, Limits::SEARCH_CONNECTIONS_ONE_IN);
        let take = || places.take(&pool);
        let first = take().await.unwrap();
        let second = take().await.unwrap();
        let refused = take().await.err();
        assert!(refused.is_some_and(|error| error.is_transient()));
        drop(first);
        assert!(take().await.is_ok());
        drop(second);
        let single = SqlitePoolOptions::new().max_connections(1);
        let single = single.connect_lazy("sqlite::memory:").unwrap();
        let single = Places::among(&single, Limits::SEARCH_CONNECTIONS_ONE_IN);
        assert!(single.take(&pool).await.is_ok());
    }
}
