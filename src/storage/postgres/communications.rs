//! Messages into the log, by arrays.

use sqlx::postgres::Postgres;

use super::super::sql::lease::Lease;
use super::super::sql::statement::Statement;
use super::super::words::searchable_text;
use super::super::{Communication, Error};
use super::arrays::Arrays;
use crate::config::Limits;

const LOG: &str = "
insert into communications (id, timestamp, sender_id, receiver_id, message_content, topic, content_type, created_at,
                            content_is_json, words)
select x.id, x.timestamp, x.sender_id, x.receiver_id, x.content, x.topic, x.content_type, x.created_at,
       x.is_json, array_to_tsvector(string_to_array(x.words, ' '))
  from unnest($1::uuid[], $2::timestamptz[], $3::uuid[], $4::uuid[], $5::text[], $6::text[], $7::text[],
              $8::timestamptz[], $9::boolean[], $10::text[])
       as x (id, timestamp, sender_id, receiver_id, content, topic, content_type, created_at, is_json, words)
    on conflict (id, timestamp) do nothing";

/// In one statement, or if that would take long, in several of one transaction.
pub(super) async fn log(
    lease: &mut Lease<Postgres>,
    messages: &[Communication],
) -> Result<(), Error> {
    let parts = parts(messages);
    if parts.len() < 2 || lease.is_in_transaction() {
        return log_parts(lease, &parts).await;
    }
    lease.begin().await?;
    let answer = log_parts(lease, &parts).await;
    lease.end(answer).await
}

async fn log_parts(lease: &mut Lease<Postgres>, parts: &[&[Communication]]) -> Result<(), Error> {
    for part in parts {
        log_part(lease, part).await?;
    }
    Ok(())
}

/// The messages in stretches that the database takes well within its time limit for a statement.
fn parts(messages: &[Communication]) -> Vec<&[Communication]> {
    let (mut parts, mut begin, mut bytes) = (Vec::new(), 0, 0);
    for (nth, message) in messages.iter().enumerate() {
        let is_full = nth - begin == Limits::STATEMENT_MAX_MESSAGES
            || bytes + message.content.len() > Limits::BATCH_MAX_BYTES;
        if is_full && nth > begin {
            parts.push(&messages[begin..nth]);
            (begin, bytes) = (nth, 0);
        }
        bytes += message.content.len();
    }
    parts.push(&messages[begin..]);
    parts
}

async fn log_part(lease: &mut Lease<Postgres>, messages: &[Communication]) -> Result<(), Error> {
    let mut arrays = Arrays::default();
    arrays.add(messages, |m| m.id.0)?;
    arrays.add(messages, |m| m.timestamp)?;
    arrays.add(messages, |m| m.sender.0)?;
    arrays.add(messages, |m| m.receiver.0)?;
    arrays.add(messages, |m| m.content.as_str())?;
    arrays.add(messages, |m| m.topic.as_deref())?;
    arrays.add(messages, |m| m.content_type.as_str())?;
    arrays.add(messages, |m| m.created_at)?;
    arrays.add(messages, |m| m.is_json)?;
    arrays.add(messages, searchable_text)?;
    let statement = Statement::native(LOG, arrays.into_arguments());
    lease.fetch(statement).await.map(|_| ())
}
