//! `GET /ws/meetings/{id}` and `GET /ws/agent`: the handshake (RFC 6455, section 4.2), and over to a connection actor.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::header::{
    AUTHORIZATION, CONNECTION, ORIGIN, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY,
    SEC_WEBSOCKET_PROTOCOL, SEC_WEBSOCKET_VERSION, UPGRADE,
};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use ractor::{Actor, ActorRef};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig};
use tracing::debug;
use uuid::Uuid;
use warp::filters::BoxedFilter;
use warp::{Filter, Rejection, Reply};

use super::accept::Peer;
use super::auth::{self, Identity};
use super::fields::Fields;
use super::{Api, ApiError, Response, rest};
use crate::actors::audience::{NoSeat, Seat};
use crate::actors::connection::{self, Connection, Purpose};
use crate::actors::meeting;
use crate::config::Limits;
use crate::domain::{AgentId, MeetingId, Refusal};
use crate::wire::outbound;

/// The sockets' routes.
pub(super) fn routes(api: &Api) -> BoxedFilter<(Response,)> {
    let meeting = warp::path!("ws" / "meetings" / Uuid)
        .and(handshake(api))
        .then(|id, handshake, query, api| async move {
            rest::respond(attend(&api, MeetingId(id), handshake, query).await)
        });
    let line = warp::path!("ws" / "agent")
        .and(handshake(api))
        .then(|handshake, query, api| async move { rest::respond(listen(&api, handshake, query)) });
    meeting.or(line).unify().boxed()
}

struct Handshake {
    identity: Identity,
    headers: HeaderMap,
    upgrade: Option<OnUpgrade>,
    peer: Peer,
}

type Given = Result<Fields, ApiError>;

/// A request that wants a socket: who asks, and its query.
fn handshake(
    api: &Api,
) -> impl Filter<Extract = (Handshake, Given, Api), Error = Rejection> + Clone + use<> {
    let handshake = |identity, headers, upgrade, peer| Handshake {
        identity,
        headers,
        upgrade,
        peer,
    };
    warp::get()
        .and(auth::identity(api))
        .and(warp::header::headers_cloned())
        .and(warp::ext::optional::<OnUpgrade>())
        .and(warp::ext::get::<Peer>())
        .map(handshake)
        .and(rest::query())
        .and(rest::with(api))
}

/// A socket in a meeting.
async fn attend(
    api: &Api,
    id: MeetingId,
    handshake: Handshake,
    query: Given,
) -> Result<Response, ApiError> {
    let mut query = query?;
    let claimed = query.id("agent_id").map(AgentId);
    let after = query.number("after", 0, u64::MAX);
    query.finish()?;
    let agent = agent(&handshake.identity, claimed)?;
    let accept = check(&handshake.headers, &api.allowed_origins)?;
    let who = agent.as_ref().map(|(agent, _)| *agent);
    let actor = admit(api, id, who).await?;
    let purpose = Purpose::Meeting {
        id,
        actor,
        agent,
        after,
    };
    open(api, handshake, purpose, &accept)
}

/// An agent's own line.
fn listen(api: &Api, handshake: Handshake, query: Given) -> Result<Response, ApiError> {
    let mut query = query?;
    let cursor: Option<String> = query.take("after");
    let after = cursor.as_deref().map(outbound::parse_cursor);
    if after == Some(None) {
        query.fault("after", "must be a cursor that this server gave");
    }
    query.finish()?;
    let Identity::Agent(agent) = &handshake.identity else {
        return Err(ApiError::forbidden("only an agent has a line of its own"));
    };
    let agent = agent.id;
    let accept = check(&handshake.headers, &api.allowed_origins)?;
    let after = after.flatten();
    open(api, handshake, Purpose::Line { agent, after }, &accept)
}

/// Upgrades a connection and hands its socket to an actor.
fn open(
    api: &Api,
    handshake: Handshake,
    purpose: Purpose,
    accept: &str,
) -> Result<Response, ApiError> {
    let upgrade = handshake
        .upgrade
        .ok_or_else(|| bad_handshake("connection", "cannot be upgraded"))?;
    let seat = seat(api, &handshake.identity, &purpose)?;
    let context = api.context.clone();
    let holder = handshake.identity.holder();
    let place = handshake.peer.place;
    let arguments = move |socket| connection::Arguments {
        socket,
        holder,
        purpose,
        context,
        place,
        seat,
    };
    let config = socket_config(&api.context.limits);
    let supervisor = api.registry.get_cell();
    tokio::spawn(async move {
        let Ok(upgraded) = upgrade.await else { return };
        let socket =
            WebSocketStream::from_raw_socket(TokioIo::new(upgraded), Role::Server, Some(config))
                .await;
        let arguments = Box::new(arguments(socket));
        let spawned = Actor::spawn_linked(None, Connection, arguments, supervisor).await;
        if let Err(error) = spawned {
            debug!(%error, "a connection could not be started");
        }
    });
    Ok(switching_protocols(
        accept,
        auth::subprotocol(&handshake.headers),
    ))
}

/// A place among the sockets that a token has in one meeting, or for its agent's own line.
fn seat(api: &Api, identity: &Identity, purpose: &Purpose) -> Result<Seat, ApiError> {
    let context = &api.context;
    let (now, most) = (
        context.clock.elapsed(),
        context.limits.sockets_per_meeting_max,
    );
    let seat = context
        .audience
        .take(identity.owner(), purpose.meeting_id(), now, most);
    seat.map_err(|no_seat| match no_seat {
        NoSeat::TooMany => ApiError::too_many_sockets(most),
        NoSeat::Early(wait) => ApiError::reads_too_slowly(wait),
    })
}

