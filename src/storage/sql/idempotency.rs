//! The table `idempotency_keys`.

use chrono::{DateTime, Utc};
use sqlx::Pool;

use super::super::{Answer, Error, KeyedRequest, Reserved};
use super::Dialect;
use super::fields::{Columns, Fields};
use super::lease::Lease;
use super::statement::{Statement, Value};

fn decode(row: &impl Columns) -> Result<Reserved, Error> {
    let row = Fields::of("idempotency_keys", row);
    let status = row.maybe_number("status")?;
    let answer = match (status, row.maybe_text("answer")?) {
        (Some(status), Some(body)) => Some(Answer { status, body }),
        _ => None,
    };
    Ok(Reserved {
        fingerprint: row.bytes("fingerprint")?,
        resource: row.id("resource_id")?,
        at: row.time("created_at")?,
        answer,
    })
}

pub(super) async fn reserve<DB: Dialect>(
    pool: &Pool<DB>,
    request: &KeyedRequest,
) -> Result<Reserved, Error> {
    let insert = Statement::new(
        "insert into idempotency_keys (owner_id, key, fingerprint, resource_id, created_at)
         values (?, ?, ?, ?, ?)
             on conflict (owner_id, key) do nothing",
        [
            request.owner.into(),
            request.key.as_str().into(),
            Value::Bytes(request.fingerprint.to_vec()),
            request.resource.into(),
            request.at.into(),
        ],
    );
    let select = Statement::new(
        "select fingerprint, resource_id, created_at, status, answer
           from idempotency_keys
          where owner_id = ? and key = ?",
        [request.owner.into(), request.key.as_str().into()],
    );
    let mut lease = Lease::of(pool).await?;
    lease.fetch(insert).await?;
    let rows = lease.fetch(select).await?;
    let row = rows.first().ok_or_else(|| Error::Damaged {
        table: "idempotency_keys",
        why: "a key was forgotten while it was reserved".to_owned(),
    })?;
    decode(row)
}

pub(super) async fn answer<DB: Dialect>(
    pool: &Pool<DB>,
    request: &KeyedRequest,
    answer: &Answer,
) -> Result<(), Error> {
    let statement = Statement::new(
        "update idempotency_keys
            set status = ?,
                answer = ?
          where owner_id = ? and key = ?",
        [
            u32::from(answer.status).into(),
            answer.body.as_str().into(),
            request.owner.into(),
            request.key.as_str().into(),
        ],
    );
    Lease::of(pool).await?.fetch(statement).await.map(|_| ())
}

pub(super) async fn forget<DB: Dialect>(
    pool: &Pool<DB>,
    before: DateTime<Utc>,
) -> Result<(), Error> {
    let statement = Statement::new(
        "delete from idempotency_keys where created_at < ?",
        [before.into()],
    );
    Lease::of(pool).await?.fetch(statement).await.map(|_| ())
}
