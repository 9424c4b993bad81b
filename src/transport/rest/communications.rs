//! `/communications`: every message between agents, exactly as sent.

use serde_json::{Value, json};

use super::call::Call;
use super::route::Route;
use super::{created, list, ok};
use crate::actors::persistence::{self, LogRequest};
use crate::domain::{AgentId, CommunicationId};
use crate::storage::{Communication, CommunicationFilter, Error};
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

#[utoipa::path(post, path = "/api/v1/communications")]
async fn create(mut call: Call) -> Result<Response, ApiError> {
    let max_message = max_message_bytes(&call.api);
    let max_bytes = max_message * ESCAPED_BYTES + ENVELOPE_BYTES;
    let too_large = move |actual| ApiError::message_too_large(max_message, actual);
    let body = call.body(max_bytes, too_large).await?;
    let api = &call.api;
    let message = read(api, &call.identity, body)?;
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
        Ok(()) => Ok(created(&view(&message))),
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

/// Understands a message and who may send it.
fn read(api: &Api, identity: &Identity, mut body: Fields) -> Result<Communication, ApiError> {
    let sender = body.required_id("sender_id").map(AgentId);
    let receiver = body.required_id("receiver_id").map(AgentId);
    let content = body.required_text("message_content", usize::MAX);
    let topic = body.text("topic", MAX_TOPIC_CHARS);
    let content_type = body.text("content_type", MAX_TOPIC_CHARS);
    body.finish()?;
    let (Some(sender), Some(receiver), Some(content)) = (sender, receiver, content) else {
        return Err(ApiError::invalid("body", "is incomplete"));
    };
    if identity.agent().is_some_and(|agent| agent != sender) {
        return Err(ApiError::forbidden(
            "an agent logs only what it sent itself: sender_id is not yours",
        ));
    }
    let (bytes, max_bytes) = (
        u64::try_from(content.len()).unwrap_or(u64::MAX),
        max_message_bytes(api),
    );
    if bytes > max_bytes {
        return Err(ApiError::message_too_large(max_bytes, bytes));
    }
    let (id, now) = (
        CommunicationId(api.context.clock.id()),
        api.context.clock.now(),
    );
    let content_type = content_type.unwrap_or_else(|| "text/plain".to_owned());
    Ok(Communication {
        id,
        timestamp: now,
        sender,
        receiver,
        content,
        topic,
        content_type,
        created_at: now,
    })
}

#[utoipa::path(get, path = "/api/v1/communications")]
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
    };
    let page = query.page();
    query.finish()?;
    let store = &call.api.context.store;
    let messages = store.communications(&filter, page).await?;
    Ok(list("communications", page, &messages, view))
}

#[utoipa::path(get, path = "/api/v1/communications/{id}")]
async fn show(call: Call) -> Result<Response, ApiError> {
    let message = call.api.context.store.communication(call.id()).await?;
    let is_visible = |message: &Communication| {
        let reader = call.identity.agent();
        reader.is_none_or(|agent| message.sender == agent || message.receiver == agent)
    };
    let message = message
        .filter(is_visible)
        .ok_or_else(|| ApiError::not_found("no such communication"))?;
    Ok(ok(&view(&message)))
}

/// A message as everyone sees it.
pub(super) fn view(message: &Communication) -> Value {
    json!({
        "id": message.id.0,
        "timestamp": message.timestamp,
        "sender_id": message.sender.0,
        "receiver_id": message.receiver.0,
        "message_content": message.content,
        "topic": message.topic,
        "content_type": message.content_type,
        "created_at": message.created_at,
    })
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
