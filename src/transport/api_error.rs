//! Every answer that is a no, in one shape: `{"error": code, "message": for people, "details": {…}}`.

use std::convert::Infallible;
use std::fmt::Display;
use std::time::Duration;

use http::header::{ACCEPT_ENCODING, ALLOW, RETRY_AFTER, SEC_WEBSOCKET_VERSION, WWW_AUTHENTICATE};
use http::{HeaderName, HeaderValue, StatusCode};
use serde_json::{Map, Value, json};
use tracing::error;
use warp::Rejection;
use warp::reply::Reply;

use super::Response;
use crate::config::Limits;
use crate::domain::{Refusal, Status};
use crate::storage;
use crate::wire::outbound::JOURNAL_UNREADABLE;

/// A no. Boxed, because most answers are a yes.
#[derive(Debug)]
pub struct ApiError(Box<Answer>);

#[derive(Debug)]
struct Answer {
    status: StatusCode,
    code: &'static str,
    message: String,
    /// Further fields of the body: `details`, mostly.
    more: Map<String, Value>,
    header: Option<(HeaderName, HeaderValue)>,
}

/// The code of an answer, beside it, for those who count.
#[derive(Clone, Copy, Debug)]
pub(super) struct Code(pub(super) &'static str);

impl warp::reject::Reject for ApiError {}

impl ApiError {
    fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        Self(Box::new(Answer {
            status,
            code,
            message: message.into(),
            more: Map::new(),
            header: None,
        }))
    }

    fn with(mut self, field: &str, value: Value) -> Self {
        self.0.more.insert(field.to_owned(), value);
        self
    }

    fn with_header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.0.header = Some((name, value));
        self
    }

    /// 400, with every bad field and what is wrong with it.
    pub fn validation(details: Map<String, Value>) -> Self {
        Self::new(
            StatusCode::BAD_REQUEST,
            "validation_error",
            "the request has bad fields: see details",
        )
        .with("details", Value::Object(details))
    }

    /// Every bad field and what is wrong with it; nothing of an answer that is about no fields.
    pub fn into_details(self) -> Map<String, Value> {
        match self.0.more.get("details") {
            Some(Value::Object(details)) => details.clone(),
            _ => Map::new(),
        }
    }

    /// 400 for one field.
    pub fn invalid(field: &str, reason: impl Into<String>) -> Self {
        Self::validation(Map::from_iter([(field.to_owned(), json!([reason.into()]))]))
    }

    /// 401: the same whatever was wrong with the credentials.
    pub fn unauthenticated() -> Self {
        let message = "send a valid token as `Authorization: Bearer <token>`";
        Self::new(StatusCode::UNAUTHORIZED, "authentication_required", message)
            .with_header(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"))
    }

    /// 403.
    pub fn forbidden(message: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, "forbidden", message)
    }

    /// 403 for an observer that wants to do something.
    pub fn only_watches() -> Self {
        Self::forbidden("an observer's token reads everything and changes nothing")
    }

    /// A conflict names the state it is in; any other answer stays as it is.
    #[must_use]
    pub fn in_state(self, status: Status) -> Self {
        match self.0.status {
            StatusCode::CONFLICT => self.with("details", json!({"status": status.as_str()})),
            _ => self,
        }
    }

    /// 404.
    pub fn not_found(message: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not_found", message)
    }

    /// 405, with the methods that the path does know.
    pub fn method_not_allowed(allowed: &str) -> Self {
        let message = format!("this path answers {allowed} only");
        let answer = Self::new(
            StatusCode::METHOD_NOT_ALLOWED,
            "method_not_allowed",
            message,
        );
        match HeaderValue::from_str(allowed) {
            Ok(allowed) => answer.with_header(ALLOW, allowed),
            Err(_) => answer,
        }
    }

    /// 408: the body did not arrive in time.
    pub fn request_timeout() -> Self {
        let message = "the body of the request did not arrive in time: send it again";
        Self::new(StatusCode::REQUEST_TIMEOUT, "request_timeout", message)
    }

    /// Whether it is certain that nothing was done: the request is at fault, and not the server or the database, nor is it only
    /// the answer that there is too much of.
    pub fn is_refusal(&self) -> bool {
        self.0.status.is_client_error() && self.0.code != ANSWER_TOO_LARGE
    }

    /// 409, with a code for the state that forbids the step.
    pub fn conflict(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, code, message)
    }

    /// 409: the same request is being answered at this moment.
    pub fn key_in_use() -> Self {
        let message = "a request with this Idempotency-Key is being answered: send it again later";
        Self::conflict("idempotency_key_in_use", message)
    }

    /// 409: there is more of it than one answer holds.
    pub fn answer_too_large() -> Self {
        let max_mb = Limits::ANSWER_MAX_BYTES as u64 / MEBIBYTE;
        let message = format!(
            "this is more than the {max_mb} MB that one answer holds: ask for fewer rows with page_size or limit, or \
             go on by cursor; a long meeting is read in parts with GET /api/v1/meetings/{{id}}/events"
        );
        Self::conflict(ANSWER_TOO_LARGE, message)
    }

    /// 413. Sizes in MiB.
    pub fn message_too_large(max_bytes: u64, actual_bytes: u64) -> Self {
        let max_mb = max_bytes / MEBIBYTE;
        let actual_mb = (actual_bytes / MEBIBYTE).max(max_mb + 1);
        let message = format!(
            "a message has at most {max_mb} MB: keep what is larger elsewhere and send its address"
        );
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "message_too_large", message)
            .with("max_size_mb", max_mb.into())
            .with("actual_size_mb", actual_mb.into())
    }

    /// 413, for a body that is no message.
    pub fn body_too_large(max_bytes: u64) -> Self {
        let message = format!("the body of this request has at most {max_bytes} bytes");
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "body_too_large", message)
            .with("max_size_bytes", max_bytes.into())
    }

    /// 415.
    pub fn unsupported_media_type(media_type: &str) -> Self {
        let message = format!("send `Content-Type: {media_type}`, in UTF-8");
        Self::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "unsupported_media_type",
            message,
        )
    }

    /// 415: the body is compressed, or otherwise not as it is (RFC 9110, section 8.4).
    pub fn unsupported_coding(coding: &str) -> Self {
        let message = format!("send the body as it is, without `Content-Encoding: {coding}`");
        Self::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "unsupported_media_type",
            message,
        )
        .with_header(ACCEPT_ENCODING, HeaderValue::from_static("identity"))
    }

    /// 426: a WebSocket handshake of another version than 13 (RFC 6455, section 4.4).
    pub fn upgrade_required() -> Self {
        Self::new(
            StatusCode::UPGRADE_REQUIRED,
            "upgrade_required",
            "this server speaks WebSocket version 13",
        )
        .with_header(SEC_WEBSOCKET_VERSION, HeaderValue::from_static("13"))
    }

    /// 429: over a rate, with the time after which to try again.
    pub fn rate_limited(wait: Duration) -> Self {
        let message = "you ask faster than is allowed: wait as long as Retry-After says";
        Self::too_many(message, wait)
    }

    /// 429: a token has so many sockets in one meeting already.
    pub fn too_many_sockets(most: u32) -> Self {
        let message = format!(
            "your token has {most} sockets here, as many as it may: close some of them, or give \
             each program a token of its own"
        );
        Self::too_many(message, Limits::RETRY_AFTER)
    }

    /// 429: a socket was closed with 4100 again and again, and comes back too soon.
    pub fn reads_too_slowly(wait: Duration) -> Self {
        let message = "your sockets here were closed with 4100 because they read too slowly: \
                       wait as long as Retry-After says";
        Self::too_many(message, wait)
    }

    fn too_many(message: impl Into<String>, wait: Duration) -> Self {
        let seconds = wait.as_millis().div_ceil(1_000).max(1);
        let seconds = u64::try_from(seconds).unwrap_or(u64::MAX);
        Self::new(StatusCode::TOO_MANY_REQUESTS, "rate_limited", message)
            .with_header(RETRY_AFTER, HeaderValue::from(seconds))
    }

    /// 503, with the time after which to try again.
    pub fn overloaded() -> Self {
        let seconds = Limits::RETRY_AFTER.as_secs().max(1);
        let message = "the server or its database has more to do than it can: try again later";
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "overloaded", message)
            .with_header(RETRY_AFTER, HeaderValue::from(seconds))
    }

    /// 500: a meeting whose journal this server cannot read; `why` says what to do about it.
    pub fn unreadable(why: &(impl Display + ?Sized)) -> Self {
        let message = format!("this meeting stands still here: {why}");
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            JOURNAL_UNREADABLE,
            message,
        )
    }

    /// 500. What went wrong stands in the log.
    pub fn internal() -> Self {
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "internal_error",
            "the server failed: its log says why",
        )
    }
}

