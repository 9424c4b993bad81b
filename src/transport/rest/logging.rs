//! `POST /communications` and `/communications/batch`: messages are logged.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::{Map, Value, json};
use utoipa::ToSchema;
use uuid::Uuid;

use super::call::{Call, Intake};
use super::communications::Communication;
use super::created;
use super::route::Route;
use super::schema::{EXAMPLE_ID, described};
use crate::actors::log::{LogRequest, log_bytes};
use crate::actors::persistence;
use crate::config::Limits;
use crate::domain::{AgentId, CommunicationId};
use crate::storage::{self, Error};
use crate::transport::fields::Fields;
use crate::transport::idempotency::Act;
use crate::transport::{ApiError, Response, ask_durably, media_type};
use crate::wire::inbound::MAX_TOPIC_CHARS;

pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::acting::<__path_create, _>(Intake::Message, create),
        Route::acting::<__path_create_all, _>(Intake::Messages, create_all),
    ]
}

/// A message to be logged.
struct NewCommunication {
    sender: AgentId,
    receiver: AgentId,
    content: String,
    is_json: bool,
    topic: Option<String>,
    content_type: Option<String>,
    timestamp: Option<DateTime<Utc>>,
}

/// What became of a batch.
#[derive(Serialize, ToSchema)]
struct Logged {
    /// How many messages were logged: all of them.
    count: usize,
    /// Their ids, in the order of the lines.
    ids: Vec<Uuid>,
}

/// Logs a message.
///
/// It is kept exactly as received, and durable before it is answered. An agent logs only what it sent itself; the
/// operator may log for anyone and for another time, to import.
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
async fn create(call: Call, act: Arc<Act>) -> Result<Response, ApiError> {
    call.identity.caller()?;
    let of = Arc::clone(&act);
    let read = move |call: &Call| {
        let mut body = call.fields()?;
        let new = NewCommunication::read(&mut body, call, &of);
        body.finish()?;
        accept(new, call, &of, 0)
    };
    let (call, message) = call.reading(read).await?;
    let faulty = |ids: &[Uuid]| -> Map<String, Value> {
        let sides = [
            ("sender_id", message.sender),
            ("receiver_id", message.receiver),
        ];
        unknown_sides(&sides, ids).collect()
    };
    act.begin(&call.api).await?;
    log(&call, vec![message.clone()], faulty).await?;
    Ok(created(&Communication::from(&message)))
}

/// Logs many messages at once.
///
/// One message on each line (NDJSON), each as in `POST /communications`; all of them or none. `details` names what is wrong by
/// line and field, such as `line 3.sender_id`; lines count from 1, and those that are empty are passed over.
#[utoipa::path(
    post,
    path = "/api/v1/communications/batch",
    request_body(content = NewCommunication, content_type = "application/x-ndjson",
                 description = "One message on each line, at most 10 000 of them."),
    responses(
        (status = 201, description = "All were logged.", body = Logged),
        (status = 403, description = "`forbidden`: a `sender_id` is not yours."),
        (status = 413, description = "`body_too_large`: more than the server's `batch_max_mb`; or `message_too_large`, of one message."),
    )
)]
async fn create_all(call: Call, act: Arc<Act>) -> Result<Response, ApiError> {
    call.identity.caller()?;
    let of = Arc::clone(&act);
    let read = move |call: &Call| read_lines(call, &of);
    let (call, (messages, lines)) = call.reading(read).await?;
    let ids: Vec<_> = messages.iter().map(|message| message.id.0).collect();
    let sides: Vec<_> = messages.iter().map(|m| (m.sender, m.receiver)).collect();
    let faulty = |ids: &[Uuid]| -> Map<String, Value> {
        let named = lines
            .iter()
            .zip(&sides)
            .flat_map(|(line, (sender, receiver))| {
                let sides = [("sender_id", *sender), ("receiver_id", *receiver)];
                let faulty: Vec<_> = unknown_sides(&sides, ids).collect();
                faulty
                    .into_iter()
                    .map(move |(field, why)| (format!("line {line}.{field}"), why))
            });
        named.take(Limits::FAULTS_MAX).collect()
    };
    act.begin(&call.api).await?;
    log(&call, messages, faulty).await?;
    let count = ids.len();
    Ok(created(&Logged { count, ids }))
}

/// The messages of a batch, each with the number of its line.
fn read_lines(
    call: &Call,
    act: &Act,
) -> Result<(Vec<storage::Communication>, Vec<usize>), ApiError> {
    let mut faults = Map::new();
    let (mut messages, mut lines) = (Vec::new(), Vec::new());
    for (line, text) in (1_usize..).zip(call.body.split(|byte| *byte == b'\n')) {
        if text.trim_ascii().is_empty() {
            continue;
        }
        if messages.len() == Limits::BATCH_MAX_MESSAGES {
            let reason = format!("has more than {} messages", Limits::BATCH_MAX_MESSAGES);
            return Err(ApiError::invalid("body", reason));
        }
        match read_line(text, call, act, messages.len())? {
            Ok(message) => {
                messages.push(message);
                lines.push(line);
            }
            Err(faulty) => {
                let named = faulty.into_iter();
                faults.extend(named.map(|(field, why)| (format!("line {line}.{field}"), why)));
            }
        }
        if faults.len() >= Limits::FAULTS_MAX {
            break;
        }
    }
    if !faults.is_empty() {
        return Err(ApiError::validation(faults));
    }
    if messages.is_empty() {
        return Err(ApiError::invalid("body", "has no message in it"));
    }
    Ok((messages, lines))
}

