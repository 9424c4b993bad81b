//! How PostgreSQL answers a question about the log: for whoever wonders why one is slow, and for the tests that see to it
//! that none is.

use serde_json::Value;
use sqlx::{PgPool, Postgres};

use super::super::sql::communications;
use super::super::sql::fields::Columns;
use super::super::sql::lease::Lease;
use super::super::sql::list::{PLAN, Way};
use super::super::{CommunicationFilter, Error, PageRequest};
use crate::config::Limits;

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
    let way = Way::of(list.guess(&mut lease).await?);
    let windows = match way {
        Way::Whole => None,
        Way::Counted => {
            list.windows(&mut lease, Limits::TOTAL_EXACT_MAX_ROWS, page.size, skipped)
                .await?
        }
        Way::Guessed(rows) => list.windows(&mut lease, rows, page.size, skipped).await?,
    };
    let first = match &windows {
        Some(windows) => windows.list(&list).whole(EXPLAIN, page.size, skipped),
        None if way == Way::Whole => list.whole(EXPLAIN, page.size, skipped),
        None => list.rows(EXPLAIN, page.size, skipped),
    };
    let statements = match way {
        Way::Whole | Way::Guessed(_) => vec![first],
        Way::Counted => vec![first, list.count(EXPLAIN)],
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
