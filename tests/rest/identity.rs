//! Identity: whatever is wrong with a token, the answer is the same.

use bytes::Bytes;
use http::header::{
    AUTHORIZATION, CONNECTION, CONTENT_TYPE, DATE, HeaderValue, SEC_WEBSOCKET_KEY,
    SEC_WEBSOCKET_PROTOCOL, SEC_WEBSOCKET_VERSION, UPGRADE, WWW_AUTHENTICATE,
};
use http::{HeaderMap, HeaderName, Method, Request, StatusCode};
use serde_json::{Value, json};
use synod::client::Client;

use super::{AGENTS, post};
use crate::support::database::Fresh;
use crate::support::on_each_database;
use crate::support::server::Server;

on_each_database!(whatever_is_wrong_with_a_token_is_answered_the_same,);

/// Of every kind one: read and write, with and without a body, outside `/api/v1`, and the sockets.
const ASKED: &[(Method, &str)] = &[
    (Method::GET, "/api/v1/agents"),
    (Method::POST, "/api/v1/agents"),
    (Method::POST, "/api/v1/communications/batch"),
    (
        Method::GET,
        "/api/v1/meetings/00000000-0000-0000-0000-000000000000",
    ),
    (
        Method::DELETE,
        "/api/v1/agents/00000000-0000-0000-0000-000000000000",
    ),
    (Method::GET, "/metrics"),
    (Method::GET, "/ws/agent"),
    (
        Method::GET,
        "/ws/meetings/00000000-0000-0000-0000-000000000000",
    ),
];

/// An answer, all of it but its date.
type Answer = (StatusCode, HeaderMap, Bytes);

async fn ask(client: &Client, method: &Method, path: &str, credentials: &HeaderMap) -> Answer {
    let mut request = Request::builder()
        .method(method)
        .uri(format!("{}{path}", client.address()))
        .header(CONTENT_TYPE, "application/json")
        .body(Bytes::from_static(b"{}").into())
        .unwrap();
    let headers = request.headers_mut();
    if path.starts_with("/ws") {
        let value = HeaderValue::from_static;
        headers.insert(UPGRADE, value("websocket"));
        headers.insert(CONNECTION, value("upgrade"));
        headers.insert(SEC_WEBSOCKET_VERSION, value("13"));
        headers.insert(SEC_WEBSOCKET_KEY, value("dGhlIHNhbXBsZSBub25jZQ=="));
    }
    headers.extend(credentials.clone());
    let (mut parts, body) = client.exchange(request).await.unwrap().into_parts();
    parts.headers.remove(DATE).expect("every answer has a date");
    (parts.status, parts.headers, body)
}

/// Headers that show no good token, made of one that is good, one of before a rotation and one that was revoked.
fn wrong_credentials(good: &str, old: &str, gone: &str) -> Vec<(HeaderName, HeaderValue)> {
    let authorizations = [
        String::new(),
        "Bearer".to_owned(),
        "Bearer ".to_owned(),
        "Bearer wrong".to_owned(),
        "Bearer synod_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA".to_owned(),
        good.to_owned(),
        format!("Basic {good}"),
        format!("Bearer{good}"),
        format!("Bearer:{good}"),
        format!("Bearer \"{good}\""),
        format!("Bearer {good} {good}"),
        format!("Bearer {good}x"),
        format!("Bearer {}", &good[..good.len() - 1]),
        format!("Bearer {}", good.to_uppercase()),
        format!("Bearer {}", good.to_lowercase()),
        format!("Bearer {old}"),
        format!("Bearer {gone}"),
    ];
    let mut wrong: Vec<_> = authorizations
        .iter()
        .map(|value| (AUTHORIZATION, HeaderValue::from_str(value).unwrap()))
        .collect();
    wrong.push((
        AUTHORIZATION,
        HeaderValue::from_bytes(b"Bearer \xff").unwrap(),
    ));
    for protocol in [
        "synod.bearer.",
        "synod.bearer.wrong",
        &format!("synod.bearer.{gone}"),
    ] {
        let protocol = HeaderValue::from_str(protocol).unwrap();
        wrong.push((SEC_WEBSOCKET_PROTOCOL, protocol));
    }
    wrong
}

async fn whatever_is_wrong_with_a_token_is_answered_the_same(fresh: Fresh) {
    let server = Server::on(&fresh).await;
    let [ada, ben, gone] = server.agents(["ada", "ben", "gone"]).await;
    let rotate = format!("{AGENTS}/{}/token", ben.id);
    let rotated = post(&server.admin, &rotate, json!({})).await;
    let revoke = format!("{AGENTS}/{}", gone.id);
    let revoked = server.admin.send(Method::DELETE, &revoke, None).await;
    revoked.unwrap();
    let nobody = server.admin.with_token("").unwrap();
    let good = &ada.token;
    let wrong = wrong_credentials(good, &ben.token, &gone.token);
    let (method, path) = &ASKED[0];
    let first = ask(&nobody, method, path, &HeaderMap::new()).await;
    let said: Value = serde_json::from_slice(&first.2).unwrap();
    assert_eq!(
        (first.0, &said["error"]),
        (StatusCode::UNAUTHORIZED, &json!("authentication_required"))
    );
    assert_eq!(first.1[WWW_AUTHENTICATE], "Bearer");
    for (method, path) in ASKED {
        for (name, value) in &wrong {
            let credentials = HeaderMap::from_iter([(name.clone(), value.clone())]);
            let answer = ask(&nobody, method, path, &credentials).await;
            assert_eq!(answer, first, "{method} {path} with {name}: {value:?}");
        }
    }
    // The same requests with what is right.
    let rotated = rotated["token"].as_str().unwrap();
    for good in [good, rotated] {
        for value in [format!("Bearer {good}"), format!("bearer {good}")] {
            let value = HeaderValue::from_str(&value).unwrap();
            let credentials = HeaderMap::from_iter([(AUTHORIZATION, value)]);
            let answer = ask(&nobody, method, path, &credentials).await;
            assert_eq!(answer.0, StatusCode::OK);
        }
    }
    server.stop().await;
}
