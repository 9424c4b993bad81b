//! `/decisions`: what was decided, for ever.

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::json;
use utoipa::ToSchema;
use uuid::Uuid;

use super::call::Call;
use super::communications::Communication;
use super::page::{DecisionsPage, Place};
use super::route::Route;
use super::schema::{Agreement, asked_for, id_parameter, span_parameters};
use super::{meetings, stored_json};
use crate::domain::MeetingId;
use crate::storage::{self, DecisionFilter};
use crate::transport::fields::List;
use crate::transport::{ApiError, Response};

pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::of::<__path_index, _>(index),
        Route::of::<__path_show, _>(show),
    ]
}

/// A decision as everyone sees it. It never changes.
#[derive(Serialize, ToSchema)]
#[expect(clippy::struct_field_names, reason = "clients know it by this name")]
pub(super) struct Decision {
    id: Uuid,
    meeting_id: Uuid,
    /// What was decided.
    decision_content: String,
    /// The rule, the count, the round and the voters' own reasons.
    rationale: String,
    /// The messages that prompted the meeting.
    related_communication_ids: Vec<Uuid>,
    participant_agreement: Agreement,
    created_at: DateTime<Utc>,
}

/// A decision with the messages behind it.
#[derive(Serialize, ToSchema)]
struct DecisionInFull {
    #[serde(flatten)]
    decision: Decision,
    related_communications: Vec<Communication>,
}

/// A page of decisions, newest first.
#[derive(Serialize, ToSchema)]
struct Decisions {
    decisions: Vec<Decision>,
    #[serde(flatten)]
    place: Place,
}

/// Lists decisions.
///
/// Newest first. An agent sees those of the meetings it is in or moderates; the operator sees all.
#[utoipa::path(
    get,
    path = "/api/v1/decisions",
    params(DecisionFilter, DecisionsPage),
    responses((status = 200, description = "A page of decisions.", body = Decisions))
)]
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
    let request = query.page(List::Decisions);
    query.finish()?;
    let store = &call.api.context.store;
    let page = store.decisions(&filter, request, &call.reservation).await?;
    call.ok(&Decisions {
        decisions: page.items.iter().map(Decision::from).collect(),
        place: Place::of(List::Decisions, request, &page),
    })
    .await
}

/// Shows one decision.
///
/// With the messages that prompted its meeting.
#[utoipa::path(
    get,
    path = "/api/v1/decisions/{id}",
    responses(
        (status = 200, description = "The decision.", body = DecisionInFull),
        (status = 403, description = "`forbidden`: you are not in the meeting that made it."),
    )
)]
async fn show(call: Call) -> Result<Response, ApiError> {
    let store = &call.api.context.store;
    let missing = || ApiError::not_found("no such decision");
    let decision = store
        .decision(call.id(), &call.reservation)
        .await?
        .ok_or_else(missing)?;
    meetings::ensure_visible(&call, decision.meeting).await?;
    let related = store
        .communications_by_id(&decision.related, &call.reservation)
        .await?;
    call.ok(&DecisionInFull {
        decision: Decision::from(&decision),
        related_communications: related.iter().map(Communication::from).collect(),
    })
    .await
}

impl From<&storage::Decision> for Decision {
    fn from(decision: &storage::Decision) -> Self {
        Self {
            id: decision.id.0,
            meeting_id: decision.meeting.0,
            decision_content: decision.content.clone(),
            rationale: decision.rationale.clone(),
            related_communication_ids: decision.related.iter().map(|id| id.0).collect(),
            participant_agreement: Agreement(stored_json(&decision.agreement)),
            created_at: decision.created_at,
        }
    }
}

asked_for! {
    DecisionFilter, {
        let [start, end] = span_parameters();
        json!([id_parameter("meeting_id", "Of this meeting."), start, end])
    };
}
