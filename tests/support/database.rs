//! A database of its own for every test: made when it begins, gone when it ends.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, PgConnection, SqliteConnection};
use synod::storage::memory::Memory;
use synod::storage::{Database, Store, connect, migrate};

use super::cluster::Cluster;

/// More than any one test uses at once; few, because many tests run at once.
const POOL_SIZE: u32 = 4;
/// Where to make databases: an address of a role that may create them.
const ADMIN_URL: &str = "SYNOD_TEST_POSTGRES_URL";

/// A store over an empty database with all its tables.
pub(crate) struct Fresh {
    pub(crate) store: Arc<dyn Store>,
    /// The same database, for those who speak SQL to it; memory has none.
    pub(crate) database: Option<Database>,
    _remains: Remains,
}

/// A database that takes nothing until it is let go.
pub(crate) enum Held {
    Postgres(PgConnection),
    Sqlite(SqliteConnection),
}

impl Held {
    /// Lets everybody write again.
    pub(crate) async fn release(&mut self) {
        let release = sqlx::raw_sql("rollback");
        let released = match self {
            Self::Postgres(connection) => release.execute(connection).await.map(drop),
            Self::Sqlite(connection) => release.execute(connection).await.map(drop),
        };
        released.expect("it is let go");
    }
}

enum Remains {
    Nothing,
    File(#[expect(dead_code, reason = "held to be dropped")] tempfile::TempDir),
    Postgres(String),
}

impl Fresh {
    pub(crate) fn memory() -> Self {
        Self {
            store: Arc::new(Memory::new()),
            database: None,
            _remains: Remains::Nothing,
        }
    }

    pub(crate) async fn sqlite() -> Self {
        let (database, remains) = empty_sqlite();
        Self::with(database, remains).await
    }

    pub(crate) async fn postgres() -> Self {
        let (database, remains) = empty_postgres().await;
        Self::with(database, remains).await
    }

    /// The database of a PostgreSQL that is the test's own.
    pub(crate) async fn in_cluster(cluster: &Cluster) -> Self {
        Self::with(cluster.database(), Remains::Nothing).await
    }

    async fn with(database: Database, remains: Remains) -> Self {
        migrate::up(&database).await.expect("migrations");
        Self {
            store: connect(&database, POOL_SIZE).await.expect("a store"),
            database: Some(database),
            _remains: remains,
        }
    }

    /// Forgets every kept answer, as if the servers had been killed before they could keep them.
    pub(crate) async fn forget_answers(&self) {
        self.execute("update idempotency_keys set status = null, answer = null")
            .await;
    }

    /// Carries out SQL, beside the servers.
    pub(crate) async fn execute(&self, sql: &'static str) {
        match self.database.as_ref() {
            Some(Database::Postgres(url)) => {
                let mut connection = PgConnection::connect(url).await.expect("a connection");
                let done = sqlx::raw_sql(sql).execute(&mut connection).await;
                done.expect("it is carried out");
            }
            Some(Database::Sqlite(path)) => {
                let mut connection = sqlite(path).await;
                let done = sqlx::raw_sql(sql).execute(&mut connection).await;
                done.expect("it is carried out");
            }
            None => panic!("memory forgets by itself and knows no SQL"),
        }
    }

    /// Keeps every server from writing events and messages, as a database does that is far too slow; they can still read.
    pub(crate) async fn hold_writes(&self) -> Held {
        match self.database.as_ref() {
            Some(Database::Postgres(_)) => {
                let mut connection = self.psql().await;
                let hold = "begin; lock table meeting_events, communications in share mode";
                let done = sqlx::raw_sql(hold).execute(&mut connection).await;
                done.expect("it is held");
                Held::Postgres(connection)
            }
            Some(Database::Sqlite(path)) => {
                let mut connection = sqlite(path).await;
                let done = sqlx::raw_sql("begin immediate")
                    .execute(&mut connection)
                    .await;
                done.expect("it is held");
                Held::Sqlite(connection)
            }
            None => panic!("memory is never slow"),
        }
    }

    /// Every table, and how many rows it has.
    pub(crate) async fn row_counts(&self) -> BTreeMap<String, String> {
        let tables = match self.database.as_ref() {
            Some(Database::Postgres(_)) => {
                "select tablename::text from pg_tables where schemaname = 'public'"
            }
            _ => "select name from sqlite_schema where type = 'table'",
        };
        let mut counts = BTreeMap::new();
        for table in self.texts(tables).await {
            let count = format!("select cast(count(*) as text) from {table}");
            let count = self.texts(count).await.swap_remove(0);
            counts.insert(table, count);
        }
        counts
    }

