//! Meetings over real sockets, each frame of which must be described.
//!
//! To record more of a channel, write a scene that gives back its [`Log`]s and let the [`Recording`] of the channel's two
//! operations take it; what is described and shown in no scene stands in [`NOT_RECORDED`].

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use synod::client::ServerFrame;
use synod::config::Limits;
use synod::domain::{Event, MeetingId, Recorded};
use synod::wire::{journal, outbound};
use uuid::Uuid;

use super::document::{Document, HEAR_AGENT, HEAR_MEETING, Operation, TELL_AGENT, TELL_MEETING};
use super::quoted;
use crate::support::database::Fresh;
use crate::support::log::Log;
use crate::support::patience::within;
use crate::support::server::{Server, limits, step};
use crate::support::talk::{Talk, opinion, vote};

/// The codes that a frame meets before the meeting sees it, each of them provoked in a scene.
pub(super) const FRAME_CODES: [&str; 5] = [
    "forbidden",
    "frame_id_reused",
    "invalid_frame",
    "message_too_large",
    "no_such_agent",
];

/// Described, but said in no scene of a meeting.
const NOT_RECORDED: [&str; 2] = ["deadline_moved", "meeting_failed"];

/// Holds what was recorded against the document.
struct Recording {
    document: Document,
    told: Operation,
    heard: Operation,
    /// The messages that were seen.
    seen: BTreeSet<String>,
}

impl Recording {
    /// Of one channel: what the server says there, and what it hears.
    fn of(tell: &str, hear: &str) -> Self {
        let document = Document::read();
        Self {
            told: document.operation(tell),
            heard: document.operation(hear),
            document,
            seen: BTreeSet::new(),
        }
    }

    fn take(&mut self, scene: Vec<Log>) {
        for log in scene {
            self.take_told(&log.texts);
            let refused = log.refusals.iter();
            let refused = refused.filter(|refusal| FRAME_CODES.contains(&refusal.code.as_str()));
            let refused: Vec<_> = refused.map(|refusal| json!(refusal.id)).collect();
            self.take_said(&log.said, &refused);
            for ended in &log.endings {
                let described = &self.document.json["x-close-codes"][ended.code.to_string()];
                assert!(described.is_object(), "{ended}");
            }
        }
    }

    /// Everything that is described was seen, but for this.
    fn showed_all_but(&self, not_recorded: &[&str]) {
        let described = self.told.keys().into_iter().chain(self.heard.keys());
        let unseen: BTreeSet<_> = described.filter(|key| !self.seen.contains(*key)).collect();
        assert_eq!(unseen, not_recorded.iter().copied().collect());
    }

    fn take_told(&mut self, texts: &[String]) {
        for text in texts {
            let frame = serde_json::from_str(text).unwrap();
            let message = self.told.message_of(&frame);
            let message = message.unwrap_or_else(|why| panic!("the server said {why}"));
            self.seen.insert(message.to_owned());
        }
    }

    /// What an agent said is described, or was refused for what it was.
    fn take_said(&mut self, said: &[String], refused: &[Value]) {
        for text in said {
            let frame: Value = serde_json::from_str(text).unwrap_or_default();
            match self.heard.message_of(&frame) {
                Ok(message) => drop(self.seen.insert(message.to_owned())),
                Err(why) => assert!(refused.contains(&frame["id"]), "the server took {why}"),
            }
        }
    }
}

#[tokio::test]
async fn all_that_is_said_in_whole_meetings_is_as_described() {
    let mut recording = Recording::of(TELL_MEETING, HEAR_MEETING);
    recording.take(decided().await);
    recording.take(silent().await);
    recording.take(disturbed().await);
    recording.take(cancelled().await);
    recording.take(restarted().await);
    recording.take(refused(&recording).await);
    recording.take(written().await);
    recording.showed_all_but(&NOT_RECORDED);
}

