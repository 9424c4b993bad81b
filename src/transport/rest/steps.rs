//! `/meetings/{id}/…`: the steps that change a meeting.

use std::sync::Arc;

use http::HeaderMap;
use http::header::HOST;
use http::uri::Authority;
use serde::Serialize;
use serde_json::json;
use utoipa::ToSchema;
use uuid::Uuid;

use super::call::{Call, Intake};
use super::meeting_view::{self, MeetingInBrief};
use super::route::Route;
use super::schema::{EXAMPLE_ID, described};
use super::{meetings, new_meeting, ok};
use crate::actors::meeting::{self, Instruction};
use crate::config::is_place;
use crate::domain::settings::MAX_TOPIC_CHARS;
use crate::domain::{AgentId, Command, MeetingId, Refusal, Status};
use crate::transport::fields::Fields;
use crate::transport::idempotency::Act;
use crate::transport::{Api, ApiError, Response};
use crate::wire::shape::{Admission, Settings};

pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::acting::<__path_join, _>(Intake::Fields, join),
        Route::acting::<__path_start, _>(Intake::Fields, start),
        Route::acting::<__path_pause, _>(Intake::Fields, pause),
        Route::acting::<__path_resume, _>(Intake::Fields, resume),
        Route::acting::<__path_cancel, _>(Intake::Fields, cancel),
    ]
}

/// Who is to join a meeting.
struct Joining {
    agent: Option<AgentId>,
}

/// Why a meeting is cancelled.
struct Cancelling {
    reason: Option<String>,
}

/// A step that needs no more words.
struct Step;

/// A participant, and where it goes.
#[derive(Serialize, ToSchema)]
struct Joined {
    meeting_id: Uuid,
    agent_id: Uuid,
    /// The address of its socket: at the server's `public_url`, if that is set, or else where the request was sent.
    websocket_url: String,
}

/// Adds a participant.
///
/// The calling agent, or with the admin token the one that `agent_id` names. It speaks from the next round on.
#[utoipa::path(
    post,
    path = "/api/v1/meetings/{id}/join",
    request_body(content = Joining, description = "May be empty with an agent's own token."),
    responses(
        (status = 200, description = "The agent is a participant; next it connects.", body = Joined),
        (status = 403, description = "`forbidden`: the meeting admits invited agents only, or `agent_id` is not yours."),
        (status = 409, description = "`already_participant`, `meeting_full` or `meeting_over`; `details.status` is where the meeting stands."),
    )
)]
async fn join(call: Call, act: Arc<Act>) -> Result<Response, ApiError> {
    call.identity.caller()?;
    let mut body = call.fields()?;
    let Joining { agent } = Joining::read(&mut body);
    let agent = agent.or_else(|| call.identity.agent());
    let Some(agent) = agent else {
        return Err(ApiError::invalid(
            "agent_id",
            "is required with the admin token",
        ));
    };
    let named = new_meeting::named(&call, &mut body, "agent_id", &[agent]).await?;
    body.finish()?;
    let name = named
        .into_iter()
        .next()
        .map_or_else(String::new, |(_, name)| name);
    instruct(&call, &act, Command::Join { agent, name }).await?;
    let id: MeetingId = call.id();
    let place = sockets(call.api.public_url.as_deref(), &call.headers);
    Ok(ok(&Joined {
        meeting_id: id.0,
        agent_id: agent.0,
        websocket_url: format!("{place}/ws/meetings/{id}?agent_id={agent}"),
    }))
}

/// Where sockets are opened: where the operator says that the server is reached, or else where the request went.
fn sockets(public_url: Option<&str>, headers: &HeaderMap) -> String {
    if let Some(url) = public_url {
        // So https becomes wss.
        return url.replacen("http", "ws", 1);
    }
    let host = headers.get(HOST).and_then(|host| host.to_str().ok());
    let asked = host.and_then(|host| host.parse::<Authority>().ok());
    match asked.filter(is_place) {
        Some(place) => format!("ws://{place}"),
        None => "ws://localhost".to_owned(),
    }
}

