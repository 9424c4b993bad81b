//! How PostgreSQL answers a question about the log, meetings or decisions: for whoever wonders why one is slow, and for the tests that see to it
//! that none is.

use serde_json::Value;
use sqlx::{PgPool, Postgres};

use super::super::sql::fields::Columns;
use super::super::sql::lease::Lease;
use super::super::sql::list::{List, PLAN, Way};
use super::super::sql::{communications, decisions, meetings};
use super::super::{CommunicationFilter, DecisionFilter, Error, MeetingFilter, PageRequest};
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
    of_list(url, communications::of_filter::<Postgres>(filter), page).await
}

/// As [`of_communications`], of a page of meetings.
///
/// # Errors
/// [`Error::Unavailable`] if there is no answer.
pub async fn of_meetings(
    url: &str,
    filter: &MeetingFilter,
    page: PageRequest,
) -> Result<Vec<Value>, Error> {
    of_list(url, meetings::of_filter::<Postgres>(filter), page).await
}

/// As [`of_communications`], of a page of decisions.
///
/// # Errors
/// [`Error::Unavailable`] if there is no answer.
pub async fn of_decisions(
    url: &str,
    filter: &DecisionFilter,
    page: PageRequest,
) -> Result<Vec<Value>, Error> {
    of_list(url, decisions::of_filter(filter), page).await
}

async fn of_list(url: &str, mut list: List, page: PageRequest) -> Result<Vec<Value>, Error> {
    let pool = PgPool::connect_with(super::limited(url)?).await?;
    let skipped = list.begin(page);
    let mut lease = Lease::of(&pool).await?;
    let way = list.way(&mut lease, page).await?;
    let windows = match way {
        None | Some(Way::Whole) => None,
        Some(Way::Counted) => {
            list.windows(&mut lease, Limits::TOTAL_EXACT_MAX_ROWS, page.size, skipped)
                .await?
        }
        Some(Way::Guessed(rows)) => list.windows(&mut lease, rows, page.size, skipped).await?,
    };
    let first = match &windows {
        Some(windows) => windows.list(&list).whole(EXPLAIN, page.size, skipped),
        None if way == Some(Way::Whole) => list.whole(EXPLAIN, page.size, skipped),
        None => list.rows(EXPLAIN, page.size, skipped),
    };
    let statements = match way {
        None | Some(Way::Whole | Way::Guessed(_)) => vec![first],
        Some(Way::Counted) => vec![first, list.count(EXPLAIN)],
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
