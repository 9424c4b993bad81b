//! How PostgreSQL takes values and gives them back.

use chrono::{DateTime, Utc};
use sqlx::postgres::{PgRow, Postgres};
use sqlx::{PgConnection, QueryBuilder, Row, TypeInfo, ValueRef};
use uuid::Uuid;

use super::super::batch::Batch;
use super::super::sql::fields::{Columns, time};
use super::super::sql::lease::Lease;
use super::super::sql::search::Search;
use super::super::sql::statement::Value;
use super::super::sql::{Dialect, Fetched};
use super::super::{Communication, Error, Upkeep, Words};
use crate::domain::MeetingId;

impl Dialect for Postgres {
    const KEEPS_APPEND_CONNECTION: bool = true;
    const BEGIN: &'static str = "begin";
    const FOR_UPDATE: &'static str = "for update";
    const FOR_KEY_SHARE: &'static str = "for key share";
    const FOR_UPDATE_OF_FREE: &'static str = "for update skip locked";
    const EXPLAIN: Option<&'static str> = Some("explain (format json) ");
    const PAYLOAD_BYTES: &'static str = "octet_length(payload::text)";
    const LOOSE_COMMUNICATIONS: &'static str = "communications_default";
    const MESSAGES_WITH: Search = Search {
        has: "words @@ ?::tsquery",
        many: None,
    };
    const MEETINGS_WITH: Search = Search {
        has: "id in (select meeting_id from meeting_words where words @@ ?::tsquery)",
        many: None,
    };

    fn bind(query: &mut QueryBuilder<Self>, value: Value) {
        match value {
            Value::Id(id) => query.push_bind(id),
            Value::Ids(ids) => query.push("(select unnest(").push_bind(ids).push("))"),
            Value::Time(time) => query.push_bind(time),
            Value::Text(text) => query.push_bind(text),
            Value::Json(json) => query.push_bind(json).push("::json"),
            Value::Number(number) => query.push_bind(number),
            Value::Bytes(bytes) => query.push_bind(bytes),
            Value::Words(words) => query
                .push("array_to_tsvector(string_to_array(")
                .push_bind(words)
                .push(", ' '))"),
        };
    }

    async fn fetch(
        connection: &mut PgConnection,
        mut query: QueryBuilder<Self>,
        cached: bool,
        max_bytes: usize,
    ) -> sqlx::Result<Fetched<PgRow>> {
        let rows = query.build().persistent(cached).fetch(connection);
        Fetched::of(rows, max_bytes).await
    }

    /// Each word between quotes, so that it is one word and no operator.
    fn search(words: &Words) -> Value {
        let words: Vec<_> = words.iter().map(|word| format!("'{word}'")).collect();
        words.join(" & ").into()
    }

    async fn keep_parts(
        lease: &mut Lease<Self>,
        now: DateTime<Utc>,
        oldest: Option<DateTime<Utc>>,
    ) -> Result<Upkeep, Error> {
        super::months::keep(lease, now, oldest).await
    }

    async fn log(lease: &mut Lease<Self>, messages: &[Communication]) -> Result<(), Error> {
        super::communications::log(lease, messages).await
    }

    async fn append(lease: &mut Lease<Self>, batch: &Batch<'_>) -> Result<Vec<MeetingId>, Error> {
        super::journal::append(lease, batch).await
    }
}

impl Columns for PgRow {
    fn id(&self, column: &str) -> sqlx::Result<Option<Uuid>> {
        self.try_get(column)
    }

    fn ids(&self, column: &str) -> sqlx::Result<Vec<Uuid>> {
        self.try_get(column)
    }

    /// As on the wire, in microseconds since 2000: the driver's own reading panics at `infinity`.
    fn time(&self, column: &str) -> sqlx::Result<Option<DateTime<Utc>>> {
        let Some(micros) = self.try_get_unchecked::<Option<i64>, _>(column)? else {
            return Ok(None);
        };
        time(column, micros.checked_add(MICROS_TO_2000)).map(Some)
    }

    fn text(&self, column: &str) -> sqlx::Result<Option<String>> {
        self.try_get(column)
    }

    /// On the wire `json` is its text, which is what we want; unchecked, because the driver has other plans for the type.
    fn json(&self, column: &str) -> sqlx::Result<Option<String>> {
        self.try_get_unchecked(column)
    }

    fn document(&self, column: &str) -> sqlx::Result<serde_json::Value> {
        self.try_get(column)
    }

    fn bytes(&self, column: &str) -> sqlx::Result<Vec<u8>> {
        self.try_get(column)
    }

    fn flag(&self, column: &str) -> sqlx::Result<Option<bool>> {
        self.try_get(column)
    }

    fn number(&self, column: &str) -> sqlx::Result<Option<i64>> {
        let value = self.try_get_raw(column)?;
        match value.type_info().name() {
            "INT2" => self
                .try_get::<Option<i16>, _>(column)
                .map(|n| n.map(i64::from)),
            "INT4" => self
                .try_get::<Option<i32>, _>(column)
                .map(|n| n.map(i64::from)),
            _ => self.try_get(column),
        }
    }

    fn bytes_of_all(&self) -> usize {
        let values = (0..self.len()).filter_map(|nth| self.try_get_raw(nth).ok());
        let bytes = values.filter_map(|value| value.as_bytes().ok());
        bytes.map(<[u8]>::len).sum()
    }
}

/// From 1970, where Unix begins, to 2000, where PostgreSQL does.
const MICROS_TO_2000: i64 = 946_684_800_000_000;