/// Starts a meeting.
///
/// The first round opens, and whoever comes first is asked to speak. Needs the moderator's token or the admin token.
#[utoipa::path(
    post,
    path = "/api/v1/meetings/{id}/start",
    request_body(content = Step, description = "May be empty."),
    responses(
        (status = 200, description = "The meeting, in progress.", body = MeetingInBrief),
        (status = 403, description = "`forbidden`: only the moderator or the operator may do this."),
        (status = 409, description = "`meeting_already_started`, `no_participants` or `meeting_over`; `details.status` is where the meeting stands."),
    )
)]
async fn start(call: Call, act: Arc<Act>) -> Result<Response, ApiError> {
    moderate(&call, &act, Command::Start).await
}

/// Stops a meeting's clocks.
///
/// Nobody speaks or votes until it is resumed. Needs the moderator's token or the admin token.
#[utoipa::path(
    post,
    path = "/api/v1/meetings/{id}/pause",
    request_body(content = Step, description = "May be empty."),
    responses(
        (status = 200, description = "The meeting, paused.", body = MeetingInBrief),
        (status = 403, description = "`forbidden`: only the moderator or the operator may do this."),
        (status = 409, description = "`meeting_not_in_progress`, `meeting_paused` or `meeting_over`; `details.status` is where the meeting stands."),
    )
)]
async fn pause(call: Call, act: Arc<Act>) -> Result<Response, ApiError> {
    moderate(&call, &act, Command::Pause).await
}

/// Lets a paused meeting go on.
///
/// Every deadline moves by as long as it was paused. Needs the moderator's token or the admin token.
#[utoipa::path(
    post,
    path = "/api/v1/meetings/{id}/resume",
    request_body(content = Step, description = "May be empty."),
    responses(
        (status = 200, description = "The meeting, in progress.", body = MeetingInBrief),
        (status = 403, description = "`forbidden`: only the moderator or the operator may do this."),
        (status = 409, description = "`meeting_not_in_progress`, `meeting_not_paused` or `meeting_over`; `details.status` is where the meeting stands."),
    )
)]
async fn resume(call: Call, act: Arc<Act>) -> Result<Response, ApiError> {
    moderate(&call, &act, Command::Resume).await
}

/// Ends a meeting without a decision.
///
/// Whatever it is doing. Needs the moderator's token or the admin token.
#[utoipa::path(
    post,
    path = "/api/v1/meetings/{id}/cancel",
    request_body(content = Cancelling, description = "May be empty."),
    responses(
        (status = 200, description = "The meeting, ended.", body = MeetingInBrief),
        (status = 403, description = "`forbidden`: only the moderator or the operator may do this."),
        (status = 409, description = "`meeting_over`; `details.status` is where the meeting stands."),
    )
)]
async fn cancel(call: Call, act: Arc<Act>) -> Result<Response, ApiError> {
    let Cancelling { reason } = Cancelling::read(call.fields()?)?;
    carried_out(&call, &act, Command::Cancel { reason }).await
}

/// A moderator's step that needs no more words.
async fn moderate(call: &Call, act: &Act, command: Command) -> Result<Response, ApiError> {
    let Step = Step::read(call.fields()?)?;
    carried_out(call, act, command).await
}

/// The meeting after a command.
async fn carried_out(call: &Call, act: &Act, command: Command) -> Result<Response, ApiError> {
    instruct(call, act, command).await?;
    Ok(ok(&meeting_view::in_brief(&call.api, call.id()).await?))
}

/// Gives a meeting a command, and waits until what follows is durable. One that an earlier try has carried out is not
/// carried out again.
async fn instruct(call: &Call, act: &Act, command: Command) -> Result<(), ApiError> {
    let (api, id) = (&call.api, call.id());
    let from = call.identity.caller()?;
    ensure_admitted(call, &command).await?;
    act.begin(api).await?;
    let instruct = |reply, permit| {
        let instruction = Instruction {
            from,
            command: command.clone(),
            key: act.journal_key(),
            reply,
            permit,
        };
        meeting::Message::Instruct(Box::new(instruction))
    };
    let (refusal, status) = match api.ask_meeting(id, None, instruct).await? {
        Some(Ok(_)) => return Ok(()),
        Some(Err(refused)) => refused,
        None if was_carried_out(api, id, act).await? => return Ok(()),
        None => {
            let meeting = api.context.store.meeting(id, &call.reservation).await?;
            let status = meeting.map_or(Status::Completed, |meeting| meeting.header.status);
            (Refusal::Over, status)
        }
    };
    Err(ApiError::from(refusal).in_state(status))
}

