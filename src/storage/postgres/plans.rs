//! How PostgreSQL answers a question about the log: for whoever wonders why one is slow, and for the tests that see to it
//! that none is.

use serde_json::Value;
use sqlx::{PgPool, Postgres};

use super::super::sql::communications;
use super::super::sql::fields::Columns;
use super::super::sql::lease::Lease;
use super::super::sql::list::{PLAN, Way};
use super::super::{CommunicationFilter, Error, PageRequest};

const EXPLAIN: &str = "explain (analyze, format json) ";

/// The plans of the statements with which the store reads a page of the log and counts it, as they were carried out: PostgreSQL's
/// own JSON.
///
/// # Errors
/// [`Error::Unavailable`] if there is no answer.
pub async fn of_communications(
    url: &str,
    filter: &CommunicationFilter,
    page: PageRequest,
) -> Result<Vec<Value>, Error> {
    let pool = PgPool::connect_with(super::limited(url)?).await?;
    let mut list = communications::of_filter::<Postgres>(filter);
    let skipped = list.begin(page);
    let mut lease = Lease::of(&pool).await?;
    let rows = || list.rows(EXPLAIN, page.size, skipped);
    let statements = match Way::of(list.guess(&mut lease).await?) {
        Way::Whole => vec![list.whole(EXPLAIN, page.size, skipped)],
        Way::Counted => vec![rows(), list.count(EXPLAIN)],
        Way::Guessed(_) => vec![rows()],
    };
    let mut plans = Vec::new();
    for statement in statements {
        let rows = lease.fetch(statement).await?;
        let plan = rows.first().map(|row| row.document(PLAN));
        plans.extend(plan.transpose()?);
    }
    drop(lease);
    pool.close().await;
    Ok(plans)
}
