//! Lists in pages, newest first: by number with a total, or from a place in the list without counting.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::config::Limits;

/// Which part of a list is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PageRequest {
    /// Rows at most.
    pub size: u32,
    /// Where it starts.
    pub start: Start,
}

/// Where a page starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    /// At page `n`, from 1; the list is counted, as far as that is cheap.
    Number(u32),
    /// Behind this row; nothing is counted.
    After(Keyset),
}

/// A place in a list that is sorted by time and id, both descending.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Keyset {
    /// The row's time.
    pub at: DateTime<Utc>,
    /// The row's id, which decides between rows of one time.
    pub id: Uuid,
}

impl Keyset {
    /// Before every row: a page from here on is a list's first, and counts nothing.
    pub const NEWEST: Self = Self {
        at: LAST_MOMENT,
        id: Uuid::max(),
    };
}

/// A moment after all others that are kept: the end of the year 9999.
const LAST_MOMENT: DateTime<Utc> = match DateTime::from_timestamp_micros(Limits::LAST_MOMENT_MICROS)
{
    Some(moment) => moment,
    None => DateTime::UNIX_EPOCH,
};

/// How many rows a list has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Total {
    /// So many.
    pub rows: u64,
    /// Whether that is only the database's guess, or as far as was counted. It is then never less than what was counted.
    pub is_estimate: bool,
}

impl Total {
    /// As counted to the end.
    pub fn exactly(rows: u64) -> Self {
        let is_estimate = false;
        Self { rows, is_estimate }
    }
}

/// Part of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page<T> {
    /// The rows.
    pub items: Vec<T>,
    /// Rows in the whole list; `None` from a place on.
    pub total: Option<Total>,
    /// Where the next page starts; `None` at the end.
    pub next: Option<Keyset>,
}
