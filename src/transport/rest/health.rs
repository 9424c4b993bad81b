//! `/healthz`: the process answers. `/readyz`: it also wants traffic.

use http::StatusCode;
use serde_json::json;
use tokio::time::timeout;
use warp::filters::BoxedFilter;
use warp::{Filter, Reply};

use super::{ok, with};
use crate::config::Limits;
use crate::transport::{Api, Response};

pub(super) fn routes(api: &Api) -> BoxedFilter<(Response,)> {
    let alive = warp::path!("healthz")
        .and(warp::get())
        .map(|| ok(&json!({"status": "ok"})));
    let ready = warp::path!("readyz")
        .and(warp::get())
        .and(with(api))
        .then(ready);
    alive.or(ready).unify().boxed()
}

async fn ready(api: Api) -> Response {
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
    match obstacle {
        None => ok(&json!({"status": "ready"})),
        Some(obstacle) => {
            let body = ok(&json!({"status": "not_ready", "message": obstacle}));
            warp::reply::with_status(body, StatusCode::SERVICE_UNAVAILABLE).into_response()
        }
    }
}
