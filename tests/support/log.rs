//! What one agent heard, over all its connections.

use serde_json::Value;
use synod::client::frame::{
    Ack, Connected, ConsensusRequest, MeetingEvent, OpinionRequest, Refusal,
};
use synod::client::{Ended, ServerFrame};
use uuid::Uuid;

/// Everything heard, in order of hearing.
#[derive(Default)]
pub(crate) struct Log {
    /// Whose; `None` only watched.
    pub(crate) agent: Option<Uuid>,
    /// The event before the first that it was to hear.
    pub(crate) begins_after: Option<u64>,
    pub(crate) connected: Vec<Connected>,
    pub(crate) events: Vec<MeetingEvent>,
    pub(crate) opinion_requests: Vec<OpinionRequest>,
    pub(crate) ballots: Vec<ConsensusRequest>,
    pub(crate) acks: Vec<Ack>,
    pub(crate) refusals: Vec<Refusal>,
    /// How each connection ended.
    pub(crate) endings: Vec<Ended>,
    /// All of it, as it stood on the wire.
    pub(crate) texts: Vec<String>,
    /// All that it said itself.
    pub(crate) said: Vec<String>,
}

impl Log {
    /// Of a client that comes with `after`.
    pub(crate) fn new(agent: Option<Uuid>, after: Option<u64>) -> Self {
        Self {
            agent,
            begins_after: after,
            ..Self::default()
        }
    }

    /// Understands a frame and notes it.
    pub(crate) fn hear(&mut self, text: &str) -> ServerFrame {
        assert!(
            text.starts_with(r#"{"type":""#),
            "`type` comes first in every frame: {text}"
        );
        let frame = ServerFrame::read(text).unwrap_or_else(|why| panic!("{why}: {text}"));
        self.texts.push(text.to_owned());
        match &frame {
            ServerFrame::Connected(connected) => {
                self.begins_after.get_or_insert(connected.last_seq);
                self.connected.push(connected.clone());
            }
            ServerFrame::MeetingEvent(event) => self.hear_event(event),
            ServerFrame::OpinionRequest(request) => self.opinion_requests.push(request.clone()),
            ServerFrame::ConsensusRequest(request) => self.ballots.push(request.clone()),
            ServerFrame::Ack(ack) => self.acks.push(ack.clone()),
            ServerFrame::Error(refusal) => self.refusals.push(refusal.clone()),
            ServerFrame::DirectMessage(_) => {}
            ServerFrame::Unknown => panic!("this server does not say that: {text}"),
        }
        frame
    }

    fn hear_event(&mut self, event: &MeetingEvent) {
        let before = self.last_seq().expect("the first frame is `connected`");
        assert_eq!(
            event.seq,
            before + 1,
            "{:?} hears every event once, in order",
            self.agent
        );
        self.events.push(event.clone());
    }

    /// The last event heard, or the one before the first that it was to hear.
    pub(crate) fn last_seq(&self) -> Option<u64> {
        let last = self.events.last().map(|event| event.seq);
        last.or(self.begins_after)
    }

    /// All that it said itself and that is JSON.
    pub(crate) fn sent(&self) -> Vec<Value> {
        let said = self.said.iter();
        said.filter_map(|text| serde_json::from_str(text).ok())
            .collect()
    }

    /// The words for the kinds of all events, in order.
    pub(crate) fn kinds(&self) -> Vec<&str> {
        self.events.iter().map(|e| e.event.as_str()).collect()
    }

    /// The data of all events of one kind, in order.
    pub(crate) fn data_of(&self, kind: &str) -> Vec<&Value> {
        let of_kind = self.events.iter().filter(|event| event.event == kind);
        of_kind.map(|event| &event.data).collect()
    }

    /// The code with which its last connection was closed.
    pub(crate) fn close_code(&self) -> Option<u16> {
        self.endings.last().map(|ended| ended.code)
    }
}
