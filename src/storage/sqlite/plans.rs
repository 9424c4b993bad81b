//! How SQLite finds what is asked for: by an index, never by reading a table from end to end.

use sqlx::{AssertSqlSafe, ConnectOptions, Row, Sqlite};
use uuid::Uuid;

use super::super::sql::mail;
use super::super::sql::statement::Statement;
use super::super::{Database, migrate};

/// The steps of a statement's plan. Its values are left out: SQLite plans without looking at them.
async fn plan(statement: Statement<Sqlite>) -> Vec<String> {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("synod.db");
    migrate::up(&Database::Sqlite(path.clone())).await.unwrap();
    let mut connection = super::options(&path).connect().await.unwrap();
    let (query, _) = statement.into_parts();
    let sql = format!("explain query plan {}", query.sql().as_str());
    let steps = sqlx::query(AssertSqlSafe(sql)).fetch_all(&mut connection);
    let step = |row: &sqlx::sqlite::SqliteRow| row.get("detail");
    steps.await.unwrap().iter().map(step).collect()
}

#[tokio::test]
async fn frames_that_came_before_are_found_by_their_index() {
    let frames = [(Uuid::nil(), "7"), (Uuid::nil(), "8")];
    let plan = plan(mail::of_frames(&frames)).await;
    let is_found = |step: &String| step.starts_with("SEARCH d USING INDEX direct_messages_frame");
    assert!(plan.iter().any(is_found), "{plan:#?}");
}
