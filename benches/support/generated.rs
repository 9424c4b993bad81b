//! A log of any length: a year of messages between some hundred agents about some hundred topics, made within PostgreSQL.
//!
//! Few agents, topics and words are common and most are rare, as in life. The numbers are random, but the same each time.

use chrono::{DateTime, Days, Utc};
use sqlx::{AssertSqlSafe, Executor, PgConnection};
use synod::storage::Store;
use uuid::Uuid;

/// Agents, numbered from 1, the first the busiest. The token of each is its number.
pub(crate) const AGENTS: u32 = 300;
/// Topics, `topic 0` the commonest; one message in ten has none.
pub(crate) const TOPICS: u32 = 300;
/// Words, `word0` the commonest. A message has ten.
pub(crate) const WORDS: u32 = 20_000;
/// The first day and the last, between which the messages are spread evenly.
pub(crate) const YEAR: (&str, &str) = ("2025-07-01T00:00:00Z", "2026-06-30T23:59:59Z");

/// The id of agent `n`.
pub(crate) fn agent(n: u32) -> Uuid {
    Uuid::from_u128(n.into())
}

const ADD_AGENTS: &str = "
insert into agents (id, name, token_hash, created_at)
select lpad(to_hex(n), 32, '0')::uuid, 'agent ' || n, sha256(n::text::bytea), now() from generate_series(1, $1) as n";

const INDEXES: &str = "
select indexrelid::regclass::text, replace(pg_get_indexdef(indexrelid), ' ON ONLY ', ' ON ')
  from pg_index
 where indrelid = 'communications'::regclass and not indisprimary";

const ADD_MESSAGES: &str = "
insert into communications (id, timestamp, sender_id, receiver_id, message_content, topic, content_type, created_at, words)
select (lpad(to_hex((extract(epoch from at) * 1000)::bigint), 12, '0') || '7' || substr(md5(n::text), 1, 3)
        || '8' || substr(md5(n::text), 4, 15))::uuid,
       at,
       lpad(to_hex(1 + floor($2 * power(random(), 2))::int), 32, '0')::uuid,
       lpad(to_hex(1 + floor($2 * power(random(), 2))::int), 32, '0')::uuid,
       array_to_string(words, ' '),
       case when random() < 0.9 then 'topic ' || floor($3 * power(random(), 2))::int end,
       'text/plain',
       at,
       array_to_tsvector(words)
  from (select n,
               $5::timestamptz + (n::float8 / $1) * ($6::timestamptz - $5::timestamptz) as at,
               -- Asked of every row anew, because it names `n`.
               (select array_agg('word' || floor($4 * power(random(), 4))::int) from generate_series(1, 10 + 0 * n)) as words
          from generate_series(1, $1) as n) as message";

/// Fills an empty log with so many messages, in the months' parts, and lets the database learn what it has.
pub(crate) async fn fill(store: &dyn Store, psql: &mut PgConnection, messages: i64) {
    let (first, last) = YEAR;
    let [first, last] = [first, last].map(|day| day.parse::<DateTime<Utc>>().expect("a day"));
    // Each turn makes four months.
    for months in 0..3 {
        let day = first + Days::new(124 * months);
        store
            .maintain(day, None)
            .await
            .expect("months of their own");
    }
    let indexes: Vec<(String, String)> = sqlx::query_as(INDEXES)
        .fetch_all(&mut *psql)
        .await
        .expect("the indexes are known");
    // Made anew behind the messages, which takes a third of the time.
    for (name, _) in &indexes {
        run(psql, format!("drop index {name}")).await;
    }
    let agents = sqlx::query(ADD_AGENTS).bind(i64::from(AGENTS));
    agents.execute(&mut *psql).await.expect("agents are added");
    run(psql, "select setseed(0.5)".to_owned()).await;
    sqlx::query(ADD_MESSAGES)
        .bind(messages)
        .bind(f64::from(AGENTS))
        .bind(f64::from(TOPICS))
        .bind(f64::from(WORDS))
        .bind(first)
        .bind(last)
        .execute(&mut *psql)
        .await
        .expect("messages are added");
    for (_, index) in indexes {
        run(psql, index).await;
    }
    run(psql, "vacuum analyze communications".to_owned()).await;
}

async fn run(psql: &mut PgConnection, sql: String) {
    let answer = psql.execute(AssertSqlSafe(sql.clone())).await;
    answer.unwrap_or_else(|error| panic!("{sql}: {error}"));
}
