//! Meetings as they are created and found again.

use synod::budget::Reservation;
use synod::domain::{AgentId, Command, CommunicationId, Created, Outcome, Status};
use synod::storage::Part;
use synod::storage::{
    Error, JournalRow, Meeting, MeetingFilter, PageRequest, Start, Store, Total, Words,
};

use super::fixtures::{
    Live, agent_id, agents, at, by, by_admin, communication, created, entry, everything, join,
    meeting_id, new_meeting, uuid,
};
use crate::support::database::Fresh;

on_every_store! {
    a_new_meeting_is_whole,
    a_moderator_has_a_row_whether_it_participates_or_not,
    whoever_is_unknown_is_named_and_nothing_is_left_behind,
    a_meeting_is_created_once,
    open_meetings_come_oldest_first,
    filters_hold_alone_and_together,
    words_of_a_topic_are_found_whole_and_in_either_case,
    an_agents_meetings_come_in_their_own_order_whenever_it_came,
    a_walk_through_an_agents_meetings_is_not_disturbed_by_new_ones,
}

async fn a_new_meeting_is_whole(fresh: &Fresh) {
    let free = Reservation::unlimited();
    let store = &*fresh.store;
    let known = agents(store, 3).await;
    let messages = [1, 2].map(|n| communication(n, known[0], known[1]));
    store.log(&messages).await.unwrap();
    let related = messages.iter().map(|message| message.id).collect();
    let created = Created {
        related,
        ..created(1, &known)
    };
    let (_, new) = new_meeting(created.clone(), 7);
    store.create_meeting(&new).await.unwrap();

    let kept = store.meeting(meeting_id(1), &free).await.unwrap().unwrap();
    assert_eq!((kept.epoch, kept.last_seq, kept.created_at), (0, 1, at(7)));
    assert_eq!(
        (&kept.topic, &kept.settings),
        (&created.topic, &new.settings)
    );
    assert_eq!(
        (kept.header.status, kept.header.outcome),
        (Status::Pending, None)
    );
    let orders = store.participants(meeting_id(1)).await.unwrap();
    let orders: Vec<_> = orders
        .iter()
        .map(|row| (row.agent, row.speaking_order))
        .collect();
    assert_eq!(
        orders,
        [
            (known[0], Some(1)),
            (known[1], Some(2)),
            (known[2], Some(3))
        ]
    );
    let related = store
        .related_communications(meeting_id(1), &free)
        .await
        .unwrap();
    assert_eq!(related, [messages[1].clone(), messages[0].clone()]);
    let first = entry(&new.first.recorded);
    let row = JournalRow {
        seq: 1,
        epoch: 0,
        kind: first.kind.to_owned(),
        version: first.version,
        at: at(7),
        payload: first.payload,
        frame_id: None,
    };
    assert_eq!(
        store
            .journal(meeting_id(1), 0, Part::of_answer(10), &free)
            .await
            .unwrap(),
        [row]
    );
    assert_eq!(store.meeting(meeting_id(2), &free).await.unwrap(), None);
}

async fn a_moderator_has_a_row_whether_it_participates_or_not(fresh: &Fresh) {
    let store = &*fresh.store;
    let known = agents(store, 3).await;
    let moderated = |n, moderator, participants: &[AgentId]| Created {
        moderator,
        ..created(n, participants)
    };
    let rows = async |created: Created| {
        let id = created.meeting;
        store
            .create_meeting(&new_meeting(created, 1).1)
            .await
            .unwrap();
        let rows = store.participants(id).await.unwrap();
        let row =
            |row: synod::storage::ParticipantRow| (row.name, row.is_moderator, row.speaking_order);
        rows.into_iter().map(row).collect::<Vec<_>>()
    };
    let (one, two, three) = (
        "Agent 1".to_owned(),
        "Agent 2".to_owned(),
        "Agent 3".to_owned(),
    );
    assert_eq!(
        rows(moderated(1, Some(known[1]), &known[..2])).await,
        [(one.clone(), false, Some(1)), (two.clone(), true, Some(2))]
    );
    assert_eq!(
        rows(moderated(2, Some(known[2]), &known[..2])).await,
        [
            (one.clone(), false, Some(1)),
            (two, false, Some(2)),
            (three.clone(), true, None)
        ]
    );
    assert_eq!(
        rows(moderated(3, None, &[known[0], known[0]])).await,
        [(one, false, Some(1))]
    );
    assert_eq!(
        rows(moderated(4, Some(known[2]), &[])).await,
        [(three, true, None)]
    );
}

