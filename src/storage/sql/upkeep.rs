//! The log kept in good order: parts made ahead of time, old messages let go.

use chrono::{DateTime, TimeDelta, Utc};
use sqlx::Pool;
use uuid::Uuid;

use super::super::{Error, Upkeep};
use super::Dialect;
use super::fields::Fields;
use super::lease::Lease;
use super::statement::{Statement, Value};
use crate::config::Limits;

pub(super) async fn maintain<DB: Dialect>(
    pool: &Pool<DB>,
    now: DateTime<Utc>,
    retention: Option<TimeDelta>,
) -> Result<Upkeep, Error> {
    let oldest = retention.and_then(|retention| now.checked_sub_signed(retention));
    let mut lease = Lease::of(pool).await?;
    let mut upkeep = DB::keep_parts(&mut lease, now, oldest).await?;
    drop(lease);
    let Some(oldest) = oldest else {
        return Ok(upkeep);
    };
    loop {
        // Back to the pool after each batch: others want to write, too.
        let mut lease = Lease::of(pool).await?;
        lease.begin().await?;
        let answer = forget_some(&mut lease, oldest).await;
        let (found, deleted) = lease.end(answer).await?;
        upkeep.deleted += deleted;
        if found < u64::from(Limits::UPKEEP_BATCH_ROWS) {
            break;
        }
    }
    forget_places(pool, oldest).await?;
    Ok(upkeep)
}

/// Direct messages that are gone from the log go from their receivers' lines.
async fn forget_places<DB: Dialect>(pool: &Pool<DB>, oldest: DateTime<Utc>) -> Result<(), Error> {
    let some = || {
        Statement::new(
            "delete from direct_messages
              where communication_id in (select communication_id
                                           from direct_messages
                                          where sent_at < ?
                                            and not exists (select 1 from communications
                                                             where id = communication_id and timestamp = sent_at)
                                          limit ?)
             returning communication_id",
            [oldest.into(), Limits::UPKEEP_BATCH_ROWS.into()],
        )
    };
    delete_in_batches(pool, some).await
}

/// Deletes some rows at a time, until there are none, with a statement that answers with those it has deleted.
pub(super) async fn delete_in_batches<DB: Dialect>(
    pool: &Pool<DB>,
    some: impl Fn() -> Statement<DB>,
) -> Result<(), Error> {
    loop {
        let deleted = Lease::of(pool).await?.fetch(some()).await?;
        if deleted.len() < Limits::UPKEEP_BATCH_ROWS as usize {
            return Ok(());
        }
    }
}

/// Deletes a batch of old messages that no meeting links to. Answers how many were found and how many are gone: a link that was
/// made in between is seen by the second statement, and none can be made after the first.
async fn forget_some<DB: Dialect>(
    lease: &mut Lease<DB>,
    oldest: DateTime<Utc>,
) -> Result<(u64, u64), Error> {
    let mut found = Statement::new("select id from ", []);
    found.push(DB::LOOSE_COMMUNICATIONS, []);
    found.push(" as loose where timestamp < ?", [oldest.into()]);
    found.push(IS_FREE, []);
    found.push(" limit ? ", [Limits::UPKEEP_BATCH_ROWS.into()]);
    found.push(DB::FOR_UPDATE_OF_FREE, []);
    let found = lease.fetch(found).await?;
    let id = |row| Fields::of("communications", row).id("id");
    let ids: Vec<Uuid> = found.iter().map(id).collect::<Result<_, _>>()?;

    let mut gone = Statement::new("delete from ", []);
    gone.push(DB::LOOSE_COMMUNICATIONS, []);
    gone.push(" as loose where timestamp < ?", [oldest.into()]);
    gone.push(" and id in ?", [Value::Ids(ids)]);
    gone.push(IS_FREE, []);
    gone.push(" returning id", []);
    let gone = lease.fetch(gone).await?;
    Ok((found.len() as u64, gone.len() as u64))
}

const IS_FREE: &str = " and not exists (select 1 from meeting_communications link
                                         where link.communication_id = loose.id)";
