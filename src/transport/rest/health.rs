//! `/healthz`: the process answers. `/readyz`: it also wants traffic. `/metrics`: what it counted.

use http::header::CONTENT_TYPE;
use http::{HeaderValue, StatusCode};
use serde::Serialize;
use tokio::time::timeout;
use utoipa::ToSchema;
use warp::Reply;

use super::call::{Call, Visit};
use super::ok;
use super::route::Route;
use crate::config::Limits;
use crate::telemetry::Metrics;
use crate::transport::{ApiError, Response};

pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::public::<__path_alive, _>(alive),
        Route::public::<__path_ready, _>(ready),
        Route::of::<__path_metrics, _>(metrics),
    ]
}

/// How the server is.
#[derive(Serialize, ToSchema)]
struct Health {
    /// `ok`, `ready` or `not_ready`.
    status: &'static str,
    /// What is in the way.
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<&'static str>,
}

/// Says that the process answers.
///
/// For liveness probes; asks nothing of the database.
#[utoipa::path(
    get,
    path = "/healthz",
    responses((status = 200, description = "It does.", body = Health))
)]
async fn alive(_: Visit) -> Result<Response, ApiError> {
    Ok(ok(&Health {
        status: "ok",
        message: None,
    }))
}

/// Says whether the server wants traffic.
///
/// For readiness probes: the database answers, commits succeed, and there is room for commands.
#[utoipa::path(
    get,
    path = "/readyz",
    responses(
        (status = 200, description = "It does.", body = Health),
        (status = 503, description = "Not now: `message` says why.", body = Health),
    )
)]
async fn ready(Visit { api, .. }: Visit) -> Result<Response, ApiError> {
    let is_reachable = || async {
        let ping = timeout(Limits::CALL_TIMEOUT, api.context.store.ping()).await;
        matches!(ping, Ok(Ok(())))
    };
    let obstacle = if !api.readiness.get() {
        Some("starting or going down")
    } else if !api.health.is_available() {
        Some("commits fail")
    } else if api.context.permits.free() == 0 {
        Some("persistence is behind its bound")
    } else if !is_reachable().await {
        Some("the database does not answer")
    } else {
        None
    };
    let (status, code) = match obstacle {
        None => ("ready", StatusCode::OK),
        Some(_) => ("not_ready", StatusCode::SERVICE_UNAVAILABLE),
    };
    let health = ok(&Health {
        status,
        message: obstacle,
    });
    Ok(warp::reply::with_status(health, code).into_response())
}

/// Gives the server's metrics.
///
/// In the text format that Prometheus reads. Needs the admin's or an observer's token.
#[utoipa::path(
    get,
    path = "/metrics",
    responses(
        (status = 200, description = "The metrics.", body = String, content_type = "application/openmetrics-text"),
        (status = 403, description = "`forbidden`: this needs the admin's or an observer's token."),
    )
)]
async fn metrics(call: Call) -> Result<Response, ApiError> {
    if call.identity.agent().is_some() {
        let message = "this needs the admin's or an observer's token";
        return Err(ApiError::forbidden(message));
    }
    let mut response = call.api.context.metrics.encode().into_response();
    let kind = HeaderValue::from_static(Metrics::CONTENT_TYPE);
    response.headers_mut().insert(CONTENT_TYPE, kind);
    Ok(response)
}
