//! Requests that act once, however often they come: the `Idempotency-Key` header
//! (draft-ietf-httpapi-idempotency-key-header).
//!
//! A request whose key was answered is answered the same again, before anything else is looked at. Another is first found
//! to be in order, and only then its key is kept, with the id and the time that what it makes will have: a second
//! try, after a lost answer or a crash, makes the very same again, which changes nothing. A request that is refused leaves
//! no key behind. What could be undone between two tries, a token, is kept in one transaction with its answer.
//! A token is in no kept answer: it is made from the key's salt and the operator's token, so it can be made again.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, Utc};
use dashmap::DashSet;
use http::{HeaderMap, Method, StatusCode};
use http_body_util::BodyExt;
use serde::{Deserialize, Serialize};
use serde_json::json;
use sha2::{Digest, Sha256};
use uuid::Uuid;
use warp::Reply;

use super::auth::{self, Identity};
use super::{Api, ApiError, Response};
use crate::clock::Clock;
use crate::config::Limits;
use crate::storage::{Answer, KeptAnswer, KeyedRequest, Reserved, TokenHash};

/// With which id and when a request makes what it makes.
pub(super) struct Act {
    /// Of what is made.
    pub(super) id: Uuid,
    /// When.
    pub(super) at: DateTime<Utc>,
    keyed: Option<Keyed>,
}

/// What is special about the act of a request with a key.
struct Keyed {
    request: KeyedRequest,
    /// Whether an earlier try has kept the key: it may have acted.
    is_retry: bool,
    /// Whether this one has.
    is_reserved: AtomicBool,
    _under_way: UnderWay,
}

/// What a request may do.
pub(super) enum Turn {
    /// Act.
    Act(Act),
    /// Nothing: it was answered before, with this.
    Answered(Response),
}

/// Keys of requests that are being answered by this server.
#[derive(Clone, Default)]
pub struct Keys(Arc<DashSet<(Uuid, String)>>);

/// A key's time among them.
struct UnderWay {
    keys: Keys,
    key: (Uuid, String),
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.keys.0.remove(&self.key);
    }
}

/// The request line and body to which a key belongs.
pub(super) struct Fingerprint([u8; 32]);

impl Fingerprint {
    pub(super) fn of(method: &Method, path: &str, query: &str, body: &[u8]) -> Self {
        let mut hash = Sha256::new();
        for part in [method.as_str(), path, query] {
            hash.update(part.len().to_le_bytes());
            hash.update(part);
        }
        hash.update(body);
        Self(hash.finalize().into())
    }
}

impl Act {
    /// Of a request without a key.
    fn fresh(clock: &Clock) -> Self {
        Self {
            id: clock.id(),
            at: clock.now(),
            keyed: None,
        }
    }

    /// Keeps the key of a request that is in order and about to act.
    pub(super) async fn begin(&self, api: &Api) -> Result<(), ApiError> {
        let Some(keyed) = &self.keyed else {
            return Ok(());
        };
        if keyed.is_retry {
            return Ok(());
        }
        if !api.context.store.reserve(&keyed.request).await? {
            return Err(ApiError::key_in_use());
        }
        keyed.is_reserved.store(true, Ordering::Relaxed);
        Ok(())
    }

    /// Whether an earlier try of the same request may have acted already.
    pub(super) fn is_retry(&self) -> bool {
        self.keyed.as_ref().is_some_and(|keyed| keyed.is_retry)
    }

    /// The request as a meeting's journal keeps it: JSON text that is no frame's id. Its tries have the same; a later request under
    /// a key that was forgotten meanwhile has another.
    pub(super) fn journal_key(&self) -> Option<String> {
        let KeyedRequest { resource, .. } = &self.keyed.as_ref()?.request;
        Some(json!({"request_id": resource}).to_string())
    }

