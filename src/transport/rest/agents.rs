//! `/agents`: who may connect.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use http::StatusCode;
use serde::Serialize;
use serde_json::json;
use serde_json::value::RawValue;
use tracing::warn;
use utoipa::ToSchema;
use uuid::Uuid;

use super::call::{Call, Intake};
use super::page::{AgentsPage, Place};
use super::route::Route;
use super::schema::{EXAMPLE_ID, described};
use super::{created, ok, stored_json};
use crate::config::Limits;
use crate::domain::AgentId;
use crate::storage::{self, Role};
use crate::transport::fields::{Fields, List};
use crate::transport::idempotency::Act;
use crate::transport::{ApiError, Response};

pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::acting::<__path_create, _>(Intake::Fields, create),
        Route::of::<__path_index, _>(index),
        Route::of::<__path_show, _>(show),
        Route::acting::<__path_rotate, _>(Intake::Fields, rotate),
        Route::of::<__path_revoke, _>(revoke),
    ]
}

/// An agent to be added.
struct NewAgent {
    id: Option<Uuid>,
    name: String,
    role: Role,
    model: Option<String>,
    metadata: Option<Box<RawValue>>,
}

/// A new token needs no more words.
struct Rotation;

/// An agent as everyone sees it.
#[derive(Serialize, ToSchema)]
struct Agent {
    id: Uuid,
    /// For people.
    name: String,
    /// `agent`, or `observer`: its token reads everything and changes nothing.
    role: &'static str,
    /// The language model behind it.
    model: Option<String>,
    /// Whatever was given at its creation, as the very text that it was.
    #[schema(value_type = Option<serde_json::Value>)]
    metadata: Option<Box<RawValue>>,
    created_at: DateTime<Utc>,
    /// When its token was taken away.
    revoked_at: Option<DateTime<Utc>>,
}

/// An agent with its token, which is shown only this once.
#[derive(Serialize, ToSchema)]
struct Credentials {
    #[serde(flatten)]
    agent: Agent,
    /// What the agent shows as its bearer token. Only its hash is kept.
    token: String,
}

/// A page of agents, newest first.
#[derive(Serialize, ToSchema)]
struct Agents {
    agents: Vec<Agent>,
    #[serde(flatten)]
    place: Place,
}

/// Adds an agent.
///
/// Needs the admin token. The answer holds the agent's own token, which is shown only this once.
#[utoipa::path(
    post,
    path = "/api/v1/agents",
    request_body = NewAgent,
    responses(
        (status = 201, description = "The new agent and its token.", body = Credentials),
        (status = 403, description = "`forbidden`: this needs the admin token."),
        (status = 409, description = "`already_exists`: the id is taken."),
    )
)]
async fn create(call: Call, act: Arc<Act>) -> Result<Response, ApiError> {
    call.identity.ensure_admin()?;
    let agent = NewAgent::read(call.fields()?)?.into_agent(&act);
    let (token, hash) = act.token(&call.api);
    let credentials = Credentials {
        agent: Agent::from(&agent),
        token,
    };
    let once = act.answer(StatusCode::CREATED, &credentials);
    let store = &call.api.context.store;
    store.create_agent(&agent, hash, once.as_ref()).await?;
    Ok(created(&credentials))
}

/// Gives an agent another token.
///
/// The old one opens nothing from now on, and the sockets that it opened are closed with 4001. A token that was revoked is given
/// anew. Needs the admin token.
#[utoipa::path(
    post,
    path = "/api/v1/agents/{id}/token",
    request_body(content = Rotation, description = "May be empty."),
    responses(
        (status = 200, description = "The agent and its new token, which is shown only this once.", body = Credentials),
        (status = 403, description = "`forbidden`: this needs the admin token."),
    )
)]
async fn rotate(call: Call, act: Arc<Act>) -> Result<Response, ApiError> {
    call.identity.ensure_admin()?;
    call.fields()?.finish()?;
    let (context, id) = (&call.api.context, call.id());
    let missing = || ApiError::not_found("no such agent");
    let agent = context
        .store
        .agent(id, &call.reservation)
        .await?
        .ok_or_else(missing)?;
    let (token, hash) = act.token(&call.api);
    let agent = Agent {
        revoked_at: None,
        ..Agent::from(&agent)
    };
    let credentials = Credentials { agent, token };
    let once = act.answer(StatusCode::OK, &credentials);
    let once = once.as_ref();
    if !context.store.replace_token(id, hash, once).await? {
        return Err(missing());
    }
    let sockets = &context.presence;
    if let Err(error) = sockets.dismiss_replaced(&*context.store, id).await {
        warn!(%error, "the sockets of a token that was replaced are closed later");
    }
    Ok(ok(&credentials))
}

