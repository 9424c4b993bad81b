//! What one agent heard of one meeting, held against what it must hear: every event once, in order, and an answer to all it said.

use std::collections::{BTreeSet, HashMap};
use std::fmt;
use std::time::Duration;

use uuid::Uuid;

use super::record::{Flaw, Record, What};
use crate::client::ServerFrame;
use crate::client::frame::{Ack, MeetingEvent, Refusal};
use crate::wire::FrameId;

/// An agent's account of a meeting, over all its connections.
pub(super) struct Witness {
    agent: Uuid,
    record: Record,
    last_seq: u64,
    /// Events before that which have not come.
    missing: BTreeSet<u64>,
    /// What it said and heard no answer to: the frame's id, and when.
    unanswered: HashMap<String, Duration>,
    /// Where its own opinions stand in the journal.
    presented: Vec<u64>,
    /// Its opinions that were acknowledged.
    turns: u64,
}

impl Witness {
    pub(super) fn of(agent: Uuid, record: Record) -> Self {
        Self {
            agent,
            record,
            last_seq: 0,
            missing: BTreeSet::new(),
            unanswered: HashMap::new(),
            presented: Vec::new(),
            turns: 0,
        }
    }

    /// The last event heard: where to go on after a lost connection.
    pub(super) fn last_seq(&self) -> u64 {
        self.last_seq
    }

    /// It says something now, unless it has and waits for the answer.
    pub(super) fn says(&mut self, id: &str, now: Duration) -> bool {
        let is_new = !self.unanswered.contains_key(id);
        self.unanswered.entry(id.to_owned()).or_insert(now);
        is_new
    }

    /// What it said and heard no answer to, to be said again where a connection was lost: under the same id it acts once.
    pub(super) fn unanswered(&self) -> Vec<String> {
        self.unanswered.keys().cloned().collect()
    }

    /// It hears a frame.
    pub(super) fn hears(&mut self, frame: &ServerFrame) {
        self.record.delivered();
        match frame {
            ServerFrame::MeetingEvent(event) => self.event(event),
            ServerFrame::Ack(ack) => self.ack(ack),
            ServerFrame::Error(refusal) => self.refusal(refusal),
            ServerFrame::Connected(_)
            | ServerFrame::OpinionRequest(_)
            | ServerFrame::ConsensusRequest(_)
            | ServerFrame::DirectMessage(_)
            | ServerFrame::Unknown => {}
        }
    }

    fn event(&mut self, event: &MeetingEvent) {
        let (seq, last) = (event.seq, self.last_seq);
        if seq > last {
            let gap = last + 1..seq;
            let unlisted = (seq - last - 1).saturating_sub(MISSING_MAX);
            if unlisted > 0 {
                self.lost(unlisted, format_args!("event {seq} came behind {last}"));
            }
            self.missing
                .extend(gap.skip(usize::try_from(unlisted).unwrap_or(usize::MAX)));
            self.last_seq = seq;
        } else if self.missing.remove(&seq) {
            let why = format_args!("event {seq} came behind {last}");
            self.record.flaw(Flaw::OutOfOrder, why);
        } else {
            let why = format_args!("event {seq} came again behind {last}");
            self.record.flaw(Flaw::Doubled, why);
        }
        let is_own = event.data["agent_id"] == self.agent.to_string();
        if event.event == "opinion_presented" && is_own {
            self.presented.push(seq);
        }
    }

    fn ack(&mut self, ack: &Ack) {
        let Some(FrameId::Text(id)) = &ack.id else {
            return;
        };
        let Some(said) = self.unanswered.remove(id) else {
            let why = format_args!("{id} was acknowledged twice");
            return self.record.flaw(Flaw::Doubled, why);
        };
        if !id.starts_with(OPINION) {
            return;
        }
        self.turns += 1;
        self.record.took(What::Turn, said);
        // The ack follows the commit, and the event comes before it or right behind.
        let is_told = |seq| seq < self.last_seq && !self.presented.contains(&seq);
        if ack.seq.is_some_and(is_told) {
            let why = format_args!("{id} is not the event that its ack names");
            self.record.flaw(Flaw::OutOfOrder, why);
        }
    }

