//! Who may ask what: one table of every route and every kind of token.

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{Method, Request};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use synod::client::Client;
use uuid::Uuid;

use super::{AGENTS, COMMUNICATIONS, MEETINGS, get, post};
use crate::support::agent::agreeable;
use crate::support::database::Fresh;
use crate::support::server::{Server, over};

/// What everyone is told, in this order: nobody (no token, or a revoked one), a stranger to the meeting and the message, one
/// who is in it, an observer, the operator. The routes that anybody may ask answer everyone alike and come last.
const TABLE: &[(&str, &str, [u16; 5])] = &[
    ("POST", "/api/v1/agents", [401, 403, 403, 403, 400]),
    ("GET", "/api/v1/agents", [401, 200, 200, 200, 200]),
    ("GET", "/api/v1/agents/{agent}", [401, 200, 200, 200, 200]),
    (
        "POST",
        "/api/v1/agents/{agent}/token",
        [401, 403, 403, 403, 400],
    ),
    (
        "DELETE",
        "/api/v1/agents/{agent}",
        [401, 403, 403, 403, 200],
    ),
    ("POST", "/api/v1/communications", [401, 400, 400, 403, 400]),
    (
        "POST",
        "/api/v1/communications/batch",
        [401, 400, 400, 403, 400],
    ),
    ("GET", "/api/v1/communications", [401, 200, 200, 200, 200]),
    (
        "GET",
        "/api/v1/communications/{message}",
        [401, 404, 200, 200, 200],
    ),
    ("POST", "/api/v1/meetings", [401, 400, 400, 403, 400]),
    ("GET", "/api/v1/meetings", [401, 200, 200, 200, 200]),
    (
        "GET",
        "/api/v1/meetings/suggest-topics",
        [401, 200, 200, 200, 200],
    ),
    (
        "GET",
        "/api/v1/meetings/{meeting}",
        [401, 403, 200, 200, 200],
    ),
    (
        "GET",
        "/api/v1/meetings/{meeting}/events",
        [401, 403, 200, 200, 200],
    ),
    (
        "GET",
        "/api/v1/meetings/{meeting}/transcript",
        [401, 403, 200, 200, 200],
    ),
    // Over: nobody joins it or moves it any more; observers have no part in any.
    (
        "POST",
        "/api/v1/meetings/{meeting}/join",
        [401, 400, 400, 403, 400],
    ),
    (
        "POST",
        "/api/v1/meetings/{meeting}/start",
        [401, 400, 400, 400, 400],
    ),
    (
        "POST",
        "/api/v1/meetings/{meeting}/pause",
        [401, 400, 400, 400, 400],
    ),
    (
        "POST",
        "/api/v1/meetings/{meeting}/resume",
        [401, 400, 400, 400, 400],
    ),
    (
        "POST",
        "/api/v1/meetings/{meeting}/cancel",
        [401, 400, 400, 400, 400],
    ),
    ("GET", "/api/v1/decisions", [401, 200, 200, 200, 200]),
    (
        "GET",
        "/api/v1/decisions/{decision}",
        [401, 403, 200, 200, 200],
    ),
    ("GET", "/metrics", [401, 403, 403, 200, 200]),
    ("GET", "/healthz", [200; 5]),
    ("GET", "/readyz", [200; 5]),
    ("GET", "/api/v1/openapi.json", [200; 5]),
    ("GET", "/docs", [308; 5]),
    ("GET", "/docs/{file}", [200; 5]),
];

/// Where a step is sound, it is its meeting that decides: what everyone is told who tries to move a pending meeting.
const STEPS: &[(&str, [u16; 5])] = &[
    ("start", [401, 403, 403, 403, 200]),
    ("pause", [401, 403, 403, 403, 200]),
    ("resume", [401, 403, 403, 403, 200]),
    ("cancel", [401, 403, 403, 403, 200]),
];

async fn status(client: &Client, method: &str, path: &str, body: &'static str) -> (u16, Bytes) {
    let kind = if path.ends_with("/batch") {
        "application/x-ndjson"
    } else {
        "application/json"
    };
    let request = Request::builder()
        .method(Method::from_bytes(method.as_bytes()).unwrap())
        .uri(format!("{}{path}", client.address()))
        .header(CONTENT_TYPE, kind)
        .body(Bytes::from(body).into())
        .unwrap();
    let answer = client.exchange(request).await.unwrap();
    (answer.status().as_u16(), answer.into_body())
}

