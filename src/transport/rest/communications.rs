//! `/communications`: every message between agents, exactly as sent.

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::json;
use serde_json::value::RawValue;
use utoipa::ToSchema;
use uuid::Uuid;

use super::call::Call;
use super::page::{CommunicationsPage, Place};
use super::route::Route;
use super::schema::{asked_for, described, id_parameter, parameter, span_parameters};
use crate::config::Limits;
use crate::domain::{AgentId, Outcome, Status};
use crate::storage::{self, CommunicationFilter};
use crate::transport::fields::List;
use crate::transport::{ApiError, Response};
use crate::wire::inbound::MAX_TOPIC_CHARS;

pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::of::<__path_index, _>(index),
        Route::of::<__path_show, _>(show),
    ]
}

/// A message as everyone sees it.
#[derive(Serialize, ToSchema)]
pub(super) struct Communication {
    id: Uuid,
    /// When it was sent.
    timestamp: DateTime<Utc>,
    sender_id: Uuid,
    receiver_id: Uuid,
    /// Exactly as received: a text, or the JSON that was given instead of one.
    message_content: Content,
    topic: Option<String>,
    /// The media type of the words.
    content_type: String,
    /// When it was logged.
    created_at: DateTime<Utc>,
}

/// A page of messages, newest first.
#[derive(Serialize, ToSchema)]
struct Communications {
    communications: Vec<Communication>,
    #[serde(flatten)]
    place: Place,
}

/// A message with what came of it.
#[derive(Serialize, ToSchema)]
struct CommunicationInFull {
    #[serde(flatten)]
    communication: Communication,
    /// The meetings that it prompted, as far as you may see them.
    meetings: Vec<LinkedMeeting>,
    /// What they decided.
    decisions: Vec<LinkedDecision>,
}

/// A meeting that a message prompted.
#[derive(Serialize, ToSchema)]
struct LinkedMeeting {
    id: Uuid,
    topic: String,
    #[schema(value_type = Status)]
    status: &'static str,
    #[schema(value_type = Option<Outcome>)]
    outcome: Option<&'static str>,
}

/// A decision that came of a message.
#[derive(Serialize, ToSchema)]
struct LinkedDecision {
    id: Uuid,
    meeting_id: Uuid,
    decision_content: String,
}

/// What a message says.
#[derive(Serialize)]
#[serde(untagged)]
enum Content {
    Text(String),
    Json(Box<RawValue>),
}

/// Lists messages.
///
/// Newest first. An agent sees what it sent or received; the operator sees all. All filters given must hold.
#[utoipa::path(
    get,
    path = "/api/v1/communications",
    params(CommunicationFilter, CommunicationsPage),
    responses((status = 200, description = "A page of messages.", body = Communications))
)]
async fn index(call: Call) -> Result<Response, ApiError> {
    let mut query = call.query()?;
    let (from, until) = query.span();
    let filter = CommunicationFilter {
        from,
        until,
        sender: query.id("sender_id").map(AgentId),
        receiver: query.id("receiver_id").map(AgentId),
        agent: query.id("agent_id").map(AgentId),
        visible_to: call.identity.agent(),
        topic: query.text("topic", MAX_TOPIC_CHARS),
        words: query.words("q"),
    };
    let request = query.page(List::Communications);
    query.finish()?;
    let store = &call.api.context.store;
    let page = store
        .communications(&filter, request, &call.reservation)
        .await?;
    call.ok(&Communications {
        communications: page.items.iter().map(Communication::from).collect(),
        place: Place::of(List::Communications, request, &page),
    })
    .await
}

/// Shows one message, and what came of it.
///
/// To those it concerns; for anybody else there is no such message.
#[utoipa::path(
    get,
    path = "/api/v1/communications/{id}",
    responses((status = 200, description = "The message.", body = CommunicationInFull))
)]
async fn show(call: Call) -> Result<Response, ApiError> {
    let (store, id, reader) = (&call.api.context.store, call.id(), call.identity.agent());
    let message = store.communication(id, &call.reservation).await?;
    let is_visible = |message: &storage::Communication| {
        reader.is_none_or(|agent| message.sender == agent || message.receiver == agent)
    };
    let message = message
        .filter(is_visible)
        .ok_or_else(|| ApiError::not_found("no such communication"))?;
    let meetings = store
        .meetings_of_communication(id, reader, &call.reservation)
        .await?;
    let decisions = store
        .decisions_of_communication(id, reader, &call.reservation)
        .await?;
    call.ok(&CommunicationInFull {
        communication: Communication::from(&message),
        meetings: meetings.iter().map(LinkedMeeting::from).collect(),
        decisions: decisions.iter().map(LinkedDecision::from).collect(),
    })
    .await
}

impl From<&storage::Communication> for Content {
    fn from(message: &storage::Communication) -> Self {
        let text = message.content.clone();
        if !message.is_json {
            return Self::Text(text);
        }
        RawValue::from_string(text.clone()).map_or(Self::Text(text), Self::Json)
    }
}

impl From<&storage::Meeting> for LinkedMeeting {
    fn from(meeting: &storage::Meeting) -> Self {
        Self {
            id: meeting.id.0,
            topic: meeting.topic.clone(),
            status: meeting.header.status.as_str(),
            outcome: meeting.header.outcome.map(Outcome::as_str),
        }
    }
}

impl From<&storage::Decision> for LinkedDecision {
    fn from(decision: &storage::Decision) -> Self {
        Self {
            id: decision.id.0,
            meeting_id: decision.meeting.0,
            decision_content: decision.content.clone(),
        }
    }
}

impl From<&storage::Communication> for Communication {
    fn from(message: &storage::Communication) -> Self {
        Self {
            id: message.id.0,
            timestamp: message.timestamp,
            sender_id: message.sender.0,
            receiver_id: message.receiver.0,
            message_content: Content::from(message),
            topic: message.topic.clone(),
            content_type: message.content_type.clone(),
            created_at: message.created_at,
        }
    }
}

described! {
    Content, "MessageContent", json!({
        "type": ["string", "object", "array"],
        "description": "Exactly as received: a text, or the JSON that was given instead of one.",
    });
}

asked_for! {
    CommunicationFilter, {
        let [start, end] = span_parameters();
        let topic = json!({"type": "string", "maxLength": MAX_TOPIC_CHARS});
        json!([
            start,
            end,
            id_parameter("sender_id", "Sent by this agent."),
            id_parameter("receiver_id", "Sent to this agent."),
            id_parameter("agent_id", "Sent by or to this agent."),
            parameter("topic", "With exactly this topic.", topic, json!("tea")),
            parameter("q", "With all of these words, whole, in topic or content. Both are compared in lower case, which is no case folding: `STRASSE` does not find `Straße`.",
                      json!({"type": "string", "maxLength": Limits::SEARCH_MAX_CHARS}), json!("meet")),
        ])
    };
}
