//! The least that each database could do: the rows of the journal, and of what was said, and no questions asked.

use sqlx::postgres::PgConnectOptions;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};
use sqlx::{ConnectOptions, Connection, PgConnection, SqliteConnection};
use synod::domain::Event;
use synod::storage::{Append, Database, Entry};
use uuid::Uuid;

/// A connection without a store round it.
pub(crate) enum Raw {
    /// To PostgreSQL.
    Postgres(PgConnection),
    /// To SQLite, set up as the store's.
    Sqlite(SqliteConnection),
}

impl Raw {
    /// Connects.
    pub(crate) async fn open(database: &Database) -> Self {
        match database {
            Database::Postgres(url) => {
                let options: PgConnectOptions = url.parse().expect("a URL that was just made");
                Self::Postgres(options.connect().await.expect("the database is there"))
            }
            Database::Sqlite(path) => {
                let options = SqliteConnectOptions::new()
                    .filename(path)
                    .journal_mode(SqliteJournalMode::Wal)
                    .synchronous(SqliteSynchronous::Full)
                    .foreign_keys(true);
                Self::Sqlite(options.connect().await.expect("the database is there"))
            }
        }
    }

    /// Writes all rows of a batch in one commit.
    pub(crate) async fn write(&mut self, batch: &[Append]) -> sqlx::Result<()> {
        let (events, opinions) = rows(batch);
        match self {
            Self::Postgres(connection) => unnest(connection, &events, &opinions).await,
            Self::Sqlite(connection) => transact(connection, &events, &opinions).await,
        }
    }

    /// Writes the journal's rows of a batch, each in a commit of its own.
    pub(crate) async fn write_singly(&mut self, batch: &[Append]) -> sqlx::Result<()> {
        for event in &rows(batch).0 {
            match self {
                Self::Postgres(connection) => insert(connection, event).await?,
                Self::Sqlite(connection) => insert_event(connection, event).await?,
            }
        }
        Ok(())
    }

    /// Says goodbye, so that the database can be dropped.
    pub(crate) async fn close(self) {
        let closed = match self {
            Self::Postgres(connection) => connection.close().await,
            Self::Sqlite(connection) => connection.close().await,
        };
        closed.expect("a connection that worked can be closed");
    }
}

/// An event of the journal.
struct Row<'a> {
    meeting: Uuid,
    epoch: i64,
    entry: &'a Entry,
}

/// Something said.
struct Said<'a> {
    meeting: Uuid,
    agent: Uuid,
    content: &'a str,
    entry: &'a Entry,
}

fn rows(batch: &[Append]) -> (Vec<Row<'_>>, Vec<Said<'_>>) {
    let (mut rows, mut said) = (Vec::new(), Vec::new());
    for append in batch {
        let meeting = append.meeting.0;
        for entry in &append.entries {
            rows.push(Row {
                meeting,
                epoch: append.epoch.cast_signed(),
                entry,
            });
            if let Event::OpinionPresented { agent, content, .. } = &entry.recorded.event {
                said.push(Said {
                    meeting,
                    agent: agent.0,
                    content,
                    entry,
                });
            }
        }
    }
    (rows, said)
}

fn seq(entry: &Entry) -> i64 {
    entry.recorded.seq.cast_signed()
}

const UNNEST: &str = "
with event as (
    insert into meeting_events (meeting_id, seq, epoch, kind, version, at, payload)
    select x.meeting_id, x.seq, x.epoch, x.kind, 1, x.at, x.payload::json
      from unnest($1::uuid[], $2::bigint[], $3::bigint[], $4::text[], $5::timestamptz[], $6::text[])
           as x (meeting_id, seq, epoch, kind, at, payload)
)
insert into meeting_messages (meeting_id, agent_id, message_content, sequence_number, message_type, round, timestamp)
select x.meeting_id, x.agent_id, x.content, x.seq, 'opinion', 1, x.at
  from unnest($7::uuid[], $8::uuid[], $9::text[], $10::bigint[], $11::timestamptz[])
       as x (meeting_id, agent_id, content, seq, at)";

async fn unnest(
    connection: &mut PgConnection,
    events: &[Row<'_>],
    opinions: &[Said<'_>],
) -> sqlx::Result<()> {
    let query = sqlx::query(UNNEST)
        .bind(events.iter().map(|e| e.meeting).collect::<Vec<_>>())
        .bind(events.iter().map(|e| seq(e.entry)).collect::<Vec<_>>())
        .bind(events.iter().map(|e| e.epoch).collect::<Vec<_>>())
        .bind(events.iter().map(|e| e.entry.kind).collect::<Vec<_>>())
        .bind(
            events
                .iter()
                .map(|e| e.entry.recorded.at)
                .collect::<Vec<_>>(),
        )
        .bind(
            events
                .iter()
                .map(|e| e.entry.payload.as_str())
                .collect::<Vec<_>>(),
        )
        .bind(opinions.iter().map(|o| o.meeting).collect::<Vec<_>>())
        .bind(opinions.iter().map(|o| o.agent).collect::<Vec<_>>())
        .bind(opinions.iter().map(|o| o.content).collect::<Vec<_>>())
        .bind(opinions.iter().map(|o| seq(o.entry)).collect::<Vec<_>>())
        .bind(
            opinions
                .iter()
                .map(|o| o.entry.recorded.at)
                .collect::<Vec<_>>(),
        );
    query.execute(connection).await.map(drop)
}

async fn insert(connection: &mut PgConnection, event: &Row<'_>) -> sqlx::Result<()> {
    let query = sqlx::query(
        "insert into meeting_events (meeting_id, seq, epoch, kind, version, at, payload)
         values ($1, $2, $3, $4, 1, $5, $6::text::json)",
    );
    let query = query
        .bind(event.meeting)
        .bind(seq(event.entry))
        .bind(event.epoch)
        .bind(event.entry.kind)
        .bind(event.entry.recorded.at)
        .bind(event.entry.payload.as_str());
    query.execute(connection).await.map(drop)
}

async fn transact(
    connection: &mut SqliteConnection,
    events: &[Row<'_>],
    opinions: &[Said<'_>],
) -> sqlx::Result<()> {
    let mut transaction = connection.begin_with("begin immediate").await?;
    for event in events {
        insert_event(&mut transaction, event).await?;
    }
    for opinion in opinions {
        insert_opinion(&mut transaction, opinion).await?;
    }
    transaction.commit().await
}

async fn insert_event(connection: &mut SqliteConnection, event: &Row<'_>) -> sqlx::Result<()> {
    let query = sqlx::query(
        "insert into meeting_events (meeting_id, seq, epoch, kind, version, at, payload)
         values (?, ?, ?, ?, 1, ?, ?)",
    );
    let query = query
        .bind(event.meeting)
        .bind(seq(event.entry))
        .bind(event.epoch)
        .bind(event.entry.kind)
        .bind(event.entry.recorded.at.timestamp_micros())
        .bind(event.entry.payload.as_str());
    query.execute(connection).await.map(drop)
}

async fn insert_opinion(connection: &mut SqliteConnection, opinion: &Said<'_>) -> sqlx::Result<()> {
    let query = sqlx::query(
        "insert into meeting_messages (meeting_id, agent_id, message_content, sequence_number, message_type, round, timestamp)
         values (?, ?, ?, ?, 'opinion', 1, ?)",
    );
    let query = query
        .bind(opinion.meeting)
        .bind(opinion.agent)
        .bind(opinion.content)
        .bind(seq(opinion.entry))
        .bind(opinion.entry.recorded.at.timestamp_micros());
    query.execute(connection).await.map(drop)
}
