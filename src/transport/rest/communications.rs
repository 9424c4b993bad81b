//! `/communications`: every message between agents, exactly as sent.

use serde_json::{Value, json};
use uuid::Uuid;
use warp::Filter;
use warp::filters::BoxedFilter;

use super::{created, list, message_body, ok, reading, respond, writing};
use crate::actors::persistence::{self, LogRequest};
use crate::domain::{AgentId, CommunicationId};
use crate::storage::{Communication, CommunicationFilter, Error};
use crate::transport::auth::Identity;
use crate::transport::fields::Fields;
use crate::transport::{Api, ApiError, Response, ask_durably};

pub(super) fn routes(api: &Api) -> BoxedFilter<(Response,)> {
    let all = warp::path!("communications");
    let max_bytes = max_message_bytes(api) * ESCAPED_BYTES + ENVELOPE_BYTES;
    let max_message = max_message_bytes(api);
    let too_large = move |actual| ApiError::message_too_large(max_message, actual);
    let create = all
        .and(writing(api, message_body(max_bytes, too_large)))
        .then(|identity, body, api| async move { respond(create(&api, &identity, body).await) });
    let index = all
        .and(reading(api))
        .then(|identity, query, api| async move { respond(index(&api, &identity, query).await) });
    let show =
        warp::path!("communications" / Uuid).and(reading(api)).then(
            |id, identity, _, api| async move {
                respond(show(&api, &identity, CommunicationId(id)).await)
            },
        );
    create.or(index).unify().or(show).unify().boxed()
}

async fn create(
    api: &Api,
    identity: &Identity,
    body: Result<Fields, ApiError>,
) -> Result<Response, ApiError> {
    identity.caller()?;
    let message = read(api, identity, body?)?;
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
        is_json: false,
        created_at: now,
    })
}

async fn index(
    api: &Api,
    identity: &Identity,
    query: Result<Fields, ApiError>,
) -> Result<Response, ApiError> {
    let mut query = query?;
    let (from, until) = query.span();
    let filter = CommunicationFilter {
        from,
        until,
        sender: query.id("sender_id").map(AgentId),
        receiver: query.id("receiver_id").map(AgentId),
        agent: query.id("agent_id").map(AgentId),
        visible_to: identity.agent(),
        topic: query.text("topic", MAX_TOPIC_CHARS),
        words: query.words("q"),
    };
    let page = query.page();
    query.finish()?;
    Ok(list(
        "communications",
        page,
        &api.context.store.communications(&filter, page).await?,
        view,
    ))
}

async fn show(api: &Api, identity: &Identity, id: CommunicationId) -> Result<Response, ApiError> {
    let message = api.context.store.communication(id).await?;
    let is_visible = |message: &Communication| {
        identity
            .agent()
            .is_none_or(|agent| message.sender == agent || message.receiver == agent)
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
