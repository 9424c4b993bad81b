//! Windows of time in which the newest rows of a long list are found.

use chrono::{DateTime, TimeDelta, Utc};

use super::super::Error;
use super::Dialect;
use super::fields::Fields;
use super::lease::Lease;
use super::list::List;
use super::statement::{Condition, Statement};
use crate::config::Limits;

/// A window of time that begins with the newest row and reaches back as far as is needed for a page.
pub(in crate::storage) struct Windows {
    newest: DateTime<Utc>,
    oldest: DateTime<Utc>,
    reach: TimeDelta,
}

impl Windows {
    /// How many times further the next window reaches, if the page is not in this.
    const GROWTH: i32 = 4;

    fn since(&self) -> Option<DateTime<Utc>> {
        let since = self.newest.checked_sub_signed(self.reach);
        since.filter(|&since| since > self.oldest)
    }

    pub(super) fn has_all(&self) -> bool {
        self.since().is_none()
    }

    pub(super) fn wider(mut self) -> Self {
        self.reach = self
            .reach
            .checked_mul(Self::GROWTH)
            .unwrap_or(TimeDelta::MAX);
        self
    }

    /// What of a list is in the window.
    pub(in crate::storage) fn list(&self, whole: &List) -> List {
        let mut list = whole.clone();
        if let Some(since) = self.since() {
            for branch in &mut list.branches {
                branch.push(Condition::new(whole.since, [since.into()]));
            }
        }
        list
    }
}

impl List {
    /// Windows for a list of so many rows, the first with some more in it than the page needs; `None` where the list is better
    /// read in order.
    pub(in crate::storage) async fn windows<DB: Dialect>(
        &self,
        lease: &mut Lease<DB>,
        rows: u64,
        size: u32,
        skipped: u64,
    ) -> Result<Option<Windows>, Error> {
        let wanted = skipped + u64::from(size) + 1;
        let needed = (wanted * 3).min(Limits::TOTAL_EXACT_MAX_ROWS * 3 / 4);
        let is_better = self.is_laid::<DB>() && rows <= Limits::WINDOW_MAX_ROWS;
        if !is_better || wanted > needed {
            return Ok(None);
        }
        let mut statement = Statement::new("select max(", []);
        statement.push(self.at, []).push(") as newest, min(", []);
        statement.push(self.at, []).push(") as oldest from ", []);
        statement.push(self.table, []);
        let rows_of_it = lease.fetch(statement).await?;
        let Some(row) = rows_of_it.first() else {
            return Ok(None);
        };
        let row = Fields::of(self.table, row);
        let ends = (row.maybe_time("newest")?, row.maybe_time("oldest")?);
        let (Some(newest), Some(oldest)) = ends else {
            return Ok(None);
        };
        let newest = self.until.map_or(newest, |until| until.min(newest));
        let oldest = self.from.map_or(oldest, |from| from.max(oldest));
        let [needed, rows] = [needed, rows].map(|n| i32::try_from(n).unwrap_or(i32::MAX));
        let reach = (newest - oldest).checked_mul(needed);
        let reach = reach.map_or(TimeDelta::MAX, |reach| reach / rows.max(1));
        Ok(Some(Windows {
            newest,
            oldest,
            reach,
        }))
    }
}