/// Takes an agent's token away.
///
/// It opens nothing from now on, and its sockets are closed with 4001 at once. What the agent said stays. Twice is once. Needs
/// the admin token.
#[utoipa::path(
    delete,
    path = "/api/v1/agents/{id}",
    responses(
        (status = 200, description = "The agent, revoked.", body = Agent),
        (status = 403, description = "`forbidden`: this needs the admin token."),
    )
)]
async fn revoke(call: Call) -> Result<Response, ApiError> {
    call.identity.ensure_admin()?;
    let (context, id) = (&call.api.context, call.id());
    context.store.revoke_agent(id, context.clock.now()).await?;
    context.presence.dismiss(id);
    let agent = context.store.agent(id, &call.reservation).await?;
    let agent = agent.ok_or_else(|| ApiError::not_found("no such agent"))?;
    call.ok(&Agent::from(&agent)).await
}

/// Lists agents.
///
/// Newest first, revoked ones among them.
#[utoipa::path(
    get,
    path = "/api/v1/agents",
    params(AgentsPage),
    responses((status = 200, description = "A page of agents.", body = Agents))
)]
async fn index(call: Call) -> Result<Response, ApiError> {
    let mut query = call.query()?;
    let request = query.page(List::Agents);
    query.finish()?;
    let page = call
        .api
        .context
        .store
        .agents(request, &call.reservation)
        .await?;
    call.ok(&Agents {
        agents: page.items.iter().map(Agent::from).collect(),
        place: Place::of(List::Agents, request, &page),
    })
    .await
}

/// Shows one agent.
///
/// Any agent may look up any other.
#[utoipa::path(
    get,
    path = "/api/v1/agents/{id}",
    responses((status = 200, description = "The agent.", body = Agent))
)]
async fn show(call: Call) -> Result<Response, ApiError> {
    let agent = call
        .api
        .context
        .store
        .agent(call.id(), &call.reservation)
        .await?;
    let agent = agent.ok_or_else(|| ApiError::not_found("no such agent"))?;
    call.ok(&Agent::from(&agent)).await
}

impl NewAgent {
    fn read(mut body: Fields) -> Result<Self, ApiError> {
        let new = Self {
            id: body.id("id"),
            name: body
                .required_text("name", MAX_NAME_CHARS)
                .unwrap_or_default(),
            role: body
                .word("role", Role::parse, "agent, observer")
                .unwrap_or(Role::Agent),
            model: body.text("model", MAX_NAME_CHARS),
            metadata: body.json("metadata"),
        };
        body.finish()?;
        Ok(new)
    }

    fn into_agent(self, act: &Act) -> storage::Agent {
        storage::Agent {
            id: AgentId(self.id.unwrap_or(act.id)),
            name: self.name,
            role: self.role,
            model: self.model,
            metadata: self.metadata.map(|metadata| metadata.get().to_owned()),
            created_at: act.at,
            revoked_at: None,
        }
    }
}

impl From<&storage::Agent> for Agent {
    fn from(agent: &storage::Agent) -> Self {
        Self {
            id: agent.id.0,
            name: agent.name.clone(),
            role: agent.role.as_str(),
            model: agent.model.clone(),
            metadata: agent.metadata.as_deref().map(stored_json),
            created_at: agent.created_at,
            revoked_at: agent.revoked_at,
        }
    }
}

described! {
    Rotation, "Rotation", json!({
        "type": "object",
        "description": "A new token needs no more words.",
        "additionalProperties": false,
        "example": {},
    });
    NewAgent, "NewAgent", json!({
        "type": "object",
        "description": "An agent to be added.",
        "required": ["name"],
        "additionalProperties": false,
        "properties": {
            "id": {"type": ["string", "null"], "format": "uuid", "description": "Chosen by the server when left out."},
            "name": {"type": "string", "minLength": 1, "maxLength": MAX_NAME_CHARS, "description": "For people."},
            "role": {"type": ["string", "null"], "enum": ["agent", "observer", null], "default": "agent",
                     "description": "An observer's token reads everything and changes nothing."},
            "model": {"type": ["string", "null"], "maxLength": MAX_NAME_CHARS, "description": "The language model behind it."},
            "metadata": {"type": ["object", "array", "string", "number", "boolean", "null"], "description": format!("Any JSON, nested at most {} deep; given back as it stands here.", Limits::JSON_MAX_DEPTH)},
        },
        "example": {"id": EXAMPLE_ID, "name": "ada", "model": "m-1", "metadata": {"team": "tea"}},
    });
}

/// Characters of an agent's or a model's name.
const MAX_NAME_CHARS: usize = 200;
