//! How SQLite takes values and gives them back: UUIDs as 16 bytes, times as microseconds since 1970, JSON as text.

use chrono::{DateTime, Utc};
use serde_json::json;
use sqlx::sqlite::{Sqlite, SqliteRow};
use sqlx::{Column, QueryBuilder, Row, SqliteConnection, TypeInfo, ValueRef};
use uuid::Uuid;

use super::super::batch::Batch;
use super::super::sql::fields::{Columns, damaged, time};
use super::super::sql::lease::Lease;
use super::super::sql::search::{Many, Search};
use super::super::sql::statement::Value;
use super::super::sql::{Dialect, Fetched};
use super::super::{Communication, Error, Upkeep, Words};
use crate::domain::MeetingId;

impl Dialect for Sqlite {
    /// At once, so that a transaction never fails halfway because another process wrote first.
    const KEEPS_APPEND_CONNECTION: bool = false;
    const BEGIN: &'static str = "begin immediate";
    const FOR_UPDATE: &'static str = "";
    const FOR_KEY_SHARE: &'static str = "";
    const FOR_UPDATE_OF_FREE: &'static str = "";
    const EXPLAIN: Option<&'static str> = None;
    /// Known without the payload being read.
    const PAYLOAD_BYTES: &'static str = "octet_length(payload)";
    const LOOSE_COMMUNICATIONS: &'static str = "communications";
    /// With a `+` a column is not looked up by any index. To ask FTS5 of each row by `rowid = nth` would read its list of rows up to
    /// there each time.
    const MESSAGES_WITH: Search = Search {
        has: "nth in (select rowid from communications_words where communications_words match ?)",
        many: Some(Many {
            counted: "select count(*) as total from
                      (select 1 from communications_words where communications_words match ? limit ?)",
            passed: "+nth in (select rowid from communications_words where communications_words match ?)",
            near: Some(
                "+nth in (select rowid from communications_words
                           where communications_words match ? and rowid between ? and ?)",
            ),
        }),
    };
    const MEETINGS_WITH: Search = Search {
        has: "id in (select meeting_id from meeting_words where meeting_words match ?)",
        many: Some(Many {
            counted: "select count(*) as total from
                      (select 1 from meeting_words where meeting_words match ? limit ?)",
            passed: "+id in (select meeting_id from meeting_words where meeting_words match ?)",
            near: None,
        }),
    };

    fn bind(query: &mut QueryBuilder<Self>, value: Value) {
        match value {
            Value::Id(id) => query.push_bind(id),
            Value::Ids(ids) => {
                let ids: Vec<_> = ids.into_iter().map(hex).collect();
                query
                    .push("(select unhex(value) from json_each(")
                    .push_bind(json!(ids).to_string())
                    .push("))")
            }
            Value::Time(time) => query.push_bind(time.map(micros)),
            Value::Text(text) | Value::Json(text) => query.push_bind(text),
            Value::Number(number) => query.push_bind(number),
            Value::Bytes(bytes) => query.push_bind(bytes),
            Value::Words(words) => query.push_bind(words),
        };
    }

    async fn fetch(
        connection: &mut SqliteConnection,
        mut query: QueryBuilder<Self>,
        cached: bool,
        max_bytes: usize,
    ) -> sqlx::Result<Fetched<SqliteRow>> {
        let rows = query.build().persistent(cached).fetch(connection);
        Fetched::of(rows, max_bytes).await
    }

    /// Each word between quotes, though there is nothing in a word that could be taken for an operator but the word itself.
    fn search(words: &Words) -> Value {
        let words: Vec<_> = words.iter().map(|word| format!("\"{word}\"")).collect();
        words.join(" ").into()
    }

    /// The log is in one part.
    async fn keep_parts(
        _: &mut Lease<Self>,
        _: DateTime<Utc>,
        _: Option<DateTime<Utc>>,
    ) -> Result<Upkeep, Error> {
        Ok(Upkeep::default())
    }

    async fn log(lease: &mut Lease<Self>, messages: &[Communication]) -> Result<(), Error> {
        if lease.is_in_transaction() {
            return super::communications::log(lease, messages).await;
        }
        lease.begin().await?;
        let answer = super::communications::log(lease, messages).await;
        lease.end(answer).await
    }

    async fn append(lease: &mut Lease<Self>, batch: &Batch<'_>) -> Result<Vec<MeetingId>, Error> {
        lease.begin().await?;
        let answer = super::journal::append(lease, batch).await;
        lease.end(answer).await
    }
}

/// A UUID as `unhex` reads it.
pub(super) fn hex(id: Uuid) -> String {
    id.simple().to_string()
}

/// A time as it is kept.
pub(super) fn micros(time: DateTime<Utc>) -> i64 {
    time.timestamp_micros()
}

impl Columns for SqliteRow {
    fn id(&self, column: &str) -> sqlx::Result<Option<Uuid>> {
        self.try_get(column)
    }

    fn ids(&self, column: &str) -> sqlx::Result<Vec<Uuid>> {
        let json: String = self.try_get(column)?;
        serde_json::from_str(&json).map_err(|error| damaged(column, error))
    }

    fn time(&self, column: &str) -> sqlx::Result<Option<DateTime<Utc>>> {
        let Some(micros) = self.try_get::<Option<i64>, _>(column)? else {
            return Ok(None);
        };
        time(column, Some(micros)).map(Some)
    }

    fn text(&self, column: &str) -> sqlx::Result<Option<String>> {
        self.try_get(column)
    }

    fn json(&self, column: &str) -> sqlx::Result<Option<String>> {
        self.try_get(column)
    }

    fn document(&self, column: &str) -> sqlx::Result<serde_json::Value> {
        let json: String = self.try_get(column)?;
        serde_json::from_str(&json).map_err(|error| damaged(column, error))
    }

    fn bytes(&self, column: &str) -> sqlx::Result<Vec<u8>> {
        self.try_get(column)
    }

    fn flag(&self, column: &str) -> sqlx::Result<Option<bool>> {
        self.try_get(column)
    }

    fn number(&self, column: &str) -> sqlx::Result<Option<i64>> {
        self.try_get(column)
    }

    fn bytes_of_all(&self) -> usize {
        // Only of texts: to ask a number for its bytes would make a text of it.
        let texts = self.columns().iter().filter(|column| {
            let value = self.try_get_raw(column.ordinal());
            value.is_ok_and(|value| value.type_info().name() == "TEXT")
        });
        let bytes =
            texts.filter_map(|text| self.try_get_unchecked::<&[u8], _>(text.ordinal()).ok());
        bytes.map(<[u8]>::len).sum()
    }
}
