//! The fence: who may write to a meeting, and where.

use std::slice::from_ref;

use synod::budget::Reservation;
use synod::domain::{Command, DecisionId, Status};
use synod::storage::Part;
use synod::storage::{Append, Appended, Store};

use super::fixtures::{
    Live, agents, agree, by_admin, created, join, meeting_id, new_meeting, speak, uuid,
};
use crate::support::database::Fresh;

on_every_store! {
    an_append_moves_the_meeting_on,
    a_stale_owner_writes_nothing_and_hinders_nobody,
    a_gap_is_refused_and_so_is_an_overlap,
    a_repeated_append_is_committed_once,
    a_take_over_adds_one_and_reads_everything,
    ended_and_unknown_meetings_are_not_taken_over,
    the_journal_is_read_in_parts,
    a_frame_is_known_in_its_own_meeting_only,
    a_participant_that_leaves_and_comes_back_keeps_its_place,
}

/// All that can be read of a meeting.
async fn everything_of(store: &dyn Store, n: u64) -> String {
    let id = meeting_id(n);
    format!(
        "{:#?}",
        (
            store.meeting(id, &Reservation::unlimited()).await.unwrap(),
            store.participants(id).await.unwrap(),
            store.messages(id, &Reservation::unlimited()).await.unwrap(),
            store
                .journal(id, 0, Part::of_answer(1000), &Reservation::unlimited())
                .await
                .unwrap(),
            store
                .decision(DecisionId(uuid(4, n)), &Reservation::unlimited())
                .await
                .unwrap(),
        )
    )
}

async fn an_append_moves_the_meeting_on(fresh: &Fresh) {
    let store = &*fresh.store;
    let known = agents(store, 2).await;
    let mut live = Live::begin(store, 1, &known).await;
    live.start(store).await;
    live.keep(store, speak(known[0], "ß 🦉")).await;

    let kept = store
        .meeting(live.id(), &Reservation::unlimited())
        .await
        .unwrap()
        .unwrap();
    assert_eq!((kept.epoch, kept.last_seq), (1, live.meeting.last_seq()));
    assert_eq!(kept.header, super::fixtures::header(&live.meeting));
    assert_eq!(kept.header.status, Status::InProgress);
    let journal = store
        .journal(
            live.id(),
            0,
            Part::of_answer(100),
            &Reservation::unlimited(),
        )
        .await
        .unwrap();
    assert!(
        journal
            .iter()
            .map(|row| row.seq)
            .eq(1..=live.meeting.last_seq())
    );
    assert!(journal.iter().skip(1).all(|row| row.epoch == 1));
    let said: Vec<_> = store
        .messages(live.id(), &Reservation::unlimited())
        .await
        .unwrap();
    let said: Vec<_> = said
        .iter()
        .map(|m| (m.agent, m.content.as_str(), m.message_type))
        .collect();
    assert_eq!(
        said,
        [
            (None, "Meeting started", "meta"),
            (Some(known[0]), "ß 🦉", "opinion")
        ]
    );
}

async fn a_stale_owner_writes_nothing_and_hinders_nobody(fresh: &Fresh) {
    let store = &*fresh.store;
    let known = agents(store, 2).await;
    let mut stale = Live::begin(store, 2, &known[..1]).await;
    let mut sound = [
        Live::begin(store, 1, &known[..1]).await,
        Live::begin(store, 3, &known[..1]).await,
    ];
    store.take_over(&[stale.id()]).await.unwrap();
    let before = everything_of(store, 2).await;

    // All that an append can hold: participants, messages, a decision.
    let whole = || {
        let spoken = known.iter().map(|&agent| speak(agent, "ß"));
        let votes = known.iter().map(|&agent| agree(agent));
        let begun = [join(known[1]), by_admin(Command::Start)];
        begun
            .into_iter()
            .chain(spoken)
            .chain(votes)
            .collect::<Vec<_>>()
    };
    let appends = [
        sound[1].handle_all(whole()),
        stale.handle_all(whole()),
        sound[0].handle_all(whole()),
    ];
    let answers = store.append(&appends).await.unwrap();

    assert_eq!(
        answers,
        [Appended::Committed, Appended::Fenced, Appended::Committed]
    );
    assert_eq!(everything_of(store, 2).await, before);
    for n in [1, 3] {
        let decision = store
            .decision(DecisionId(uuid(4, n)), &Reservation::unlimited())
            .await
            .unwrap();
        let content = decision.map(|decision| decision.content);
        assert_eq!(content.as_deref(), Some("ß"));
    }
    let nobody = Append {
        meeting: meeting_id(9),
        ..appends[0].clone()
    };
    assert_eq!(store.append(&[nobody]).await.unwrap(), [Appended::Fenced]);
    assert_eq!(store.append(&[]).await.unwrap(), []);
}

