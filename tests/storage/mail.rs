//! Direct messages in their receivers' lines.

use synod::budget::Reservation;
use synod::domain::{AgentId, CommunicationId};
use synod::storage::Part;
use synod::storage::{DirectMessage, Inbox, Role, Sent, Store, Told};

use super::fixtures::{agent, agent_id, agents, at, communication, pick, token, uuid};
use crate::support::database::Fresh;

on_every_store! {
    positions_count_without_gaps_in_the_order_of_keeping,
    the_same_frame_sent_twice_is_one_message,
    a_repeated_call_changes_nothing,
    nobody_writes_to_whom_cannot_read,
    a_frame_id_belongs_to_one_message,
    a_line_never_goes_back_nor_over_what_was_not_told,
    many_lines_are_noted_at_once,
}

fn message(n: u64, from: AgentId, to: AgentId, frame: Option<&str>) -> DirectMessage {
    DirectMessage {
        communication: communication(n, from, to),
        frame_id: frame.map(str::to_owned),
    }
}

fn kept(position: u64) -> Sent {
    Sent::Kept { position }
}

fn repeated(n: u64, delivered: bool) -> Sent {
    let communication = CommunicationId(uuid(2, n));
    Sent::Repeated {
        communication,
        delivered,
    }
}

async fn line(store: &dyn Store, of: AgentId, after: u64) -> Vec<(u64, String)> {
    let received = store
        .received(of, after, Part::of_answer(10), &Reservation::unlimited())
        .await
        .unwrap();
    let shown = received.into_iter();
    shown
        .map(|m| (m.position, m.communication.expect("a message").content))
        .collect()
}

async fn positions_count_without_gaps_in_the_order_of_keeping(fresh: &Fresh) {
    let store = &*fresh.store;
    let known = agents(store, 3).await;
    let (ada, ben, cem) = (known[0], known[1], known[2]);
    // Their timestamps are not in this order, and need not be.
    let first = [
        message(9, ada, ben, None),
        message(2, cem, ben, None),
        message(5, ada, cem, None),
    ];
    let sent = store.send(&first).await.unwrap();
    assert_eq!(sent, [kept(1), kept(2), kept(1)]);
    let sent = store.send(&[message(1, ada, ben, None)]).await.unwrap();
    assert_eq!(sent, [kept(3)]);

    let texts = |ns: &[(u64, u64)]| -> Vec<_> {
        let text = |&(position, n)| (position, format!("message {n}"));
        ns.iter().map(text).collect()
    };
    assert_eq!(line(store, ben, 0).await, texts(&[(1, 9), (2, 2), (3, 1)]));
    assert_eq!(line(store, ben, 2).await, texts(&[(3, 1)]));
    assert_eq!(line(store, ada, 0).await, []);
    let two = store
        .received(ben, 0, Part::of_answer(2), &Reservation::unlimited())
        .await
        .unwrap();
    assert_eq!(two.len(), 2);
    let logged = store
        .communication(CommunicationId(uuid(2, 9)), &Reservation::unlimited())
        .await;
    assert_eq!(logged.unwrap(), Some(communication(9, ada, ben)));
    let inbox = store.inbox(ben).await.unwrap();
    assert_eq!(inbox, Inbox { last: 3, told: 0 });
    assert_eq!(store.inbox(ada).await.unwrap(), Inbox::default());
}

/// The words of message `n` in another row, as when a client sends its frame again.
fn again(n: u64, of: u64, from: AgentId, to: AgentId, frame: &str) -> DirectMessage {
    let mut message = message(n, from, to, Some(frame));
    message.communication.content = format!("message {of}");
    message
}

async fn the_same_frame_sent_twice_is_one_message(fresh: &Fresh) {
    let store = &*fresh.store;
    let known = agents(store, 2).await;
    let (ada, ben) = (known[0], known[1]);
    let sent = store.send(&[message(1, ada, ben, Some("7"))]).await;
    assert_eq!(sent.unwrap(), [kept(1)]);
    let batch = [
        again(2, 1, ada, ben, "7"),
        message(3, ben, ada, Some("7")),
        message(4, ada, ben, Some("8")),
        again(5, 4, ada, ben, "8"),
    ];
    let sent = store.send(&batch).await.unwrap();
    let expected = [repeated(1, false), kept(1), kept(2), repeated(4, false)];
    assert_eq!(sent, expected);
    let missing = store
        .communication(CommunicationId(uuid(2, 2)), &Reservation::unlimited())
        .await;
    assert_eq!(missing.unwrap(), None);

    let delivered = [CommunicationId(uuid(2, 1))];
    store.note_mail(&delivered, &[]).await.unwrap();
    let sent = store.send(&batch[..1]).await.unwrap();
    assert_eq!(sent, [repeated(1, true)]);
}

