//! From a message to the meetings that it prompted, and to what they decided.

use std::collections::BTreeSet;

use synod::budget::Reservation;
use synod::domain::{Created, DecisionId};
use synod::storage::{Decision, Meeting};

use super::fixtures::{Live, agents, communication, created, meeting_id, uuid};
use crate::support::database::Fresh;

on_every_store! {
    a_message_leads_to_its_meetings_and_their_decisions,
}

async fn a_message_leads_to_its_meetings_and_their_decisions(fresh: &Fresh) {
    let store = &*fresh.store;
    let known = agents(store, 3).await;
    let messages = [1, 2, 3].map(|n| communication(n, known[0], known[1]));
    store.log(&messages).await.unwrap();
    let linked = |n, participants, related: &[usize]| Created {
        related: related.iter().map(|&n: &usize| messages[n].id).collect(),
        ..created(n, participants)
    };
    let mut decided = Live::begin_as(store, 10, linked(10, &known[..2], &[0, 1])).await;
    decided.start(store).await;
    decided.decide(store).await;
    Live::begin_as(store, 50, linked(50, &known[1..], &[0])).await;

    let ids = |meetings: Vec<Meeting>| meetings.iter().map(|m| m.id).collect::<Vec<_>>();
    let decisions = |found: Vec<Decision>| found.iter().map(|d| d.id).collect::<Vec<_>>();
    let decision = DecisionId(uuid(4, 10));
    for (message, reader, meetings, made) in [
        (0, None, vec![50, 10], vec![decision]),
        (0, Some(known[0]), vec![10], vec![decision]),
        (0, Some(known[1]), vec![50, 10], vec![decision]),
        (0, Some(known[2]), vec![50], vec![]),
        (1, None, vec![10], vec![decision]),
        (2, None, vec![], vec![]),
    ] {
        let id = messages[message].id;
        let found = store
            .meetings_of_communication(id, reader, &Reservation::unlimited())
            .await
            .unwrap();
        let expected: Vec<_> = meetings.into_iter().map(meeting_id).collect();
        assert_eq!(ids(found), expected, "{message} {reader:?}");
        let links = store.links(&[id], reader).await.unwrap();
        let linked: Vec<_> = links.iter().map(|(meeting, _)| *meeting).collect();
        assert_eq!(linked, expected, "{message} {reader:?}");
        let found = store
            .decisions_of_communication(id, reader, &Reservation::unlimited())
            .await
            .unwrap();
        assert_eq!(decisions(found), made, "{message} {reader:?}");
    }
    let all = messages.each_ref().map(|message| message.id);
    let links = store.links(&all, None).await.unwrap();
    let both = [(10, 0), (10, 1), (50, 0)].map(|(n, message)| (meeting_id(n), all[message]));
    assert_eq!(
        links.iter().copied().collect::<BTreeSet<_>>(),
        BTreeSet::from(both)
    );
    assert_eq!(store.links(&[], None).await.unwrap(), []);
}
