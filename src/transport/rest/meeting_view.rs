//! A meeting as everyone sees it.

use serde_json::{Value, json};

use super::{communications, decisions, stored_json};
use crate::actors::{journal, meeting};
use crate::domain::{MeetingId, Status};
use crate::storage::{DecisionFilter, Meeting, Message, PageRequest, ParticipantRow, Start};
use crate::transport::{Api, ApiError, ask};
use crate::wire::outbound;

/// A meeting's row.
pub(super) fn row(meeting: &Meeting) -> Value {
    let header = &meeting.header;
    json!({
        "id": meeting.id.0,
        "topic": meeting.topic,
        "meeting_type": meeting.meeting_type.as_str(),
        "status": header.status.as_str(),
        "outcome": header.outcome.map(crate::domain::Outcome::as_str),
        "created_at": meeting.created_at,
        "started_at": header.started_at,
        "completed_at": header.completed_at,
        "max_discussion_rounds": meeting.max_discussion_rounds,
        "current_round": header.current_round,
        "settings": stored_json(&meeting.settings),
        "summary": header.summary,
        "last_seq": meeting.last_seq,
    })
}

/// A meeting with all that belongs to it.
pub(super) async fn whole(api: &Api, id: MeetingId) -> Result<Value, ApiError> {
    let store = &api.context.store;
    let meeting = store
        .meeting(id)
        .await?
        .ok_or_else(|| ApiError::not_found("no such meeting"))?;
    let status = meeting.header.status;
    let participants: Vec<_> = store
        .participants(id)
        .await?
        .iter()
        .map(participant)
        .collect();
    let messages: Vec<_> = store.messages(id).await?.iter().map(message).collect();
    let related: Vec<_> = store
        .related_communications(id)
        .await?
        .iter()
        .map(communications::view)
        .collect();
    let only = PageRequest {
        size: 1,
        start: Start::Number(1),
    };
    let decisions = store
        .decisions(
            &DecisionFilter {
                meeting: Some(id),
                ..DecisionFilter::default()
            },
            only,
        )
        .await?;
    let mut shown = row(&meeting);
    shown["participants"] = participants.into();
    shown["messages"] = messages.into();
    shown["related_communications"] = related.into();
    shown["decision"] = decisions
        .items
        .into_iter()
        .next()
        .as_ref()
        .map(decisions::view)
        .into();
    shown["live"] = live(api, id, status).await?;
    Ok(shown)
}

/// Where a meeting stands that has not ended. One that is not awake here is read from its journal: looking
/// at a meeting must not take it over.
async fn live(api: &Api, id: MeetingId, status: Status) -> Result<Value, ApiError> {
    if matches!(status, Status::Completed | Status::Failed) {
        return Ok(Value::Null);
    }
    if let Some(actor) = api.directory.find(id)
        && let Ok(standing) = ask(&actor, meeting::Message::Describe).await
    {
        return Ok(standing);
    }
    let rows = api.context.store.journal(id, 0, u32::MAX).await?;
    let (meeting, _) = journal::load(rows).map_err(|_| ApiError::internal())?;
    Ok(outbound::state(&meeting))
}

fn participant(row: &ParticipantRow) -> Value {
    json!({
        "agent_id": row.agent.0,
        "name": row.name,
        "role": if row.is_moderator { "moderator" } else { "participant" },
        "joined_at": row.joined_at,
        "left_at": row.left_at,
        "speaking_order": row.speaking_order,
    })
}

fn message(message: &Message) -> Value {
    json!({
        "agent_id": message.agent.map(|agent| agent.0),
        "content": message.content,
        "sequence_number": message.sequence_number,
        "message_type": message.message_type,
        "round": message.round,
        "timestamp": message.timestamp,
    })
}
