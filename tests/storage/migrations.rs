//! Up, down, and up again.

use synod::budget::Reservation;
use synod::domain::Created;
use synod::storage::migrate::{self, Migration};
use synod::storage::{
    Communication, CommunicationFilter, Database, DecisionFilter, MeetingFilter, Store, Words,
    connect,
};

use super::fixtures::{Live, agents, at, communication, created, everything};
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
    let count = all.len();
    assert!(all.is_sorted_by_key(|m| m.version), "{all:?}");
    assert_eq!(all[0].description, "agents");
    assert_eq!(applied(&all), vec![false; count]);

    let up = async || applied(&migrate::up(database).await.unwrap());
    assert_eq!(up().await, vec![true; count]);
    assert_eq!(up().await, vec![true; count], "twice is once");
    let down = applied(&migrate::down(database, 2).await.unwrap());
    assert_eq!(down[..count - 2], vec![true; count - 2]);
    assert_eq!(down[count - 2..], [false; 2]);
    let down = migrate::down(database, 99).await.unwrap();
    assert_eq!(applied(&down), vec![false; count]);
    assert_eq!(up().await, vec![true; count]);
    let status = migrate::status(database).await.unwrap();
    assert_eq!(applied(&status), vec![true; count]);

    let store = connect(database, 2).await.unwrap();
    let known = agents(&*store, 2).await;
    let mut live = Live::begin(&*store, 1, &known).await;
    live.start(&*store).await;
    live.decide(&*store).await;
    store.close().await;
}

#[tokio::test]
async fn postgres_keeps_the_log_on_its_way_down_and_up() {
    the_log_survives(&Empty::postgres().await.database).await;
}

#[tokio::test]
async fn sqlite_keeps_the_log_on_its_way_down_and_up() {
    the_log_survives(&Empty::sqlite().database).await;
}

/// Takes back a migration, and those after it.
async fn down_before(database: &Database, description: &str) {
    let all = migrate::up(database).await.unwrap();
    let later = all
        .iter()
        .skip_while(|m| m.description != description)
        .count();
    assert!(later > 0, "{all:?}");
    migrate::down(database, later).await.unwrap();
}

async fn the_log_survives(database: &Database) {
    migrate::up(database).await.unwrap();
    let store = connect(database, 2).await.unwrap();
    let known = agents(&*store, 2).await;
    let months = [0, 40, 80].map(|day| day * 86_400);
    let message = |(n, seconds): (u64, i64)| Communication {
        timestamp: at(seconds),
        topic: n.is_multiple_of(2).then(|| "Pears".to_owned()),
        is_json: false,
        ..communication(n, known[0], known[1])
    };
    let messages: Vec<_> = (1..).zip(months).map(message).collect();
    store.log(&messages).await.unwrap();
    let linking = Created {
        related: vec![messages[0].id],
        ..created(1, &known)
    };
    let id = Live::begin_as(&*store, 1, linking).await.id();
    store.close().await;

    down_before(database, "log").await;
    migrate::up(database).await.unwrap();

    let store = connect(database, 2).await.unwrap();
    let mut kept = store
        .communications(
            &CommunicationFilter::default(),
            everything(),
            &Reservation::unlimited(),
        )
        .await
        .unwrap()
        .items;
    kept.reverse();
    assert_eq!(kept, messages);
    let related = store
        .related_communications(id, &Reservation::unlimited())
        .await
        .unwrap();
    assert_eq!(related, messages[..1]);
    let filter = CommunicationFilter {
        words: Words::of("pears 2"),
        ..CommunicationFilter::default()
    };
    let found = store
        .communications(&filter, everything(), &Reservation::unlimited())
        .await
        .unwrap();
    assert_eq!(
        found.items,
        messages[1..2],
        "old messages are found by their words"
    );
    store.close().await;
}

#[tokio::test]
async fn postgres_lists_old_meetings_and_decisions() {
    old_meetings_are_listed(&Empty::postgres().await.database).await;
}

#[tokio::test]
async fn sqlite_lists_old_meetings_and_decisions() {
    old_meetings_are_listed(&Empty::sqlite().database).await;
}

/// Those of before the migration that gives each agent its lists.
async fn old_meetings_are_listed(database: &Database) {
    migrate::up(database).await.unwrap();
    let store = connect(database, 2).await.unwrap();
    let known = agents(&*store, 4).await;
    for n in 1..=4 {
        let created = Created {
            topic: format!("Pears, {n} of 4"),
            moderator: Some(known[2]),
            ..created(n, &known[..2])
        };
        let mut live = Live::begin_as(&*store, n, created).await;
        live.start(&*store).await;
        if n % 2 == 0 {
            live.decide(&*store).await;
        }
    }
    let of_each = async |store: &dyn Store| {
        let mut lists = Vec::new();
        for agent in known.iter().copied().map(Some) {
            let decisions = DecisionFilter {
                visible_to: agent,
                ..DecisionFilter::default()
            };
            let all = MeetingFilter {
                agent,
                ..MeetingFilter::default()
            };
            let one = MeetingFilter {
                words: Words::of("pears 3"),
                ..all.clone()
            };
            let all = store
                .meetings(&all, everything(), &Reservation::unlimited())
                .await
                .unwrap();
            let one = store
                .meetings(&one, everything(), &Reservation::unlimited())
                .await
                .unwrap();
            let decisions = store
                .decisions(&decisions, everything(), &Reservation::unlimited())
                .await
                .unwrap();
            lists.push((all.items, one.items, decisions.items));
        }
        lists
    };
    let before = of_each(&*store).await;
    let counts = before
        .iter()
        .map(|(all, one, decisions)| [all.len(), one.len(), decisions.len()]);
    assert_eq!(
        counts.collect::<Vec<_>>(),
        [[4, 1, 2], [4, 1, 2], [4, 1, 2], [0; 3]]
    );
    store.close().await;

    down_before(database, "lists").await;
    migrate::up(database).await.unwrap();

    let store = connect(database, 2).await.unwrap();
    assert_eq!(of_each(&*store).await, before);
    store.close().await;
}
