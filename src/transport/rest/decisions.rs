//! `/decisions`: what was decided, for ever.

use serde_json::{Value, json};
use uuid::Uuid;
use warp::Filter;
use warp::filters::BoxedFilter;

use super::{communications, list, ok, reading, respond, stored_json};
use crate::domain::{DecisionId, MeetingId};
use crate::storage::{Decision, DecisionFilter};
use crate::transport::auth::Identity;
use crate::transport::fields::Fields;
use crate::transport::{Api, ApiError, Response};

pub(super) fn routes(api: &Api) -> BoxedFilter<(Response,)> {
    let index = warp::path!("decisions")
        .and(reading(api))
        .then(|identity, query, api| async move { respond(index(&api, &identity, query).await) });
    let show =
        warp::path!("decisions" / Uuid)
            .and(reading(api))
            .then(|id, identity, _, api| async move {
                respond(show(&api, &identity, DecisionId(id)).await)
            });
    index.or(show).unify().boxed()
}

async fn index(
    api: &Api,
    identity: &Identity,
    query: Result<Fields, ApiError>,
) -> Result<Response, ApiError> {
    let mut query = query?;
    let (from, until) = query.span();
    let meeting = query.id("meeting_id").map(MeetingId);
    let filter = DecisionFilter {
        meeting,
        visible_to: identity.agent(),
        from,
        until,
    };
    let page = query.page();
    query.finish()?;
    Ok(list(
        "decisions",
        page,
        &api.context.store.decisions(&filter, page).await?,
        view,
    ))
}

async fn show(api: &Api, identity: &Identity, id: DecisionId) -> Result<Response, ApiError> {
    let store = &api.context.store;
    let missing = || ApiError::not_found("no such decision");
    let decision = store.decision(id).await?.ok_or_else(missing)?;
    super::meetings::ensure_visible(api, identity, decision.meeting).await?;
    let related = store.communications_by_id(&decision.related).await?;
    let mut shown = view(&decision);
    shown["related_communications"] = related.iter().map(communications::view).collect();
    Ok(ok(&shown))
}

/// A decision as everyone sees it.
pub(super) fn view(decision: &Decision) -> Value {
    let related: Vec<_> = decision.related.iter().map(|id| id.0).collect();
    json!({
        "id": decision.id.0,
        "meeting_id": decision.meeting.0,
        "decision_content": decision.content,
        "rationale": decision.rationale,
        "related_communication_ids": related,
        "participant_agreement": stored_json(&decision.agreement),
        "created_at": decision.created_at,
    })
}
