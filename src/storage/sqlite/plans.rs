//! How SQLite finds messages by words: few by their numbers, many on the way through the list, which is never sorted.

use sqlx::{Row, Sqlite, SqlitePool};

use super::super::sql::communications::of_filter;
use super::super::sql::lease::Lease;
use super::super::{CommunicationFilter, Database, Words, migrate};
use crate::domain::AgentId;

/// The plan of the statement that reads a page.
async fn plan(pool: &SqlitePool, filter: &CommunicationFilter) -> String {
    let mut lease = Lease::of(pool).await.unwrap();
    let mut list = of_filter::<Sqlite>(filter);
    list.prepare(&mut lease).await.unwrap();
    let plan = lease.fetch(list.rows("explain query plan ", 50, 0)).await;
    let steps = plan.unwrap();
    let steps = steps.iter().map(|step| step.get::<String, _>("detail"));
    steps.collect::<Vec<_>>().join("\n")
}

#[tokio::test]
async fn what_many_messages_have_is_read_in_order() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("synod.db");
    migrate::up(&Database::Sqlite(path.clone())).await.unwrap();
    let pool = SqlitePool::connect_with(super::options(&path))
        .await
        .unwrap();
    let mut connection = pool.acquire().await.unwrap();
    let fill = "insert into communications_words (rowid, words)
                with recursive n (i) as (select 1 union all select i + 1 from n where i < 5000)
                select i, 'all' || iif(i % 100 = 0, ' few', '') from n";
    sqlx::query(fill).execute(&mut *connection).await.unwrap();
    drop(connection);
    let agent = Some(AgentId(uuid::Uuid::from_u128(1)));
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
        let many = plan(&pool, &with("all")).await;
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
    let few = plan(&pool, &few).await;
    assert!(few.contains("INTEGER PRIMARY KEY"), "{few}");
    pool.close().await;
}