async fn whoever_is_unknown_is_named_and_nothing_is_left_behind(fresh: &Fresh) {
    let store = &*fresh.store;
    let known = agents(store, 1).await;
    store
        .log(&[communication(1, known[0], known[0])])
        .await
        .unwrap();

    let strangers = [agent_id(9), known[0], agent_id(8)];
    let answer = store
        .create_meeting(&new_meeting(created(1, &strangers), 1).1)
        .await;
    let Err(Error::UnknownAgent(unknown)) = answer else {
        panic!("{answer:?}");
    };
    assert_eq!(unknown, [agent_id(8).0, agent_id(9).0]);

    let related = [5, 1, 4].map(|n| CommunicationId(uuid(2, n))).to_vec();
    let created = Created {
        related,
        ..created(1, &known)
    };
    let answer = store
        .create_meeting(&new_meeting(created.clone(), 1).1)
        .await;
    let Err(Error::UnknownCommunication(unknown)) = answer else {
        panic!("{answer:?}");
    };
    assert_eq!(unknown, [uuid(2, 4), uuid(2, 5)]);

    assert_eq!(
        store
            .meeting(meeting_id(1), &Reservation::unlimited())
            .await
            .unwrap(),
        None
    );
    assert_eq!(store.participants(meeting_id(1)).await.unwrap(), []);
    assert_eq!(
        store
            .journal(
                meeting_id(1),
                0,
                Part::of_answer(9),
                &Reservation::unlimited()
            )
            .await
            .unwrap(),
        []
    );
    assert_eq!(
        store
            .related_communications(meeting_id(1), &Reservation::unlimited())
            .await
            .unwrap(),
        []
    );
    let sound = Created {
        related: Vec::new(),
        ..created
    };
    store
        .create_meeting(&new_meeting(sound, 1).1)
        .await
        .expect("the id is still free");
}

async fn a_meeting_is_created_once(fresh: &Fresh) {
    let store = &*fresh.store;
    let known = agents(store, 2).await;
    store
        .create_meeting(&new_meeting(created(1, &known[..1]), 1).1)
        .await
        .unwrap();
    let answer = store
        .create_meeting(&new_meeting(created(1, &known), 2).1)
        .await;
    assert!(
        matches!(answer, Err(Error::AlreadyExists("meeting"))),
        "{answer:?}"
    );
    assert_eq!(store.participants(meeting_id(1)).await.unwrap().len(), 1);
    store.ping().await.expect("the connection is in order");
}

async fn open_meetings_come_oldest_first(fresh: &Fresh) {
    let store = &*fresh.store;
    let known = agents(store, 1).await;
    for (n, seconds) in [(1, 30), (2, 10), (3, 20), (4, 10)] {
        let new = new_meeting(created(n, &known), seconds).1;
        store.create_meeting(&new).await.unwrap();
    }
    let mut over = Live::begin(store, 5, &known).await;
    over.keep(store, by_admin(Command::Cancel { reason: None }))
        .await;
    let open = [2, 4, 3, 1].map(meeting_id);
    assert_eq!(store.open_meetings().await.unwrap(), open);
}

/// Meetings in every state that filters tell apart: pending, running, decided, cancelled.
async fn some_meetings(store: &dyn Store) -> Vec<AgentId> {
    let known = agents(store, 3).await;
    Live::begin(store, 1, &known[..1]).await;
    Live::begin(store, 2, &known[1..]).await.start(store).await;
    let mut decided = Live::begin(store, 3, &known[..2]).await;
    decided.start(store).await;
    decided.decide(store).await;
    let mut cancelled = Live::begin(store, 4, &known[2..]).await;
    cancelled
        .keep(store, by_admin(Command::Cancel { reason: None }))
        .await;
    known
}

async fn filters_hold_alone_and_together(fresh: &Fresh) {
    let store = &*fresh.store;
    let known = some_meetings(store).await;
    let found = async |ask: &dyn Fn(&mut MeetingFilter)| {
        let mut filter = MeetingFilter::default();
        ask(&mut filter);
        let found = store
            .meetings(&filter, everything(), &Reservation::unlimited())
            .await
            .unwrap();
        assert_eq!(found.total, Some(Total::exactly(found.items.len() as u64)));
        let number = |n: &u64| found.items.iter().any(|row| row.id == meeting_id(*n));
        (1..=4).filter(number).collect::<Vec<_>>()
    };
    let (first, second) = (Some(known[0]), Some(known[1]));
    assert_eq!(found(&|_| {}).await, [1, 2, 3, 4]);
    assert_eq!(found(&|f| f.status = Some(Status::Completed)).await, [3, 4]);
    assert_eq!(found(&|f| f.is_open = true).await, [1, 2]);
    assert_eq!(found(&|f| f.outcome = Some(Outcome::Cancelled)).await, [4]);
    assert_eq!(found(&|f| f.agent = first).await, [1, 3]);
    assert_eq!(found(&|f| f.visible_to = second).await, [2, 3]);
    assert_eq!(found(&|f| f.from = Some(at(2))).await, [2, 3, 4]);
    assert_eq!(found(&|f| f.until = Some(at(4))).await, [1, 2, 3]);
    let both = |f: &mut MeetingFilter| (f.agent, f.visible_to) = (first, second);
    assert_eq!(found(&both).await, [3]);
    let itself = |f: &mut MeetingFilter| (f.agent, f.visible_to) = (first, first);
    assert_eq!(found(&itself).await, [1, 3]);
    let open = |f: &mut MeetingFilter| (f.visible_to, f.is_open) = (second, true);
    assert_eq!(found(&open).await, [2]);
    let all = |outcome| MeetingFilter {
        status: Some(Status::Completed),
        is_open: false,
        outcome: Some(outcome),
        agent: first,
        visible_to: second,
        words: Words::of("äpfel"),
        from: Some(at(2)),
        until: Some(at(4)),
    };
    assert_eq!(found(&|f| *f = all(Outcome::Consensus)).await, [3]);
    assert_eq!(found(&|f| *f = all(Outcome::Cancelled)).await, [0; 0]);
}

