//! The faults that the memory store can be given.

use std::slice::from_ref;

use synod::storage::memory::{Fault, Memory};
use synod::storage::{Appended, Store};

use super::fixtures::{Live, agents, communication, join};

#[tokio::test]
async fn a_failed_write_leaves_nothing_and_a_lost_reply_leaves_everything() {
    let store = Memory::new();
    let known = agents(&store, 3).await;
    let mut live = Live::begin(&store, 1, &known[..1]).await;
    let append = live.handle(join(known[1]));
    let before = store.meeting(live.id()).await.unwrap();
    let faults = store.faults();

    faults.push(Fault::FailBeforeCommit);
    faults.push(Fault::LoseReply);
    assert!(
        store
            .append(from_ref(&append))
            .await
            .is_err_and(|error| error.is_transient())
    );
    assert_eq!(store.meeting(live.id()).await.unwrap(), before);
    assert!(
        store
            .append(from_ref(&append))
            .await
            .is_err_and(|error| error.is_transient())
    );
    let last_seq = store.meeting(live.id()).await.unwrap().unwrap().last_seq;
    assert_eq!(last_seq, live.meeting.last_seq());
    assert_eq!(faults.pending(), 0);
    assert_eq!(
        store.append(&[append]).await.unwrap(),
        [Appended::Committed]
    );
    assert_eq!(store.participants(live.id()).await.unwrap().len(), 2);
}

#[tokio::test]
async fn faults_meet_the_log_too_and_nothing_else() {
    let store = Memory::new();
    let known = agents(&store, 1).await;
    store.faults().push(Fault::LoseReply);
    Live::begin(&store, 1, &known).await;
    assert_eq!(
        store.faults().pending(),
        1,
        "creating and taking over use none up"
    );
    let message = communication(1, known[0], known[0]);
    assert!(store.log(from_ref(&message)).await.is_err());
    assert_eq!(
        store.communication(message.id).await.unwrap(),
        Some(message)
    );
}
