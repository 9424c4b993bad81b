//! How PostgreSQL answers a question about the log: for whoever wonders why one is slow, and for the tests that see to it
//! that none is.

use serde_json::Value;
use sqlx::PgPool;

use super::super::sql::communications;
use super::super::sql::fields::Columns;
use super::super::sql::lease::Lease;
use super::super::sql::list::PLAN;
use super::super::{CommunicationFilter, Error, PageRequest};

const EXPLAIN: &str = "explain (analyze, format json) ";

/// The plans of the statements with which the store reads a page of the log, one for the rows and one for their number, as they were
/// carried out: PostgreSQL's own JSON.
///
/// # Errors
/// [`Error::Unavailable`] if there is no answer.
pub async fn of_communications(
    url: &str,
    filter: &CommunicationFilter,
    page: PageRequest,
) -> Result<[Value; 2], Error> {
    let pool = PgPool::connect_with(super::limited(url)?).await?;
    let mut list = communications::of_filter::<sqlx::Postgres>(filter);
    let skipped = list.begin(page);
    let mut lease = Lease::of(&pool).await?;
    let mut plans = [Value::Null, Value::Null];
    let statements = [list.rows(EXPLAIN, page.size, skipped), list.count(EXPLAIN)];
    for (plan, statement) in plans.iter_mut().zip(statements) {
        let rows = lease.fetch(statement).await?;
        if let Some(row) = rows.first() {
            *plan = row.document(PLAN)?;
        }
    }
    drop(lease);
    pool.close().await;
    Ok(plans)
}
