//! Whether all accounts of a run agree.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};
use synod::budget::Reservation;
use synod::domain::{CommunicationId, MeetingId};
use synod::storage::Part;
use synod::storage::memory::Memory;
use synod::storage::{MeetingFilter, PageRequest, Start, Store};
use synod::wire::FrameId;
use uuid::Uuid;

use super::world::{Heard, World};
use crate::checker::check;
use crate::log::Log;

/// Compares what is kept with what everyone heard and was told.
pub(crate) async fn reach(world: &World) {
    let store = world.database.beside();
    let page = PageRequest {
        size: 100,
        start: Start::Number(1),
    };
    let agents = store
        .agents(page, &Reservation::unlimited())
        .await
        .unwrap()
        .items;
    assert_eq!(
        agents.len(),
        world.plan.tempers.len(),
        "each agent is made once"
    );
    let meetings = store
        .meetings(&MeetingFilter::default(), page, &Reservation::unlimited())
        .await
        .unwrap()
        .items;
    assert_eq!(
        meetings.len(),
        world.plan.meetings.len(),
        "each meeting is made once"
    );
    let mut logs: BTreeMap<Uuid, Vec<Log>> = BTreeMap::new();
    for heard in world.take_heard() {
        mail_is_kept(&store, &heard.log).await;
        if heard.temper.says_each_once() {
            refusals_stand(&store, &heard).await;
        }
        logs.entry(heard.meeting).or_default().push(heard.log);
    }
    for (meeting, logs) in logs {
        let checked = check(&store, meeting, &logs).await;
        for row in &checked.rows {
            world.chronicle.note(
                "journal",
                format!("{} {} {}", row.seq, row.kind, row.payload),
            );
        }
        let MeetingId(id) = checked.meeting.id;
        world
            .chronicle
            .note("journal", format!("{id} concluded: {}", checked.outcome()));
    }
}

/// A message that was acknowledged is kept once, as it was sent.
async fn mail_is_kept(store: &Memory, log: &Log) {
    let (mut kept, sent) = (BTreeSet::new(), log.sent());
    for ack in &log.acks {
        let Some(id) = ack.communication_id else {
            continue;
        };
        let message = store
            .communication(CommunicationId(id), &Reservation::unlimited())
            .await
            .unwrap();
        let message = message.unwrap_or_else(|| panic!("{ack:?} is not kept"));
        assert_eq!(Some(message.sender.0), log.agent);
        let is_sent = sent
            .iter()
            .any(|frame| frame["content"] == *message.content);
        assert!(is_sent, "{message:?} was never sent");
        kept.insert((ack.id.as_ref().map(FrameId::to_json), id));
    }
    let frames: BTreeSet<_> = kept.iter().map(|(frame, _)| frame).collect();
    assert_eq!(
        frames.len(),
        kept.len(),
        "one message for one frame: {kept:?}"
    );
}

/// What acted is never refused when it is sent again. Who was refused because of a moment only is asked again, and answers under the
/// same id.
async fn refusals_stand(store: &Memory, heard: &Heard) {
    let id = MeetingId(heard.meeting);
    let rows = store
        .journal(id, 0, Part::of_answer(u32::MAX), &Reservation::unlimited())
        .await
        .unwrap();
    let acted: Vec<_> = rows
        .iter()
        .filter(|row| {
            let data: Value = serde_json::from_str(&row.payload).unwrap();
            data["agent_id"] == json!(heard.log.agent)
        })
        .filter_map(|row| row.frame_id.clone())
        .collect();
    let is_for_good =
        |code: &str| !matches!(code, "meeting_paused" | "overloaded" | "rate_limited");
    let refusals = heard.log.refusals.iter();
    for refusal in refusals.filter(|refusal| is_for_good(&refusal.code)) {
        let id = refusal.id.as_ref().map(FrameId::to_json);
        let has_acted = id.is_some_and(|id| acted.contains(&id));
        assert!(!has_acted, "{refusal:?}, and yet it acted");
    }
}
