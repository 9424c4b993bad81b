//! Many appends laid out as rows, table by table: what the SQL databases write.
//!
//! Which rows follow from an event is said by [`projection`](super::projection); here they are only put in order.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

use super::projection::{Decided, Row, project};
use super::{Append, Entry, Header, Message};
use crate::domain::{AgentId, MeetingId};

/// The rows of many appends, sorted by meeting, so that two servers lock meetings in one order.
#[derive(Default)]
pub(super) struct Batch<'a> {
    /// The meetings' own rows.
    pub(super) heads: Vec<Head<'a>>,
    /// The journal.
    pub(super) events: Vec<Of<&'a Entry>>,
    /// Things said.
    pub(super) messages: Vec<Of<Message>>,
    /// Who came and went.
    pub(super) seats: Vec<Of<Seat>>,
    /// Decisions made.
    pub(super) decisions: Vec<Of<Decided>>,
}

/// A row of a meeting.
#[derive(Clone)]
pub(super) struct Of<T> {
    /// Which meeting.
    pub(super) meeting: MeetingId,
    /// The row.
    pub(super) row: T,
}

/// What happens to the meeting's own row.
pub(super) struct Head<'a> {
    /// Which meeting.
    pub(super) meeting: MeetingId,
    /// The epoch that it must have.
    pub(super) epoch: u64,
    /// One more than the `last_seq` that it must have.
    pub(super) first_seq: u64,
    /// The `last_seq` that it gets.
    pub(super) last_seq: u64,
    /// The rest that it gets.
    pub(super) header: &'a Header,
}

/// What became of one participant within one append.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Seat {
    /// Who.
    pub(super) agent: AgentId,
    /// Whether it was added; if not, only a row that is there changes.
    pub(super) is_added: bool,
    /// When it came, should it not have been there before.
    pub(super) joined_at: DateTime<Utc>,
    /// When it left, if it stayed away.
    pub(super) left_at: Option<DateTime<Utc>>,
}

impl<'a> Batch<'a> {
    /// Lays `appends` out as rows.
    pub(super) fn of(appends: &'a [Append]) -> Self {
        let sorted: BTreeMap<_, _> = appends.iter().map(|a| (a.meeting, a)).collect();
        debug_assert_eq!(sorted.len(), appends.len(), "a meeting stands twice");
        let mut batch = Self::default();
        for append in sorted.into_values() {
            batch.add(append);
        }
        batch
    }

    fn add(&mut self, append: &'a Append) {
        let meeting = append.meeting;
        self.heads.push(Head {
            meeting,
            epoch: append.epoch,
            first_seq: append.first_seq(),
            last_seq: append.last_seq(),
            header: &append.header,
        });
        let seats_before = self.seats.len();
        for entry in &append.entries {
            let row = entry;
            self.events.push(Of { meeting, row });
            for row in project(&entry.recorded) {
                match row {
                    Row::Message(row) => self.messages.push(Of { meeting, row }),
                    Row::Added { agent, at } => {
                        let seat = seat(&mut self.seats, seats_before, meeting, agent, at);
                        seat.is_added = true;
                        seat.left_at = None;
                    }
                    Row::Left { agent, at } => {
                        seat(&mut self.seats, seats_before, meeting, agent, at).left_at = Some(at);
                    }
                    Row::Decided(row) => self.decisions.push(Of { meeting, row }),
                }
            }
        }
    }
}

/// The one row that an append has for an agent, because a statement may touch a row only once.
fn seat(
    seats: &mut Vec<Of<Seat>>,
    from: usize,
    meeting: MeetingId,
    agent: AgentId,
    at: DateTime<Utc>,
) -> &mut Seat {
    let known = seats[from..]
        .iter()
        .position(|seat| seat.row.agent == agent);
    let place = known.map_or(seats.len(), |place| from + place);
    if known.is_none() {
        let row = Seat {
            agent,
            is_added: false,
            joined_at: at,
            left_at: None,
        };
        seats.push(Of { meeting, row });
    }
    &mut seats[place].row
}
