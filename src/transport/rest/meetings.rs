//! `/meetings`: listed, shown, and read event by event.

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::json;
use serde_json::value::RawValue;
use utoipa::ToSchema;

use super::call::Call;
use super::meeting_view::{self, Meeting, MeetingRow};
use super::page::{MeetingsPage, Place};
use super::route::Route;
use super::schema::{self, asked_for, id_parameter, parameter, span_parameters};
use super::stored_json;
use crate::actors::journal;
use crate::config::Limits;
use crate::domain::{AgentId, MeetingId, Outcome, Status};
use crate::storage::{JournalRow, MeetingFilter, Part};
use crate::transport::auth::Identity;
use crate::transport::fields::{Fields, List};
use crate::transport::{Api, ApiError, Response};
use crate::wire::journal as kept;

pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::of::<__path_index, _>(index),
        Route::of::<__path_show, _>(show),
        Route::of::<__path_events, _>(events),
    ]
}

/// A page of meetings, newest first.
#[derive(Serialize, ToSchema)]
struct Meetings {
    meetings: Vec<MeetingRow>,
    #[serde(flatten)]
    place: Place,
}

/// A part of a meeting's journal.
#[derive(Serialize, ToSchema)]
struct Journal {
    events: Vec<JournalEvent>,
    /// The number of the meeting's last event, whether it is among these or not.
    last_seq: u64,
}

/// Something that happened in a meeting.
#[derive(Serialize, ToSchema)]
struct JournalEvent {
    /// Counts from 1 without gaps.
    seq: u64,
    kind: String,
    /// The version of the shape of `data`.
    version: u16,
    at: DateTime<Utc>,
    /// As in the `meeting_event` frame of this kind.
    #[schema(value_type = Object)]
    data: Box<RawValue>,
}

/// Which part of a journal is wanted.
struct JournalPart {
    after: u64,
    limit: u32,
}

/// Lists meetings.
///
/// Newest first. An agent sees those it is in or moderates; the operator sees all. All filters given must hold.
#[utoipa::path(
    get,
    path = "/api/v1/meetings",
    params(MeetingFilter, MeetingsPage),
    responses((status = 200, description = "A page of meetings.", body = Meetings))
)]
async fn index(call: Call) -> Result<Response, ApiError> {
    let mut query = call.query()?;
    let (from, until) = query.span();
    let filter = MeetingFilter {
        status: query.word(
            "status",
            Status::parse,
            &Status::ALL.map(Status::as_str).join(", "),
        ),
        is_open: false,
        outcome: query.word(
            "outcome",
            Outcome::parse,
            &Outcome::ALL.map(Outcome::as_str).join(", "),
        ),
        agent: query.id("agent_id").map(AgentId),
        visible_to: call.identity.agent(),
        words: query.words("q"),
        from,
        until,
    };
    let request = query.page(List::Meetings);
    query.finish()?;
    let store = &call.api.context.store;
    let page = store.meetings(&filter, request, &call.reservation).await?;
    call.ok(&Meetings {
        meetings: page.items.iter().map(MeetingRow::from).collect(),
        place: Place::of(List::Meetings, request, &page),
    })
    .await
}

/// Shows a meeting with all that belongs to it.
///
/// Its participants, what was said, the decision, and where it stands now. Looking at a meeting changes nothing.
#[utoipa::path(
    get,
    path = "/api/v1/meetings/{id}",
    responses(
        (status = 200, description = "The meeting.", body = Meeting),
        (status = 403, description = "`forbidden`: you are not in this meeting."),
    )
)]
async fn show(call: Call) -> Result<Response, ApiError> {
    let id = call.id();
    ensure_visible(&call, id).await?;
    call.ok(&meeting_view::whole(&call, id).await?).await
}

