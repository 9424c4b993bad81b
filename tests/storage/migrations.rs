//! Up, down, and up again.

use synod::storage::migrate::{self, Migration};
use synod::storage::{Database, connect};

use super::fixtures::{Live, agents};
use crate::support::database::Empty;

#[tokio::test]
async fn postgres_goes_up_and_down_and_up() {
    up_and_down_and_up(&Empty::postgres().await.database).await;
}

#[tokio::test]
async fn sqlite_goes_up_and_down_and_up() {
    up_and_down_and_up(&Empty::sqlite().database).await;
}

fn applied(migrations: &[Migration]) -> Vec<bool> {
    migrations
        .iter()
        .map(|migration| migration.applied)
        .collect()
}

async fn up_and_down_and_up(database: &Database) {
    let all = migrate::status(database).await.unwrap();
    assert!(all.iter().map(|m| m.version).eq(1..=6), "{all:?}");
    assert_eq!(all[0].description, "agents");
    assert_eq!(applied(&all), [false; 6]);

    assert_eq!(applied(&migrate::up(database).await.unwrap()), [true; 6]);
    assert_eq!(
        applied(&migrate::up(database).await.unwrap()),
        [true; 6],
        "twice is once"
    );
    let down = migrate::down(database, 2).await.unwrap();
    assert_eq!(applied(&down), [true, true, true, true, false, false]);
    assert_eq!(
        applied(&migrate::down(database, 99).await.unwrap()),
        [false; 6]
    );
    assert_eq!(applied(&migrate::up(database).await.unwrap()), [true; 6]);
    assert_eq!(
        applied(&migrate::status(database).await.unwrap()),
        [true; 6]
    );

    let store = connect(database, 2).await.unwrap();
    let known = agents(&*store, 2).await;
    let mut live = Live::begin(&*store, 1, &known).await;
    live.start(&*store).await;
    live.decide(&*store).await;
    store.close().await;
}