#[tokio::test]
async fn whoever_may_not_is_told_so_on_every_route() {
    let fresh = Fresh::sqlite().await;
    let server = Server::on(&fresh).await;
    let [ada, ben, eve, gone] = server.agents(["ada", "ben", "eve", "gone"]).await;
    let wall = json!({"name": "wall", "role": "observer"});
    let wall = post(&server.admin, AGENTS, wall).await;
    let wall = server
        .admin
        .with_token(wall["token"].as_str().unwrap())
        .unwrap();
    let path = format!("{AGENTS}/{}", gone.id);
    server
        .admin
        .send(Method::DELETE, &path, None)
        .await
        .unwrap();
    let message = json!({"sender_id": ada.id, "receiver_id": ben.id, "message_content": "Tea?"});
    let message = post(&ada.client, COMMUNICATIONS, message).await;
    let quick = json!({"start": "when_all_joined", "max_discussion_rounds": 1});
    let meeting = server.meeting(&[&ada, &ben], quick).await;
    let attending = [&ada, &ben].map(|agent| agent.attend(meeting, agreeable()));
    let ended = over(&server.admin, meeting).await;
    for agent in attending {
        agent.log().await;
    }
    let nobody = server.admin.with_token("").unwrap();
    let callers = [&nobody, &eve.client, &ada.client, &wall, &server.admin];
    let refused = status(&nobody, "GET", AGENTS, "").await;
    for (method, route, expected) in TABLE {
        let path = route
            .replace("{agent}", &gone.id.to_string())
            .replace("{message}", message["id"].as_str().unwrap())
            .replace("{meeting}", &meeting.to_string())
            .replace("{decision}", ended["decision"]["id"].as_str().unwrap())
            .replace("{file}", "index.html");
        // A body with a field that no route knows: whoever may act is told of it, and nothing is done.
        let body = if *method == "POST" {
            r#"{"unknown": 1}"#
        } else {
            ""
        };
        for (caller, expected) in callers.iter().zip(expected) {
            let (told, said) = status(caller, method, &path, body).await;
            assert_eq!(told, *expected, "{method} {route}: {said:?}");
        }
        let (told, said) = status(&gone.client, method, &path, body).await;
        if expected[0] == 401 {
            assert_eq!(
                (told, said),
                refused,
                "{method} {route} with a revoked token"
            );
        }
    }
    let pending = server.meeting(&[&ada, &ben], json!({})).await;
    for (step, expected) in STEPS {
        for (caller, expected) in callers.iter().zip(expected) {
            let path = format!("{MEETINGS}/{pending}/{step}");
            assert_eq!(
                status(caller, "POST", &path, "{}").await.0,
                *expected,
                "{step}"
            );
        }
    }
    sockets(&callers, meeting).await;
    covers(&get(&server.admin, "/api/v1/openapi.json").await);
    server.stop().await;
}

/// The handshakes' own rows.
async fn sockets(callers: &[&Client; 5], meeting: Uuid) {
    for (path, expected) in [
        (format!("/ws/meetings/{meeting}"), [401, 403, 101, 101, 101]),
        ("/ws/agent".to_owned(), [401, 101, 101, 403, 403]),
    ] {
        for (caller, expected) in callers.iter().zip(expected) {
            let told = match caller.open(&path).await {
                Ok(_) => 101,
                Err(error) => error.status().unwrap().as_u16(),
            };
            assert_eq!(told, expected, "{path}");
        }
    }
}

/// That the table has every route of the document, and no other.
fn covers(document: &Value) {
    let mut described = BTreeSet::new();
    for (path, methods) in document["paths"].as_object().unwrap() {
        for method in methods.as_object().unwrap().keys() {
            described.insert((
                method.to_uppercase(),
                path.replace("{id}", "{}").replace("{file}", "{}"),
            ));
        }
    }
    let names = ["{agent}", "{message}", "{meeting}", "{decision}", "{file}"];
    let held = TABLE.iter().map(|(method, route, _)| {
        let route = names
            .iter()
            .fold((*route).to_owned(), |route, name| route.replace(name, "{}"));
        ((*method).to_owned(), route)
    });
    assert_eq!(held.collect::<BTreeSet<_>>(), described);
}
