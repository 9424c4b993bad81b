//! Between the journal's rows and the meeting that they make.

use std::collections::HashMap;

use crate::budget::Reservation;
use crate::config::Limits;
use crate::domain::invariants::{self, Violation};
use crate::domain::meeting::FoldError;
use crate::domain::{AgentId, Event, LeaveReason, Meeting, MeetingId, Recorded, phase::Phase};
use crate::storage::{self, Append, Entry, Header, JournalRow, NewMeeting, Part, Store};
use crate::wire::journal::{self, DAMAGED, DecodeError};
use crate::wire::shape;

/// A journal that this server cannot go on with.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A row cannot be read.
    #[error(transparent)]
    Decode(#[from] DecodeError),
    /// The rows do not follow from one another.
    #[error("{0}. {DAMAGED}")]
    Fold(#[from] FoldError),
    /// The rows lead to a meeting that cannot be.
    #[error("it does not hold that {0}. {DAMAGED}")]
    Broken(#[from] Violation),
}

/// What was carried out already, and the event that it became.
pub type Answered = HashMap<Asked, u64>;

/// Something that acts once, however often it comes.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Asked {
    /// A frame: who sent it, under which id.
    Frame(AgentId, String),
    /// A request by REST, by its key.
    Request(String),
}

/// Reads a whole journal, in parts.
///
/// # Errors
/// As the store's; [`storage::Error::TooMuch`] if its payloads have more than `max_bytes`.
pub async fn read_whole(
    store: &dyn Store,
    id: MeetingId,
    max_bytes: usize,
    reservation: &Reservation,
) -> Result<Vec<JournalRow>, storage::Error> {
    let (mut rows, mut bytes) = (Vec::new(), 0);
    loop {
        let after = rows.last().map_or(0, |row: &JournalRow| row.seq);
        let part = Part::of_answer(Limits::JOURNAL_PAGE_ROWS);
        let part = store.journal(id, after, part, reservation).await?;
        if part.is_empty() {
            return Ok(rows);
        }
        bytes += part.iter().map(|row| row.payload.len()).sum::<usize>();
        if bytes > max_bytes {
            return Err(storage::Error::TooMuch);
        }
        rows.extend(part);
    }
}

/// Rebuilds a meeting, and what it answered to which frame.
///
/// # Errors
/// If a row cannot be read or is missing, or no meeting could have come where they lead.
pub fn load(rows: Vec<JournalRow>) -> Result<(Meeting, Answered), Error> {
    let mut answered = Answered::new();
    let mut recorded = Vec::with_capacity(rows.len());
    for row in rows {
        let event = decode(&row)?;
        if let Some(id) = row.frame_id {
            let asked = match author(&event.event) {
                Some(agent) => Asked::Frame(agent, id),
                None => Asked::Request(id),
            };
            answered.insert(asked, event.seq);
        }
        recorded.push(event);
    }
    let meeting = Meeting::fold(recorded)?;
    invariants::check(&meeting)?;
    Ok((meeting, answered))
}

/// Reads one row.
///
/// # Errors
/// If its kind, version or payload is unknown.
pub fn decode(row: &JournalRow) -> Result<Recorded, DecodeError> {
    let event = journal::decode(&row.kind, row.version, &row.payload)?;
    Ok(Recorded {
        seq: row.seq,
        at: row.at,
        event,
    })
}

/// The row of one event.
pub fn entry(recorded: Recorded, frame_id: Option<String>) -> Entry {
    let journal::Encoded { kind, payload } = journal::encode(&recorded.event);
    Entry {
        recorded,
        kind,
        version: journal::VERSION,
        payload,
        frame_id,
    }
}

/// The rows of a new meeting.
pub fn created(meeting: &Meeting, first: Recorded) -> NewMeeting {
    let settings = journal::to_json(&shape::Settings::from(meeting.settings()));
    NewMeeting {
        first: entry(first, None),
        settings,
    }
}

/// The next rows of a meeting.
pub fn append(meeting: &Meeting, epoch: u64, entries: Vec<Entry>) -> Append {
    Append {
        meeting: meeting.created().meeting,
        epoch,
        entries,
        header: header(meeting),
    }
}

fn header(meeting: &Meeting) -> Header {
    let outcome = match meeting.phase() {
        Phase::Concluded { outcome } => Some(*outcome),
        Phase::Pending | Phase::Discussing { .. } | Phase::Voting(_) => None,
    };
    Header {
        status: meeting.status(),
        outcome,
        current_round: meeting.round(),
        started_at: meeting.started_at(),
        completed_at: meeting.completed_at(),
        summary: meeting.summary().map(str::to_owned),
    }
}

/// Whose frame an event answers; none of a request by REST leads to such an event.
fn author(event: &Event) -> Option<AgentId> {
    match event {
        Event::OpinionPresented { agent, .. }
        | Event::VoteRecorded { agent, .. }
        | Event::AgentLeft {
            agent,
            reason: LeaveReason::Left,
        } => Some(*agent),
        _ => None,
    }
}
