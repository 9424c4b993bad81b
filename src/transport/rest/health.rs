//! `/healthz`: the process answers. `/readyz`: it also wants traffic.

use http::StatusCode;
use serde_json::json;
use tokio::time::timeout;
use warp::Reply;

use super::call::Visit;
use super::ok;
use super::route::Route;
use crate::config::Limits;
use crate::transport::{ApiError, Response};

pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::public::<__path_alive, _>(alive),
        Route::public::<__path_ready, _>(ready),
    ]
}

#[utoipa::path(get, path = "/healthz")]
async fn alive(_: Visit) -> Result<Response, ApiError> {
    Ok(ok(&json!({"status": "ok"})))
}

#[utoipa::path(get, path = "/readyz")]
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
    Ok(match obstacle {
        None => ok(&json!({"status": "ready"})),
        Some(obstacle) => {
            let body = ok(&json!({"status": "not_ready", "message": obstacle}));
            warp::reply::with_status(body, StatusCode::SERVICE_UNAVAILABLE).into_response()
        }
    })
}
