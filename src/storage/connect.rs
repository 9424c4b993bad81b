//! Which database, and the way to it.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use log::LevelFilter;
use sqlx::ConnectOptions;

use super::{Error, Store, postgres, sqlite};

/// A database to connect to.
#[derive(Clone, PartialEq, Eq)]
pub enum Database {
    /// PostgreSQL 14 or later, at this URL.
    Postgres(String),
    /// A SQLite file, made when it is missing.
    Sqlite(PathBuf),
}

/// Why a text does not say where a database is. It does not repeat the text, which may hold a password.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the database's URL must be postgres://user:password@host:port/name (or postgresql://…), \
     or sqlite://path/to/file (or sqlite:path/to/file) without parameters"
)]
pub struct WrongUrl;

impl Database {
    /// Reads a URL.
    ///
    /// # Errors
    /// [`WrongUrl`] names the forms that are accepted.
    pub fn parse(url: &str) -> Result<Self, WrongUrl> {
        if url.starts_with("postgres://") || url.starts_with("postgresql://") {
            postgres::options(url).map_err(|_| WrongUrl)?;
            return Ok(Self::Postgres(url.to_owned()));
        }
        let path = url.strip_prefix("sqlite:").ok_or(WrongUrl)?;
        let path = path.strip_prefix("//").unwrap_or(path);
        if path.is_empty() || path.contains('?') || path.contains(":memory:") {
            return Err(WrongUrl);
        }
        Ok(Self::Sqlite(path.into()))
    }
}

/// Without the URL, which may hold a password.
impl std::fmt::Debug for Database {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Postgres(_) => f.write_str("Postgres(…)"),
            Self::Sqlite(path) => f.debug_tuple("Sqlite").field(path).finish(),
        }
    }
}

/// The connections to a database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Connections {
    /// How many at most; SQLite has one more, for writing.
    pub max: u32,
    /// A statement that takes longer is logged: its time and its text, in which no values stand.
    pub slow_statement: Duration,
}

/// Connects to a database, with at most `pool_size` connections; SQLite has one more, for writing. No statement is logged.
///
/// # Errors
/// [`Error::Unavailable`] if there is no answer.
pub async fn connect(database: &Database, pool_size: u32) -> Result<Arc<dyn Store>, Error> {
    let connections = Connections {
        max: pool_size,
        slow_statement: Duration::MAX,
    };
    connect_with(database, connections).await
}

/// Connects to a database in this way.
///
/// # Errors
/// As [`connect`].
pub async fn connect_with(
    database: &Database,
    connections: Connections,
) -> Result<Arc<dyn Store>, Error> {
    match database {
        Database::Postgres(url) => postgres::connect(url, connections).await,
        Database::Sqlite(path) => sqlite::connect(path, connections).await,
    }
}

/// Logs slow statements and no others. The driver logs their text, and nobody writes values into that.
pub(super) fn logging<O: ConnectOptions>(options: O, slow: Duration) -> O {
    options
        .log_statements(LevelFilter::Off)
        .log_slow_statements(LevelFilter::Warn, slow)
}
