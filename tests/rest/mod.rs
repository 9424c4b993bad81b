//! REST: agents, meetings, decisions, the log, health; what is shown, to whom, and what is refused.

mod acceptance;
mod access;
mod communications;
mod dashboard;
mod idempotency;
mod identity;
mod logging;
mod media;
mod meetings;
mod metadata;
mod openapi;
mod steps;
mod suggestions;
mod times;

use bytes::Bytes;
use http::header::{ALLOW, CONTENT_LENGTH, CONTENT_TYPE};
use http::{HeaderValue, Method, Request, StatusCode};
use serde_json::{Value, json};
use synod::client::{Client, Error};
use uuid::Uuid;

use crate::support::database::Fresh;
use crate::support::on_each_database;
use crate::support::server::Server;

on_each_database!(an_agent_is_created_with_a_token_that_is_shown_once,);

const AGENTS: &str = "/api/v1/agents";
const COMMUNICATIONS: &str = "/api/v1/communications";
const DECISIONS: &str = "/api/v1/decisions";
const MEETINGS: &str = "/api/v1/meetings";

pub(super) async fn get(client: &Client, path: &str) -> Value {
    let got = client.get(path).await;
    got.unwrap_or_else(|error| panic!("{path}: {error}"))
}

pub(super) async fn post(client: &Client, path: &str, body: Value) -> Value {
    let posted = client.post(path, &body).await;
    posted.unwrap_or_else(|error| panic!("{path} {body}: {error}"))
}

pub(super) async fn post_refused(client: &Client, path: &str, body: Value) -> Error {
    match client.post::<Value>(path, &body).await {
        Ok(answer) => panic!("{path} {body}: {answer}"),
        Err(error) => error,
    }
}

pub(super) async fn get_refused(client: &Client, path: &str) -> Error {
    match client.get::<Value>(path).await {
        Ok(answer) => panic!("{path}: {answer}"),
        Err(error) => error,
    }
}

#[track_caller]
pub(super) fn is(error: &Error, status: StatusCode, code: &str) {
    assert_eq!(
        (error.status(), error.code()),
        (Some(status), Some(code)),
        "{error}"
    );
}

/// That every bad field is named, and no other.
#[track_caller]
pub(super) fn names(error: &Error, fields: &[&str]) {
    is(error, StatusCode::BAD_REQUEST, "validation_error");
    let details = &error.refused().unwrap().details;
    let mut named: Vec<_> = details
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect();
    named.sort_unstable();
    assert_eq!(named, fields, "{details}");
    let reasons = details.as_object().unwrap().values();
    assert!(
        reasons.clone().all(|reasons| reasons[0].is_string()),
        "{details}"
    );
}

async fn an_agent_is_created_with_a_token_that_is_shown_once(fresh: Fresh) {
    let server = Server::on(&fresh).await;
    let id = Uuid::from_u128(7);
    let wanted = json!({"name": "ada", "id": id, "model": "m-1", "metadata": {"team": ["x"]}});
    let created = post(&server.admin, AGENTS, wanted.clone()).await;
    let ada = server
        .admin
        .with_token(created["token"].as_str().unwrap())
        .unwrap();
    let shown = get(&ada, &format!("{AGENTS}/{id}")).await;
    for field in ["id", "name", "model", "metadata"] {
        assert_eq!(
            (&created[field], &shown[field]),
            (&wanted[field], &wanted[field])
        );
    }
    assert!(shown.get("token").is_none(), "{shown}");
    let listed = get(&ada, AGENTS).await;
    assert_eq!(
        (&listed["total"], &listed["agents"][0]["name"]),
        (&json!(1), &json!("ada"))
    );
    let twice = post_refused(&server.admin, AGENTS, wanted).await;
    is(&twice, StatusCode::CONFLICT, "already_exists");
    let forbidden = post_refused(&ada, AGENTS, json!({"name": "ben"})).await;
    is(&forbidden, StatusCode::FORBIDDEN, "forbidden");
    let bad = json!({"name": "", "id": "x", "model": 7, "colour": "red"});
    let faulty = post_refused(&server.admin, AGENTS, bad).await;
    names(&faulty, &["colour", "id", "model", "name"]);
    let missing = get_refused(&ada, &format!("{AGENTS}/{}", Uuid::nil())).await;
    is(&missing, StatusCode::NOT_FOUND, "not_found");
    server.stop().await;
}

