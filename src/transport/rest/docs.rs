//! `/docs`: the description as a page to read and try, out of this binary alone.

use std::sync::Arc;

use http::header::{CONTENT_SECURITY_POLICY, CONTENT_TYPE, LOCATION};
use http::{HeaderValue, StatusCode};
use utoipa_swagger_ui::Config;
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

/// Shows this document as a page.
///
/// Here requests can be tried as well: give your token under "Authorize".
#[utoipa::path(
    get,
    path = "/docs",
    responses(
        (status = 200, description = "The page, at `/docs/`.", body = String, content_type = "text/html"),
        (status = 308, description = "At `/docs`, whence the page's own links would lead nowhere."),
    )
)]
async fn page(visit: Visit) -> Result<Response, ApiError> {
    if visit.path.ends_with('/') {
        return file("index.html");
    }
    let mut response = StatusCode::PERMANENT_REDIRECT.into_response();
    let inside = HeaderValue::from_static("docs/");
    response.headers_mut().insert(LOCATION, inside);
    Ok(response)
}

/// Gives a file of the page.
///
/// Its scripts and styles. They come from nowhere else.
#[utoipa::path(
    get,
    path = "/docs/{file}",
    params(("file" = String, Path, description = "The name of a file that the page asks for.", example = "index.html")),
    responses(
        (status = 200, description = "The file.", content_type = "*/*"),
        (status = 404, description = "`not_found`: the page has no such file."),
    )
)]
async fn asset(visit: Visit) -> Result<Response, ApiError> {
    file(&visit.captured.text.unwrap_or_default())
}

fn file(name: &str) -> Result<Response, ApiError> {
    // Relative, so that a proxy may put the whole server under a path of its own.
    let config = Config::from("../api/v1/openapi.json")
        .try_it_out_enabled(true)
        .persist_authorization(false);
    let file = utoipa_swagger_ui::serve(name, Arc::new(config))
        .map_err(|_| ApiError::internal())?
        .ok_or_else(|| ApiError::not_found("the page has no such file"))?;
    let mut response = file.bytes.into_owned().into_response();
    let headers = response.headers_mut();
    if let Ok(kind) = HeaderValue::from_str(&file.content_type) {
        headers.insert(CONTENT_TYPE, kind);
    }
    headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    Ok(response)
}

/// The page talks to this server and to nobody else.
const POLICY: &str = "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; frame-ancestors 'none'";
