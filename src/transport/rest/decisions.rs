//! `/decisions`: what was decided, for ever.

use serde_json::{Value, json};

use super::call::Call;
use super::route::Route;
use super::{communications, list, meetings, ok, stored_json};
use crate::domain::MeetingId;
use crate::storage::{Decision, DecisionFilter};
use crate::transport::{ApiError, Response};

pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::of::<__path_index, _>(index),
        Route::of::<__path_show, _>(show),
    ]
}

#[utoipa::path(get, path = "/api/v1/decisions")]
async fn index(call: Call) -> Result<Response, ApiError> {
    let mut query = call.query()?;
    let (from, until) = query.span();
    let meeting = query.id("meeting_id").map(MeetingId);
    let filter = DecisionFilter {
        meeting,
        visible_to: call.identity.agent(),
        from,
        until,
    };
    let page = query.page();
    query.finish()?;
    let decisions = call.api.context.store.decisions(&filter, page).await?;
    Ok(list("decisions", page, &decisions, view))
}

#[utoipa::path(get, path = "/api/v1/decisions/{id}")]
async fn show(call: Call) -> Result<Response, ApiError> {
    let store = &call.api.context.store;
    let missing = || ApiError::not_found("no such decision");
    let decision = store.decision(call.id()).await?.ok_or_else(missing)?;
    meetings::ensure_visible(&call.api, &call.identity, decision.meeting).await?;
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
