//! `/meetings`: created, joined, moderated and read.

use serde_json::json;

use super::call::Call;
use super::route::Route;
use super::{created, list, meeting_view, ok, stored_json};
use crate::actors::journal;
use crate::config::Limits;
use crate::domain::settings::{MAX_PARTICIPANTS, MAX_TOPIC_CHARS};
use crate::domain::{
    self, AgentId, CommunicationId, Created, DecisionId, MeetingId, MeetingType, Outcome, Settings,
    Status,
};
use crate::storage::MeetingFilter;
use crate::transport::auth::Identity;
use crate::transport::fields::Fields;
use crate::transport::{Api, ApiError, Response};
use crate::wire::{journal as kept, shape};

pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::of::<__path_create, _>(create),
        Route::of::<__path_index, _>(index),
        Route::of::<__path_show, _>(show),
        Route::of::<__path_events, _>(events),
    ]
}

#[utoipa::path(post, path = "/api/v1/meetings")]
async fn create(mut call: Call) -> Result<Response, ApiError> {
    let mut body = call.fields().await?;
    let api = &call.api;
    let clock = &api.context.clock;
    let topic = body.required_text("topic", MAX_TOPIC_CHARS);
    let meeting_type = body.word(
        "meeting_type",
        MeetingType::parse,
        "user_specified, auto_generated",
    );
    body.require("participant_ids");
    let agents: Vec<_> = body
        .ids("participant_ids", MAX_PARTICIPANTS)
        .into_iter()
        .map(AgentId)
        .collect();
    let related = body.ids("related_communication_ids", MAX_RELATED);
    let moderator = body
        .id("moderator_id")
        .map(AgentId)
        .or_else(|| call.identity.agent());
    let settings = settings(&mut body, u32::from_le_bytes(clock.bytes()));
    if settings.start == domain::Start::WhenAllJoined && agents.is_empty() {
        body.fault(
            "participant_ids",
            "must name those whom when_all_joined waits for",
        );
    }
    let participants = named(api, &mut body, "participant_ids", &agents).await?;
    named(api, &mut body, "moderator_id", moderator.as_slice()).await?;
    body.finish()?;
    let (meeting, first) = domain::Meeting::create(
        clock.now(),
        Created {
            meeting: MeetingId(clock.id()),
            topic: topic.unwrap_or_default(),
            meeting_type: meeting_type.unwrap_or(MeetingType::UserSpecified),
            settings,
            moderator,
            participants,
            related: related.into_iter().map(CommunicationId).collect(),
            decision: DecisionId(clock.id()),
        },
    );
    api.context
        .store
        .create_meeting(&journal::created(&meeting, first))
        .await?;
    Ok(created(
        &meeting_view::whole(api, meeting.created().meeting).await?,
    ))
}

fn settings(body: &mut Fields, seed: u32) -> Settings {
    let given = shape::Settings {
        max_discussion_rounds: body.take("max_discussion_rounds"),
        turn_order: body.take("turn_order"),
        shuffle_seed: body.take("shuffle_seed"),
        opinion_timeout_ms: body.take("opinion_timeout_ms"),
        vote_timeout_ms: body.take("vote_timeout_ms"),
        reconnect_grace_ms: body.take("reconnect_grace_ms"),
        admission: body.take("admission"),
        start: body.take("start"),
        decision_rule: body.take("decision_rule"),
    };
    if given
        .decision_rule
        .as_ref()
        .is_some_and(shape::DecisionRule::has_stray_threshold)
    {
        body.fault(
            "decision_rule.threshold",
            "is for the rule supermajority only",
        );
    }
    let settings = given.into_domain(seed);
    for (field, reason) in settings.faults() {
        body.fault(field, reason);
    }
    settings
}

