//! How SQLite finds what is asked for: by an index, never by reading a table from end to end, and messages by words: few by
//! their numbers, many on the way through the list, which is never sorted.

use sqlx::{AssertSqlSafe, Row, Sqlite, SqlitePool};
use tempfile::TempDir;
use uuid::Uuid;

use super::super::sql::communications::of_filter;
use super::super::sql::lease::Lease;
use super::super::sql::statement::Statement;
use super::super::sql::{mail, meetings};
use super::super::{CommunicationFilter, Database, MeetingFilter, Words, migrate};
use crate::domain::{AgentId, Status};

/// An empty database.
async fn fresh() -> (TempDir, SqlitePool) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("synod.db");
    migrate::up(&Database::Sqlite(path.clone())).await.unwrap();
    let pool = SqlitePool::connect_with(super::options(&path));
    (directory, pool.await.unwrap())
}

/// The steps of a statement's plan. Its values are left out: SQLite plans without looking at them.
async fn plan(pool: &SqlitePool, statement: Statement<Sqlite>) -> Vec<String> {
    let (query, _) = statement.into_parts();
    let sql = format!("explain query plan {}", query.sql().as_str());
    let steps = sqlx::query(AssertSqlSafe(sql)).fetch_all(pool);
    let step = |row: &sqlx::sqlite::SqliteRow| row.get("detail");
    steps.await.unwrap().iter().map(step).collect()
}

/// The plan of a page of messages.
async fn plan_of(pool: &SqlitePool, filter: &CommunicationFilter) -> String {
    let mut lease = Lease::of(pool).await.unwrap();
    let mut list = of_filter::<Sqlite>(filter);
    list.prepare(&mut lease).await.unwrap();
    drop(lease);
    plan(pool, list.rows("", 50, 0)).await.join("\n")
}

#[tokio::test]
async fn frames_that_came_before_are_found_by_their_index() {
    let frames = [(Uuid::nil(), "7"), (Uuid::nil(), "8")];
    let (_directory, pool) = fresh().await;
    let plan = plan(&pool, mail::of_frames(&frames)).await;
    let is_found = |step: &String| step.starts_with("SEARCH d USING INDEX direct_messages_frame");
    assert!(plan.iter().any(is_found), "{plan:#?}");
}

/// Not from all those that it was ever in: of them there are more every day.
#[tokio::test]
async fn the_meetings_of_an_agent_that_have_not_ended_are_found_among_those() {
    let of_one = || MeetingFilter {
        agent: Some(AgentId(Uuid::nil())),
        ..MeetingFilter::default()
    };
    let open = MeetingFilter {
        is_open: true,
        ..of_one()
    };
    let pending = MeetingFilter {
        status: Some(Status::Pending),
        ..of_one()
    };
    let (_directory, pool) = fresh().await;
    for filter in [open, pending] {
        let list = meetings::of_filter::<Sqlite>(&filter);
        let plan = plan(&pool, list.rows("", 50, 0)).await;
        assert!(
            plan[0].starts_with("SEARCH meetings USING INDEX meetings_status"),
            "{plan:#?}"
        );
        assert!(
            plan[1].ends_with("(meeting_id=? AND agent_id=?)"),
            "{plan:#?}"
        );
    }
}

#[tokio::test]
async fn what_many_messages_have_is_read_in_order() {
    let (_directory, pool) = fresh().await;
    let mut connection = pool.acquire().await.unwrap();
    let fill = "insert into communications_words (rowid, words)
                with recursive n (i) as (select 1 union all select i + 1 from n where i < 5000)
                select i, 'all' || iif(i % 100 = 0, ' few', '') from n";
    sqlx::query(fill).execute(&mut *connection).await.unwrap();
    drop(connection);
    let agent = Some(AgentId(Uuid::from_u128(1)));
    let all = CommunicationFilter::default;
    for (filter, index) in [
        (all(), "newest"),
        (
            CommunicationFilter {
                sender: agent,
                ..all()
            },
            "sender",
        ),
        (
            CommunicationFilter {
                receiver: agent,
                ..all()
            },
            "receiver",
        ),
        (
            CommunicationFilter {
                topic: Some("tea".to_owned()),
                ..all()
            },
            "topic",
        ),
        (CommunicationFilter { agent, ..all() }, "sender"),
    ] {
        let with = |word| CommunicationFilter {
            words: Words::of(word),
            ..filter.clone()
        };
        let many = plan_of(&pool, &with("all")).await;
        assert!(
            many.contains(&format!("USING INDEX communications_{index}")),
            "{many}"
        );
        assert!(!many.contains("INTEGER PRIMARY KEY"), "{many}");
        let is_merged = filter.agent.is_some();
        assert!(is_merged || !many.contains("TEMP B-TREE"), "{many}");
    }
    let few = CommunicationFilter {
        words: Words::of("few"),
        ..all()
    };
    let few = plan_of(&pool, &few).await;
    assert!(few.contains("INTEGER PRIMARY KEY"), "{few}");
    pool.close().await;
}