/// Reads a meeting's journal.
///
/// In order, from the event after `after` on. What is secret for now, such as a blind vote, is left out of `data`.
#[utoipa::path(
    get,
    path = "/api/v1/meetings/{id}/events",
    params(JournalPart),
    responses(
        (status = 200, description = "The events.", body = Journal),
        (status = 403, description = "`forbidden`: you are not in this meeting."),
    )
)]
async fn events(call: Call) -> Result<Response, ApiError> {
    let id = call.id();
    let JournalPart { after, limit } = JournalPart::read(call.query()?)?;
    ensure_visible(&call, id).await?;
    let store = &call.api.context.store;
    let meeting = store.meeting(id, &call.reservation).await?;
    let meeting = meeting.ok_or_else(|| ApiError::not_found("no such meeting"))?;
    let part = Part::of_answer(limit);
    let rows = store.journal(id, after, part, &call.reservation).await?;
    let events: Result<_, _> = rows.into_iter().map(JournalEvent::read).collect();
    call.ok(&Journal {
        events: events?,
        last_seq: meeting.last_seq,
    })
    .await
}

/// Lets an agent see the meetings it is or was in, and those it moderates.
pub(super) async fn ensure_visible(call: &Call, id: MeetingId) -> Result<(), ApiError> {
    if is_visible(&call.api, &call.identity, id).await? {
        return Ok(());
    }
    let store = &call.api.context.store;
    match store.meeting(id, &call.reservation).await? {
        Some(_) => Err(ApiError::forbidden(
            "you are not in this meeting: join it first",
        )),
        None => Err(ApiError::not_found("no such meeting")),
    }
}

/// Whether somebody may see a meeting.
pub(super) async fn is_visible(
    api: &Api,
    identity: &Identity,
    id: MeetingId,
) -> Result<bool, ApiError> {
    let Some(agent) = identity.agent() else {
        return Ok(true);
    };
    let participants = api.context.store.participants(id).await?;
    let mut participants = participants.iter();
    Ok(participants.any(|participant| participant.agent == agent))
}

impl JournalPart {
    fn read(mut query: Fields) -> Result<Self, ApiError> {
        let most = Limits::JOURNAL_PAGE_ROWS;
        let after = query.number("after", 0, u64::MAX >> 1).unwrap_or(0);
        let limit = query.number("limit", 1, u64::from(most));
        query.finish()?;
        let limit = limit.and_then(|limit| u32::try_from(limit).ok());
        Ok(Self {
            after,
            limit: limit.unwrap_or(most),
        })
    }
}

impl JournalEvent {
    fn read(row: JournalRow) -> Result<Self, ApiError> {
        let recorded = journal::decode(&row).map_err(|error| ApiError::unreadable(&error))?;
        Ok(Self {
            seq: recorded.seq,
            data: stored_json(&kept::told(&recorded.event, &row.payload)),
            kind: row.kind,
            version: row.version,
            at: recorded.at,
        })
    }
}

asked_for! {
    MeetingFilter, {
        let [start, end] = span_parameters();
        json!([
            parameter("status", "Standing so.", schema::of::<Status>(), json!("in_progress")),
            parameter("outcome", "Ended so.", schema::of::<Outcome>(), json!("consensus")),
            id_parameter("agent_id", "With this participant or moderator."),
            parameter("q", "With all of these words, whole, in its topic. Both are compared in lower case, which is no case folding: `STRASSE` does not find `Straße`.",
                      json!({"type": "string", "maxLength": Limits::SEARCH_MAX_CHARS}), json!("tea")),
            start,
            end,
        ])
    };
    JournalPart, json!([
        parameter("after", "The number of the last event that is known already.",
                  json!({"type": "integer", "minimum": 0, "maximum": u64::MAX >> 1, "default": 0}), json!(7)),
        parameter("limit", "Events at most.",
                  json!({"type": "integer", "minimum": 1, "maximum": Limits::JOURNAL_PAGE_ROWS, "default": Limits::JOURNAL_PAGE_ROWS}),
                  json!(100)),
    ]);
}
