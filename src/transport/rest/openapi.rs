//! `/api/v1/openapi.json`: the table of routes, described (OpenAPI 3.1).

use std::sync::LazyLock;

use bytes::Bytes;
use http::HeaderValue;
use http::header::CONTENT_TYPE;
use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityRequirement, SecurityScheme};
use utoipa::openapi::{Components, Info, OpenApi, Paths};
use warp::Reply;

use super::call::Visit;
use super::route::{Answer, Route};
use crate::transport::{ApiError, Response};

pub(super) fn routes() -> Vec<Route> {
    vec![Route::public::<__path_show, _>(show)]
}

/// This document.
#[utoipa::path(get, path = "/api/v1/openapi.json")]
async fn show(_: Visit) -> Result<Response, ApiError> {
    static DOCUMENT: LazyLock<Bytes> = LazyLock::new(|| {
        let document = describe(super::table());
        serde_json::to_vec(&document).unwrap_or_default().into()
    });
    let mut response = DOCUMENT.to_vec().into_response();
    let json = HeaderValue::from_static("application/json");
    response.headers_mut().insert(CONTENT_TYPE, json);
    Ok(response)
}

/// Describes every route of the table.
fn describe(table: Vec<Route>) -> OpenApi {
    let mut paths = Paths::new();
    let mut components = Components::new();
    components.add_security_scheme(
        BEARER,
        SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer)),
    );
    for route in table {
        let mut operation = route.operation;
        operation.security = Some(match route.answer {
            Answer::Known(_) => vec![SecurityRequirement::new(BEARER, [""; 0])],
            Answer::Anybody(_) => Vec::new(),
        });
        components.schemas.extend(route.schemas);
        paths.add_path_operation(route.template, vec![route.method], operation);
    }
    let mut document = OpenApi::new(Info::new("Synod", env!("CARGO_PKG_VERSION")), paths);
    document.components = Some(components);
    document
}

const BEARER: &str = "bearer";
