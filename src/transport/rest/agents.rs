//! `/agents`: who may connect.

use serde_json::{Value, json};

use super::call::Call;
use super::route::Route;
use super::{created, list, ok, stored_json};
use crate::domain::AgentId;
use crate::storage::Agent;
use crate::transport::{ApiError, Response, auth};

pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::of::<__path_create, _>(create),
        Route::of::<__path_index, _>(index),
        Route::of::<__path_show, _>(show),
    ]
}

#[utoipa::path(post, path = "/api/v1/agents")]
async fn create(mut call: Call) -> Result<Response, ApiError> {
    call.identity.ensure_admin()?;
    let mut body = call.fields().await?;
    let id = body.id("id");
    let name = body.required_text("name", MAX_NAME_CHARS);
    let model = body.text("model", MAX_NAME_CHARS);
    let metadata: Option<Value> = body.take("metadata");
    body.finish()?;
    let context = &call.api.context;
    let clock = &context.clock;
    let agent = Agent {
        id: AgentId(id.unwrap_or_else(|| clock.id())),
        name: name.unwrap_or_default(),
        model,
        metadata: metadata.map(|metadata| metadata.to_string()),
        created_at: clock.now(),
        revoked_at: None,
    };
    let (token, hash) = auth::issue(clock);
    context.store.create_agent(&agent, hash).await?;
    let mut shown = view(&agent);
    shown["token"] = token.into();
    Ok(created(&shown))
}

#[utoipa::path(get, path = "/api/v1/agents")]
async fn index(call: Call) -> Result<Response, ApiError> {
    let mut query = call.query()?;
    let page = query.page();
    query.finish()?;
    let agents = call.api.context.store.agents(page).await?;
    Ok(list("agents", page, &agents, view))
}

#[utoipa::path(get, path = "/api/v1/agents/{id}")]
async fn show(call: Call) -> Result<Response, ApiError> {
    let agent = call.api.context.store.agent(call.id()).await?;
    let agent = agent.ok_or_else(|| ApiError::not_found("no such agent"))?;
    Ok(ok(&view(&agent)))
}

fn view(agent: &Agent) -> Value {
    json!({
        "id": agent.id.0,
        "name": agent.name,
        "model": agent.model,
        "metadata": agent.metadata.as_deref().map(stored_json),
        "created_at": agent.created_at,
        "revoked_at": agent.revoked_at,
    })
}

/// Characters of an agent's or a model's name.
const MAX_NAME_CHARS: usize = 200;