#[tokio::test]
async fn all_that_is_said_on_an_agents_own_line_is_as_described() {
    let mut recording = Recording::of(TELL_AGENT, HEAR_AGENT);
    let (told, said) = line().await;
    recording.take_told(&told);
    recording.take_said(&said, &[]);
    let outcomes = ["consensus_reached", "meeting_completed", "meeting_failed"];
    recording.showed_all_but(&outcomes);
}

#[test]
fn what_no_scene_brings_about_is_as_described_too() {
    let told = Document::read().operation(TELL_MEETING);
    let deadline = DateTime::<Utc>::UNIX_EPOCH;
    for event in [
        Event::DeadlineMoved { deadline },
        Event::MeetingFailed {
            reason: "restarted too often".to_owned(),
        },
    ] {
        let payload = journal::encode(&event).payload;
        let (seq, at) = (7, deadline);
        let recorded = Recorded { seq, at, event };
        let frame = outbound::meeting_event(MeetingId(Uuid::nil()), &recorded, &payload);
        let frame = serde_json::from_str(frame.as_str()).unwrap();
        assert_eq!(told.message_of(&frame), Ok(journal::kind(&recorded.event)));
    }
}

// ---- The scenes ----

/// A round, a ballot by weight, a decision; one watches.
async fn decided() -> Vec<Log> {
    let fresh = Fresh::sqlite().await;
    let server = Server::on(&fresh).await;
    let [ada, ben] = server.agents(["ada", "ben"]).await;
    let rule =
        json!({"rule": "supermajority", "threshold": "2/3", "weights": {ada.id.to_string(): 2}});
    let settings = json!({"decision_rule": rule, "turn_order": "shuffle"});
    let meeting = server.meeting(&[&ada, &ben], settings).await;
    let mut watcher = Talk::watch(&server.admin, meeting, Some(0)).await;
    let (mut a, mut b) = (ada.talk(meeting).await, ben.talk(meeting).await);
    step(&server.admin, meeting, "start").await;
    let first = watcher.event("turn_opened").await.data["agent_id"] == json!(ada.id);
    let (one, other) = if first {
        (&mut a, &mut b)
    } else {
        (&mut b, &mut a)
    };
    one.turn().await;
    let proposal = json!({"type": "opinion", "content": "light", "proposal": "the hall", "meeting_id": meeting});
    one.tell(proposal).await.unwrap();
    other.turn().await;
    other.speak("agreed").await;
    for talk in [&mut a, &mut b] {
        talk.ballot().await;
        let sure = json!({"type": "consensus_vote", "agrees": true, "rationale": "yes", "confidence": 0.9});
        talk.tell(sure).await.unwrap();
    }
    for talk in [&mut a, &mut b, &mut watcher] {
        talk.ended().await;
    }
    server.stop().await;
    vec![a.log, b.log, watcher.log]
}

/// Nobody speaks: no ballot, no decision.
async fn silent() -> Vec<Log> {
    let fresh = Fresh::sqlite().await;
    let server = Server::on(&fresh).await;
    let [ada] = server.agents(["ada"]).await;
    let settings =
        json!({"max_discussion_rounds": 1, "opinion_timeout_ms": 50, "start": "when_all_joined"});
    let meeting = server.meeting(&[&ada], settings).await;
    let mut a = ada.talk(meeting).await;
    a.event("turn_timed_out").await;
    a.ended().await;
    server.stop().await;
    vec![a.log]
}