    /// A new token, the same for the same key, and the hash to keep.
    pub(super) fn token(&self, api: &Api) -> (String, TokenHash) {
        match &self.keyed {
            Some(keyed) => api.admin.derive(&keyed.request.salt),
            None => auth::issue(&api.context.clock),
        }
    }

    /// The answer that a request with a key is about to be given, to be kept in the transaction of what it tells of.
    pub(super) fn answer(&self, status: StatusCode, body: &impl Serialize) -> Option<KeptAnswer> {
        let keyed = self.keyed.as_ref()?;
        let body = serde_json::to_string(body).ok()?;
        let body = without_token(&body);
        Some(keyed.kept(status, body))
    }

    /// Ends the act: an answer of success is kept, so that it is given again; a refusal leaves nothing behind.
    pub(super) async fn end(
        &self,
        api: &Api,
        answer: Result<Response, ApiError>,
    ) -> Result<Response, ApiError> {
        let Some(keyed) = &self.keyed else {
            return answer;
        };
        match answer {
            Ok(response) if response.status().is_success() => keyed.keep(api, response).await,
            Err(refusal) if refusal.is_refusal() => {
                if keyed.is_reserved.load(Ordering::Relaxed) {
                    api.context.store.release(&keyed.request).await?;
                }
                Err(refusal)
            }
            // Whether it has acted is not known: the next try finds out.
            answer => answer,
        }
    }
}

impl Keyed {
    fn kept(&self, status: StatusCode, body: String) -> KeptAnswer {
        let status = status.as_u16();
        KeptAnswer {
            request: self.request.clone(),
            answer: Answer { status, body },
        }
    }

    async fn keep(&self, api: &Api, response: Response) -> Result<Response, ApiError> {
        let (parts, body) = response.into_parts();
        let body = body.collect().await.map_err(|_| ApiError::internal())?;
        let body = body.to_bytes();
        // A longer one is made again from what was kept.
        if body.len() <= Limits::KEPT_ANSWER_MAX_BYTES
            && let Ok(text) = std::str::from_utf8(&body)
        {
            let store = &api.context.store;
            let kept = self.kept(parts.status, without_token(text));
            if !store.answer(&kept).await? {
                // Another server was first, or the answer was kept with the act: that one stands.
                let KeyedRequest { owner, key, .. } = &self.request;
                let reserved = store.recall(*owner, key).await?;
                let of_this = reserved.filter(|kept| kept.resource == self.request.resource);
                if let Some(first) = of_this.and_then(|reserved| reserved.answer) {
                    return again(api, &self.request.salt, first);
                }
            }
        }
        Ok(Response::from_parts(parts, body.into()))
    }
}

/// What a request may do: act, or be answered as before.
pub(super) async fn turn(
    api: &Api,
    identity: &Identity,
    headers: &HeaderMap,
    fingerprint: impl FnOnce() -> Fingerprint,
) -> Result<Turn, ApiError> {
    let clock = &api.context.clock;
    let Some(key) = key(headers)? else {
        return Ok(Turn::Act(Act::fresh(clock)));
    };
    let owner = identity.owner();
    let under_way = UnderWay::enter(&api.keys, owner, &key).ok_or_else(ApiError::key_in_use)?;
    let mut request = KeyedRequest {
        owner,
        key,
        fingerprint: fingerprint().0,
        resource: clock.id(),
        at: clock.now(),
        salt: clock.bytes(),
    };
    let earlier = api.context.store.recall(owner, &request.key).await?;
    let is_retry = earlier.is_some();
    if let Some(Reserved {
        fingerprint,
        resource,
        at,
        salt,
        answer,
    }) = earlier
    {
        if fingerprint != request.fingerprint {
            let reused = "this Idempotency-Key came with another request before: a new request needs a new key";
            return Err(ApiError::conflict("idempotency_key_reused", reused));
        }
        (request.resource, request.at) = (resource, at);
        request.salt = salt.try_into().map_err(|_| ApiError::internal())?;
        if let Some(answer) = answer {
            return again(api, &request.salt, answer).map(Turn::Answered);
        }
    }
    Ok(Turn::Act(Act {
        id: request.resource,
        at: request.at,
        keyed: Some(Keyed {
            request,
            is_retry,
            is_reserved: AtomicBool::new(false),
            _under_way: under_way,
        }),
    }))
}

