//! The table `idempotency_keys`.

use chrono::{DateTime, Utc};
use sqlx::Pool;
use uuid::Uuid;

use super::super::{Answer, Error, KeptAnswer, KeyedRequest, Reserved};
use super::fields::{Columns, Fields};
use super::lease::Lease;
use super::statement::{Statement, Value};
use super::{Dialect, upkeep};
use crate::config::Limits;

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
        salt: row.bytes("salt")?,
        answer,
    })
}

pub(super) async fn recall<DB: Dialect>(
    pool: &Pool<DB>,
    owner: Uuid,
    key: &str,
) -> Result<Option<Reserved>, Error> {
    let statement = Statement::new(
        "select fingerprint, resource_id, created_at, salt, status, answer
           from idempotency_keys
          where owner_id = ? and key = ?",
        [owner.into(), key.into()],
    );
    let rows = Lease::of(pool).await?.fetch(statement).await?;
    rows.first().map(decode).transpose()
}

pub(super) async fn reserve<DB: Dialect>(
    pool: &Pool<DB>,
    request: &KeyedRequest,
) -> Result<bool, Error> {
    let mut statement = Statement::new(INSERT, row(request, None));
    statement.push("do nothing returning resource_id", []);
    let rows = Lease::of(pool).await?.fetch(statement).await?;
    Ok(!rows.is_empty())
}

/// Keeps an answer in the transaction of what it tells of.
pub(super) async fn keep<DB: Dialect>(
    lease: &mut Lease<DB>,
    kept: &KeptAnswer,
) -> Result<(), Error> {
    if is_kept(lease, kept).await? {
        Ok(())
    } else {
        Err(Error::KeyTaken)
    }
}

/// Keeps an answer where none is, and no other request has the key; says whether it did.
async fn is_kept<DB: Dialect>(
    lease: &mut Lease<DB>,
    KeptAnswer { request, answer }: &KeptAnswer,
) -> Result<bool, Error> {
    let mut statement = Statement::new(INSERT, row(request, Some(answer)));
    statement.push(
        "do update
            set status = excluded.status,
                answer = excluded.answer
          where idempotency_keys.status is null
            and idempotency_keys.fingerprint = excluded.fingerprint
            and idempotency_keys.salt = excluded.salt
         returning resource_id",
        [],
    );
    Ok(!lease.fetch(statement).await?.is_empty())
}

const INSERT: &str = "
insert into idempotency_keys (owner_id, key, fingerprint, resource_id, created_at, salt, status, answer)
values (?, ?, ?, ?, ?, ?, ?, ?)
    on conflict (owner_id, key) ";

fn row(request: &KeyedRequest, answer: Option<&Answer>) -> [Value; 8] {
    [
        request.owner.into(),
        request.key.as_str().into(),
        Value::Bytes(request.fingerprint.to_vec()),
        request.resource.into(),
        request.at.into(),
        Value::Bytes(request.salt.to_vec()),
        Value::Number(answer.map(|answer| answer.status.into())),
        answer.map(|answer| answer.body.clone()).into(),
    ]
}

pub(super) async fn answer<DB: Dialect>(pool: &Pool<DB>, kept: &KeptAnswer) -> Result<bool, Error> {
    is_kept(&mut Lease::of(pool).await?, kept).await
}

pub(super) async fn release<DB: Dialect>(
    pool: &Pool<DB>,
    request: &KeyedRequest,
) -> Result<(), Error> {
    let statement = Statement::new(
        "delete from idempotency_keys
          where owner_id = ? and key = ? and resource_id = ? and status is null",
        [
            request.owner.into(),
            request.key.as_str().into(),
            request.resource.into(),
        ],
    );
    Lease::of(pool).await?.fetch(statement).await.map(|_| ())
}

pub(super) async fn forget<DB: Dialect>(
    pool: &Pool<DB>,
    before: DateTime<Utc>,
) -> Result<(), Error> {
    let some = || {
        Statement::new(
            "delete from idempotency_keys
              where (owner_id, key) in (select owner_id, key
                                          from idempotency_keys
                                         where created_at < ?
                                         limit ?)
             returning resource_id",
            [before.into(), Limits::UPKEEP_BATCH_ROWS.into()],
        )
    };
    upkeep::delete_in_batches(pool, some).await
}