/// A pause, a late joiner, a connection that is lost and resumed, a blind ballot, an abstention, a departure.
async fn disturbed() -> Vec<Log> {
    let fresh = Fresh::sqlite().await;
    let server = Server::on(&fresh).await;
    let [ada, ben, cho] = server.agents(["ada", "ben", "cho"]).await;
    let settings = json!({"decision_rule": {"rule": "majority", "blind": true}});
    let meeting = server.meeting(&[&ada, &ben], settings).await;
    let (mut a, mut b) = (ada.talk(meeting).await, ben.talk(meeting).await);
    step(&server.admin, meeting, "start").await;
    a.turn().await;
    step(&server.admin, meeting, "pause").await;
    assert_eq!(a.refused(opinion("too soon")).await, "meeting_paused");
    step(&server.admin, meeting, "resume").await;
    a.speak("one").await;
    let mut c = cho.talk(meeting).await;
    b.event("agent_joined").await;
    let before = b.close().await;
    a.event("agent_left").await;
    let mut b = ben.talk_after(meeting, before.last_seq()).await;
    b.turn().await;
    b.speak("two").await;
    for talk in [&mut a, &mut b, &mut c] {
        talk.ballot().await;
    }
    a.vote(Some(true)).await;
    b.vote(None).await;
    c.tell(json!({"type": "leave"})).await.unwrap();
    for talk in [&mut a, &mut b, &mut c] {
        talk.ended().await;
    }
    server.stop().await;
    vec![a.log, before, b.log, c.log]
}

/// Called off before it began.
async fn cancelled() -> Vec<Log> {
    let fresh = Fresh::sqlite().await;
    let server = Server::on(&fresh).await;
    let [ada] = server.agents(["ada"]).await;
    let meeting = server
        .meeting(&[&ada], json!({"admission": "invited"}))
        .await;
    let mut a = ada.talk(meeting).await;
    step(&server.admin, meeting, "cancel").await;
    a.ended().await;
    server.stop().await;
    vec![a.log]
}

/// The server goes down in the middle of a ballot and comes back.
async fn restarted() -> Vec<Log> {
    let fresh = Fresh::sqlite().await;
    let server = Server::on(&fresh).await;
    let [ada, ben] = server.agents(["ada", "ben"]).await;
    let meeting = server
        .meeting(&[&ada, &ben], json!({"turn_order": "rotate"}))
        .await;
    let (mut a, mut b) = (ada.talk(meeting).await, ben.talk(meeting).await);
    step(&server.admin, meeting, "start").await;
    a.turn().await;
    a.speak("one").await;
    b.turn().await;
    b.speak("two").await;
    a.ballot().await;
    a.vote(Some(true)).await;
    server.stop().await;
    a.ended().await;
    b.ended().await;
    let server = Server::on(&fresh).await;
    let mut again = ben
        .at(&server.admin)
        .talk_after(meeting, b.log.last_seq())
        .await;
    again.event("meeting_recovered").await;
    again.ballot().await;
    again.vote(Some(false)).await;
    let log = again.close().await;
    server.stop().await;
    vec![a.log, b.log, log]
}

/// Frames that are refused, for what they are and for when they come.
async fn refused(recording: &Recording) -> Vec<Log> {
    let fresh = Fresh::sqlite().await;
    let limits = Limits {
        opinion_max_bytes: 64,
        ..limits()
    };
    let server = Server::with(&fresh, limits).await;
    let [ada, ben] = server.agents(["ada", "ben"]).await;
    let meeting = server.meeting(&[&ada], json!({})).await;
    let mut watcher = Talk::watch(&server.admin, meeting, None).await;
    assert_eq!(watcher.refused(opinion("I watch")).await, "forbidden");
    let mut a = ada.talk(meeting).await;
    assert_eq!(
        a.refused(opinion("too soon")).await,
        "meeting_not_in_progress"
    );
    step(&server.admin, meeting, "start").await;
    a.turn().await;
    assert_eq!(a.refused(vote(None, "")).await, "no_open_ballot");
    assert_eq!(
        a.refused(opinion(&"x".repeat(65))).await,
        "message_too_large"
    );
    for frame in [
        json!({"content": "without a type"}),
        json!({"type": "opinion"}),
        json!({"type": "opinion", "content": ""}),
        json!({"type": "opinion", "content": 7}),
        json!({"type": "opinion", "content": "x", "proposal": ""}),
        json!({"type": "consensus_vote"}),
        json!({"type": "consensus_vote", "agrees": "yes"}),
        json!({"type": "consensus_vote", "agrees": true, "confidence": 2}),
        json!({"type": "leave", "meeting_id": "the same"}),
    ] {
        assert!(
            recording.heard.message_of(&frame).is_err(),
            "{frame} is described"
        );
        assert_eq!(a.refused(frame).await, "invalid_frame");
    }
    a.send("no frame at all".to_owned()).await;
    assert!(a.answer(None).await.is_err());
    let unknown = a.tell(json!({"type": "?"})).await.unwrap_err();
    knows_what_is_described(&unknown.message, recording);
    a.speak("one").await;
    assert_eq!(a.refused(opinion("again")).await, "not_your_turn");
    a.ballot().await;
    let mut b = ben.talk(meeting).await;
    assert_eq!(b.refused(vote(Some(true), "")).await, "not_a_participant");
    let log = b.close().await;
    step(&server.admin, meeting, "cancel").await;
    a.ended().await;
    watcher.ended().await;
    server.stop().await;
    vec![a.log, log, watcher.log]
}

