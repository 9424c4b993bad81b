//! Meetings to write about, and what is said in them.

use chrono::{DateTime, Utc};
use synod::actors::journal;
use synod::clock::Clock;
use synod::domain::{
    AgentId, Created, DecisionId, Event, Meeting, MeetingId, MeetingType, Recorded, Settings,
    Status,
};
use synod::storage::{Append, Header, Store};

const OPINION_BYTES: usize = 300;

/// Open meetings, each with the number of its last event.
pub(crate) struct Minutes {
    meetings: Vec<(MeetingId, u64)>,
    speaker: AgentId,
    now: DateTime<Utc>,
}

impl Minutes {
    /// New meetings that this bench has taken over, so that their epoch is [`EPOCH`].
    pub(crate) async fn of(store: &dyn Store, meetings: usize) -> Self {
        let clock = Clock::system();
        let ids: Vec<_> = (0..meetings).map(|_| MeetingId(clock.id())).collect();
        for &meeting in &ids {
            let created = Created {
                meeting,
                topic: "What it costs to be kept".to_owned(),
                meeting_type: MeetingType::UserSpecified,
                settings: Settings::default(),
                moderator: None,
                participants: Vec::new(),
                related: Vec::new(),
                decision: DecisionId(clock.id()),
            };
            let (meeting, first) = Meeting::create(clock.now(), created);
            let meeting = journal::created(&meeting, first);
            store
                .create_meeting(&meeting)
                .await
                .expect("a new meeting can be kept");
        }
        let taken = store.take_over(&ids).await.expect("new meetings are open");
        assert!(
            taken.iter().all(|taken| taken.epoch == EPOCH),
            "nobody else takes these meetings"
        );
        Self {
            meetings: ids.into_iter().map(|id| (id, 1)).collect(),
            speaker: AgentId(clock.id()),
            now: clock.now(),
        }
    }

    /// The next `events` events, as many of each meeting.
    pub(crate) fn next(&mut self, events: usize) -> Vec<Append> {
        let each = events / self.meetings.len();
        let (speaker, at) = (self.speaker, self.now);
        let next = |(meeting, last_seq): &mut (MeetingId, u64)| {
            let entry = |_| {
                *last_seq += 1;
                let event = event(speaker, *last_seq, at);
                journal::entry(
                    Recorded {
                        seq: *last_seq,
                        at,
                        event,
                    },
                    None,
                )
            };
            let entries = (0..each).map(entry).collect();
            Append {
                meeting: *meeting,
                epoch: EPOCH,
                entries,
                header: header(at),
            }
        };
        self.meetings.iter_mut().map(next).collect()
    }
}

/// After the first take-over.
const EPOCH: u64 = 1;

fn event(agent: AgentId, seq: u64, now: DateTime<Utc>) -> Event {
    let round = 1;
    if seq.is_multiple_of(2) {
        let content = "o".repeat(OPINION_BYTES);
        Event::OpinionPresented {
            round,
            agent,
            content,
            proposal: None,
        }
    } else {
        Event::TurnOpened {
            round,
            agent,
            deadline: now,
        }
    }
}

fn header(now: DateTime<Utc>) -> Header {
    Header {
        status: Status::InProgress,
        outcome: None,
        current_round: 1,
        started_at: Some(now),
        completed_at: None,
        summary: None,
    }
}
