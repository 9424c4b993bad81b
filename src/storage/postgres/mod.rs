//! PostgreSQL 14 or later: how it is connected to, how it is spoken to, and the two writes that must be fast.
//!
//! Many rows go in as arrays through `unnest`: one prepared statement whatever their number. What both SQL
//! databases do alike is in [`sql`](super::sql).

mod arrays;
mod communications;
mod dialect;
mod journal;
mod months;
pub mod plans;

use std::sync::Arc;
use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{Connection, Pool};

use super::connect::{Connections, logging};
use super::sql::store::Sql;
use super::{Error, Store};

/// How long a call waits for a connection of the pool. Longer than any batch takes; then the pool is
/// too small or the database stuck, and the caller should hear of it.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(3);
/// The longest statement, in milliseconds; the server ends it. A fenced append of a thousand events
/// takes some 10 ms, so this is a plan gone wrong, or a lock that will not come.
const STATEMENT_TIMEOUT_MS: &str = "10000";
/// The longest pause within a transaction, in milliseconds. A server that stops inside one would
/// otherwise hold its meetings' rows and keep another from taking them over.
const IDLE_IN_TRANSACTION_TIMEOUT_MS: &str = "5000";
/// What a page out of order costs the planner. Rows in use are in memory; with the default of 4, made for
/// turning disks, an append would read all of `meetings` rather than look a few up.
const RANDOM_PAGE_COST: &str = "1.1";
/// No statement here runs long enough to be worth compiling first.
const JIT: &str = "off";
/// A connection that was used this recently is taken to be alive; another is asked first, for one more round trip.
const TRUSTED_IDLE_TIME: Duration = Duration::from_secs(1);

/// Makes a pool of at most so many connections beside the one that appends keep, and the first of them.
pub(super) async fn connect(url: &str, connections: Connections) -> Result<Arc<dyn Store>, Error> {
    let options = logging(limited(url)?, connections.slow_statement);
    let pool: Pool<sqlx::Postgres> = PgPoolOptions::new()
        .max_connections(connections.max.saturating_add(1))
        .acquire_timeout(ACQUIRE_TIMEOUT)
        .test_before_acquire(false)
        .before_acquire(|connection, usage| {
            Box::pin(async move {
                if usage.idle_for > TRUSTED_IDLE_TIME {
                    connection.ping().await?;
                }
                Ok(true)
            })
        })
        .connect_with(options)
        .await?;
    let (reading, writing) = (pool.clone(), pool);
    Ok(Sql::new(reading, writing).into_store())
}

/// How to connect, with the limits above.
fn limited(url: &str) -> Result<PgConnectOptions, Error> {
    Ok(options(url)?.options([
        ("statement_timeout", STATEMENT_TIMEOUT_MS),
        (
            "idle_in_transaction_session_timeout",
            IDLE_IN_TRANSACTION_TIMEOUT_MS,
        ),
        ("random_page_cost", RANDOM_PAGE_COST),
        ("jit", JIT),
    ]))
}

/// How to connect, without the limits above.
pub(super) fn options(url: &str) -> Result<PgConnectOptions, Error> {
    let options: PgConnectOptions = url.parse()?;
    Ok(options.application_name("synod"))
}
