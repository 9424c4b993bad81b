//! `/agents`: who may connect.

use serde_json::{Value, json};
use uuid::Uuid;
use warp::Filter;
use warp::filters::BoxedFilter;

use super::{body, created, list, ok, reading, respond, stored_json, writing};
use crate::domain::AgentId;
use crate::storage::{Agent, Role};
use crate::transport::auth::{self, Identity};
use crate::transport::fields::Fields;
use crate::transport::{Api, ApiError, Response};

pub(super) fn routes(api: &Api) -> BoxedFilter<(Response,)> {
    let all = warp::path!("agents");
    let create = all
        .and(writing(api, body()))
        .then(|identity, body, api| async move { respond(create(&api, &identity, body).await) });
    let index = all
        .and(reading(api))
        .then(|_, query, api| async move { respond(index(&api, query).await) });
    let show = warp::path!("agents" / Uuid)
        .and(reading(api))
        .then(|id, _, _, api| async move { respond(show(&api, AgentId(id)).await) });
    create.or(index).unify().or(show).unify().boxed()
}

async fn create(
    api: &Api,
    identity: &Identity,
    body: Result<Fields, ApiError>,
) -> Result<Response, ApiError> {
    identity.ensure_admin()?;
    let mut body = body?;
    let id = body.id("id");
    let name = body.required_text("name", MAX_NAME_CHARS);
    let role = body.word("role", Role::parse, "agent, observer");
    let model = body.text("model", MAX_NAME_CHARS);
    let metadata: Option<Value> = body.take("metadata");
    body.finish()?;
    let clock = &api.context.clock;
    let agent = Agent {
        id: AgentId(id.unwrap_or_else(|| clock.id())),
        name: name.unwrap_or_default(),
        role: role.unwrap_or(Role::Agent),
        model,
        metadata: metadata.map(|metadata| metadata.to_string()),
        created_at: clock.now(),
        revoked_at: None,
    };
    let (token, hash) = auth::issue(clock);
    api.context.store.create_agent(&agent, hash).await?;
    let mut shown = view(&agent);
    shown["token"] = token.into();
    Ok(created(&shown))
}

async fn index(api: &Api, query: Result<Fields, ApiError>) -> Result<Response, ApiError> {
    let mut query = query?;
    let page = query.page();
    query.finish()?;
    Ok(list(
        "agents",
        page,
        &api.context.store.agents(page).await?,
        view,
    ))
}

async fn show(api: &Api, id: AgentId) -> Result<Response, ApiError> {
    let agent = api.context.store.agent(id).await?;
    Ok(ok(&view(
        &agent.ok_or_else(|| ApiError::not_found("no such agent"))?,
    )))
}

fn view(agent: &Agent) -> Value {
    json!({
        "id": agent.id.0,
        "name": agent.name,
        "role": agent.role.as_str(),
        "model": agent.model,
        "metadata": agent.metadata.as_deref().map(stored_json),
        "created_at": agent.created_at,
        "revoked_at": agent.revoked_at,
    })
}

/// Characters of an agent's or a model's name.
const MAX_NAME_CHARS: usize = 200;