/// The message on one line, or what is wrong with its fields.
fn read_line(
    text: &[u8],
    call: &Call,
    act: &Act,
    nth: usize,
) -> Result<Result<storage::Communication, Map<String, Value>>, ApiError> {
    let mut fields = match Fields::from_json(text) {
        Ok(fields) => fields,
        Err(error) => return Ok(Err(error.into_details())),
    };
    let new = NewCommunication::read(&mut fields, call, act);
    let faults = fields.into_faults();
    if !faults.is_empty() {
        return Ok(Err(faults));
    }
    accept(new, call, act, nth).map(Ok)
}

/// Makes messages durable. `faulty` names what is wrong where agents are unknown.
async fn log(
    call: &Call,
    messages: Vec<storage::Communication>,
    faulty: impl FnOnce(&[Uuid]) -> Map<String, Value>,
) -> Result<(), ApiError> {
    let permit = call.take_room(log_bytes(&messages))?;
    let log = |reply| {
        persistence::Message::Log(Box::new(LogRequest {
            messages,
            reply,
            permit,
        }))
    };
    match ask_durably(&call.api.persistence, log).await? {
        Err(Error::UnknownAgent(ids)) => Err(ApiError::validation(faulty(&ids))),
        answer => Ok(answer?),
    }
}

fn unknown_sides<'a>(
    sides: &'a [(&'static str, AgentId)],
    unknown: &'a [Uuid],
) -> impl Iterator<Item = (String, Value)> + 'a {
    let unknown = sides.iter().filter(|(_, agent)| unknown.contains(&agent.0));
    unknown.map(|(field, _)| ((*field).to_owned(), json!(["no such agent"])))
}

/// The message to keep, if this one may log it and it is not too large.
fn accept(
    new: Option<NewCommunication>,
    call: &Call,
    act: &Act,
    nth: usize,
) -> Result<storage::Communication, ApiError> {
    let new = new.ok_or_else(|| ApiError::invalid("body", "is incomplete"))?;
    let caller = call.identity.agent();
    if caller.is_some_and(|agent| agent != new.sender) {
        return Err(ApiError::forbidden(
            "an agent logs only what it sent itself: sender_id is not yours",
        ));
    }
    let bytes = u64::try_from(new.content.len()).unwrap_or(u64::MAX);
    let max_bytes = call.api.context.limits.message_max_bytes();
    if bytes > max_bytes {
        return Err(ApiError::message_too_large(max_bytes, bytes));
    }
    let default_type = if new.is_json {
        "application/json"
    } else {
        "text/plain"
    };
    // The messages of a batch count on from the first: the same request makes the same ids.
    let id = Uuid::from_u128(act.id.as_u128().wrapping_add(nth as u128));
    Ok(storage::Communication {
        id: CommunicationId(id),
        timestamp: new.timestamp.unwrap_or(act.at),
        sender: new.sender,
        receiver: new.receiver,
        content: new.content,
        topic: new.topic,
        content_type: new.content_type.unwrap_or_else(|| default_type.to_owned()),
        is_json: new.is_json,
        created_at: act.at,
    })
}

impl NewCommunication {
    fn read(body: &mut Fields, call: &Call, act: &Act) -> Option<Self> {
        let sender = body.required_id("sender_id").map(AgentId);
        let receiver = body.required_id("receiver_id").map(AgentId);
        let content = content(body);
        let topic = body.text("topic", MAX_TOPIC_CHARS);
        let content_type = body.text("content_type", MAX_TOPIC_CHARS);
        if !content_type.as_deref().is_none_or(media_type::is_valid) {
            let reason = "must be a media type in visible ASCII, such as text/plain; charset=utf-8";
            body.fault("content_type", reason);
        }
        let timestamp = body.instant("timestamp");
        if timestamp.is_some() && call.identity.ensure_admin().is_err() {
            body.fault(
                "timestamp",
                "is for the operator, who imports: leave it out",
            );
        }
        if timestamp.is_some_and(|timestamp| timestamp > act.at) {
            body.fault("timestamp", "must not be in the future");
        }
        let (content, is_json) = content?;
        Some(Self {
            sender: sender?,
            receiver: receiver?,
            content,
            is_json,
            topic,
            content_type,
            timestamp,
        })
    }
}

/// A text, or JSON that is kept as the text that it came as.
fn content(body: &mut Fields) -> Option<(String, bool)> {
    const FIELD: &str = "message_content";
    if body.starts(FIELD, ['{', '[']) {
        let json = body.readable_json(FIELD)?;
        return Some((json.get().to_owned(), true));
    }
    let text = body.required_text(FIELD, usize::MAX)?;
    Some((text, false))
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
            "message_content": {"type": ["string", "object", "array"], "minLength": 1,
                "description": "A text, without U+0000; or JSON, nested at most 100 deep, kept and given back exactly as it stands here. Neither has half of a surrogate pair."},
            "topic": {"type": ["string", "null"], "maxLength": MAX_TOPIC_CHARS},
            "content_type": {"type": ["string", "null"], "maxLength": MAX_TOPIC_CHARS, "pattern": media_type::PATTERN,
                "description": "Its media type: `text/plain`, or `application/json` of JSON, unless it is given."},
            "timestamp": {"type": ["string", "null"], "format": "date-time",
                "description": "When it was sent, from the year 1 on and not in the future; kept in whole microseconds. For the operator alone, who imports."},
        },
        "example": {"sender_id": EXAMPLE_ID, "receiver_id": EXAMPLE_ID, "message_content": "Shall we meet?", "topic": "tea"},
    });
}
