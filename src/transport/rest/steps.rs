//! `/meetings/{id}/…`: the steps that change a meeting.

use http::header::HOST;
use serde_json::json;

use super::call::Call;
use super::route::Route;
use super::{meeting_view, meetings, ok};
use crate::actors::meeting::{self, Instruction};
use crate::domain::settings::MAX_TOPIC_CHARS;
use crate::domain::{AgentId, Command, MeetingId, Refusal, Status};
use crate::transport::{ApiError, Response};

pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::of::<__path_join, _>(join),
        Route::of::<__path_start, _>(start),
        Route::of::<__path_pause, _>(pause),
        Route::of::<__path_resume, _>(resume),
        Route::of::<__path_cancel, _>(cancel),
    ]
}

#[utoipa::path(post, path = "/api/v1/meetings/{id}/join")]
async fn join(mut call: Call) -> Result<Response, ApiError> {
    let mut body = call.fields().await?;
    let agent = body
        .id("agent_id")
        .map(AgentId)
        .or_else(|| call.identity.agent());
    let Some(agent) = agent else {
        return Err(ApiError::invalid(
            "agent_id",
            "is required with the admin token",
        ));
    };
    let named = meetings::named(&call.api, &mut body, "agent_id", &[agent]).await?;
    body.finish()?;
    let name = named
        .into_iter()
        .next()
        .map_or_else(String::new, |(_, name)| name);
    instruct(&call, Command::Join { agent, name }).await?;
    let id: MeetingId = call.id();
    let host = call
        .headers
        .get(HOST)
        .and_then(|host| host.to_str().ok())
        .unwrap_or("localhost");
    let websocket_url = format!("ws://{host}/ws/meetings/{id}?agent_id={agent}");
    Ok(ok(
        &json!({"meeting_id": id.0, "agent_id": agent.0, "websocket_url": websocket_url}),
    ))
}

#[utoipa::path(post, path = "/api/v1/meetings/{id}/start")]
async fn start(call: Call) -> Result<Response, ApiError> {
    moderate(call, Command::Start).await
}

#[utoipa::path(post, path = "/api/v1/meetings/{id}/pause")]
async fn pause(call: Call) -> Result<Response, ApiError> {
    moderate(call, Command::Pause).await
}

#[utoipa::path(post, path = "/api/v1/meetings/{id}/resume")]
async fn resume(call: Call) -> Result<Response, ApiError> {
    moderate(call, Command::Resume).await
}

#[utoipa::path(post, path = "/api/v1/meetings/{id}/cancel")]
async fn cancel(mut call: Call) -> Result<Response, ApiError> {
    let mut body = call.fields().await?;
    let reason = body.text("reason", MAX_TOPIC_CHARS);
    body.finish()?;
    carried_out(&call, Command::Cancel { reason }).await
}

/// A moderator's step that needs no more words.
async fn moderate(mut call: Call, command: Command) -> Result<Response, ApiError> {
    call.fields().await?.finish()?;
    carried_out(&call, command).await
}

/// The meeting after a command.
async fn carried_out(call: &Call, command: Command) -> Result<Response, ApiError> {
    instruct(call, command).await?;
    Ok(ok(&meeting_view::whole(&call.api, call.id()).await?))
}

/// Gives a meeting a command, and waits until what follows is durable.
async fn instruct(call: &Call, command: Command) -> Result<(), ApiError> {
    let (api, id) = (&call.api, call.id());
    let from = call.identity.caller();
    let instruct = |reply, permit| {
        let command = command.clone();
        let instruction = Instruction {
            from,
            command,
            reply,
            permit,
        };
        meeting::Message::Instruct(Box::new(instruction))
    };
    let (refusal, status) = match api.ask_meeting(id, None, instruct).await? {
        Some(Ok(_)) => return Ok(()),
        Some(Err(refused)) => refused,
        None => {
            let meeting = api.context.store.meeting(id).await?;
            let status = meeting.map_or(Status::Completed, |meeting| meeting.header.status);
            (Refusal::Over, status)
        }
    };
    Err(ApiError::from(refusal).in_state(status))
}