impl UnderWay {
    fn enter(keys: &Keys, owner: Uuid, key: &str) -> Option<Self> {
        let key = (owner, key.to_owned());
        keys.0.insert(key.clone()).then(|| Self {
            keys: keys.clone(),
            key,
        })
    }
}

/// The key of a request. The draft has it as a string of RFC 8941, in quotes; without them it is as good.
fn key(headers: &HeaderMap) -> Result<Option<String>, ApiError> {
    let Some(value) = headers.get(HEADER) else {
        return Ok(None);
    };
    let text = value.to_str().unwrap_or_default().trim_matches(' ');
    let text = text
        .strip_prefix('"')
        .and_then(|text| text.strip_suffix('"'))
        .unwrap_or(text);
    let is_visible = text
        .bytes()
        .all(|byte| (b' '..=b'~').contains(&byte) && byte != b'"');
    let fits = !text.is_empty() && text.len() <= KEY_MAX_BYTES;
    if !is_visible || !fits || headers.get_all(HEADER).iter().count() > 1 {
        let reason = format!(
            "must be one text of 1 to {KEY_MAX_BYTES} visible ASCII characters, in quotes or without any"
        );
        return Err(ApiError::invalid(HEADER, reason));
    }
    Ok(Some(text.to_owned()))
}

/// The answer that was kept, with the token that it had.
fn again(api: &Api, salt: &[u8; 32], answer: Answer) -> Result<Response, ApiError> {
    let status = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::OK);
    let body = with_token(answer.body, || api.admin.derive(salt).0)?;
    let body = warp::reply::with_header(body, "content-type", "application/json");
    Ok(warp::reply::with_status(body, status).into_response())
}

/// A body for keeping: instead of a token it has the token's hash. All else stays the very same text.
fn without_token(body: &str) -> String {
    match Shown::of(body) {
        Some(Shown { token }) => replaced(body, &token, &hash_shown(&token)),
        None => body.to_owned(),
    }
}

/// A body that was kept, with its token again, which must be the one that was told: one made from another operator's token
/// would open nothing.
fn with_token(body: String, token: impl FnOnce() -> String) -> Result<String, ApiError> {
    let Some(Shown { token: hash }) = Shown::of(&body) else {
        return Ok(body);
    };
    let token = token();
    if hash != hash_shown(&token) {
        let message = "the admin token has changed since, so the token of this answer cannot be shown again: \
                       give the agent another with POST /api/v1/agents/{id}/token, under a new key";
        return Err(ApiError::conflict("token_not_shown_again", message));
    }
    Ok(replaced(&body, &hash, &token))
}

/// What an answer has where it shows a token.
#[derive(Deserialize)]
struct Shown {
    token: String,
}

impl Shown {
    fn of(body: &str) -> Option<Self> {
        serde_json::from_str(body).ok()
    }
}

/// The body with another token, or with the hash of one. Both are random, so nothing else in it is the same.
fn replaced(body: &str, token: &str, by: &str) -> String {
    let member = |token: &str| format!(r#""token":"{token}""#);
    body.replace(&member(token), &member(by))
}

fn hash_shown(token: &str) -> String {
    URL_SAFE_NO_PAD.encode(auth::hash(token).0)
}

/// The header's name.
pub(super) const HEADER: &str = "idempotency-key";
/// Room for a UUID or a hash in any writing.
const KEY_MAX_BYTES: usize = 255;
/// The same, and what [`key`] takes, for the description: with or without quotes, and none within.
pub(super) const KEY_PATTERN: &str = r#"^([!#-~]([ !#-~]{0,253}[!#-~])?|"[ !#-~]{1,255}")$"#;