/// Two who write to one another beside the meeting, and to somebody who is not there.
async fn written() -> Vec<Log> {
    let fresh = Fresh::sqlite().await;
    let server = Server::on(&fresh).await;
    let [ada, ben] = server.agents(["ada", "ben"]).await;
    let meeting = server.meeting(&[&ada, &ben], json!({})).await;
    let (mut a, mut b) = (ada.talk(meeting).await, ben.talk(meeting).await);
    let to = |receiver: Uuid| json!({"type": "direct_message", "receiver_id": receiver, "content": "hush", "topic": "x"});
    a.tell(to(ben.id)).await.unwrap();
    let is_message =
        |frame: &ServerFrame| matches!(frame, ServerFrame::DirectMessage(_)).then_some(());
    b.until("it is written to", is_message).await;
    assert_eq!(a.refused(to(Uuid::nil())).await, "no_such_agent");
    let note = |content: &str| json!({"type": "direct_message", "receiver_id": ben.id, "content": content});
    a.tell_as("1", note("one")).await.unwrap();
    let refusal = a.tell_as("1", note("two")).await.unwrap_err();
    assert_eq!(refusal.code, "frame_id_reused");
    let logs = vec![a.close().await, b.close().await];
    server.stop().await;
    logs
}

/// All that is told and said on one line: a message to itself, to nobody, and news of a meeting.
async fn line() -> (Vec<String>, Vec<String>) {
    let fresh = Fresh::sqlite().await;
    let server = Server::on(&fresh).await;
    let [ada] = server.agents(["ada"]).await;
    server.meeting(&[&ada], json!({})).await;
    let mut socket = ada.client.line(None).await.unwrap();
    let to = |id: u32, receiver: Uuid| json!({"type": "direct_message", "id": id, "receiver_id": receiver, "content": "note"});
    let said = [to(7, ada.id), to(8, Uuid::nil())].map(|frame| frame.to_string());
    for text in &said {
        socket.send_text(text.clone()).await.unwrap();
    }
    let meeting = server.meeting(&[&ada], json!({})).await;
    step(&server.admin, meeting, "start").await;
    step(&server.admin, meeting, "cancel").await;
    let mut told = Vec::new();
    for awaited in [
        "\"connected\"",
        "\"ack\"",
        "no_such_agent",
        "\"direct_message\"",
        "meeting_cancelled",
    ] {
        while !told.iter().any(|text: &String| text.contains(awaited)) {
            let text = within(awaited, socket.next_text()).await.unwrap();
            told.push(text.as_str().to_owned());
        }
    }
    server.stop().await;
    (told, said.to_vec())
}

/// The server lists the frames that it knows when it is sent another.
fn knows_what_is_described(message: &str, recording: &Recording) {
    let (_, known) = message.split_once("expected one of").unwrap();
    let known: BTreeSet<_> = quoted(known).into_iter().collect();
    assert_eq!(known, recording.heard.types());
}