/// Lets those ask for a step who may see the meeting, and anybody who wants to join one that is open. All others are told
/// the same wherever it stands.
async fn ensure_admitted(call: &Call, command: &Command) -> Result<(), ApiError> {
    let (api, id) = (&call.api, call.id());
    if !matches!(command, Command::Join { .. }) {
        return meetings::ensure_visible(call, id).await;
    }
    if meetings::is_visible(api, &call.identity, id).await? {
        return Ok(());
    }
    let meeting = api.context.store.meeting(id, &call.reservation).await?;
    let meeting = meeting.ok_or_else(|| ApiError::not_found("no such meeting"))?;
    let settings: Settings =
        serde_json::from_str(&meeting.settings).map_err(|_| ApiError::internal())?;
    match settings.admission {
        Some(Admission::Invited) => Err(Refusal::NotInvited.into()),
        Some(Admission::Open) | None => Ok(()),
    }
}

/// Whether the journal of a meeting that is over has the request already.
async fn was_carried_out(api: &Api, id: MeetingId, act: &Act) -> Result<bool, ApiError> {
    match act.journal_key() {
        Some(key) => Ok(api.context.store.has_frame(id, &key).await?),
        None => Ok(false),
    }
}

impl Joining {
    fn read(body: &mut Fields) -> Self {
        let agent = body.id("agent_id").map(AgentId);
        Self { agent }
    }
}

impl Cancelling {
    fn read(mut body: Fields) -> Result<Self, ApiError> {
        let reason = body.text("reason", MAX_TOPIC_CHARS);
        body.finish()?;
        Ok(Self { reason })
    }
}

impl Step {
    fn read(body: Fields) -> Result<Self, ApiError> {
        body.finish()?;
        Ok(Self)
    }
}

described! {
    Joining, "Joining", json!({
        "type": "object",
        "description": "Who is to join a meeting.",
        "additionalProperties": false,
        "properties": {"agent_id": {"type": ["string", "null"], "format": "uuid",
            "description": "Needed with the admin token; else your own."}},
        "example": {"agent_id": EXAMPLE_ID},
    });
    Cancelling, "Cancelling", json!({
        "type": "object",
        "description": "Why a meeting is cancelled.",
        "additionalProperties": false,
        "properties": {"reason": {"type": ["string", "null"], "maxLength": MAX_TOPIC_CHARS}},
        "example": {"reason": "It rains."},
    });
    Step, "Step", json!({
        "type": "object",
        "description": "A step that needs no more words.",
        "additionalProperties": false,
        "example": {},
    });
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn sockets_are_opened_where_the_operator_says_or_else_where_the_request_went() {
        let place = |public_url: Option<&str>, host: &'static [u8]| {
            let mut headers = HeaderMap::new();
            headers.insert(HOST, HeaderValue::from_bytes(host).unwrap());
            sockets(public_url, &headers)
        };
        let public = |url| place(Some(url), b"evil.example");
        assert_eq!(public("https://a.example/synod"), "wss://a.example/synod");
        assert_eq!(public("http://http.example"), "ws://http.example");
        assert_eq!(place(None, b"a.example:8080"), "ws://a.example:8080");
        assert_eq!(place(None, b"[::1]:8080"), "ws://[::1]:8080");
        for host in [
            &b""[..],
            b"a.example/evil?",
            b"me@a.example",
            b"a b",
            b":80",
            b"\xff",
        ] {
            assert_eq!(place(None, host), "ws://localhost", "{host:?}");
        }
        assert_eq!(sockets(None, &HeaderMap::new()), "ws://localhost");
    }
}