/// Who takes part: the token's own agent, or nobody, who watches.
fn agent(
    identity: &Identity,
    claimed: Option<AgentId>,
) -> Result<Option<(AgentId, String)>, ApiError> {
    match (identity, claimed) {
        (Identity::Admin | Identity::Observer(_), None) => Ok(None),
        (Identity::Admin | Identity::Observer(_), Some(_)) => Err(ApiError::forbidden(
            "an agent takes part with its own token only",
        )),
        (Identity::Agent(agent), Some(claimed)) if claimed != agent.id => {
            Err(ApiError::forbidden("agent_id is not the token's own"))
        }
        (Identity::Agent(agent), _) => Ok(Some((agent.id, agent.name.clone()))),
    }
}

/// The actor that runs the meeting, once it has said that it would let the agent in; `None` if the meeting is over, which
/// only those who were in it may hear told.
async fn admit(
    api: &Api,
    id: MeetingId,
    agent: Option<AgentId>,
) -> Result<Option<ActorRef<meeting::Message>>, ApiError> {
    let Some(agent) = agent else {
        return api.awake(id).await;
    };
    let admit = |reply, permit| meeting::Message::Admit(agent, reply, permit);
    match api
        .ask_meeting(id, Some(Limits::CALL_TIMEOUT), admit)
        .await?
    {
        Some(Ok(())) => api.awake(id).await,
        Some(Err(Refusal::Over)) | None => {
            let known = api.context.store.participants(id).await?;
            if known.iter().any(|participant| participant.agent == agent) {
                return Ok(None);
            }
            Err(ApiError::forbidden(
                "the meeting is over, and you were not in it",
            ))
        }
        Some(Err(refusal)) => Err(refusal.into()),
    }
}

/// Checks a handshake and gives the accept key.
fn check(headers: &HeaderMap, allowed_origins: &[String]) -> Result<String, ApiError> {
    if !has_token(headers, &UPGRADE, "websocket") || !has_token(headers, &CONNECTION, "upgrade") {
        return Err(bad_handshake(
            "upgrade",
            "this route is for WebSocket connections only",
        ));
    }
    for name in [
        SEC_WEBSOCKET_KEY,
        SEC_WEBSOCKET_VERSION,
        AUTHORIZATION,
        ORIGIN,
    ] {
        if headers.get_all(&name).iter().count() > 1 {
            return Err(bad_handshake(name.as_str(), "must stand there once only"));
        }
    }
    if headers
        .get(SEC_WEBSOCKET_VERSION)
        .is_none_or(|version| version != "13")
    {
        return Err(ApiError::upgrade_required());
    }
    let key = headers
        .get(SEC_WEBSOCKET_KEY)
        .map(HeaderValue::as_bytes)
        .unwrap_or_default();
    if STANDARD.decode(key).map_or(0, |key| key.len()) != KEY_BYTES {
        return Err(bad_handshake(
            "sec-websocket-key",
            "must be 16 bytes in base64",
        ));
    }
    if let Some(origin) = headers.get(ORIGIN)
        && !allowed_origins
            .iter()
            .any(|allowed| origin == allowed.as_str())
    {
        return Err(ApiError::forbidden(
            "this Origin may not connect: see --allowed-origins",
        ));
    }
    Ok(derive_accept_key(key))
}

fn has_token(headers: &HeaderMap, name: &HeaderName, token: &str) -> bool {
    let values = headers
        .get_all(name)
        .iter()
        .filter_map(|value| value.to_str().ok());
    values
        .flat_map(|value| value.split(','))
        .any(|part| part.trim().eq_ignore_ascii_case(token))
}

fn bad_handshake(header: &str, reason: &str) -> ApiError {
    ApiError::invalid(header, reason)
}

fn switching_protocols(accept: &str, subprotocol: Option<&str>) -> Response {
    let mut response = StatusCode::SWITCHING_PROTOCOLS.into_response();
    let headers = response.headers_mut();
    headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
    headers.insert(CONNECTION, HeaderValue::from_static("upgrade"));
    let values = [
        (SEC_WEBSOCKET_ACCEPT, Some(accept)),
        (SEC_WEBSOCKET_PROTOCOL, subprotocol),
    ];
    for (name, value) in values {
        if let Some(value) = value.and_then(|value| HeaderValue::from_str(value).ok()) {
            headers.insert(name, value);
        }
    }
    response
}

fn socket_config(limits: &Limits) -> WebSocketConfig {
    WebSocketConfig::default()
        .read_buffer_size(READ_BUFFER_BYTES)
        .write_buffer_size(WRITE_BUFFER_BYTES)
        .max_write_buffer_size(MAX_WRITE_BUFFER_BYTES)
        .max_message_size(Some(limits.frame_max_bytes))
        .max_frame_size(Some(limits.frame_max_bytes))
}

/// Of a handshake's key (RFC 6455, section 4.1).
const KEY_BYTES: usize = 16;
/// Idle sockets keep their buffers, so they are small: enough for what agents mostly say.
const READ_BUFFER_BYTES: usize = 2_048;
/// Frames that wait together leave in one write up to about this size.
const WRITE_BUFFER_BYTES: usize = 4_096;
/// More than the largest frame there is: a ballot with an opinion of the largest size from everyone.
const MAX_WRITE_BUFFER_BYTES: usize = 134_217_728;
