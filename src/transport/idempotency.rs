//! Requests that act once, however often they come: the `Idempotency-Key` header
//! (draft-ietf-httpapi-idempotency-key-header).
//!
//! Before a request with a key acts, the key is kept with the id and the time that what it makes will have. A second
//! try, after a lost answer or a crash, makes the very same again, which changes nothing. Answers of success are kept
//! too and given again. A token is in no kept answer: it is made from the key's salt and the operator's token, so it
//! can be made again.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use dashmap::DashSet;
use http::{HeaderMap, Method, StatusCode};
use http_body_util::BodyExt;
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};
use uuid::Uuid;
use warp::Reply;

use super::auth::{self, Identity};
use super::{Api, ApiError, Response};
use crate::clock::Clock;
use crate::config::Limits;
use crate::storage::{Answer, KeyedRequest, Reserved, TokenHash};

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
    salt: [u8; 32],
    journal_key: String,
}

/// Where the answer of a request with a key is kept.
pub(super) struct Promise {
    request: KeyedRequest,
    _under_way: UnderWay,
}

/// What a request may do.
pub(super) enum Turn {
    /// Act; and if it has a key, keep the answer.
    Act(Act, Option<Promise>),
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
    pub(super) fn fresh(clock: &Clock) -> Self {
        Self {
            id: clock.id(),
            at: clock.now(),
            keyed: None,
        }
    }

    /// The key as a meeting's journal keeps it: JSON text that is no frame's id.
    pub(super) fn journal_key(&self) -> Option<String> {
        self.keyed.as_ref().map(|keyed| keyed.journal_key.clone())
    }

    /// A new token, the same for the same key, and the hash to keep.
    pub(super) fn token(&self, api: &Api) -> (String, TokenHash) {
        match &self.keyed {
            Some(keyed) => api.admin.derive(&keyed.salt),
            None => auth::issue(&api.context.clock),
        }
    }
}

impl Promise {
    /// Keeps an answer of success, so that it is given again.
    pub(super) async fn keep(self, api: &Api, response: Response) -> Result<Response, ApiError> {
        if !response.status().is_success() {
            return Ok(response);
        }
        let (parts, body) = response.into_parts();
        let body = body.collect().await.map_err(|_| ApiError::internal())?;
        let body = body.to_bytes();
        // A longer one is made again from what was kept.
        if body.len() <= Limits::KEPT_ANSWER_MAX_BYTES
            && let Ok(text) = std::str::from_utf8(&body)
        {
            let answer = Answer {
                status: parts.status.as_u16(),
                body: without_token(text),
            };
            api.context.store.answer(&self.request, &answer).await?;
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
        return Ok(Turn::Act(Act::fresh(clock), None));
    };
    let owner = identity.owner();
    let in_progress = "a request with this Idempotency-Key is being answered: send it again later";
    let under_way = UnderWay::enter(&api.keys, owner, &key)
        .ok_or_else(|| ApiError::conflict("idempotency_key_in_use", in_progress))?;
    let request = KeyedRequest {
        owner,
        key,
        fingerprint: fingerprint().0,
        resource: clock.id(),
        at: clock.now(),
        salt: clock.bytes(),
    };
    let reserved = api.context.store.reserve(&request).await?;
    if reserved.fingerprint != request.fingerprint {
        let reused =
            "this Idempotency-Key came with another request before: a new request needs a new key";
        return Err(ApiError::conflict("idempotency_key_reused", reused));
    }
    let Reserved {
        resource: id,
        at,
        salt,
        answer,
        ..
    } = reserved;
    let salt = salt.try_into().map_err(|_| ApiError::internal())?;
    if let Some(answer) = answer {
        return Ok(Turn::Answered(again(api, &salt, answer)));
    }
    let journal_key = json!({"owner_id": owner, "idempotency_key": request.key}).to_string();
    let keyed = Some(Keyed { salt, journal_key });
    let promise = Promise {
        request,
        _under_way: under_way,
    };
    Ok(Turn::Act(Act { id, at, keyed }, Some(promise)))
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
    let text = value.to_str().unwrap_or_default().trim();
    let text = text
        .strip_prefix('"')
        .and_then(|text| text.strip_suffix('"'))
        .unwrap_or(text);
    if text.is_empty() || text.len() > KEY_MAX_BYTES || headers.get_all(HEADER).iter().count() > 1 {
        let reason = format!("must be one text of 1 to {KEY_MAX_BYTES} visible ASCII characters");
        return Err(ApiError::invalid(HEADER, reason));
    }
    Ok(Some(text.to_owned()))
}

/// The answer that was kept, with the token that it had.
fn again(api: &Api, salt: &[u8; 32], answer: Answer) -> Response {
    let status = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::OK);
    let body = match serde_json::from_str::<Map<String, Value>>(&answer.body) {
        Ok(mut fields) if fields.get(TOKEN) == Some(&Value::Null) => {
            fields.insert(TOKEN.to_owned(), api.admin.derive(salt).0.into());
            Value::Object(fields).to_string()
        }
        _ => answer.body,
    };
    let body = warp::reply::with_header(body, "content-type", "application/json");
    warp::reply::with_status(body, status).into_response()
}

fn without_token(body: &str) -> String {
    match serde_json::from_str::<Map<String, Value>>(body) {
        Ok(mut fields) if fields.contains_key(TOKEN) => {
            fields.insert(TOKEN.to_owned(), Value::Null);
            Value::Object(fields).to_string()
        }
        _ => body.to_owned(),
    }
}

/// The header's name.
pub(super) const HEADER: &str = "idempotency-key";
/// Where an answer has a token.
const TOKEN: &str = "token";
/// Room for a UUID or a hash in any writing.
const KEY_MAX_BYTES: usize = 255;
