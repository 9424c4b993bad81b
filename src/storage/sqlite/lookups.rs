//! How SQLite finds what is asked for: by an index, never by reading a table from end to end.

use sqlx::{AssertSqlSafe, ConnectOptions, Row, Sqlite};
use uuid::Uuid;

use super::super::sql::statement::Statement;
use super::super::sql::{mail, meetings};
use super::super::{Database, MeetingFilter, migrate};
use crate::domain::{AgentId, Status};

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
    for filter in [open, pending] {
        let list = meetings::of_filter::<Sqlite>(&filter);
        let plan = plan(list.rows("", 50, 0)).await;
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
