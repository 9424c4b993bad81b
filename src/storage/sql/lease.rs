//! A connection for a while.
//!
//! Every statement goes through a [`Lease`], which waits for an answer only so long and gives a connection back to
//! its pool only in good order: one that was given up on, or is still in a transaction, is closed instead, and
//! the database takes back what was not committed.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use sqlx::Pool;
use sqlx::pool::PoolConnection;

use super::super::Error;
use super::statement::Statement;
use super::{Dialect, Fetched};
use crate::config::Limits;

/// How long a database may stay silent. Longer than the statement timeout that a database with one is
/// given, so that only a host that is gone, and cannot even say so, runs into it.
const SILENCE_TIMEOUT: Duration = Duration::from_secs(15);

/// A connection for a while.
pub(in crate::storage) struct Lease<DB: Dialect> {
    connection: PoolConnection<DB>,
    /// Whether it may go back to the pool.
    in_order: bool,
    in_transaction: bool,
}

impl<DB: Dialect> Lease<DB> {
    /// Takes a connection out of the pool.
    pub(in crate::storage) async fn of(pool: &Pool<DB>) -> Result<Self, Error> {
        Ok(Self {
            connection: pool.acquire().await?,
            in_order: true,
            in_transaction: false,
        })
    }

    /// Runs a statement and answers with its rows.
    pub(in crate::storage) async fn fetch(
        &mut self,
        statement: Statement<DB>,
    ) -> Result<Vec<DB::Row>, Error> {
        Ok(self.fetch_raw(statement).await?)
    }

    /// As [`fetch`](Self::fetch), with the driver's own error for those who look closer.
    pub(in crate::storage) async fn fetch_raw(
        &mut self,
        statement: Statement<DB>,
    ) -> sqlx::Result<Vec<DB::Row>> {
        Ok(self.fetch_within(statement, usize::MAX).await?.rows)
    }

    /// Runs a statement and answers with its first rows, as many as an answer may hold.
    pub(in crate::storage) async fn fetch_some(
        &mut self,
        statement: Statement<DB>,
    ) -> Result<Fetched<DB::Row>, Error> {
        Ok(self
            .fetch_within(statement, Limits::ANSWER_MAX_BYTES)
            .await?)
    }

    /// As [`fetch`](Self::fetch), of what agents may have made long: more than an answer may hold is [`Error::TooMuch`].
    pub(in crate::storage) async fn fetch_bounded(
        &mut self,
        statement: Statement<DB>,
    ) -> Result<Vec<DB::Row>, Error> {
        match self.fetch_some(statement).await? {
            Fetched { is_cut: true, .. } => Err(Error::TooMuch),
            Fetched { rows, .. } => Ok(rows),
        }
    }

    async fn fetch_within(
        &mut self,
        statement: Statement<DB>,
        max_bytes: usize,
    ) -> sqlx::Result<Fetched<DB::Row>> {
        let (query, cached) = statement.into_parts();
        self.in_order = false;
        let answer = DB::fetch(&mut self.connection, query, cached, max_bytes);
        let answer = tokio::time::timeout(SILENCE_TIMEOUT, answer).await;
        let answer = answer.map_err(|_| sqlx::Error::Io(std::io::ErrorKind::TimedOut.into()))?;
        // What was not taken is still on its way through the connection.
        self.in_order = !answer.as_ref().is_ok_and(|fetched| fetched.is_cut);
        answer
    }

    /// Begins a transaction that may write. Without a [`commit`](Self::commit) all is taken back.
    pub(in crate::storage) async fn begin(&mut self) -> Result<(), Error> {
        self.in_transaction = true;
        self.fetch(Statement::new(DB::BEGIN, [])).await?;
        Ok(())
    }

    /// Whether a transaction has begun.
    pub(in crate::storage) fn is_in_transaction(&self) -> bool {
        self.in_transaction
    }

    /// Makes the transaction durable.
    pub(in crate::storage) async fn commit(&mut self) -> Result<(), Error> {
        self.fetch(Statement::new("commit", [])).await?;
        self.in_transaction = false;
        Ok(())
    }

    /// Ends the transaction, with all it did if `answer` is good and as if it had never been if not.
    pub(in crate::storage) async fn end<T>(
        &mut self,
        answer: Result<T, Error>,
    ) -> Result<T, Error> {
        if answer.is_ok() {
            self.commit().await?;
        } else if self.in_order && self.fetch(Statement::new("rollback", [])).await.is_ok() {
            self.in_transaction = false;
        }
        answer
    }
}

/// The connection that appends keep between them, where the database allows it: a pool asks a connection that comes back
/// whether it is alive, which would cost each append, and so each turn of a meeting, a second round trip.
pub(in crate::storage) struct Kept<DB: Dialect>(Mutex<Option<Lease<DB>>>);

impl<DB: Dialect> Kept<DB> {
    /// Keeps none yet.
    pub(in crate::storage) fn new() -> Self {
        Self(Mutex::new(None))
    }

    /// The connection that is kept, or one of the pool.
    pub(in crate::storage) async fn take(&self, pool: &Pool<DB>) -> Result<Lease<DB>, Error> {
        match self.swap(None) {
            Some(kept) => Ok(kept),
            None => Lease::of(pool).await,
        }
    }

    /// Keeps a connection that is in good order; one that was kept meanwhile goes back to the pool.
    pub(in crate::storage) fn put(&self, lease: Lease<DB>) {
        if DB::KEEPS_APPEND_CONNECTION && lease.in_order && !lease.in_transaction {
            drop(self.swap(Some(lease)));
        }
    }

    /// Lets go of what is kept.
    pub(in crate::storage) fn release(&self) {
        drop(self.swap(None));
    }

    fn swap(&self, lease: Option<Lease<DB>>) -> Option<Lease<DB>> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::replace(&mut *kept, lease)
    }
}

impl<DB: Dialect> Drop for Lease<DB> {
    fn drop(&mut self) {
        if !self.in_order || self.in_transaction {
            self.connection.close_on_drop();
            return;
        }
        // The pool asks a connection that comes back whether it is alive, and would wait for the answer for ever: one after the
        // other its places would go to connections whose host is gone.
        let returned = self.connection.return_to_pool();
        tokio::spawn(tokio::time::timeout(SILENCE_TIMEOUT, returned));
    }
}
