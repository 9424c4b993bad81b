//! `POST /meetings`: a meeting is created.

use std::sync::Arc;

use serde_json::{Value, json};

use super::call::{Call, Intake};
use super::created;
use super::meeting_view::{self, MeetingInBrief};
use super::route::Route;
use super::schema::{self, EXAMPLE_ID, described};
use crate::actors::journal;
use crate::domain::settings::{MAX_PARTICIPANTS, MAX_TOPIC_CHARS};
use crate::domain::{
    self, AgentId, CommunicationId, Created, DecisionId, MeetingId, MeetingType, Settings,
};
use crate::storage::{Error, Role};
use crate::transport::auth::Identity;
use crate::transport::fields::Fields;
use crate::transport::idempotency::Act;
use crate::transport::{Api, ApiError, Response};
use crate::wire::{outbound, shape};

pub(super) fn routes() -> Vec<Route> {
    vec![Route::acting::<__path_create, _>(Intake::Fields, create)]
}

/// Creates a meeting.
///
/// It is `pending` until it is started. All or nothing: a participant who does not exist leaves nothing behind. The
/// agent that creates it moderates it, unless another is named.
#[utoipa::path(
    post,
    path = "/api/v1/meetings",
    request_body = Created,
    responses((status = 201, description = "The new meeting.", body = MeetingInBrief))
)]
async fn create(call: Call, act: Arc<Act>) -> Result<Response, ApiError> {
    call.identity.caller()?;
    let mut body = call.fields()?;
    let api = &call.api;
    if act.is_retry() && is_there(&call, act.id.into()).await? {
        return Ok(created(&meeting_view::in_brief(api, act.id.into()).await?));
    }
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
    let related: Vec<_> = related.into_iter().map(CommunicationId).collect();
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
    let participants = named(&call, &mut body, "participant_ids", &agents).await?;
    named(&call, &mut body, "moderator_id", moderator.as_slice()).await?;
    body.finish()?;
    ensure_readable(api, &call.identity, &related).await?;
    act.begin(api).await?;
    let id = MeetingId(act.id);
    let (meeting, first) = domain::Meeting::create(
        act.at,
        Created {
            meeting: id,
            topic: topic.unwrap_or_default(),
            meeting_type: meeting_type.unwrap_or(MeetingType::UserSpecified),
            settings,
            moderator,
            participants,
            related,
            decision: DecisionId(clock.id()),
        },
    );
    let kept = journal::created(&meeting, first);
    match api.context.store.create_meeting(&kept).await {
        // Ids are made by servers alone: the same request, by its key, was faster at another one.
        Err(Error::AlreadyExists(_)) => {}
        answer => {
            answer?;
            let first = &kept.first;
            let news = outbound::meeting_event(id, &first.recorded, &first.payload);
            api.context.presence.tell(&meeting.members(), &news);
        }
    }
    Ok(created(&meeting_view::in_brief(api, id).await?))
}

/// Whether an earlier try of the request has made the meeting.
async fn is_there(call: &Call, id: MeetingId) -> Result<bool, ApiError> {
    let store = &call.api.context.store;
    Ok(store.meeting(id, &call.reservation).await?.is_some())
}

/// Lets a meeting refer to what its creator may read; of the rest it is not even told whether it is there.
async fn ensure_readable(
    api: &Api,
    identity: &Identity,
    related: &[CommunicationId],
) -> Result<(), ApiError> {
    let Some(reader) = identity.agent() else {
        return Ok(());
    };
    let known = api.context.store.excerpts_by_id(related).await?;
    let is_readable = |id: &CommunicationId| {
        known
            .iter()
            .any(|m| m.id == *id && (m.sender == reader || m.receiver == reader))
    };
    let unreadable = related.iter().filter(|id| !is_readable(id));
    let unreadable: Vec<_> = unreadable.map(|id| id.0).collect();
    if unreadable.is_empty() {
        return Ok(());
    }
    Err(Error::UnknownCommunication(unreadable).into())
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
    call: &Call,
    body: &mut Fields,
    field: &str,
    agents: &[AgentId],
) -> Result<Vec<(AgentId, String)>, ApiError> {
    if agents.is_empty() {
        return Ok(Vec::new());
    }
    let store = &call.api.context.store;
    let known = store.agents_by_id(agents, &call.reservation).await?;
    let mut named = Vec::with_capacity(agents.len());
    for &agent in agents {
        match known.iter().find(|known| known.id == agent) {
            Some(known) if known.revoked_at.is_some() => {
                body.fault(field, format!("agent {agent} is revoked"));
            }
            Some(known) if known.role == Role::Observer => {
                body.fault(field, format!("{agent} is an observer"));
            }
            Some(known) => named.push((agent, known.name.clone())),
            None => body.fault(field, format!("no such agent: {agent}")),
        }
    }
    Ok(named)
}

described! {
    Created, "NewMeeting", new_meeting();
}

fn new_meeting() -> Value {
    let ids = |description: &str, most: usize| {
        json!({"type": "array", "description": description, "uniqueItems": true, "maxItems": most,
               "items": {"type": "string", "format": "uuid"}})
    };
    let mut whole = json!({
        "type": "object",
        "description": "A meeting to be created.",
        "required": ["topic", "participant_ids"],
        "additionalProperties": false,
        "properties": {
            "topic": {"type": "string", "minLength": 1, "maxLength": MAX_TOPIC_CHARS, "description": "Kept exactly as given."},
            "participant_ids": ids("Who takes part, in the order of their turns.", MAX_PARTICIPANTS),
            "meeting_type": schema::of::<MeetingType>(),
            "moderator_id": {"type": ["string", "null"], "format": "uuid",
                "description": "Who may start, pause, resume and cancel it: the agent that creates it, unless another is named."},
            "related_communication_ids": ids(
                "The messages that prompted it: its evidence, so everyone who is in the meeting may read them. `admission: invited` keeps that circle closed.",
                MAX_RELATED,
            ),
        },
        "example": {"topic": "Where do we meet?", "participant_ids": [EXAMPLE_ID], "max_discussion_rounds": 2,
                    "decision_rule": {"rule": "majority", "quorum": "2/3"}},
    });
    let settings = schema::of::<shape::Settings>();
    for (name, setting) in settings["properties"].as_object().into_iter().flatten() {
        whole["properties"][name] = setting.clone();
    }
    whole
}

/// Log rows behind one meeting: as many as a person could have read.
const MAX_RELATED: usize = 500;
