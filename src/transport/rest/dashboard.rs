//! `/`: the dashboard, a page that shows by REST what its token may see. The page itself is for anybody.
//!
//! Its files stand in `transport/dashboard/` and are part of this binary; it loads nothing from elsewhere, as
//! [`door`](crate::transport::door) tells browsers.

use http::HeaderValue;
use http::header::CONTENT_TYPE;
use warp::Reply;

use super::call::Visit;
use super::route::Route;
use crate::transport::{ApiError, Response};

pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::public::<__path_page, _>(page),
        Route::public::<__path_asset, _>(asset),
    ]
}

/// Shows the dashboard.
///
/// Meetings, decisions, and the topics that the log suggests, for people. It asks for a token, keeps it in its tab, and asks the
/// routes below.
#[utoipa::path(
    get,
    path = "/",
    responses((status = 200, description = "The page.", body = String, content_type = "text/html"))
)]
async fn page(_: Visit) -> Result<Response, ApiError> {
    Ok(file(
        "text/html; charset=utf-8",
        include_str!("../dashboard/index.html"),
    ))
}

/// Gives a file of the dashboard.
///
/// Its scripts, its style and its icon.
#[utoipa::path(
    get,
    path = "/dashboard/{file}",
    params(("file" = String, Path, description = "The name of a file that the dashboard asks for.", example = "app.js")),
    responses(
        (status = 200, description = "The file.", content_type = "*/*"),
        (status = 404, description = "`not_found`: the dashboard has no such file."),
    )
)]
async fn asset(visit: Visit) -> Result<Response, ApiError> {
    let name = visit.captured.text.unwrap_or_default();
    let found = FILES.iter().find(|(known, _, _)| *known == name);
    let (_, kind, text) =
        found.ok_or_else(|| ApiError::not_found("the dashboard has no such file"))?;
    Ok(file(kind, text))
}

fn file(kind: &'static str, text: &'static str) -> Response {
    let mut response = text.into_response();
    let kind = HeaderValue::from_static(kind);
    response.headers_mut().insert(CONTENT_TYPE, kind);
    response
}

const SCRIPT: &str = "text/javascript; charset=utf-8";

/// The files of the page, with what they are.
const FILES: [(&str, &str, &str); 5] = [
    ("api.js", SCRIPT, include_str!("../dashboard/api.js")),
    ("app.js", SCRIPT, include_str!("../dashboard/app.js")),
    ("views.js", SCRIPT, include_str!("../dashboard/views.js")),
    (
        "style.css",
        "text/css; charset=utf-8",
        include_str!("../dashboard/style.css"),
    ),
    (
        "icon.svg",
        "image/svg+xml",
        include_str!("../dashboard/icon.svg"),
    ),
];