    fn refusal(&mut self, refusal: &Refusal) {
        let why = format_args!("{}: {}", refusal.code, refusal.message);
        self.record.flaw(Flaw::Error, why);
        if let Some(FrameId::Text(id)) = &refusal.id {
            self.unanswered.remove(id);
        }
    }

    /// The meeting is over, and its journal has so many events. Answers in how many turns the agent spoke.
    pub(super) fn ends(self, last_seq: u64) -> u64 {
        let last = self.last_seq;
        if let Some(first) = self.missing.first() {
            let why = format_args!("event {first} never came");
            self.lost(self.missing.len() as u64, why);
        }
        if last < last_seq {
            let why = format_args!("the last event heard is {last} of {last_seq}");
            self.lost(last_seq - last, why);
        }
        if let Some(id) = self.unanswered.keys().next() {
            let why = format_args!("{id} was never answered");
            self.lost(self.unanswered.len() as u64, why);
        }
        self.turns
    }

    fn lost(&self, count: u64, why: fmt::Arguments<'_>) {
        self.record.flaw(Flaw::Lost(count), why);
    }
}

/// Events that may come late, at most; what is missing beyond is lost. More than a meeting that can be has on its way.
const MISSING_MAX: u64 = 10_000;
/// How ids of opinions begin.
pub(super) const OPINION: &str = "opinion";

#[cfg(test)]
mod tests {
    use indicatif::ProgressBar;
    use serde_json::json;

    use super::super::record::Flaws;
    use super::*;
    use crate::clock::Clock;

    fn event(seq: u64) -> ServerFrame {
        let text = json!({"type": "meeting_event", "event": "turn_opened", "meeting_id": Uuid::nil(), "seq": seq,
                          "at": "2030-01-01T00:00:00Z", "data": {}});
        ServerFrame::read(&text.to_string()).unwrap()
    }

    fn ack(id: &str, seq: u64) -> ServerFrame {
        ServerFrame::read(&json!({"type": "ack", "id": id, "seq": seq}).to_string()).unwrap()
    }

    /// What is wrong with a meeting of two events in which one agent spoke once, and heard these.
    fn flaws(frames: &[ServerFrame]) -> Flaws {
        let record = Record::new(Clock::system(), ProgressBar::hidden());
        let mut witness = Witness::of(Uuid::nil(), record.clone());
        witness.says("opinion 1", Duration::ZERO);
        for frame in frames {
            witness.hears(frame);
        }
        witness.ends(2);
        record.seen().flaws
    }

    #[test]
    fn what_must_not_be_is_counted() {
        let flawless = flaws(&[event(1), event(2), ack("opinion 1", 3)]);
        assert_eq!(flawless, Flaws::default());
        let gap = flaws(&[event(2), ack("opinion 1", 3)]);
        assert_eq!((gap.lost, gap.doubled), (1, 0));
        let swapped = flaws(&[event(2), event(1), ack("opinion 1", 3)]);
        assert_eq!((swapped.lost, swapped.out_of_order), (0, 1));
        let beyond = flaws(&[event(u64::MAX), ack("opinion 1", 3)]);
        assert_eq!(beyond.lost, u64::MAX - 1);
        let twice = flaws(&[event(1), event(1), event(2), ack("opinion 1", 3)]);
        assert_eq!((twice.lost, twice.doubled), (0, 1));
        let unanswered = flaws(&[event(1), event(2)]);
        assert_eq!(unanswered.lost, 1);
        let cut = flaws(&[event(1), ack("opinion 1", 3)]);
        assert_eq!(cut.lost, 1);
        let elsewhere = flaws(&[event(1), event(2), ack("opinion 1", 1)]);
        assert_eq!(elsewhere.out_of_order, 1);
        let again = [event(1), event(2), ack("opinion 1", 3), ack("opinion 1", 3)];
        assert_eq!(flaws(&again).doubled, 1);
    }
}
