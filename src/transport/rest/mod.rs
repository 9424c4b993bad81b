//! The REST routes: one file for each resource.
//!
//! A route is a filter that reads and a function that answers; the function returns
//! `Result<Response, ApiError>` and knows nothing of warp.

mod agents;
mod communications;
mod decisions;
mod health;
mod meeting_view;
mod meetings;

use std::convert::Infallible;

use bytes::{Buf, Bytes, BytesMut};
use futures_util::{Stream, StreamExt};
use http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use http::{HeaderMap, StatusCode};
use serde::Serialize;
use serde_json::{Value, json};
use tokio::time::timeout;
use warp::filters::BoxedFilter;
use warp::{Filter, Rejection, Reply};

use super::auth::{self, Identity};
use super::fields::{self, Fields};
use super::{Api, ApiError, Response};
use crate::config::Limits;
use crate::storage::{Page, PageRequest, Start};

/// The fields of a request, or why it has none.
type Given = Result<Fields, ApiError>;

/// Every REST route.
pub(super) fn routes(api: &Api) -> BoxedFilter<(Response,)> {
    let resources = agents::routes(api)
        .or(communications::routes(api))
        .unify()
        .or(meetings::routes(api))
        .unify()
        .or(decisions::routes(api))
        .unify();
    let versioned = warp::path("api").and(warp::path("v1")).and(resources);
    health::routes(api).or(versioned).unify().boxed()
}

/// Hands the api to a route.
pub(super) fn with(api: &Api) -> impl Filter<Extract = (Api,), Error = Infallible> + Clone + use<> {
    let api = api.clone();
    warp::any().map(move || api.clone())
}

/// A request that reads: who asks, and its query.
fn reading(
    api: &Api,
) -> impl Filter<Extract = (Identity, Given, Api), Error = Rejection> + Clone + use<> {
    warp::get()
        .and(auth::identity(api))
        .and(query())
        .and(with(api))
}

/// A request that writes: who asks, and its body.
fn writing<B>(
    api: &Api,
    body: B,
) -> impl Filter<Extract = (Identity, Given, Api), Error = Rejection> + Clone + use<B>
where
    B: Filter<Extract = (Given,), Error = Rejection> + Clone + Send + Sync + 'static,
{
    warp::post()
        .and(auth::identity(api))
        .and(body)
        .and(with(api))
}

/// Takes the query.
pub(super) fn query() -> impl Filter<Extract = (Given,), Error = Infallible> + Clone {
    let raw = warp::query::raw().or(warp::any().map(String::new)).unify();
    raw.map(|query: String| Fields::from_query(&query))
}

/// Takes a JSON body of a resource that is no message.
fn body() -> impl Filter<Extract = (Given,), Error = Rejection> + Clone {
    message_body(Limits::BODY_MAX_BYTES, |_| {
        ApiError::body_too_large(Limits::BODY_MAX_BYTES)
    })
}

/// Takes a JSON body of at most so many bytes; one that announces more is not read at all. `too_large` is told how
/// many there are.
fn message_body<E>(
    max_bytes: u64,
    too_large: E,
) -> impl Filter<Extract = (Given,), Error = Rejection> + Clone
where
    E: Fn(u64) -> ApiError + Copy + Send + Sync + 'static,
{
    warp::header::headers_cloned()
        .and(warp::body::stream())
        .then(move |headers: HeaderMap, stream| async move {
            let announced = headers
                .get(CONTENT_LENGTH)
                .and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
            if let Some(announced) = announced.filter(|announced| *announced > max_bytes) {
                return Err(too_large(announced));
            }
            let body = timeout(Limits::BODY_TIMEOUT, read(stream, max_bytes, too_large))
                .await
                .map_err(|_| ApiError::request_timeout())??;
            let content_type = headers
                .get(CONTENT_TYPE)
                .map(|value| value.to_str().unwrap_or_default());
            if !body.is_empty()
                && !content_type.is_none_or(|kind| kind.starts_with("application/json"))
            {
                return Err(ApiError::not_json());
            }
            Fields::from_json(&body)
        })
}

async fn read<B: Buf>(
    stream: impl Stream<Item = Result<B, warp::Error>>,
    max_bytes: u64,
    too_large: impl Fn(u64) -> ApiError,
) -> Result<Bytes, ApiError> {
    let mut stream = std::pin::pin!(stream);
    let mut body = BytesMut::new();
    while let Some(chunk) = stream.next().await {
        let mut chunk = chunk.map_err(|e| ApiError::invalid("body", format!("broke off: {e}")))?;
        let length = u64::try_from(body.len() + chunk.remaining()).unwrap_or(u64::MAX);
        if length > max_bytes {
            return Err(too_large(length));
        }
        body.extend_from_slice(&chunk.copy_to_bytes(chunk.remaining()));
    }
    Ok(body.freeze())
}

/// The answer, yes or no.
pub(super) fn respond(answer: Result<Response, ApiError>) -> Response {
    answer.unwrap_or_else(|error| (&error).into())
}

/// 200 with a body.
fn ok(body: &impl Serialize) -> Response {
    warp::reply::json(body).into_response()
}

/// 201 with a body.
fn created(body: &impl Serialize) -> Response {
    warp::reply::with_status(ok(body), StatusCode::CREATED).into_response()
}

/// A list in the shape that all lists have.
fn list<T>(
    name: &str,
    request: PageRequest,
    page: &Page<T>,
    show: impl Fn(&T) -> Value,
) -> Response {
    let number = match request.start {
        Start::Number(number) => Some(number),
        Start::After(_) => None,
    };
    let items: Vec<_> = page.items.iter().map(show).collect();
    ok(&json!({
        name: items,
        "total": page.total.map(|total| total.rows),
        "total_is_estimate": page.total.is_some_and(|total| total.is_estimate),
        "page": number,
        "page_size": request.size,
        "next_cursor": page.next.map(fields::cursor),
    }))
}

/// JSON text that is kept as it came, as a value again.
fn stored_json(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or(Value::Null)
}
