//! Messages into the log, as one JSON text; and then the words of those that were not there.

use std::collections::HashMap;

use serde_json::json;
use sqlx::sqlite::Sqlite;
use uuid::Uuid;

use super::super::sql::fields::Fields;
use super::super::sql::lease::Lease;
use super::super::sql::statement::Statement;
use super::super::words::searchable_text;
use super::super::{Communication, Error};
use super::dialect::{hex, micros};

const LOG: &str = "
insert into communications (id, timestamp, sender_id, receiver_id, message_content, topic, content_type, created_at,
                            content_is_json)
select unhex(value ->> 0), value ->> 1, unhex(value ->> 2), unhex(value ->> 3),
       value ->> 4, value ->> 5, value ->> 6, value ->> 7, value ->> 8
  from json_each(?)
 where true -- so that the parser does not take ON for a join's
    on conflict (id) do nothing
returning nth, id";

const ADD_WORDS: &str = "
insert into communications_words (rowid, words)
select value ->> 0, value ->> 1 from json_each(?)";

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
            m.is_json,
        ])
    };
    let rows: Vec<_> = messages.iter().map(row).collect();
    let statement = Statement::new(LOG, [json!(rows).to_string().into()]);
    let added = lease.fetch(statement).await?;

    let by_id = messages.iter().rev().map(|message| (message.id.0, message));
    let by_id: HashMap<Uuid, &Communication> = by_id.collect();
    let words = added.iter().map(|row| {
        let row = Fields::of("communications", row);
        let (nth, id) = (row.number::<i64>("nth")?, row.id("id")?);
        Ok(json!([nth, by_id.get(&id).map(|m| searchable_text(m))]))
    });
    let words = words.collect::<Result<Vec<_>, Error>>()?;
    let statement = Statement::new(ADD_WORDS, [json!(words).to_string().into()]);
    lease.fetch(statement).await.map(|_| ())
}