async fn words_of_a_topic_are_found_whole_and_in_either_case(fresh: &Fresh) {
    let store = &*fresh.store;
    let known = some_meetings(store).await;
    let topic = "It's “said”: ÄPFEL-Mus & NOT (or) 3×4?".to_owned();
    let other = Created {
        topic,
        ..created(5, &known)
    };
    Live::begin_as(store, 5, other).await;
    let found = async |text: &str| {
        let words = Words::of(text);
        assert!(words.is_some(), "{text:?}");
        let filter = MeetingFilter {
            words,
            ..MeetingFilter::default()
        };
        ids(&store
            .meetings(&filter, everything(), &Reservation::unlimited())
            .await
            .unwrap()
            .items)
    };
    for text in ["äpfel", "ÄPFEL", "(äpfel) *"] {
        assert_eq!(found(text).await, [5, 4, 3, 2, 1], "{text:?}");
    }
    for text in ["TOPIC", "topic 100%", "100 äpfel Topic"] {
        assert_eq!(found(text).await, [4, 3, 2, 1], "{text:?}");
    }
    for text in ["said", "mus it", "not or", "4 3"] {
        assert_eq!(found(text).await, [5], "{text:?}");
    }
    for text in ["apfel", "äpfe", "opic", "topic 5", "mus topic"] {
        assert_eq!(found(text).await, [0; 0], "{text:?}");
    }
    assert_eq!(found("topic 3").await, [3]);
}

/// The numbers of meetings.
fn ids(rows: &[Meeting]) -> Vec<u64> {
    rows.iter().map(|row| row.id.0.as_u64_pair().1).collect()
}

async fn an_agents_meetings_come_in_their_own_order_whenever_it_came(fresh: &Fresh) {
    let store = &*fresh.store;
    let known = agents(store, 3).await;
    let of = async |agent| {
        let filter = MeetingFilter {
            agent: Some(agent),
            ..MeetingFilter::default()
        };
        ids(&store
            .meetings(&filter, everything(), &Reservation::unlimited())
            .await
            .unwrap()
            .items)
    };
    let mut first = Live::begin(store, 1, &known[..1]).await;
    let mut second = Live::begin(store, 2, &known[..1]).await;
    let moderated = Created {
        moderator: Some(known[2]),
        ..created(3, &known[..1])
    };
    Live::begin_as(store, 3, moderated).await;
    second.keep(store, join(known[2])).await;
    first.keep(store, join(known[2])).await;
    assert_eq!(of(known[2]).await, [3, 2, 1], "moderated, joined");
    second.keep(store, by(known[2], Command::Leave)).await;
    assert_eq!(of(known[2]).await, [3, 2, 1], "also when it left");
    assert_eq!(of(known[1]).await, [0; 0]);
}

async fn a_walk_through_an_agents_meetings_is_not_disturbed_by_new_ones(fresh: &Fresh) {
    let store = &*fresh.store;
    let known = agents(store, 3).await;
    // Several at one time, so that the id must decide; and of every second one the agent knows nothing yet.
    let begin = async |n: u64, seconds, participants: &[AgentId]| {
        let new = new_meeting(created(n, participants), seconds).1;
        store.create_meeting(&new).await.unwrap();
    };
    for n in 0..20 {
        let who = if n % 2 == 0 { &known[..2] } else { &known[1..] };
        begin(100 + n, i64::try_from(n / 4).unwrap(), who).await;
    }
    for (round, together) in (1..).zip([false, true]) {
        let filter = MeetingFilter {
            agent: Some(known[0]),
            visible_to: together.then_some(known[1]),
            is_open: together,
            ..MeetingFilter::default()
        };
        let before = ids(&store
            .meetings(&filter, everything(), &Reservation::unlimited())
            .await
            .unwrap()
            .items);
        let mut walked = Vec::new();
        let mut request = PageRequest::newest(3);
        loop {
            let part = store
                .meetings(&filter, request, &Reservation::unlimited())
                .await
                .unwrap();
            assert_eq!(part.total, None, "nothing is counted");
            walked.extend(ids(&part.items));
            let Some(place) = part.next else { break };
            // One newer than all, and one at the time where the page ends, before it.
            let n = 1000 * round + walked.len() as u64;
            begin(n, 50, &known[..2]).await;
            let taken = part
                .items
                .last()
                .map(|row| (row.created_at - at(0)).num_seconds());
            begin(n + 500, taken.unwrap(), &known[..2]).await;
            request.start = Start::After(place);
        }
        assert_eq!(walked, before);
    }
}