async fn a_gap_is_refused_and_so_is_an_overlap(fresh: &Fresh) {
    let store = &*fresh.store;
    let known = agents(store, 3).await;
    let mut live = Live::begin(store, 1, &known[..1]).await;
    let first = live.handle(join(known[1]));
    let second = live.handle(join(known[2]));
    let before = everything_of(store, 1).await;
    assert_eq!(
        store.append(from_ref(&second)).await.unwrap(),
        [Appended::Fenced]
    );
    assert_eq!(everything_of(store, 1).await, before);

    store.append(from_ref(&first)).await.unwrap();
    let both = Append {
        entries: [first.entries, second.entries.clone()].concat(),
        ..second.clone()
    };
    assert_eq!(store.append(&[both]).await.unwrap(), [Appended::Fenced]);
    assert_eq!(
        store.append(&[second]).await.unwrap(),
        [Appended::Committed]
    );
}

async fn a_repeated_append_is_committed_once(fresh: &Fresh) {
    let store = &*fresh.store;
    let known = agents(store, 3).await;
    let mut live = Live::begin(store, 1, &known[..1]).await;
    let first = live.handle(join(known[1]));
    let second = live.handle(join(known[2]));
    store.append(from_ref(&first)).await.unwrap();
    store.append(from_ref(&second)).await.unwrap();
    let before = everything_of(store, 1).await;

    let mut other = Live::begin(store, 2, &known[..1]).await;
    let appends = [first.clone(), other.handle(join(known[1]))];
    assert_eq!(
        store.append(&appends).await.unwrap(),
        [Appended::Committed; 2]
    );
    assert_eq!(
        store.append(&[second]).await.unwrap(),
        [Appended::Committed]
    );
    assert_eq!(everything_of(store, 1).await, before);

    store.take_over(&[live.id()]).await.unwrap();
    assert_eq!(
        store.append(&[first]).await.unwrap(),
        [Appended::Fenced],
        "under a new epoch it is not known"
    );
}

async fn a_take_over_adds_one_and_reads_everything(fresh: &Fresh) {
    let store = &*fresh.store;
    let known = agents(store, 2).await;
    let mut first = Live::begin(store, 1, &known[..1]).await;
    first.keep(store, join(known[1])).await;
    store
        .create_meeting(&new_meeting(created(2, &known), 5).1)
        .await
        .unwrap();

    let ids = [meeting_id(2), meeting_id(1)];
    let mut taken = store.take_over(&ids).await.unwrap();
    taken.sort_by_key(|taken| taken.meeting);
    let epochs: Vec<_> = taken
        .iter()
        .map(|taken| (taken.meeting, taken.epoch))
        .collect();
    assert_eq!(epochs, [(meeting_id(1), 2), (meeting_id(2), 1)]);
    for taken in taken {
        let journal = store
            .journal(
                taken.meeting,
                0,
                Part::of_answer(1000),
                &Reservation::unlimited(),
            )
            .await
            .unwrap();
        assert_eq!(taken.journal, journal);
        assert!(!journal.is_empty());
    }
}

