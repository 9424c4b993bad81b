//! A meeting as everyone sees it.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::value::RawValue;
use utoipa::ToSchema;
use uuid::Uuid;

use super::call::Call;
use super::communications::Communication;
use super::decisions::Decision;
use super::schema::Live;
use super::stored_json;
use crate::actors::journal;
use crate::actors::meeting::Message;
use crate::budget::Reservation;
use crate::config::Limits;
use crate::domain::{MeetingId, MeetingType, Outcome, Status};
use crate::storage::{self, DecisionFilter, Error, PageRequest, ParticipantRow, Start};
use crate::transport::{Api, ApiError, ask};
use crate::wire::{outbound, shape};

/// What stands in a meeting's row.
#[derive(Serialize, ToSchema)]
pub(super) struct MeetingRow {
    id: Uuid,
    /// What it is about, exactly as given.
    topic: String,
    #[schema(value_type = MeetingType)]
    meeting_type: &'static str,
    #[schema(value_type = Status)]
    status: &'static str,
    /// Null until it has ended.
    #[schema(value_type = Option<Outcome>)]
    outcome: Option<&'static str>,
    created_at: DateTime<Utc>,
    started_at: Option<DateTime<Utc>>,
    completed_at: Option<DateTime<Utc>>,
    max_discussion_rounds: u32,
    /// 0 before the first.
    current_round: u32,
    #[schema(value_type = shape::Settings)]
    settings: Box<RawValue>,
    /// The points of the discussion, where no decision stands.
    summary: Option<String>,
    /// The number of its last event.
    last_seq: u64,
}

/// A meeting without what was said in it.
#[derive(Serialize, ToSchema)]
pub(super) struct MeetingInBrief {
    #[serde(flatten)]
    row: MeetingRow,
    /// In speaking order, the moderator among them.
    participants: Vec<Participant>,
    /// Where it stands; null when it has ended, or when too much happened in it to be read for this.
    live: Option<Live>,
}

/// A meeting with all that belongs to it.
#[derive(Serialize, ToSchema)]
pub(super) struct Meeting {
    #[serde(flatten)]
    brief: MeetingInBrief,
    /// What was said, in order.
    messages: Vec<MeetingMessage>,
    /// The messages that prompted it.
    related_communications: Vec<Communication>,
    decision: Option<Decision>,
}

/// Somebody in a meeting.
#[derive(Serialize, ToSchema)]
struct Participant {
    agent_id: Uuid,
    name: String,
    /// `moderator` or `participant`.
    role: &'static str,
    joined_at: DateTime<Utc>,
    /// When it left for good.
    left_at: Option<DateTime<Utc>>,
    /// From 1; null for a moderator who does not participate.
    speaking_order: Option<u32>,
}

/// Something said in a meeting.
#[derive(Serialize, ToSchema)]
struct MeetingMessage {
    /// By whom; null is the meeting itself.
    agent_id: Option<Uuid>,
    content: String,
    /// The number of the event that recorded it.
    sequence_number: u64,
    /// `opinion`, `consensus` or `meta`.
    message_type: &'static str,
    /// 0 before the first.
    round: u32,
    timestamp: DateTime<Utc>,
}

impl From<&storage::Meeting> for MeetingRow {
    fn from(meeting: &storage::Meeting) -> Self {
        let header = &meeting.header;
        Self {
            id: meeting.id.0,
            topic: meeting.topic.clone(),
            meeting_type: meeting.meeting_type.as_str(),
            status: header.status.as_str(),
            outcome: header.outcome.map(Outcome::as_str),
            created_at: meeting.created_at,
            started_at: header.started_at,
            completed_at: header.completed_at,
            max_discussion_rounds: meeting.max_discussion_rounds,
            current_round: header.current_round,
            settings: stored_json(&meeting.settings),
            summary: header.summary.clone(),
            last_seq: meeting.last_seq,
        }
    }
}

/// A meeting as the answer to what was done to it: however long it is, it is not too much to be
/// told, and can be kept.
pub(super) async fn in_brief(api: &Api, id: MeetingId) -> Result<MeetingInBrief, ApiError> {
    // What was done is never answered with a refusal, and this is short.
    let reservation = Arc::new(Reservation::unlimited());
    let mut brief = headed(api, id, &reservation).await?;
    brief.live.iter_mut().for_each(Live::leave_out_opinions);
    Ok(brief)
}

/// A meeting with all that belongs to it.
pub(super) async fn whole(call: &Call, id: MeetingId) -> Result<Meeting, ApiError> {
    let (store, reservation) = (&call.api.context.store, &call.reservation);
    let brief = headed(&call.api, id, reservation).await?;
    let messages = store.messages(id, reservation).await?;
    let related = store.related_communications(id, reservation).await?;
    let only = PageRequest {
        size: 1,
        start: Start::Number(1),
    };
    let filter = DecisionFilter {
        meeting: Some(id),
        ..DecisionFilter::default()
    };
    let decisions = store.decisions(&filter, only, reservation).await?;
    Ok(Meeting {
        brief,
        messages: messages.into_iter().map(MeetingMessage::from).collect(),
        related_communications: related.iter().map(Communication::from).collect(),
        decision: decisions.items.first().map(Decision::from),
    })
}

/// A meeting and who is in it.
async fn headed(
    api: &Api,
    id: MeetingId,
    reservation: &Arc<Reservation>,
) -> Result<MeetingInBrief, ApiError> {
    let store = &api.context.store;
    let missing = || ApiError::not_found("no such meeting");
    let meeting = store.meeting(id, reservation).await?.ok_or_else(missing)?;
    let participants = store.participants(id).await?;
    Ok(MeetingInBrief {
        row: MeetingRow::from(&meeting),
        participants: participants.iter().map(Participant::from).collect(),
        live: live(api, id, meeting.header.status, reservation).await?,
    })
}

/// Where a meeting stands that has not ended. One that is not awake here is read from its journal:
/// looking at a meeting must not take it over.
async fn live(
    api: &Api,
    id: MeetingId,
    status: Status,
    reservation: &Arc<Reservation>,
) -> Result<Option<Live>, ApiError> {
    if matches!(status, Status::Completed | Status::Failed) {
        return Ok(None);
    }
    if let Some(actor) = api.directory.find(id) {
        let permit = api.permit(0)?;
        let room = Arc::clone(reservation);
        let describe = |reply| Message::Describe(reply, room, permit);
        if let Ok(standing) = ask(&actor, describe).await {
            return Ok(Some(Live(standing.map_err(Error::from)?)));
        }
    }
    let store = &*api.context.store;
    let rows = journal::read_whole(store, id, Limits::ANSWER_MAX_BYTES, reservation).await;
    if let Err(Error::TooMuch) = rows {
        return Ok(None);
    }
    let (meeting, _) = journal::load(rows?).map_err(|error| ApiError::unreadable(&error))?;
    Ok(Some(Live(outbound::state(&meeting))))
}

impl From<&ParticipantRow> for Participant {
    fn from(row: &ParticipantRow) -> Self {
        Self {
            agent_id: row.agent.0,
            name: row.name.clone(),
            role: if row.is_moderator {
                "moderator"
            } else {
                "participant"
            },
            joined_at: row.joined_at,
            left_at: row.left_at,
            speaking_order: row.speaking_order,
        }
    }
}

impl From<storage::Message> for MeetingMessage {
    fn from(message: storage::Message) -> Self {
        Self {
            agent_id: message.agent.map(|agent| agent.0),
            content: message.content,
            sequence_number: message.sequence_number,
            message_type: message.message_type,
            round: message.round,
            timestamp: message.timestamp,
        }
    }
}
