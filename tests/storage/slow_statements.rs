//! Slow statements are logged by their text, and no text holds a value.

use std::io::Write;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use synod::budget::Reservation;
use synod::storage::{Communication, CommunicationFilter, Connections, Store, Words, connect_with};
use tracing::instrument::WithSubscriber;

use super::fixtures::{agents, communication, everything};
use crate::support::database::Fresh;

/// What was logged.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Logs a secret and searches for it, with statements that count as slow after `slow`; answers what was logged.
async fn logged(slow: Duration) -> String {
    let fresh = Fresh::postgres().await;
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_writer(move || writer.clone())
        .with_ansi(false)
        .finish();
    let work = async {
        let connections = Connections {
            max: 1,
            slow_statement: slow,
        };
        let database = fresh.database.as_ref().expect("a database");
        let store = connect_with(database, connections).await.unwrap();
        whisper(&*store).await;
        store.close().await;
    };
    work.with_subscriber(subscriber).await;
    let bytes = log.0.lock().unwrap().clone();
    String::from_utf8(bytes).unwrap()
}

async fn whisper(store: &dyn Store) {
    let known = agents(store, 1).await;
    let secret = Communication {
        content: "swordfish".to_owned(),
        topic: Some("swordfish".to_owned()),
        ..communication(1, known[0], known[0])
    };
    store.log(&[secret]).await.unwrap();
    let filter = CommunicationFilter {
        topic: Some("swordfish".to_owned()),
        words: Words::of("swordfish"),
        ..CommunicationFilter::default()
    };
    let found = store
        .communications(&filter, everything(), &Reservation::unlimited())
        .await
        .unwrap();
    assert_eq!(found.items.len(), 1);
}

#[tokio::test]
async fn a_slow_statement_is_logged_with_its_time_and_without_values() {
    let log = logged(Duration::ZERO).await;
    for told in [
        "slow statement",
        "elapsed",
        "topic = $1",
        "words @@ $2",
        "insert into communications",
    ] {
        assert!(log.contains(told), "{told} is missing in {log}");
    }
    assert!(!log.contains("swordfish"), "{log}");
}

#[tokio::test]
async fn a_statement_that_is_not_slow_is_not_logged() {
    assert_eq!(logged(Duration::from_hours(1)).await, "");
}