async fn a_frame_id_belongs_to_one_message(fresh: &Fresh) {
    let store = &*fresh.store;
    let known = agents(store, 3).await;
    let (ada, ben, cem) = (known[0], known[1], known[2]);
    let batch = [
        message(1, ada, ben, Some("7")),
        message(2, ada, ben, Some("7")),
    ];
    let sent = store.send(&batch).await.unwrap();
    assert_eq!(sent, [kept(1), Sent::FrameReused]);
    let mut about_something_else = again(3, 1, ada, ben, "7");
    about_something_else.communication.topic = Some("tea".to_owned());
    let batch = [about_something_else, again(4, 1, ada, cem, "7")];
    let sent = store.send(&batch).await.unwrap();
    assert_eq!(sent, [Sent::FrameReused, Sent::FrameReused]);
    assert_eq!(store.inbox(ben).await.unwrap().last, 1);
    assert_eq!(store.inbox(cem).await.unwrap().last, 0);
}

async fn a_repeated_call_changes_nothing(fresh: &Fresh) {
    let store = &*fresh.store;
    let known = agents(store, 2).await;
    let batch = [
        message(1, known[0], known[1], None),
        message(2, known[0], known[1], Some("x")),
    ];
    let first = store.send(&batch).await.unwrap();
    assert_eq!(store.send(&batch).await.unwrap(), first);
    assert_eq!(store.inbox(known[1]).await.unwrap().last, 2);
}

async fn nobody_writes_to_whom_cannot_read(fresh: &Fresh) {
    let store = &*fresh.store;
    let known = agents(store, 2).await;
    let mut observer = agent(3);
    observer.role = Role::Observer;
    store.create_agent(&observer, token(3), None).await.unwrap();
    assert_eq!(
        store
            .agent(observer.id, &Reservation::unlimited())
            .await
            .unwrap(),
        Some(observer)
    );
    store.revoke_agent(known[1], at(50)).await.unwrap();
    let batch = [
        message(1, known[0], agent_id(9), None),
        message(2, known[0], agent_id(3), None),
        message(3, known[0], known[1], None),
        message(4, known[0], known[0], None),
    ];
    let sent = store.send(&batch).await.unwrap();
    let nobody = Sent::NoReceiver;
    assert_eq!(sent, [nobody, nobody, nobody, kept(1)]);
}

async fn a_line_never_goes_back_nor_over_what_was_not_told(fresh: &Fresh) {
    let store = &*fresh.store;
    let known = agents(store, 2).await;
    let batch: Vec<_> = (1..=5)
        .map(|n| message(n, known[0], known[1], None))
        .collect();
    store.send(&batch).await.unwrap();
    let told = |after, up_to| Told {
        agent: known[1],
        after,
        up_to,
    };
    for (stretches, expected) in [
        (vec![told(1, 2)], 0),
        (vec![told(0, 2)], 2),
        (vec![told(0, 1)], 2),
        (vec![told(3, 4)], 2),
        (vec![told(3, 4), told(2, 3)], 4),
    ] {
        store.note_mail(&[], &stretches).await.unwrap();
        let inbox = store.inbox(known[1]).await.unwrap();
        let expected = Inbox {
            last: 5,
            told: expected,
        };
        assert_eq!(inbox, expected, "{stretches:?}");
    }
}

async fn many_lines_are_noted_at_once(fresh: &Fresh) {
    let store = &*fresh.store;
    let known = agents(store, 9).await;
    let mut batch = Vec::new();
    for n in 0..27 {
        batch.push(message(n + 1, known[0], pick(&known, n), None));
    }
    store.send(&batch).await.unwrap();
    let first = |&agent: &AgentId| Told {
        agent,
        after: 0,
        up_to: 1,
    };
    let mut told: Vec<_> = known.iter().rev().map(first).collect();
    // Of one line stretches that touch, and of one a stretch too far on.
    told.extend([(2, 3), (1, 2)].map(|(after, up_to)| Told {
        agent: known[4],
        after,
        up_to,
    }));
    told.push(Told {
        agent: known[5],
        after: 2,
        up_to: 3,
    });
    store.note_mail(&[], &told).await.unwrap();
    for (n, agent) in known.into_iter().enumerate() {
        let up_to = if n == 4 { 3 } else { 1 };
        assert_eq!(store.inbox(agent).await.unwrap().told, up_to, "{n}");
    }
}