async fn ended_and_unknown_meetings_are_not_taken_over(fresh: &Fresh) {
    let store = &*fresh.store;
    let known = agents(store, 1).await;
    let mut live = Live::begin(store, 1, &known).await;
    live.keep(
        store,
        by_admin(Command::Cancel {
            reason: Some("ß".to_owned()),
        }),
    )
    .await;
    let before = everything_of(store, 1).await;
    let taken = store
        .take_over(&[meeting_id(1), meeting_id(7)])
        .await
        .unwrap();
    assert!(taken.is_empty());
    assert!(store.take_over(&[]).await.unwrap().is_empty());
    assert_eq!(everything_of(store, 1).await, before);
}

async fn the_journal_is_read_in_parts(fresh: &Fresh) {
    let store = &*fresh.store;
    let known = agents(store, 2).await;
    let mut live = Live::begin(store, 1, &known).await;
    live.start(store).await;
    live.decide(store).await;
    let all = store
        .journal(
            live.id(),
            0,
            Part::of_answer(1000),
            &Reservation::unlimited(),
        )
        .await
        .unwrap();
    assert_eq!(
        store
            .journal(live.id(), 2, Part::of_answer(3), &Reservation::unlimited())
            .await
            .unwrap(),
        all[2..5]
    );
    assert_eq!(
        store
            .journal(
                live.id(),
                all.len() as u64,
                Part::of_answer(3),
                &Reservation::unlimited()
            )
            .await
            .unwrap(),
        []
    );
    assert_eq!(
        store
            .journal(
                live.id(),
                u64::MAX,
                Part::of_answer(3),
                &Reservation::unlimited()
            )
            .await
            .unwrap(),
        []
    );
}

async fn a_frame_is_known_in_its_own_meeting_only(fresh: &Fresh) {
    let store = &*fresh.store;
    let known = agents(store, 1).await;
    let mut live = Live::begin(store, 1, &known).await;
    let other = Live::begin(store, 2, &known).await;
    let mut append = live.handle(by_admin(Command::Start));
    let id = r#"{"owner_id": 1, "idempotency_key": "ß '%_\""}"#;
    append.entries[0].frame_id = Some(id.to_owned());
    assert!(!store.has_frame(live.id(), id).await.unwrap());
    assert_eq!(
        store.append(&[append]).await.unwrap(),
        [Appended::Committed]
    );
    assert!(store.has_frame(live.id(), id).await.unwrap());
    for (meeting, id) in [
        (live.id(), ""),
        (live.id(), &id[1..]),
        (other.id(), id),
        (meeting_id(9), id),
    ] {
        assert!(
            !store.has_frame(meeting, id).await.unwrap(),
            "{meeting} {id}"
        );
    }
}

async fn a_participant_that_leaves_and_comes_back_keeps_its_place(fresh: &Fresh) {
    let store = &*fresh.store;
    let known = agents(store, 5).await;
    let founder = synod::domain::Created {
        moderator: Some(known[4]),
        ..created(1, &known[..1])
    };
    let mut live = Live::begin_as(store, 1, founder).await;
    live.keep(store, join(known[1])).await;
    let leave = |agent| super::fixtures::by(agent, Command::Leave);

    // Within one append: gone and back, a newcomer, the moderator's first place, another who goes for good.
    let inputs = [
        leave(known[1]),
        join(known[2]),
        join(known[1]),
        join(known[4]),
        leave(known[0]),
        join(known[3]),
        leave(known[3]),
    ];
    let append = live.handle_all(inputs);
    assert_eq!(
        store.append(&[append]).await.unwrap(),
        [Appended::Committed]
    );

    let rows = store.participants(live.id()).await.unwrap();
    let rows: Vec<_> = rows
        .iter()
        .map(|row| (row.agent, row.speaking_order, row.left_at.is_some()))
        .collect();
    assert_eq!(
        rows,
        [
            (known[0], Some(1), true),
            (known[1], Some(2), false),
            (known[2], Some(3), false),
            (known[4], Some(4), false),
            (known[3], Some(5), true),
        ]
    );
}
