//! `/meetings`: created, joined, moderated and read.

use http::HeaderMap;
use http::header::HOST;
use serde_json::{Value, json};
use uuid::Uuid;
use warp::Filter;
use warp::filters::BoxedFilter;

use super::{body, created, list, meeting_view, ok, reading, respond, stored_json, writing};
use crate::actors::journal;
use crate::actors::meeting::{self, Instruction};
use crate::config::Limits;
use crate::domain::settings::{MAX_PARTICIPANTS, MAX_TOPIC_CHARS};
use crate::domain::{
    self, AgentId, Command, CommunicationId, Created, DecisionId, MeetingId, MeetingType, Outcome,
    Refusal, Settings, Status,
};
use crate::storage::{MeetingFilter, Role};
use crate::transport::auth::Identity;
use crate::transport::fields::Fields;
use crate::transport::{Api, ApiError, Response};
use crate::wire::{journal as kept, outbound, shape};

pub(super) fn routes(api: &Api) -> BoxedFilter<(Response,)> {
    let create = warp::path!("meetings")
        .and(writing(api, body()))
        .then(|identity, body, api| async move { respond(create(&api, &identity, body).await) });
    let index = warp::path!("meetings")
        .and(reading(api))
        .then(|identity, query, api| async move { respond(index(&api, &identity, query).await) });
    let show =
        warp::path!("meetings" / Uuid)
            .and(reading(api))
            .then(|id, identity, _, api| async move {
                respond(show(&api, &identity, MeetingId(id)).await)
            });
    let events = warp::path!("meetings" / Uuid / "events")
        .and(reading(api))
        .then(|id, identity, query, api| async move {
            respond(events(&api, &identity, MeetingId(id), query).await)
        });
    create
        .or(index)
        .unify()
        .or(show)
        .unify()
        .or(events)
        .unify()
        .or(steps(api))
        .unify()
        .boxed()
}

/// The routes that change a meeting.
fn steps(api: &Api) -> BoxedFilter<(Response,)> {
    let join = warp::path!("meetings" / Uuid / "join")
        .and(writing(api, body()))
        .and(warp::header::headers_cloned())
        .then(|id, identity, body, api, headers| async move {
            respond(join(&api, &identity, MeetingId(id), body, &headers).await)
        });
    let moderate = warp::path!("meetings" / Uuid / Step)
        .and(writing(api, body()))
        .then(|id, step, identity, body, api| async move {
            respond(moderate(&api, &identity, MeetingId(id), step, body).await)
        });
    join.or(moderate).unify().boxed()
}

/// A moderator's step, as the last part of a path.
#[derive(Clone, Copy)]
enum Step {
    Start,
    Pause,
    Resume,
    Cancel,
}

impl std::str::FromStr for Step {
    type Err = ();

    fn from_str(word: &str) -> Result<Self, ()> {
        match word {
            "start" => Ok(Self::Start),
            "pause" => Ok(Self::Pause),
            "resume" => Ok(Self::Resume),
            "cancel" => Ok(Self::Cancel),
            _ => Err(()),
        }
    }
}

async fn create(
    api: &Api,
    identity: &Identity,
    body: Result<Fields, ApiError>,
) -> Result<Response, ApiError> {
    identity.caller()?;
    let mut body = body?;
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
        .or_else(|| identity.agent());
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
    let kept = journal::created(&meeting, first);
    api.context.store.create_meeting(&kept).await?;
    let first = &kept.first;
    let id = meeting.created().meeting;
    let news = outbound::meeting_event(id, &first.recorded, &first.payload);
    api.context.presence.tell(&meeting.members(), &news);
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
async fn named(
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
            Some(known) if known.role == Role::Observer => {
                body.fault(field, format!("{agent} is an observer"));
            }
            Some(known) => named.push((agent, known.name.clone())),
            None => body.fault(field, format!("no such agent: {agent}")),
        }
    }
    Ok(named)
}

async fn index(
    api: &Api,
    identity: &Identity,
    query: Result<Fields, ApiError>,
) -> Result<Response, ApiError> {
    let mut query = query?;
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
        visible_to: identity.agent(),
        words: query.text("q", MAX_TOPIC_CHARS),
        from,
        until,
    };
    let page = query.page();
    query.finish()?;
    Ok(list(
        "meetings",
        page,
        &api.context.store.meetings(&filter, page).await?,
        meeting_view::row,
    ))
}

async fn show(api: &Api, identity: &Identity, id: MeetingId) -> Result<Response, ApiError> {
    ensure_visible(api, identity, id).await?;
    Ok(ok(&meeting_view::whole(api, id).await?))
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

async fn events(
    api: &Api,
    identity: &Identity,
    id: MeetingId,
    query: Result<Fields, ApiError>,
) -> Result<Response, ApiError> {
    let mut query = query?;
    let after = query.number("after", 0, u64::MAX >> 1).unwrap_or(0);
    let limit = query.number("limit", 1, u64::from(Limits::JOURNAL_PAGE_ROWS));
    query.finish()?;
    ensure_visible(api, identity, id).await?;
    let store = &api.context.store;
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

async fn join(
    api: &Api,
    identity: &Identity,
    id: MeetingId,
    body: Result<Fields, ApiError>,
    headers: &HeaderMap,
) -> Result<Response, ApiError> {
    identity.caller()?;
    let mut body = body?;
    let agent = body
        .id("agent_id")
        .map(AgentId)
        .or_else(|| identity.agent());
    let Some(agent) = agent else {
        return Err(ApiError::invalid(
            "agent_id",
            "is required with the admin token",
        ));
    };
    let named = named(api, &mut body, "agent_id", &[agent]).await?;
    body.finish()?;
    let name = named
        .into_iter()
        .next()
        .map_or_else(String::new, |(_, name)| name);
    instruct(api, identity, id, Command::Join { agent, name }).await?;
    let host = headers
        .get(HOST)
        .and_then(|host| host.to_str().ok())
        .unwrap_or("localhost");
    let websocket_url = format!("ws://{host}/ws/meetings/{id}?agent_id={agent}");
    Ok(ok(
        &json!({"meeting_id": id.0, "agent_id": agent.0, "websocket_url": websocket_url}),
    ))
}

async fn moderate(
    api: &Api,
    identity: &Identity,
    id: MeetingId,
    step: Step,
    body: Result<Fields, ApiError>,
) -> Result<Response, ApiError> {
    let mut body = body?;
    let command = match step {
        Step::Start => Command::Start,
        Step::Pause => Command::Pause,
        Step::Resume => Command::Resume,
        Step::Cancel => Command::Cancel {
            reason: body.text("reason", MAX_TOPIC_CHARS),
        },
    };
    body.finish()?;
    instruct(api, identity, id, command).await?;
    let shown: Value = meeting_view::whole(api, id).await?;
    Ok(ok(&shown))
}

/// Gives a meeting a command, and waits until what follows is durable.
async fn instruct(
    api: &Api,
    identity: &Identity,
    id: MeetingId,
    command: Command,
) -> Result<(), ApiError> {
    let from = identity.caller()?;
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

/// Log rows behind one meeting: as many as a person could have read.
const MAX_RELATED: usize = 500;
