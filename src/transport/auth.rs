//! Who is asking: tokens, and what they open.
//!
//! A token is 256 random bits, shown once and kept as its SHA-256. It is found by its hash, and the
//! admin's is compared in constant time, so how long an answer takes says nothing about it.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::HeaderMap;
use http::header::{AUTHORIZATION, SEC_WEBSOCKET_PROTOCOL};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use warp::{Filter, Rejection};

use super::{Api, ApiError};
use crate::clock::Clock;
use crate::domain::{AgentId, Caller};
use crate::storage::{Agent, TokenHash};

/// Who is asking.
#[derive(Clone, Debug)]
pub enum Identity {
    /// The operator.
    Admin,
    /// An agent that is not revoked.
    Agent(Agent),
}

/// The admin token, as its hash.
#[derive(Clone)]
pub struct Admin(TokenHash);

impl Admin {
    /// From the token itself.
    pub fn new(token: &str) -> Self {
        Self(hash(token))
    }

    fn is(&self, token: TokenHash) -> bool {
        self.0.0.ct_eq(&token.0).into()
    }
}

/// A new token, and the hash to keep.
pub fn issue(clock: &Clock) -> (String, TokenHash) {
    let token = format!("synod_{}", URL_SAFE_NO_PAD.encode(clock.bytes::<32>()));
    let kept = hash(&token);
    (token, kept)
}

/// What is kept of a token.
pub fn hash(token: &str) -> TokenHash {
    TokenHash(Sha256::digest(token.as_bytes()).into())
}

impl Identity {
    /// The agent, unless it is the operator.
    pub fn agent(&self) -> Option<AgentId> {
        match self {
            Self::Admin => None,
            Self::Agent(agent) => Some(agent.id),
        }
    }

    /// As a meeting knows it.
    pub fn caller(&self) -> Caller {
        self.agent().map_or(Caller::Admin, Caller::Agent)
    }

    /// Lets only the operator pass.
    ///
    /// # Errors
    /// 403 for everybody else.
    pub fn ensure_admin(&self) -> Result<(), ApiError> {
        match self {
            Self::Admin => Ok(()),
            Self::Agent(_) => Err(ApiError::forbidden("this needs the admin token")),
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

/// Who the request's token says is asking.
pub(super) async fn identify(api: &Api, headers: &HeaderMap) -> Result<Identity, ApiError> {
    let token = bearer(headers)
        .or_else(|| subprotocol(headers).and_then(|p| p.strip_prefix(SUBPROTOCOL_PREFIX)));
    let token = token.filter(|token| !token.is_empty());
    let token = hash(token.ok_or_else(ApiError::unauthenticated)?);
    if api.admin.is(token) {
        return Ok(Identity::Admin);
    }
    let agent = api.context.store.agent_by_token(token).await?;
    agent
        .map(Identity::Agent)
        .ok_or_else(ApiError::unauthenticated)
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