impl From<storage::Error> for ApiError {
    fn from(error: storage::Error) -> Self {
        let list = |ids: &[uuid::Uuid]| {
            ids.iter()
                .map(ToString::to_string)
                .collect::<Vec<_>>()
                .join(", ")
        };
        match &error {
            storage::Error::Unavailable(_) => {
                error!(%error, "the database did not answer");
                Self::overloaded()
            }
            storage::Error::AlreadyExists(what) => {
                Self::conflict("already_exists", format!("this {what} already exists"))
            }
            storage::Error::KeyTaken => Self::key_in_use(),
            storage::Error::TooMuch => Self::answer_too_large(),
            storage::Error::NoRoom => Self::overloaded(),
            storage::Error::UnknownAgent(ids) => {
                Self::invalid("agent_id", format!("unknown agent: {}", list(ids)))
            }
            storage::Error::UnknownCommunication(ids) => Self::invalid(
                "related_communication_ids",
                format!("unknown communication: {}", list(ids)),
            ),
            storage::Error::Damaged { .. } => {
                error!(%error, "the database holds what this server cannot read");
                Self::internal()
            }
        }
    }
}

impl From<Refusal> for ApiError {
    fn from(refusal: Refusal) -> Self {
        let message = refusal.to_string();
        match &refusal {
            Refusal::NotInvited | Refusal::NotModerator | Refusal::NotYourself => {
                Self::forbidden(message)
            }
            Refusal::NotInProgress(_)
            | Refusal::AlreadyStarted(_)
            | Refusal::NotYourTurn
            | Refusal::NoOpenBallot
            | Refusal::AlreadyVoted
            | Refusal::NotAParticipant
            | Refusal::AlreadyParticipant
            | Refusal::Full
            | Refusal::NoParticipants
            | Refusal::Over
            | Refusal::Paused
            | Refusal::NotPaused => Self::conflict(refusal.code(), message),
        }
    }
}

impl From<&ApiError> for Response {
    fn from(error: &ApiError) -> Self {
        let error = &error.0;
        let mut body = Map::new();
        body.insert("error".to_owned(), error.code.into());
        body.insert("message".to_owned(), error.message.clone().into());
        body.extend(error.more.clone());
        let mut response =
            warp::reply::with_status(warp::reply::json(&body), error.status).into_response();
        response.extensions_mut().insert(Code(error.code));
        if let Some((name, value)) = &error.header {
            response.headers_mut().insert(name, value.clone());
        }
        response
    }
}

/// What a request is told that no route took.
///
/// # Errors
/// Never.
pub async fn recover(rejection: Rejection) -> Result<Response, Infallible> {
    if let Some(error) = rejection.find::<ApiError>() {
        return Ok(error.into());
    }
    // The router has said 405 with its own methods; what is left are the sockets, which only GET opens.
    let error = if rejection.find::<warp::reject::MethodNotAllowed>().is_some() {
        ApiError::method_not_allowed("GET")
    } else {
        ApiError::not_found("no such route")
    };
    Ok((&error).into())
}

const ANSWER_TOO_LARGE: &str = "answer_too_large";
const MEBIBYTE: u64 = 1_048_576;
