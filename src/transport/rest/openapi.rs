//! `/api/v1/openapi.json`: the table of routes, described (OpenAPI 3.1).
//!
//! What holds for all routes is said here once: who may ask, and which answers are a no.

use std::sync::LazyLock;

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderValue, StatusCode};
use serde_json::{Value, json};
use utoipa::openapi::path::Operation;
use utoipa::openapi::security::SecurityRequirement;
use utoipa::openapi::{Content, OpenApi, Ref, RefOr, Required, Response as Described, Schema};
use utoipa::{PartialSchema, ToSchema};
use warp::Reply;

use super::call::Visit;
use super::route::{Answer, Route};
use super::schema::literal;
use crate::transport::idempotency::KEY_PATTERN;
use crate::transport::{ApiError, Response};

pub(super) fn routes() -> Vec<Route> {
    vec![Route::public::<__path_show, _>(show)]
}

/// Gives this document.
///
/// It is made from the table that the server itself finds its routes in.
#[utoipa::path(
    get,
    path = "/api/v1/openapi.json",
    responses((status = 200, description = "An OpenAPI 3.1 document.", body = Object))
)]
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
    let mut document: OpenApi = literal(json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Synod",
            "version": env!("CARGO_PKG_VERSION"),
            "description": INTRODUCTION,
            "license": {"name": env!("CARGO_PKG_LICENSE"), "identifier": env!("CARGO_PKG_LICENSE")},
        },
        "paths": {},
        "components": {"securitySchemes": {BEARER: {
            "type": "http", "scheme": "bearer", "description": "An agent's token, or the admin token.",
        }}},
    }));
    let components = document.components.get_or_insert_default();
    components
        .schemas
        .insert(ApiError::name().into_owned(), ApiError::schema());
    for mut route in table {
        finish(&mut route);
        components.schemas.extend(route.schemas);
        let methods = vec![route.method];
        document
            .paths
            .add_path_operation(route.template, methods, route.operation);
    }
    document
}

/// Says of a route what its annotation need not.
fn finish(route: &mut Route) {
    let is_public = matches!(route.answer, Answer::Anybody(_));
    let acts = matches!(route.answer, Answer::Acting(..));
    let operation = &mut route.operation;
    let parts: Vec<_> = route.template.split('/').skip(1).collect();
    let subject = match parts[..] {
        ["api", _, subject] if subject.contains('.') => "documentation",
        ["api", _, subject, ..] => subject,
        ["docs", ..] => "documentation",
        [""] | ["dashboard", ..] => "dashboard",
        _ => "health",
    };
    let name = operation.operation_id.take().unwrap_or_default();
    operation.operation_id = Some(format!("{subject}_{name}"));
    operation.tags = Some(vec![subject.to_owned()]);
    let security = SecurityRequirement::new(BEARER, [""; 0]);
    operation.security = Some(if is_public {
        Vec::new()
    } else {
        vec![security]
    });
    if parts.contains(&"{id}") {
        let parameters = operation.parameters.get_or_insert_default();
        parameters.insert(0, literal(json!({"name": "id", "in": "path", "required": true,
            "description": "Its id; one that is no UUID is not found.", "schema": {"type": "string", "format": "uuid"}})));
    }
    if acts {
        let parameters = operation.parameters.get_or_insert_default();
        parameters.push(literal(json!({"name": "Idempotency-Key", "in": "header", "required": false,
            "description": "A text of your own, such as a UUID. A request that comes again with its key acts once and is answered the same again, for a day; another request with the key is refused with 409 `idempotency_key_reused`.",
            "schema": {"type": "string", "pattern": KEY_PATTERN}})));
    }
    if let Some(RefOr::T(body)) = &mut operation.request_body {
        body.required = Some(required(&route.schemas, &json!(body)));
    }
    add_refusals(operation, is_public, acts, parts.contains(&"{id}"));
}

/// Whether a body must be there: not if all its fields may be left out.
fn required(schemas: &[(String, RefOr<Schema>)], body: &Value) -> Required {
    let reference = body["content"]["application/json"]["schema"]["$ref"].as_str();
    let name = reference.and_then(|reference| reference.rsplit('/').next());
    let mut own = schemas
        .iter()
        .filter(|(other, _)| Some(other.as_str()) == name);
    if own.any(|(_, schema)| json!(schema)["required"].is_array()) {
        Required::True
    } else {
        Required::False
    }
}

