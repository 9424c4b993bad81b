//! SQLite in a file: how it is opened, how it is spoken to, and the two writes that must be fast.
//!
//! SQLite takes one writer at a time, so there is one connection for writing and nothing ever waits for a lock
//! inside the database. Many rows go in as one JSON text through `json_each`. What both SQL databases do alike is in
//! [`sql`](super::sql).

mod communications;
mod dialect;
mod journal;
#[cfg(test)]
mod lookups;
#[cfg(test)]
mod plans;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use sqlx::Pool;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};

use super::connect::{Connections, logging};
use super::sql::store::Sql;
use super::{Error, Store};

/// How long a call waits for a connection. All writers share one, and each commit waits for the disk.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(5);
/// How long SQLite itself waits for a lock that another process holds: a backup, a shell.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// Opens the file, makes it if it is missing, and connects once for writing and up to so many times for reading.
pub(super) async fn connect(
    path: &Path,
    connections: Connections,
) -> Result<Arc<dyn Store>, Error> {
    let options = logging(options(path), connections.slow_statement);
    let pool = |size| {
        SqlitePoolOptions::new()
            .max_connections(size)
            .acquire_timeout(ACQUIRE_TIMEOUT)
    };
    let writing: Pool<sqlx::Sqlite> = pool(1).connect_with(options.clone()).await?;
    let reading = pool(connections.max)
        .connect_with(options.pragma("query_only", "on"))
        .await?;
    Ok(Sql::new(reading, writing).into_store())
}

/// How to open the file. A commit is on the disk before it is answered (`synchronous=FULL`), and readers never
/// wait for the writer (WAL).
pub(super) fn options(path: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .foreign_keys(true)
        .busy_timeout(BUSY_TIMEOUT)
}
