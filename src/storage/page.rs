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

impl PageRequest {
    /// The first rows of a list, which is not counted.
    pub fn newest(size: u32) -> Self {
        let start = Start::After(Keyset::NEWEST);
        Self { size, start }
    }
}

/// Where a page starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    /// At page `n`, from 1; the list is counted, as far as that is cheap.
    Number(u32),
    /// Behind this row; nothing is counted.
    After(Keyset),
}

/// How much is read at once of what is read in its order: a journal, an agent's own line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Part {
    /// Rows at most.
    pub max_rows: u32,
    /// Bytes of their texts at most, unless it is one row.
    pub max_bytes: usize,
}

impl Part {
    /// As much as is read at once for a reader that resumes.
    pub const RESUME: Self = Self {
        max_rows: Limits::RESUME_PAGE_ROWS,
        max_bytes: Limits::RESUME_PAGE_BYTES,
    };

    /// So many rows, as far as they fit into one answer.
    pub fn of_answer(max_rows: u32) -> Self {
        let max_bytes = Limits::ANSWER_MAX_BYTES;
        Self {
            max_rows,
            max_bytes,
        }
    }
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
