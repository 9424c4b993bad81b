//! What is given of an agent, beside its name: kept, and given back as the very text that it was.

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{Method, Request, StatusCode};
use serde_json::{Value, json};
use synod::client::Client;
use uuid::Uuid;

use super::AGENTS;
use crate::support::database::Fresh;
use crate::support::on_each_database;
use crate::support::server::Server;

on_each_database!(
    metadata_comes_back_as_the_text_that_it_was,
    metadata_that_is_nested_too_deep_is_refused_by_name,
);

/// POSTs under a key, and gives the answer's text.
async fn post(client: &Client, path: &str, key: &str, body: String) -> (StatusCode, String) {
    let request = Request::post(format!("{}{path}", client.address()))
        .header(CONTENT_TYPE, "application/json")
        .header("Idempotency-Key", key)
        .body(Bytes::from(body).into())
        .unwrap();
    let answer = client.exchange(request).await.unwrap();
    let text = String::from_utf8(answer.body().to_vec()).unwrap();
    (answer.status(), text)
}

async fn get(client: &Client, path: &str) -> String {
    let got = client.send(Method::GET, path, None).await.unwrap();
    String::from_utf8(got.to_vec()).unwrap()
}

async fn metadata_comes_back_as_the_text_that_it_was(fresh: Fresh) {
    let server = Server::on(&fresh).await;
    let admin = &server.admin;
    let odd = [
        r#"{"b" :  1.50, "a":[1E5,  2e-400], "b":"\u00df\u0000\ud800", "token":"mine"}"#,
        "123456789012345678901234567890",
        "[1e999,\n\t-0.0]",
        r#""a text""#,
    ];
    for (n, metadata) in (1..).zip(odd) {
        let id = Uuid::from_u128(n);
        let body = format!(r#"{{"id":"{id}","name":"ada","metadata":{metadata}}}"#);
        let field = format!(r#""metadata":{metadata},"#);
        let (create, rotate) = (format!("create {n}"), format!("rotate {n}"));
        let (status, created) = post(admin, AGENTS, &create, body.clone()).await;
        assert_eq!(status, StatusCode::CREATED, "{created}");
        assert!(created.contains(&field), "{created}");
        // A request that comes again is answered from what was kept.
        assert_eq!(post(admin, AGENTS, &create, body).await.1, created);
        let one = format!("{AGENTS}/{id}");
        let rotation = format!("{one}/token");
        let (_, rotated) = post(admin, &rotation, &rotate, "{}".to_owned()).await;
        for shown in [get(admin, &one).await, get(admin, AGENTS).await, rotated] {
            assert!(shown.contains(&field), "{shown}");
        }
    }
    server.stop().await;
}

async fn metadata_that_is_nested_too_deep_is_refused_by_name(fresh: Fresh) {
    let server = Server::on(&fresh).await;
    let nested = |deep: usize| format!("{}{}", "[".repeat(deep), "]".repeat(deep));
    let body = |deep| format!(r#"{{"name":"ada","metadata":{}}}"#, nested(deep));
    let (status, created) = post(&server.admin, AGENTS, "a", body(100)).await;
    assert_eq!(status, StatusCode::CREATED, "{created}");
    for deep in [101, 2_000, 100_000] {
        let (status, refused) = post(&server.admin, AGENTS, "b", body(deep)).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{deep}: {refused}");
        let refused: Value = serde_json::from_str(&refused).unwrap();
        let reasons = &refused["details"]["metadata"];
        assert_eq!(reasons, &json!(["must be nested at most 100 deep"]));
    }
    server.stop().await;
}
