//! The tables brought up to date, or back: numbered migrations, embedded, each with its way back.
//!
//! They run on a connection of their own, without the time limits of the server's: building an index may take long.
//! The files stand in `migrations/`, and document the data model.

use sqlx::migrate::{Migrate, MigrateError, Migrator};
use sqlx::{ConnectOptions, Connection};

use super::{Database, Error, postgres, sqlite};

static POSTGRES: Migrator = sqlx::migrate!("migrations/postgres");
static SQLITE: Migrator = sqlx::migrate!("migrations/sqlite");

/// Where the driver keeps what was applied.
const TABLE: &str = "_sqlx_migrations";

/// One migration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Migration {
    /// Its number; they run in this order.
    pub version: i64,
    /// What it is about.
    pub description: String,
    /// Whether the database has it.
    pub applied: bool,
}

enum Way {
    Up,
    Down { steps: usize },
    Nowhere,
}

/// Applies all that are pending. Answers with the state afterwards.
///
/// # Errors
/// [`Error::Unavailable`] if there is no answer; [`Error::Damaged`] if the database has migrations that are unknown here
/// or were different when they ran.
pub async fn up(database: &Database) -> Result<Vec<Migration>, Error> {
    go(database, Way::Up).await
}

/// Takes the last `steps` migrations back, with all data that only they have room for. Answers with the state afterwards.
///
/// # Errors
/// As [`up`].
pub async fn down(database: &Database, steps: usize) -> Result<Vec<Migration>, Error> {
    go(database, Way::Down { steps }).await
}

/// All migrations, and which of them the database has.
///
/// # Errors
/// As [`up`].
pub async fn status(database: &Database) -> Result<Vec<Migration>, Error> {
    go(database, Way::Nowhere).await
}

/// Migrations run on a thread of their own: the driver's futures for them are not provably `Send`.
async fn go(database: &Database, way: Way) -> Result<Vec<Migration>, Error> {
    let database = database.clone();
    let runtime = tokio::runtime::Handle::current();
    let gone = |e: tokio::task::JoinError| Error::Unavailable(Box::new(e));
    tokio::task::spawn_blocking(move || runtime.block_on(go_here(&database, way)))
        .await
        .map_err(gone)?
}

async fn go_here(database: &Database, way: Way) -> Result<Vec<Migration>, Error> {
    match database {
        Database::Postgres(url) => {
            let mut connection = postgres::options(url)?.connect().await?;
            let answer = walk(&POSTGRES, &mut connection, way).await;
            connection.close().await?;
            answer
        }
        Database::Sqlite(path) => {
            let mut connection = sqlite::options(path).connect().await?;
            let answer = walk(&SQLITE, &mut connection, way).await;
            connection.close().await?;
            answer
        }
    }
}

async fn walk<C>(migrator: &Migrator, connection: &mut C, way: Way) -> Result<Vec<Migration>, Error>
where
    C: Connection + Migrate,
    for<'c> &'c mut C: sqlx::Acquire<'c, Connection = &'c mut C>,
{
    match way {
        Way::Up => migrator
            .run_direct(None, connection, false)
            .await
            .map_err(fault)?,
        Way::Down { steps } => {
            let applied = applied(connection).await?;
            let kept = applied.len().saturating_sub(steps);
            let target = kept.checked_sub(1).map_or(0, |last| applied[last]);
            migrator
                .undo(&mut *connection, target)
                .await
                .map_err(fault)?;
        }
        Way::Nowhere => {}
    }
    let applied = applied(connection).await?;
    let known = migrator
        .iter()
        .filter(|m| m.migration_type.is_up_migration());
    let migration = |m: &sqlx::migrate::Migration| Migration {
        version: m.version,
        description: m.description.to_string(),
        applied: applied.contains(&m.version),
    };
    Ok(known.map(migration).collect())
}

/// The versions that the database has, in order. Makes the driver's table where there is none.
async fn applied<C: Migrate>(connection: &mut C) -> Result<Vec<i64>, Error> {
    connection
        .ensure_migrations_table(TABLE)
        .await
        .map_err(fault)?;
    let applied = connection
        .list_applied_migrations(TABLE)
        .await
        .map_err(fault)?;
    Ok(applied
        .into_iter()
        .map(|migration| migration.version)
        .collect())
}

fn fault(error: MigrateError) -> Error {
    match error {
        MigrateError::Execute(error) => error.into(),
        MigrateError::ExecuteMigration(error, _) if is_lost(&error) => error.into(),
        other => Error::Damaged {
            table: TABLE,
            why: other.to_string(),
        },
    }
}

fn is_lost(error: &sqlx::Error) -> bool {
    !matches!(error, sqlx::Error::Database(_))
}