/// Requests of the operator that nobody could fulfil: method, path, content type, status and code; then the body.
const REFUSED: &str = r#"
GET    /nowhere                     -                404 not_found
GET    /api/v1/agents/not-an-id     -                404 not_found
GET    /api/v1/agents/<nil>         -                404 not_found
GET    /docs/nothing.html           -                404 not_found
GET    /dashboard/nothing.js        -                404 not_found
POST   /                            application/json 405 method_not_allowed     {}
GET    /ws/nowhere                  -                404 not_found
GET    /ws/meetings/not-an-id       -                404 not_found
PUT    /api/v1/agents               application/json 405 method_not_allowed     {}
DELETE /healthz                     -                405 method_not_allowed
POST   /ws/agent                    application/json 405 method_not_allowed     {}
PUT    /ws/meetings/<nil>           -                405 method_not_allowed
OPTIONS /api/v1/agents              -                405 method_not_allowed
POST   /api/v1/agents               text/plain       415 unsupported_media_type {}
POST   /api/v1/meetings/<nil>/start text/plain       415 unsupported_media_type {}
POST   /api/v1/communications/batch application/json 415 unsupported_media_type {}
POST   /api/v1/agents               application/json 413 body_too_large         <long>
POST   /api/v1/agents               application/json 400 validation_error       {
POST   /api/v1/agents               application/json 400 validation_error       []
POST   /api/v1/agents               application/json 400 validation_error       {"name": "ada", "name": "ben"}
POST   /api/v1/agents               application/json 400 validation_error       {"colour": "red"}
POST   /api/v1/communications/batch application/x-ndjson 400 validation_error   {
GET    /api/v1/agents?page=0        -                400 validation_error
GET    /api/v1/agents?%ff           -                400 validation_error
GET    /ws/meetings/<nil>           -                400 validation_error
GET    /ws/meetings/<nil>?after=x   -                400 validation_error
GET    /ws/agent                    -                403 forbidden
POST   /api/v1/meetings/<nil>/start application/json 404 not_found              {}
"#;

#[tokio::test]
async fn every_refusal_has_one_shape() {
    let fresh = Fresh::sqlite().await;
    let server = Server::on(&fresh).await;
    let nil = Uuid::nil().to_string();
    let long = " ".repeat(300_000);
    for line in REFUSED.lines().skip(1) {
        let (head, body) = line.split_at(line.find(['{', '[']).unwrap_or(line.len()));
        let (head, body) = match head.strip_suffix("<long>") {
            Some(head) => (head, long.as_str()),
            None => (head, body),
        };
        let mut head = head.split_whitespace();
        let mut word = || head.next().unwrap();
        let (method, path, kind, status, code) = (word(), word(), word(), word(), word());
        let path = path.replace("<nil>", &nil);
        let mut request = Request::builder()
            .method(Method::from_bytes(method.as_bytes()).unwrap())
            .uri(format!("{}{path}", server.admin.address()));
        if kind != "-" {
            request = request.header(CONTENT_TYPE, kind);
        }
        let request = request.body(Bytes::copy_from_slice(body.as_bytes()).into());
        let answer = server.admin.exchange(request.unwrap()).await.unwrap();
        let said = answer.body();
        assert_eq!(answer.status().as_str(), status, "{line}: {said:?}");
        let kind = answer
            .headers()
            .get(CONTENT_TYPE)
            .map(HeaderValue::as_bytes);
        assert_eq!(kind, Some(&b"application/json"[..]), "{line}: {said:?}");
        let said: Value = serde_json::from_slice(said).unwrap();
        assert_eq!(said["error"], code, "{line}: {said}");
        assert!(said["message"].is_string(), "{line}: {said}");
        let is_validation = code == "validation_error";
        assert_eq!(said["details"].is_object(), is_validation, "{line}: {said}");
    }
    server.stop().await;
}

#[tokio::test]
async fn a_path_names_the_methods_that_it_knows_and_head_is_one() {
    let fresh = Fresh::sqlite().await;
    let server = Server::on(&fresh).await;
    let send = async |method: Method, path: &str| {
        let request = Request::builder()
            .method(method)
            .uri(format!("{}{path}", server.admin.address()))
            .body(Bytes::new().into())
            .unwrap();
        server.admin.exchange(request).await.unwrap()
    };
    let meeting = format!("{MEETINGS}/{}", Uuid::nil());
    let socket = format!("/ws/meetings/{}", Uuid::nil());
    for (path, allowed) in [
        (AGENTS, "GET, HEAD, POST"),
        (&meeting, "GET, HEAD"),
        (&format!("{meeting}/start"), "POST"),
        ("/healthz", "GET, HEAD"),
        (&socket, "GET"),
    ] {
        let answer = send(Method::PATCH, path).await;
        assert_eq!(answer.status(), StatusCode::METHOD_NOT_ALLOWED, "{path}");
        assert_eq!(answer.headers()[ALLOW], allowed, "{path}");
    }
    let (head, get) = (
        send(Method::HEAD, AGENTS).await,
        send(Method::GET, AGENTS).await,
    );
    assert_eq!((head.status(), head.body().len()), (StatusCode::OK, 0));
    assert_eq!(
        head.headers()[CONTENT_LENGTH],
        get.body().len().to_string(),
        "as long as what GET gives"
    );
    server.stop().await;
}

#[tokio::test]
async fn a_healthy_server_says_so_to_anybody() {
    let fresh = Fresh::sqlite().await;
    let server = Server::on(&fresh).await;
    let anybody = server.admin.with_token("").unwrap();
    assert_eq!(get(&anybody, "/healthz").await, json!({"status": "ok"}));
    assert_eq!(get(&anybody, "/readyz").await, json!({"status": "ready"}));
    server.stop().await;
}