    /// Every answer that is kept under an idempotency key.
    pub(crate) async fn kept_answers(&self) -> Vec<String> {
        self.texts("select answer from idempotency_keys where answer is not null")
            .await
    }

    /// Every idempotency key that is kept.
    pub(crate) async fn kept_keys(&self) -> Vec<String> {
        self.texts("select key from idempotency_keys").await
    }

    /// The words of every message in the log.
    pub(crate) async fn logged_contents(&self) -> Vec<String> {
        self.texts("select message_content from communications")
            .await
    }

    /// The texts that SQL is answered with.
    pub(crate) async fn texts(&self, sql: impl Into<String>) -> Vec<String> {
        let sql = AssertSqlSafe(sql.into());
        match self.database.as_ref() {
            Some(Database::Postgres(url)) => {
                let mut connection = PgConnection::connect(url).await.expect("a connection");
                let texts = sqlx::query_scalar(sql).fetch_all(&mut connection).await;
                texts.expect("rows")
            }
            Some(Database::Sqlite(path)) => {
                let mut connection = sqlite(path).await;
                let texts = sqlx::query_scalar(sql).fetch_all(&mut connection).await;
                texts.expect("rows")
            }
            None => panic!("memory has no tables"),
        }
    }

    /// Another connection to a PostgreSQL database, beside the store's own.
    pub(crate) async fn psql(&self) -> PgConnection {
        let Some(Database::Postgres(url)) = &self.database else {
            panic!("this test is about PostgreSQL");
        };
        PgConnection::connect(url).await.expect("a connection")
    }
}

/// Asks until another connection of this database waits for a lock. Each question is a round trip, so nothing sleeps.
pub(crate) async fn somebody_waits(connection: &mut PgConnection) {
    const QUESTIONS: u32 = 100_000;
    for _ in 0..QUESTIONS {
        let waiting: i64 = sqlx::query_scalar(
            "select count(*) from pg_stat_activity
              where datname = current_database() and wait_event_type = 'Lock'",
        )
        .fetch_one(&mut *connection)
        .await
        .expect("an answer");
        if waiting > 0 {
            return;
        }
        tokio::task::yield_now().await;
    }
    panic!("nobody waits");
}

async fn sqlite(path: &std::path::Path) -> SqliteConnection {
    let options = SqliteConnectOptions::new().filename(path);
    options.connect().await.expect("a connection")
}

/// A database without tables; it lives as long as this.
pub(crate) struct Empty {
    pub(crate) database: Database,
    _remains: Remains,
}

impl Empty {
    pub(crate) fn sqlite() -> Self {
        let (database, remains) = empty_sqlite();
        Self {
            database,
            _remains: remains,
        }
    }

    pub(crate) async fn postgres() -> Self {
        let (database, remains) = empty_postgres().await;
        Self {
            database,
            _remains: remains,
        }
    }
}

fn empty_sqlite() -> (Database, Remains) {
    let directory = tempfile::tempdir().expect("a directory");
    let database = Database::Sqlite(directory.path().join("synod.db"));
    (database, Remains::File(directory))
}

async fn empty_postgres() -> (Database, Remains) {
    static MADE: AtomicU32 = AtomicU32::new(0);
    let (process, nth) = (std::process::id(), MADE.fetch_add(1, Ordering::Relaxed));
    let name = format!("synod_test_{process}_{nth}");
    administer(format!("create database {name}"))
        .await
        .expect("a database");
    let admin_url = admin_url();
    let (server, _) = admin_url.rsplit_once('/').expect("postgres://…/name");
    let database = Database::Postgres(format!("{server}/{name}"));
    (database, Remains::Postgres(name))
}

fn admin_url() -> String {
    std::env::var(ADMIN_URL).unwrap_or_else(|_| {
        panic!("{ADMIN_URL} is not set: run the tests with `scripts/test`, which starts a PostgreSQL for them")
    })
}

async fn administer(sql: String) -> Result<(), sqlx::Error> {
    let mut connection = PgConnection::connect(&admin_url()).await?;
    sqlx::query(AssertSqlSafe(sql))
        .execute(&mut connection)
        .await?;
    connection.close().await
}

/// On a thread of its own, because a test's end cannot be awaited. What cannot be dropped stays behind: nobody minds.
impl Drop for Remains {
    fn drop(&mut self) {
        if let Self::Postgres(name) = self {
            let sql = format!("drop database if exists {name} with (force)");
            let drop_it = move || {
                let runtime = tokio::runtime::Builder::new_current_thread()
                    .enable_all()
                    .build();
                runtime.map(|runtime| runtime.block_on(administer(sql)))
            };
            drop(std::thread::spawn(drop_it).join());
        }
    }
}
