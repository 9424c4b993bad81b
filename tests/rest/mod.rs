//! REST: agents, meetings, decisions, the log, health; what is shown, to whom, and what is refused.

mod acceptance;
mod access;
mod communications;
mod idempotency;
mod logging;
mod media;
mod meetings;
mod metadata;
mod openapi;
mod steps;
mod times;

use bytes::Bytes;
use http::header::{ALLOW, CONTENT_LENGTH, CONTENT_TYPE};
use http::{Method, Request, StatusCode};
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

#[tokio::test]
async fn every_refusal_has_one_shape() {
    let fresh = Fresh::sqlite().await;
    let server = Server::on(&fresh).await;
    let send = async |method: Method, path: &str, content_type: &str, body: &'static str| {
        let request = Request::builder()
            .method(method)
            .uri(format!("{}{path}", server.admin.address()))
            .header(CONTENT_TYPE, content_type)
            .body(Bytes::from(body).into())
            .unwrap();
        let answer = server.admin.exchange(request).await.unwrap();
        let shape: Value = serde_json::from_slice(answer.body()).unwrap();
        assert!(shape["message"].is_string(), "{shape}");
        (
            answer.status().as_u16(),
            shape["error"].as_str().unwrap().to_owned(),
        )
    };
    let json = "application/json";
    for (method, path, content_type, body, status, code) in [
        (Method::GET, "/nowhere", json, "", 404, "not_found"),
        (
            Method::GET,
            "/api/v1/agents/not-an-id",
            json,
            "",
            404,
            "not_found",
        ),
        (Method::PUT, AGENTS, json, "{}", 405, "method_not_allowed"),
        (
            Method::POST,
            AGENTS,
            "text/plain",
            "{}",
            415,
            "unsupported_media_type",
        ),
        (Method::POST, AGENTS, json, "{", 400, "validation_error"),
        (Method::POST, AGENTS, json, "[]", 400, "validation_error"),
        (
            Method::POST,
            AGENTS,
            json,
            r#"{"name": "ada", "name": "ben"}"#,
            400,
            "validation_error",
        ),
    ] {
        let shown = format!("{method} {path} {body}");
        let answer = send(method, path, content_type, body).await;
        assert_eq!(answer, (status, code.to_owned()), "{shown}");
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
