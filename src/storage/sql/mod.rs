//! What the two SQL databases share, which is nearly everything.
//!
//! A [`statement::Statement`] is SQL with `?` where values go; a [`Dialect`] says how a database takes a [`Value`], reads a
//! column, begins a transaction and writes many rows at once. All else, filters and lists and rows and the
//! checks around a write, is written here once: one file per resource, each with its rows, its reads and its writes.
//!
//! What is deliberately absent: connecting, and the two writes that must be fast, which each database has
//! its own way of doing (`postgres` by arrays, `sqlite` by JSON).
//!
//! Start with [`store`], then [`statement`].

pub(super) mod agents;
pub(super) mod communications;
pub(super) mod decisions;
pub(super) mod fields;
pub(super) mod idempotency;
pub(super) mod journal;
pub(super) mod kind;
pub(super) mod lease;
pub(super) mod list;
pub(super) mod mail;
pub(super) mod meetings;
pub(super) mod search;
pub(super) mod statement;
pub(super) mod store;
pub(super) mod upkeep;
mod windows;

use std::future::Future;
use std::pin::pin;

use chrono::{DateTime, Utc};
use futures_util::{Stream, TryStreamExt};
use sqlx::QueryBuilder;

use super::batch::Batch;
use super::{Communication, Error, Upkeep, Words};
use crate::domain::MeetingId;
use fields::Columns;
use lease::Lease;
use search::Search;
use statement::Value;

/// Rows that a statement was answered with.
pub(super) struct Fetched<R> {
    pub(super) rows: Vec<R>,
    /// Whether there are more, for which there was no room.
    pub(super) is_cut: bool,
}

impl<R: Columns> Fetched<R> {
    /// Takes rows as they come, as far as there is room; at least one.
    pub(super) async fn of(
        rows: impl Stream<Item = sqlx::Result<R>>,
        max_bytes: usize,
    ) -> sqlx::Result<Self> {
        let mut rows = pin!(rows);
        let (mut taken, mut room) = (Vec::new(), max_bytes);
        while let Some(row) = rows.try_next().await? {
            let bytes = row.bytes_of_all();
            if bytes > room && !taken.is_empty() {
                let (rows, is_cut) = (taken, true);
                return Ok(Self { rows, is_cut });
            }
            room = room.saturating_sub(bytes);
            taken.push(row);
        }
        let (rows, is_cut) = (taken, false);
        Ok(Self { rows, is_cut })
    }
}

/// What is particular to one database.
pub(super) trait Dialect: sqlx::Database<Row: Columns> {
    /// Whether appends may keep a connection to themselves. Not where it would be the only one that writes.
    const KEEPS_APPEND_CONNECTION: bool;
    /// Begins a transaction that may write.
    const BEGIN: &'static str;
    /// Put behind a SELECT, locks its rows; empty where writers never run side by side.
    const FOR_UPDATE: &'static str;
    /// Put behind a SELECT, keeps its rows from being deleted until the transaction ends.
    const FOR_KEY_SHARE: &'static str;
    /// Put behind a SELECT, locks its rows and leaves out those that others have locked.
    const FOR_UPDATE_OF_FREE: &'static str;
    /// Put before a SELECT, has it planned and explained as JSON; `None` where a plan guesses no number of rows.
    const EXPLAIN: Option<&'static str>;
    /// How many bytes the payload of an event has.
    const PAYLOAD_BYTES: &'static str;
    /// The part of the log from which old messages are deleted one by one.
    const LOOSE_COMMUNICATIONS: &'static str;

    /// Puts a placeholder for `value` into the SQL, and `value` among the arguments.
    fn bind(query: &mut QueryBuilder<Self>, value: Value);

    /// Runs a statement, to its end or until its rows have more than `max_bytes`. `cached` keeps it prepared.
    fn fetch(
        connection: &mut Self::Connection,
        query: QueryBuilder<Self>,
        cached: bool,
        max_bytes: usize,
    ) -> impl Future<Output = sqlx::Result<Fetched<Self::Row>>> + Send;

    /// How messages are found that have words, given by [`search`](Self::search).
    const MESSAGES_WITH: Search;
    /// How meetings are found that have words in their topics, given by [`search`](Self::search).
    const MEETINGS_WITH: Search;
    /// What is searched where all of these words are wanted.
    fn search(words: &Words) -> Value;

    /// Makes the parts of the log that are needed from `now` on, and drops those in which all is older than `oldest`.
    fn keep_parts(
        lease: &mut Lease<Self>,
        now: DateTime<Utc>,
        oldest: Option<DateTime<Utc>>,
    ) -> impl Future<Output = Result<Upkeep, Error>> + Send;

    /// Adds messages to the log, all or none, leaving those that are there; in the transaction that `lease` is in, if it is in
    /// one.
    fn log(
        lease: &mut Lease<Self>,
        messages: &[Communication],
    ) -> impl Future<Output = Result<(), Error>> + Send;

    /// Writes what fits behind the last event of its meeting, under its epoch, in one transaction; answers which did.
    fn append(
        lease: &mut Lease<Self>,
        batch: &Batch<'_>,
    ) -> impl Future<Output = Result<Vec<MeetingId>, Error>> + Send;
}
