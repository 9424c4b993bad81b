//! Messages into the log, by arrays.

use sqlx::postgres::Postgres;

use super::super::sql::lease::Lease;
use super::super::sql::statement::Statement;
use super::super::{Communication, Error};
use super::arrays::Arrays;

const LOG: &str = "
insert into communications (id, timestamp, sender_id, receiver_id, message_content, topic, content_type, created_at)
select *
  from unnest($1::uuid[], $2::timestamptz[], $3::uuid[], $4::uuid[], $5::text[], $6::text[], $7::text[],
              $8::timestamptz[])
    on conflict (id) do nothing";

pub(super) async fn log(
    lease: &mut Lease<Postgres>,
    messages: &[Communication],
) -> Result<(), Error> {
    let mut arrays = Arrays::default();
    arrays.add(messages, |m| m.id.0)?;
    arrays.add(messages, |m| m.timestamp)?;
    arrays.add(messages, |m| m.sender.0)?;
    arrays.add(messages, |m| m.receiver.0)?;
    arrays.add(messages, |m| m.content.as_str())?;
    arrays.add(messages, |m| m.topic.as_deref())?;
    arrays.add(messages, |m| m.content_type.as_str())?;
    arrays.add(messages, |m| m.created_at)?;
    let statement = Statement::native(LOG, arrays.into_arguments());
    lease.fetch(statement).await.map(|_| ())
}
