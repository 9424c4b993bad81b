//! The least that PostgreSQL could do: the row alone, and no questions asked.

use chrono::Utc;
use sqlx::postgres::PgConnectOptions;
use sqlx::{ConnectOptions, PgConnection};
use synod::clock::Clock;
use uuid::Uuid;

use crate::{MESSAGE_BYTES, Write};

/// A connection that writes rows.
pub(crate) struct Raw {
    connection: PgConnection,
    agent: Uuid,
    clock: Clock,
    content: String,
}

impl Raw {
    pub(crate) async fn open(url: &str, agent: Uuid) -> Self {
        let options: PgConnectOptions = url.parse().expect("a URL that was just made");
        Self {
            connection: options.connect().await.expect("the database is there"),
            agent,
            clock: Clock::system(),
            content: "x".repeat(MESSAGE_BYTES),
        }
    }

    async fn insert(&mut self) -> sqlx::Result<()> {
        let now = self.clock.now();
        sqlx::query(
            "insert into communications
                    (id, timestamp, sender_id, receiver_id, message_content, topic, content_type, created_at, words)
             values ($1, $2, $3, $4, $5, $6, $7, $8, array_to_tsvector($9))",
        )
        .bind(self.clock.id())
        .bind(now)
        .bind(self.agent)
        .bind(self.agent)
        .bind(&self.content)
        .bind("bench")
        .bind("text/plain")
        .bind(now)
        .bind(words())
        .execute(&mut self.connection)
        .await
        .map(drop)
    }

    async fn unnest(&mut self, rows: usize) -> sqlx::Result<()> {
        let ids: Vec<Uuid> = (0..rows).map(|_| self.clock.id()).collect();
        let times: Vec<chrono::DateTime<Utc>> = vec![self.clock.now(); rows];
        let agents = vec![self.agent; rows];
        let texts = |text: &str| vec![text.to_owned(); rows];
        sqlx::query(
            "insert into communications
                    (id, timestamp, sender_id, receiver_id, message_content, topic, content_type, created_at, words)
             select x.*, array_to_tsvector($9)
               from unnest($1::uuid[], $2::timestamptz[], $3::uuid[], $4::uuid[], $5::text[], $6::text[], $7::text[],
                           $8::timestamptz[]) x",
        )
        .bind(ids)
        .bind(&times)
        .bind(&agents)
        .bind(&agents)
        .bind(texts(&self.content))
        .bind(texts("bench"))
        .bind(texts("text/plain"))
        .bind(&times)
        .bind(words())
        .execute(&mut self.connection)
        .await
        .map(drop)
    }
}

impl Write for Raw {
    async fn write(&mut self, rows: usize) {
        let written = match rows {
            1 => self.insert().await,
            _ => self.unnest(rows).await,
        };
        written.expect("rows of the table's own shape");
    }
}

/// Those by which the message is found.
fn words() -> Vec<String> {
    vec!["bench".to_owned(), "x".repeat(100)]
}
