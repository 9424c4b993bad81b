//! Messages into the log, as one JSON text.

use serde_json::json;
use sqlx::sqlite::Sqlite;

use super::super::sql::lease::Lease;
use super::super::sql::statement::Statement;
use super::super::{Communication, Error};
use super::dialect::{hex, micros};

const LOG: &str = "
insert into communications (id, timestamp, sender_id, receiver_id, message_content, topic, content_type, created_at)
select unhex(value ->> 0), value ->> 1, unhex(value ->> 2), unhex(value ->> 3),
       value ->> 4, value ->> 5, value ->> 6, value ->> 7
  from json_each(?)
 where true -- so that the parser does not take ON for a join's
    on conflict (id) do nothing";

pub(super) async fn log(
    lease: &mut Lease<Sqlite>,
    messages: &[Communication],
) -> Result<(), Error> {
    let row = |m: &Communication| {
        json!([
            hex(m.id.0),
            micros(m.timestamp),
            hex(m.sender.0),
            hex(m.receiver.0),
            m.content,
            m.topic,
            m.content_type,
            micros(m.created_at),
        ])
    };
    let rows: Vec<_> = messages.iter().map(row).collect();
    let statement = Statement::new(LOG, [json!(rows).to_string().into()]);
    lease.fetch(statement).await.map(|_| ())
}
