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
#[derive(Clone)]
pub enum Identity {
    /// The operator.
    Admin,
    /// An agent that is not revoked: it takes part, and sees what is its own.
    Agent(Bearer),
    /// An observer that is not revoked: it sees everything and says nothing.
    Observer(Bearer),
}

/// An agent or observer, as it was found by its token.
#[derive(Clone)]
pub struct Bearer {
    /// Who.
    pub id: AgentId,
    /// What it is called.
    pub name: String,
    /// By what it was found.
    token: TokenHash,
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
    /// Of whom this token was found to be.
    fn found(known: Agent, token: TokenHash) -> Self {
        let bearer = Bearer {
            id: known.id,
            name: known.name,
            token,
        };
        match known.role {
            Role::Agent => Self::Agent(bearer),
            Role::Observer => Self::Observer(bearer),
        }
    }

    /// The agent whose eyes these are: it sees only what is its own. `None` sees everything.
    pub fn agent(&self) -> Option<AgentId> {
        match self {
            Self::Admin | Self::Observer(_) => None,
            Self::Agent(agent) => Some(agent.id),
        }
    }

    /// Whose a socket is that is opened so; `None` is the operator.
    pub fn holder(&self) -> Option<Holder> {
        match self {
            Self::Admin => None,
            Self::Agent(bearer) | Self::Observer(bearer) => Some(Holder {
                id: bearer.id,
                token: bearer.token,
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
    let known = api.context.store.agent_by_token(token).await?;
    let known = known.ok_or_else(ApiError::unauthenticated)?;
    Ok(Identity::found(known, token))
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

#[cfg(test)]
mod tests {
    use chrono::DateTime;

    use super::*;

    #[test]
    fn a_socket_is_held_by_the_token_that_was_looked_up() {
        let (_, token) = token_of([7; 32]);
        let known = |role| Agent {
            id: AgentId(Uuid::from_u128(1)),
            name: "ada".to_owned(),
            role,
            model: None,
            metadata: None,
            created_at: DateTime::UNIX_EPOCH,
            revoked_at: None,
        };
        for role in [Role::Agent, Role::Observer] {
            let holder = Identity::found(known(role), token).holder().unwrap();
            assert!(holder.id.0 == Uuid::from_u128(1) && holder.token == token);
        }
        assert!(Identity::Admin.holder().is_none(), "only the operator");
    }
}