/// The agents with their names, in the order given; unknown and revoked ones are faults of `field`.
pub(super) async fn named(
    api: &Api,
    body: &mut Fields,
    field: &str,
    agents: &[AgentId],
) -> Result<Vec<(AgentId, String)>, ApiError> {
    if agents.is_empty() {
        return Ok(Vec::new());
    }
    let known = api.context.store.agents_by_id(agents).await?;
    let mut named = Vec::with_capacity(agents.len());
    for &agent in agents {
        match known.iter().find(|known| known.id == agent) {
            Some(known) if known.revoked_at.is_some() => {
                body.fault(field, format!("agent {agent} is revoked"));
            }
            Some(known) => named.push((agent, known.name.clone())),
            None => body.fault(field, format!("no such agent: {agent}")),
        }
    }
    Ok(named)
}

#[utoipa::path(get, path = "/api/v1/meetings")]
async fn index(call: Call) -> Result<Response, ApiError> {
    let mut query = call.query()?;
    let (from, until) = query.span();
    let filter = MeetingFilter {
        status: query.word(
            "status",
            Status::parse,
            &Status::ALL.map(Status::as_str).join(", "),
        ),
        outcome: query.word(
            "outcome",
            Outcome::parse,
            &Outcome::ALL.map(Outcome::as_str).join(", "),
        ),
        agent: query.id("agent_id").map(AgentId),
        visible_to: call.identity.agent(),
        words: query.text("q", MAX_TOPIC_CHARS),
        from,
        until,
    };
    let page = query.page();
    query.finish()?;
    let meetings = call.api.context.store.meetings(&filter, page).await?;
    Ok(list("meetings", page, &meetings, meeting_view::row))
}

#[utoipa::path(get, path = "/api/v1/meetings/{id}")]
async fn show(call: Call) -> Result<Response, ApiError> {
    let id = call.id();
    ensure_visible(&call.api, &call.identity, id).await?;
    Ok(ok(&meeting_view::whole(&call.api, id).await?))
}

/// Lets an agent see the meetings it is or was in, and those it moderates.
pub(super) async fn ensure_visible(
    api: &Api,
    identity: &Identity,
    id: MeetingId,
) -> Result<(), ApiError> {
    let Some(agent) = identity.agent() else {
        return Ok(());
    };
    let store = &api.context.store;
    if store
        .participants(id)
        .await?
        .iter()
        .any(|participant| participant.agent == agent)
    {
        return Ok(());
    }
    match store.meeting(id).await? {
        Some(_) => Err(ApiError::forbidden(
            "you are not in this meeting: join it first",
        )),
        None => Err(ApiError::not_found("no such meeting")),
    }
}

#[utoipa::path(get, path = "/api/v1/meetings/{id}/events")]
async fn events(call: Call) -> Result<Response, ApiError> {
    let id = call.id();
    let mut query = call.query()?;
    let after = query.number("after", 0, u64::MAX >> 1).unwrap_or(0);
    let limit = query.number("limit", 1, u64::from(Limits::JOURNAL_PAGE_ROWS));
    query.finish()?;
    ensure_visible(&call.api, &call.identity, id).await?;
    let store = &call.api.context.store;
    let meeting = store
        .meeting(id)
        .await?
        .ok_or_else(|| ApiError::not_found("no such meeting"))?;
    let limit = limit
        .and_then(|limit| u32::try_from(limit).ok())
        .unwrap_or(Limits::JOURNAL_PAGE_ROWS);
    let rows = store.journal(id, after, limit).await?;
    let mut events = Vec::with_capacity(rows.len());
    for row in rows {
        let recorded = journal::decode(&row).map_err(|_| ApiError::internal())?;
        let data = stored_json(&kept::told(&recorded.event, &row.payload));
        events.push(json!({"seq": recorded.seq, "kind": row.kind, "version": row.version, "at": recorded.at, "data": data}));
    }
    Ok(ok(&json!({"events": events, "last_seq": meeting.last_seq})))
}

/// Log rows behind one meeting: as many as a person could have read.
const MAX_RELATED: usize = 500;
