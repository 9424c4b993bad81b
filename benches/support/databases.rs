//! A database for one bench: made for it, migrated, and dropped behind it.

use std::env;

use sqlx::postgres::PgConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, Executor};
use synod::clock::Clock;
use synod::storage::{Database, migrate};
use tempfile::TempDir;

/// An empty, migrated database.
pub(crate) enum Scratch {
    /// A database of its own in the cluster that `SYNOD_TEST_POSTGRES_URL` names.
    Postgres {
        /// The cluster, as the variable names it.
        cluster: Box<PgConnectOptions>,
        /// The database.
        name: String,
    },
    /// A file in a directory of its own.
    Sqlite(TempDir),
}

impl Scratch {
    /// A new database in PostgreSQL.
    ///
    /// # Panics
    /// If there is no PostgreSQL.
    pub(crate) async fn postgres() -> Self {
        let url = env::var("SYNOD_TEST_POSTGRES_URL").expect(
            "this bench needs a PostgreSQL in which it may create a database: set SYNOD_TEST_POSTGRES_URL \
             (postgres://user@host:port/name), as scripts/test does with its throwaway cluster",
        );
        let cluster: PgConnectOptions = url
            .parse()
            .expect("SYNOD_TEST_POSTGRES_URL is a URL of PostgreSQL");
        let name = format!("synod_bench_{}", Clock::system().id().simple());
        let cluster = Box::new(cluster);
        let scratch = Self::Postgres { cluster, name };
        scratch.administer("create database").await;
        scratch.migrated().await
    }

    /// A new database in SQLite.
    pub(crate) async fn sqlite() -> Self {
        let directory = tempfile::tempdir().expect("a temporary directory");
        Self::Sqlite(directory).migrated().await
    }

    async fn migrated(self) -> Self {
        migrate::up(&self.database())
            .await
            .expect("an empty database can be migrated");
        self
    }

    /// Where it is.
    pub(crate) fn database(&self) -> Database {
        match self {
            Self::Postgres { cluster, name } => {
                let options = cluster.as_ref().clone().database(name);
                Database::Postgres(options.to_url_lossy().into())
            }
            Self::Sqlite(directory) => Database::Sqlite(directory.path().join("bench.db")),
        }
    }

    /// Drops it.
    pub(crate) async fn discard(self) {
        if matches!(self, Self::Postgres { .. }) {
            self.administer("drop database").await;
        }
    }

    /// Says something about the database from outside of it.
    async fn administer(&self, what: &str) {
        let Self::Postgres { cluster, name } = self else {
            return;
        };
        let mut connection = cluster
            .connect()
            .await
            .expect("SYNOD_TEST_POSTGRES_URL is answered");
        let sql = AssertSqlSafe(format!("{what} {name}"));
        connection
            .execute(sql)
            .await
            .expect("the user of SYNOD_TEST_POSTGRES_URL may create databases");
        connection
            .close()
            .await
            .expect("a connection that worked can be closed");
    }
}
