//! Lists in pages, newest first: by number with a total, or from a place in the list without counting.

use chrono::{DateTime, Utc};
use uuid::Uuid;

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
    /// At page `n`, from 1; the whole list is counted.
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

/// Part of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page<T> {
    /// The rows.
    pub items: Vec<T>,
    /// Rows in the whole list, where it was counted.
    pub total: Option<u64>,
    /// Where the next page starts; `None` at the end.
    pub next: Option<Keyset>,
}
