//! The faults that the memory store can be given.

use std::slice::from_ref;
use std::time::Duration;

use synod::budget::Reservation;
use synod::clock::Clock;
use synod::storage::memory::{Course, Fault, Memory};
use synod::storage::{Appended, Store};

use super::fixtures::{Live, agents, communication, join};

#[tokio::test]
async fn a_failed_write_leaves_nothing_and_a_lost_reply_leaves_everything() {
    let store = Memory::new();
    let known = agents(&store, 3).await;
    let mut live = Live::begin(&store, 1, &known[..1]).await;
    let append = live.handle(join(known[1]));
    let before = store
        .meeting(live.id(), &Reservation::unlimited())
        .await
        .unwrap();
    let faults = store.faults();

    faults.push(Fault::FailBeforeCommit);
    faults.push(Fault::LoseReply);
    assert!(
        store
            .append(from_ref(&append))
            .await
            .is_err_and(|error| error.is_transient())
    );
    let beside = store.beside();
    assert_eq!(
        beside
            .meeting(live.id(), &Reservation::unlimited())
            .await
            .unwrap(),
        before
    );
    assert!(
        store
            .append(from_ref(&append))
            .await
            .is_err_and(|error| error.is_transient())
    );
    let last_seq = store
        .meeting(live.id(), &Reservation::unlimited())
        .await
        .unwrap()
        .unwrap()
        .last_seq;
    assert_eq!(last_seq, live.meeting.last_seq());
    assert_eq!(faults.pending(), 0);
    assert_eq!(
        store.append(&[append]).await.unwrap(),
        [Appended::Committed]
    );
    assert_eq!(store.participants(live.id()).await.unwrap().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn what_goes_wrong_for_one_server_goes_well_for_another_on_the_same_database() {
    let slow = Memory::new();
    let known = agents(&slow, 1).await;
    let quick = slow.beside();
    slow.faults().follow(|| Course {
        before: Duration::from_secs(2),
        after: Duration::from_secs(1),
        fault: Some(Fault::LoseReply),
    });
    let message = communication(1, known[0], known[0]);
    let late = async {
        let logged = slow.log(from_ref(&message)).await;
        assert!(logged.is_err_and(|error| error.is_transient()));
    };
    let seen = async {
        let at = |ms| tokio::time::sleep(Duration::from_millis(ms));
        at(1_900).await;
        assert_eq!(
            quick
                .communication(message.id, &Reservation::unlimited())
                .await
                .unwrap(),
            None
        );
        at(200).await;
        let kept = quick
            .communication(message.id, &Reservation::unlimited())
            .await
            .unwrap();
        assert_eq!(kept.as_ref(), Some(&message), "before the other is told");
    };
    let clock = Clock::system();
    tokio::join!(late, seen);
    assert_eq!(clock.elapsed(), Duration::from_secs(3));
}
