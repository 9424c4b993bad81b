//! `/communications`: every message between agents, exactly as sent.

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::json;
use utoipa::ToSchema;
use uuid::Uuid;

use super::call::Call;
use super::page::Place;
use super::route::Route;
use super::schema::{EXAMPLE_ID, asked_for, described, id_parameter, parameter, span_parameters};
use super::{created, ok};
use crate::actors::persistence::{self, LogRequest};
use crate::domain::{AgentId, CommunicationId};
use crate::storage::{self, CommunicationFilter, Error, PageRequest};
use crate::transport::auth::Identity;
use crate::transport::fields::Fields;
use crate::transport::{Api, ApiError, Response, ask_durably};

pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::of::<__path_create, _>(create),
        Route::of::<__path_index, _>(index),
        Route::of::<__path_show, _>(show),
    ]
}

/// A message to be logged.
struct NewCommunication {
    sender: AgentId,
    receiver: AgentId,
    content: String,
    topic: Option<String>,
    content_type: Option<String>,
}

/// A message as everyone sees it.
#[derive(Serialize, ToSchema)]
pub(super) struct Communication {
    id: Uuid,
    /// When it was sent.
    timestamp: DateTime<Utc>,
    sender_id: Uuid,
    receiver_id: Uuid,
    /// The words, exactly as received.
    message_content: String,
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

/// Logs a message.
///
/// It is kept exactly as received, and durable before it is answered. An agent logs only what it sent itself; the
/// operator may log for anyone, to import.
#[utoipa::path(
    post,
    path = "/api/v1/communications",
    request_body = NewCommunication,
    responses(
        (status = 201, description = "The message as it is kept.", body = Communication),
        (status = 403, description = "`forbidden`: `sender_id` is not yours."),
        (status = 413, description = "`message_too_large`: more than the server's `message_max_mb` (10 MB unless set otherwise)."),
    )
)]
async fn create(mut call: Call) -> Result<Response, ApiError> {
    let max_message = max_message_bytes(&call.api);
    let max_bytes = max_message * ESCAPED_BYTES + ENVELOPE_BYTES;
    let too_large = move |actual| ApiError::message_too_large(max_message, actual);
    let body = call.body(max_bytes, too_large).await?;
    let api = &call.api;
    let message = NewCommunication::read(body)?.accept(api, &call.identity)?;
    let permit = api.permit(message.content.len())?;
    let messages = vec![message.clone()];
    let log = |reply| {
        persistence::Message::Log(Box::new(LogRequest {
            messages,
            reply,
            permit,
        }))
    };
    match ask_durably(&api.persistence, log).await? {
        Ok(()) => Ok(created(&Communication::from(&message))),
        Err(Error::UnknownAgent(ids)) => {
            let field = if ids.contains(&message.sender.0) {
                "sender_id"
            } else {
                "receiver_id"
            };
            Err(ApiError::invalid(field, "no such agent"))
        }
        Err(error) => Err(error.into()),
    }
}

/// Lists messages.
///
/// Newest first. An agent sees what it sent or received; the operator sees all. All filters given must hold.
#[utoipa::path(
    get,
    path = "/api/v1/communications",
    params(CommunicationFilter, PageRequest),
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
    let request = query.page();
    query.finish()?;
    let store = &call.api.context.store;
    let page = store.communications(&filter, request).await?;
    Ok(ok(&Communications {
        communications: page.items.iter().map(Communication::from).collect(),
        place: Place::of(request, &page),
    }))
}

/// Shows one message.
///
/// To those it concerns; for anybody else there is no such message.
#[utoipa::path(
    get,
    path = "/api/v1/communications/{id}",
    responses((status = 200, description = "The message.", body = Communication))
)]
async fn show(call: Call) -> Result<Response, ApiError> {
    let message = call.api.context.store.communication(call.id()).await?;
    let is_visible = |message: &storage::Communication| {
        let reader = call.identity.agent();
        reader.is_none_or(|agent| message.sender == agent || message.receiver == agent)
    };
    let message = message
        .filter(is_visible)
        .ok_or_else(|| ApiError::not_found("no such communication"))?;
    Ok(ok(&Communication::from(&message)))
}

impl NewCommunication {
    fn read(mut body: Fields) -> Result<Self, ApiError> {
        let sender = body.required_id("sender_id").map(AgentId);
        let receiver = body.required_id("receiver_id").map(AgentId);
        let content = body.required_text("message_content", usize::MAX);
        let topic = body.text("topic", MAX_TOPIC_CHARS);
        let content_type = body.text("content_type", MAX_TOPIC_CHARS);
        body.finish()?;
        let (Some(sender), Some(receiver), Some(content)) = (sender, receiver, content) else {
            return Err(ApiError::invalid("body", "is incomplete"));
        };
        Ok(Self {
            sender,
            receiver,
            content,
            topic,
            content_type,
        })
    }

    /// The message to keep, if this one may log it and it is not too large.
    fn accept(self, api: &Api, identity: &Identity) -> Result<storage::Communication, ApiError> {
        if identity.agent().is_some_and(|agent| agent != self.sender) {
            return Err(ApiError::forbidden(
                "an agent logs only what it sent itself: sender_id is not yours",
            ));
        }
        let bytes = u64::try_from(self.content.len()).unwrap_or(u64::MAX);
        let max_bytes = max_message_bytes(api);
        if bytes > max_bytes {
            return Err(ApiError::message_too_large(max_bytes, bytes));
        }
        let now = api.context.clock.now();
        let content_type = self.content_type.unwrap_or_else(|| "text/plain".to_owned());
        Ok(storage::Communication {
            id: CommunicationId(api.context.clock.id()),
            timestamp: now,
            sender: self.sender,
            receiver: self.receiver,
            content: self.content,
            topic: self.topic,
            content_type,
            is_json: false,
            created_at: now,
        })
    }
}

impl From<&storage::Communication> for Communication {
    fn from(message: &storage::Communication) -> Self {
        Self {
            id: message.id.0,
            timestamp: message.timestamp,
            sender_id: message.sender.0,
            receiver_id: message.receiver.0,
            message_content: message.content.clone(),
            topic: message.topic.clone(),
            content_type: message.content_type.clone(),
            created_at: message.created_at,
        }
    }
}

described! {
    NewCommunication, "NewCommunication", json!({
        "type": "object",
        "description": "A message to be logged.",
        "required": ["sender_id", "receiver_id", "message_content"],
        "additionalProperties": false,
        "properties": {
            "sender_id": {"type": "string", "format": "uuid", "description": "The agent that sent it: your own."},
            "receiver_id": {"type": "string", "format": "uuid", "description": "The agent that was to read it."},
            "message_content": {"type": "string", "minLength": 1, "description": "The words; without U+0000."},
            "topic": {"type": ["string", "null"], "maxLength": MAX_TOPIC_CHARS},
            "content_type": {"type": ["string", "null"], "maxLength": MAX_TOPIC_CHARS, "default": "text/plain"},
        },
        "example": {"sender_id": EXAMPLE_ID, "receiver_id": EXAMPLE_ID, "message_content": "Shall we meet?", "topic": "tea"},
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
        ])
    };
}

fn max_message_bytes(api: &Api) -> u64 {
    api.context.limits.message_max_mb * 1_048_576
}

/// Characters of a topic, as wide as its column.
const MAX_TOPIC_CHARS: usize = 255;
/// JSON may write one byte as six (`\u001f`), so a message within its limit may be that much longer on its way.
const ESCAPED_BYTES: u64 = 6;
/// What a request may have beside its message.
const ENVELOPE_BYTES: u64 = 65_536;
