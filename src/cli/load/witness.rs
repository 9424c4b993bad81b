//! What one agent heard of one meeting, held against what it must hear: every event once, in order, and an answer to all it said.

use std::collections::HashMap;
use std::time::Duration;

use uuid::Uuid;

use super::report::{Flaws, Times};
use crate::client::ServerFrame;
use crate::client::frame::{Ack, MeetingEvent, Refusal};
use crate::wire::FrameId;

/// An agent's account of a meeting, over all its connections.
#[derive(Default)]
pub(super) struct Witness {
    agent: Uuid,
    last_seq: u64,
    /// What it said and heard no answer to: the frame's id, and when.
    unanswered: HashMap<String, Duration>,
    /// Where its own opinions stand in the journal, until that is acknowledged.
    presented: Vec<u64>,
    pub(super) deliveries: u64,
    pub(super) turns: u64,
    pub(super) times: Times,
    pub(super) flaws: Flaws,
}

impl Witness {
    pub(super) fn of(agent: Uuid) -> Self {
        Self {
            agent,
            ..Self::default()
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
    pub(super) fn hears(&mut self, frame: &ServerFrame, now: Duration) {
        self.deliveries += 1;
        match frame {
            ServerFrame::MeetingEvent(event) => self.event(event),
            ServerFrame::Ack(ack) => self.ack(ack, now),
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
        if seq == last + 1 {
            self.last_seq = seq;
        } else if seq <= last {
            self.flaws.doubled += 1;
            self.flaws
                .because(format_args!("event {seq} came again behind {last}"));
        } else {
            self.flaws.lost += seq - last - 1;
            self.flaws
                .because(format_args!("event {seq} came behind {last}"));
            self.last_seq = seq;
        }
        let is_own = event.data["agent_id"] == self.agent.to_string();
        if event.event == "opinion_presented" && is_own {
            self.presented.push(seq);
        }
    }

    fn ack(&mut self, ack: &Ack, now: Duration) {
        let Some(FrameId::Text(id)) = &ack.id else {
            return;
        };
        let Some(said) = self.unanswered.remove(id) else {
            self.flaws.doubled += 1;
            self.flaws
                .because(format_args!("{id} was acknowledged twice"));
            return;
        };
        if !id.starts_with(OPINION) {
            return;
        }
        self.turns += 1;
        self.times.record(now.saturating_sub(said));
        // The ack follows the commit, and the event comes before it or right behind.
        if ack
            .seq
            .is_some_and(|seq| seq < self.last_seq && !self.presented.contains(&seq))
        {
            self.flaws.out_of_order += 1;
            self.flaws
                .because(format_args!("{id} is not the event that its ack names"));
        }
    }

    fn refusal(&mut self, refusal: &Refusal) {
        self.flaws.refused += 1;
        self.flaws
            .because(format_args!("{}: {}", refusal.code, refusal.message));
        if let Some(FrameId::Text(id)) = &refusal.id {
            self.unanswered.remove(id);
        }
    }

    /// The meeting is over, and its journal has so many events.
    pub(super) fn ends(&mut self, last_seq: u64) {
        if self.last_seq < last_seq {
            self.flaws.lost += last_seq - self.last_seq;
            self.flaws.because(format_args!(
                "the last event heard is {} of {last_seq}",
                self.last_seq
            ));
        }
        if !self.unanswered.is_empty() {
            self.flaws.lost += self.unanswered.len() as u64;
            self.flaws.because("something said was never answered");
        }
    }
}

/// How ids of opinions begin.
pub(super) const OPINION: &str = "opinion";

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn event(seq: u64) -> ServerFrame {
        let text = json!({"type": "meeting_event", "event": "turn_opened", "meeting_id": Uuid::nil(), "seq": seq,
                          "at": "2030-01-01T00:00:00Z", "data": {}});
        ServerFrame::read(&text.to_string()).unwrap()
    }

    fn ack(id: &str, seq: u64) -> ServerFrame {
        ServerFrame::read(&json!({"type": "ack", "id": id, "seq": seq}).to_string()).unwrap()
    }

    fn hears(frames: &[ServerFrame]) -> Witness {
        let mut witness = Witness::of(Uuid::nil());
        witness.says("opinion 1", Duration::ZERO);
        for frame in frames {
            witness.hears(frame, Duration::from_millis(3));
        }
        witness.ends(2);
        witness
    }

    #[test]
    fn what_must_not_be_is_counted() {
        let flawless = hears(&[event(1), event(2), ack("opinion 1", 3)]).flaws;
        assert_eq!(flawless, Flaws::default());
        let gap = hears(&[event(2), ack("opinion 1", 3)]).flaws;
        assert_eq!((gap.lost, gap.doubled), (1, 0));
        let twice = hears(&[event(1), event(1), event(2), ack("opinion 1", 3)]).flaws;
        assert_eq!((twice.lost, twice.doubled), (0, 1));
        let unanswered = hears(&[event(1), event(2)]).flaws;
        assert_eq!(unanswered.lost, 1);
        let cut = hears(&[event(1), ack("opinion 1", 3)]).flaws;
        assert_eq!(cut.lost, 1);
        let elsewhere = hears(&[event(1), event(2), ack("opinion 1", 1)]).flaws;
        assert_eq!(elsewhere.out_of_order, 1);
        let again = [event(1), event(2), ack("opinion 1", 3), ack("opinion 1", 3)];
        assert_eq!(hears(&again).flaws.doubled, 1);
    }
}
