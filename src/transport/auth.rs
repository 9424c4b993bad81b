//! Who is asking: tokens, and what they open.
//!
//! A token is 256 random bits, shown once and kept as its SHA-256. It is found by its hash, and the
//! admin's is compared in constant time, so how long an answer takes says nothing about it.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use http::HeaderMap;
use http::header::{AUTHORIZATION, SEC_WEBSOCKET_PROTOCOL};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use uuid::Uuid;
use warp::{Filter, Rejection};

use super::{Api, ApiError};
use crate::actors::presence::Holder;
use crate::clock::Clock;
use crate::domain::{AgentId, Caller};
use crate::storage::{Agent, Role, TokenHash};

/// Who is asking.
#[derive(Clone, Debug)]
pub enum Identity {
    /// The operator.
    Admin,
    /// An agent that is not revoked: it takes part, and sees what is its own.
    Agent(Agent),
    /// An observer that is not revoked: it sees everything and says nothing.
    Observer(Agent),
}

/// The admin token, as its hash.
#[derive(Clone)]
pub struct Admin(TokenHash);

impl Admin {
    /// From the token itself.
    pub fn new(token: &str) -> Self {
        Self(hash(token))
    }

    /// A token for an agent that is the same for the same salt: it is in no answer that is kept, and yet can be shown again.
    pub(super) fn derive(&self, salt: &[u8; 32]) -> (String, TokenHash) {
        let mac = Hmac::<Sha256>::new_from_slice(&self.0.0).expect("a key of any length will do");
        token_of(mac.chain_update(salt).finalize().into_bytes().into())
    }

    fn is(&self, token: TokenHash) -> bool {
        self.0.0.ct_eq(&token.0).into()
    }
}

/// A new token, and the hash to keep.
pub fn issue(clock: &Clock) -> (String, TokenHash) {
    token_of(clock.bytes())
}

fn token_of(secret: [u8; 32]) -> (String, TokenHash) {
    let token = format!("synod_{}", URL_SAFE_NO_PAD.encode(secret));
    let kept = hash(&token);
    (token, kept)
}

/// What is kept of a token.
pub fn hash(token: &str) -> TokenHash {
    TokenHash(Sha256::digest(token.as_bytes()).into())
}

impl Identity {
    /// The agent whose eyes these are: it sees only what is its own. `None` sees everything.
    pub fn agent(&self) -> Option<AgentId> {
        match self {
            Self::Admin | Self::Observer(_) => None,
            Self::Agent(agent) => Some(agent.id),
        }
    }

    /// Who opens a socket with the token in these headers; `None` is the operator.
    pub fn holder(&self, headers: &HeaderMap) -> Option<Holder> {
        match self {
            Self::Admin => None,
            Self::Agent(bearer) | Self::Observer(bearer) => Some(Holder {
                id: bearer.id,
                token: hash(token(headers)?),
            }),
        }
    }

    /// Whose requests and frames these are counted for.
    pub fn counted_as(&self) -> Caller {
        match self {
            Self::Admin => Caller::Admin,
            Self::Agent(bearer) | Self::Observer(bearer) => Caller::Agent(bearer.id),
        }
    }

    /// Whose idempotency keys these are: the operator's stand under the nil UUID.
    pub(super) fn owner(&self) -> Uuid {
        match self {
            Self::Admin => Uuid::nil(),
            Self::Agent(bearer) | Self::Observer(bearer) => bearer.id.0,
        }
    }

    /// As a meeting knows it.
    ///
    /// # Errors
    /// 403 for observers, who have no part in any.
    pub fn caller(&self) -> Result<Caller, ApiError> {
        match self {
            Self::Admin => Ok(Caller::Admin),
            Self::Agent(agent) => Ok(Caller::Agent(agent.id)),
            Self::Observer(_) => Err(ApiError::only_watches()),
        }
    }

    /// Lets only the operator pass.
    ///
    /// # Errors
    /// 403 for everybody else.
    pub fn ensure_admin(&self) -> Result<(), ApiError> {
        match self {
            Self::Admin => Ok(()),
            Self::Agent(_) | Self::Observer(_) => {
                Err(ApiError::forbidden("this needs the admin token"))
            }
        }
    }
}

/// Takes the request's identity, or ends it with 401.
pub(super) fn identity(
    api: &Api,
) -> impl Filter<Extract = (Identity,), Error = Rejection> + Clone + use<> {
    let api = api.clone();
    warp::header::headers_cloned().and_then(move |headers: HeaderMap| {
        let api = api.clone();
        async move { identify(&api, &headers).await.map_err(warp::reject::custom) }
    })
}

/// Who asks, if that is known and within its rate.
pub(super) async fn identify(api: &Api, headers: &HeaderMap) -> Result<Identity, ApiError> {
    let identity = bearer_of(api, headers).await?;
    let counted = api.context.throttle.caller(identity.counted_as());
    counted.map_err(ApiError::rate_limited)?;
    Ok(identity)
}

/// Whether who asked still may, a while later; it is not counted again.
///
/// # Errors
/// 401 if the token opens nothing any more.
pub(super) async fn ensure_still(
    api: &Api,
    headers: &HeaderMap,
    identity: &Identity,
) -> Result<(), ApiError> {
    let still = bearer_of(api, headers).await?;
    if still.owner() == identity.owner() {
        Ok(())
    } else {
        Err(ApiError::unauthenticated())
    }
}

async fn bearer_of(api: &Api, headers: &HeaderMap) -> Result<Identity, ApiError> {
    let token = hash(token(headers).ok_or_else(ApiError::unauthenticated)?);
    if api.admin.is(token) {
        return Ok(Identity::Admin);
    }
    let bearer = api.context.store.agent_by_token(token).await?;
    let bearer = bearer.ok_or_else(ApiError::unauthenticated)?;
    Ok(match bearer.role {
        Role::Agent => Identity::Agent(bearer),
        Role::Observer => Identity::Observer(bearer),
    })
}

fn token(headers: &HeaderMap) -> Option<&str> {
    let token = bearer(headers)
        .or_else(|| subprotocol(headers).and_then(|p| p.strip_prefix(SUBPROTOCOL_PREFIX)));
    token.filter(|token| !token.is_empty())
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers.get(AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// The subprotocol that carries a token, for browsers, which cannot set headers on a WebSocket. It must be named in the answer.
pub(super) fn subprotocol(headers: &HeaderMap) -> Option<&str> {
    let offered = headers
        .get_all(SEC_WEBSOCKET_PROTOCOL)
        .iter()
        .filter_map(|value| value.to_str().ok());
    offered
        .flat_map(|value| value.split(','))
        .map(str::trim)
        .find(|offer| offer.starts_with(SUBPROTOCOL_PREFIX))
}

const SUBPROTOCOL_PREFIX: &str = "synod.bearer.";