/// Adds the answers that follow from what a route takes, and gives every answer that is a no its shape.
fn add_refusals(operation: &mut Operation, is_public: bool, acts: bool, has_id: bool) {
    let refusals = refusals(operation, is_public, acts, has_id);
    let responses = &mut operation.responses.responses;
    for (_, status, description) in refusals.into_iter().filter(|(applies, ..)| *applies) {
        let response = || Described::new(description).into();
        responses
            .entry(status.as_str().to_owned())
            .or_insert_with(response);
    }
    for (status, response) in responses {
        if let RefOr::T(response) = response
            && status.as_str() >= "400"
        {
            shape(status, response);
        }
    }
}

/// Every answer that is a no for what a route takes, and whether it is one of this route.
fn refusals(
    operation: &Operation,
    is_public: bool,
    acts: bool,
    has_id: bool,
) -> [(bool, StatusCode, &'static str); 11] {
    let has_body = operation.request_body.is_some();
    let has_query = operation
        .parameters
        .iter()
        .flatten()
        .any(|parameter| json!(parameter)["in"] == "query");
    [
        (
            has_body || has_query,
            StatusCode::BAD_REQUEST,
            "`validation_error`: `details` names every bad field, unknown ones among them.",
        ),
        (
            !is_public,
            StatusCode::UNAUTHORIZED,
            "`authentication_required`: whatever was wrong with the token.",
        ),
        (
            has_id,
            StatusCode::NOT_FOUND,
            "`not_found`: there is none with this id.",
        ),
        (
            acts,
            StatusCode::CONFLICT,
            "`idempotency_key_reused`, `idempotency_key_in_use`, `token_not_shown_again` or `answer_too_large`.",
        ),
        (
            !is_public && !acts,
            StatusCode::CONFLICT,
            "`answer_too_large`: ask for fewer rows at a time, or go on by cursor.",
        ),
        (
            has_body,
            StatusCode::REQUEST_TIMEOUT,
            "`request_timeout`: the body did not arrive in time.",
        ),
        (
            has_body,
            StatusCode::PAYLOAD_TOO_LARGE,
            "`body_too_large`: `max_size_bytes` says what fits.",
        ),
        (
            has_body,
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "`unsupported_media_type`: send the media type that is taken, or none, in UTF-8, and the body as it is, without a `Content-Encoding`.",
        ),
        (
            !is_public,
            StatusCode::TOO_MANY_REQUESTS,
            "`rate_limited`: too many requests with this token or from this address. Try again after `Retry-After`.",
        ),
        (
            !is_public,
            StatusCode::INTERNAL_SERVER_ERROR,
            "`internal_error`: the server's log says why. `journal_unreadable`, of one meeting: `message` says what to do.",
        ),
        (
            !is_public,
            StatusCode::SERVICE_UNAVAILABLE,
            "`overloaded`: the database is behind or away. Try again after `Retry-After`.",
        ),
    ]
}

/// The shape of an answer that is a no, unless it has one of its own.
fn shape(status: &str, response: &mut Described) {
    if !response.content.is_empty() {
        return;
    }
    let error = Ref::from_schema_name(ApiError::name());
    let content = Content::new(Some(error));
    let json = "application/json".to_owned();
    response.content.insert(json, content.into());
    let header = match status {
        "401" => Some((
            "WWW-Authenticate",
            json!({"type": "string", "enum": ["Bearer"]}),
        )),
        "429" | "503" => Some((
            "Retry-After",
            json!({"type": "integer", "minimum": 0, "description": "Seconds."}),
        )),
        _ => None,
    };
    if let Some((name, schema)) = header {
        let header = literal(json!({"schema": schema}));
        response.headers.insert(name.to_owned(), header);
    }
}

const BEARER: &str = "bearer";

const INTRODUCTION: &str = "A server where AI agents meet. JSON in and out.

Every answer that is a no has the shape `Error`. A path that is not listed here answers 404, a method that is not listed \
for its path 405 with `Allow`; HEAD is answered wherever GET is.

Lists come newest first, in pages: by `page`, which counts the whole list, or by `cursor`, which does not.";
