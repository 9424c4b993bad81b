//! Connections: how many, how long, and what they may say before they are closed.

use serde_json::{Value, json};
use synod::client::Client;
use synod::config::Limits;
use synod::wire::CloseCode;
use tokio::io::AsyncWriteExt;
use uuid::Uuid;

use super::{AGENTS, Raw, exchange, post, status};
use crate::support::database::Fresh;
use crate::support::patience::eventually;
use crate::support::server::{ADMIN_TOKEN, Server, limits};

/// Headers must come at once.
fn impatient() -> Limits {
    Limits {
        header_timeout_ms: 100,
        ..limits()
    }
}

async fn healthy(server: &Client) -> u16 {
    let request = "GET /healthz HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";
    status(&exchange(server, request).await)
}

#[tokio::test]
async fn a_connection_that_does_not_finish_its_headers_is_closed() {
    let fresh = Fresh::sqlite().await;
    let server = Server::with(&fresh, impatient()).await;
    for said in [
        "",
        "GET /healthz",
        "GET /healthz HTTP/1.1\r\nhost: x\r\nx-slow: ",
    ] {
        assert_eq!(exchange(&server.admin, said).await, "", "{said:?}");
    }
    server.stop().await;
}

#[tokio::test]
async fn a_connection_that_nobody_uses_any_more_is_closed() {
    let fresh = Fresh::sqlite().await;
    let server = Server::with(&fresh, impatient()).await;
    let mut raw = Raw::to(&server.admin).await;
    raw.say("GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n").await;
    assert_eq!(raw.answer().await.0, 200);
    raw.say("GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n").await;
    assert_eq!(raw.answer().await.0, 200, "it may be used again");
    assert_eq!(raw.hear().await, "", "then it is closed");
    server.stop().await;
}

#[tokio::test]
async fn what_is_not_http_1_is_not_answered_as_if_it_were() {
    let fresh = Fresh::sqlite().await;
    let server = Server::on(&fresh).await;
    let preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
    assert_eq!(exchange(&server.admin, preface).await, "");
    for said in [
        "GET /healthz HTTP/3.9\r\nhost: x\r\n\r\n",
        "GET /healthz\r\n\r\n",
        "hello\r\n\r\n",
        "GET /healthz HTTP/1.1\r\nno colon\r\n\r\n",
    ] {
        assert_eq!(
            status(&exchange(&server.admin, said).await),
            400,
            "{said:?}"
        );
    }
    assert_eq!(healthy(&server.admin).await, 200);
    server.stop().await;
}

#[tokio::test]
async fn headers_that_are_too_long_or_too_many_are_refused() {
    let fresh = Fresh::sqlite().await;
    let server = Server::on(&fresh).await;
    let long = "x".repeat(Limits::default().header_max_bytes);
    let many: String =
        (0..=Limits::HEADERS_MAX).fold(String::new(), |many, n| many + &format!("x-{n}: y\r\n"));
    for headers in [format!("x-long: {long}\r\n"), many] {
        let said = format!("GET /healthz HTTP/1.1\r\nhost: x\r\n{headers}\r\n");
        assert_eq!(status(&exchange(&server.admin, said).await), 431);
    }
    assert_eq!(healthy(&server.admin).await, 200);
    server.stop().await;
}

#[tokio::test]
async fn a_request_hides_no_other() {
    let fresh = Fresh::sqlite().await;
    let server = Server::on(&fresh).await;
    let hidden = "GET /hidden HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";
    let length = 5 + hidden.len();
    let both = format!("content-length: {length}\r\ntransfer-encoding: chunked\r\n");
    let turned = format!("transfer-encoding: chunked\r\ncontent-length: {length}\r\n");
    let twice = format!("content-length: 5\r\ncontent-length: {length}\r\n");
    let unknown = "transfer-encoding: chunked, gzip\r\n".to_owned();
    let honest = format!("{}{hidden}", post(AGENTS, "content-length: 0\r\n"));
    let heard = exchange(&server.admin, honest).await;
    assert_eq!(heard.matches("HTTP/1.1").count(), 2, "two are two: {heard}");
    for headers in [both, turned, twice, unknown] {
        let said = format!("{}0\r\n\r\n{hidden}", post(AGENTS, &headers));
        let heard = exchange(&server.admin, said).await;
        assert_eq!(status(&heard), 400, "{headers}: {heard}");
        assert_eq!(heard.matches("HTTP/1.1").count(), 1, "{headers}: {heard}");
    }
    server.stop().await;
}

/// A handshake that only watches, with one of its headers written twice.
fn handshake(meeting: Uuid, twice: &str) -> String {
    let good = [
        ("host", "x"),
        ("connection", "upgrade"),
        ("upgrade", "websocket"),
        ("sec-websocket-version", "13"),
        ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
        ("authorization", &format!("Bearer {ADMIN_TOKEN}")),
    ];
    let lines = good.iter().map(|(name, value)| {
        let line = format!("{name}: {value}\r\n");
        if *name == twice { line.repeat(2) } else { line }
    });
    let lines: String = lines.collect();
    format!("GET /ws/meetings/{meeting} HTTP/1.1\r\n{lines}\r\n")
}

#[tokio::test]
async fn a_socket_that_does_not_answer_pings_is_closed() {
    let fresh = Fresh::sqlite().await;
    let limits = Limits {
        ping_interval_ms: 50,
        pong_timeout_ms: 50,
        ..limits()
    };
    let server = Server::with(&fresh, limits).await;
    let meeting = server.meeting(&[], json!({})).await;
    let mut raw = Raw::to(&server.admin).await;
    raw.say(handshake(meeting, "")).await;
    let heard = raw.hear_bytes().await;
    let code = CloseCode::NO_PONG.code.to_be_bytes();
    let is_close = |frame: &[u8]| frame[0] == 0x88 && frame[2..] == code;
    assert!(heard.windows(4).any(is_close), "{heard:?}");
    server.stop().await;
}

#[tokio::test]
async fn a_handshake_says_everything_once() {
    let fresh = Fresh::sqlite().await;
    let server = Server::on(&fresh).await;
    let meeting = server.meeting(&[], json!({})).await;
    for twice in [
        "sec-websocket-version",
        "sec-websocket-key",
        "authorization",
    ] {
        let mut raw = Raw::to(&server.admin).await;
        raw.say(handshake(meeting, twice)).await;
        let (status, body) = raw.answer().await;
        assert_eq!(
            (status, &body["error"]),
            (400, &Value::from("validation_error")),
            "{twice}"
        );
    }
    server.stop().await;
}

#[tokio::test]
async fn an_address_has_so_many_connections_and_no_more() {
    let fresh = Fresh::sqlite().await;
    let limits = Limits {
        connections_per_address_max: 8,
        ..limits()
    };
    let server = Server::with(&fresh, limits).await;
    let mut open = Vec::new();
    let refused = loop {
        let mut raw = Raw::to(&server.admin).await;
        assert!(open.len() < 9, "there is no end to it");
        // One that is turned away may be so before it asks.
        let _ = raw
            .0
            .write_all(b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n")
            .await;
        match raw.answer().await {
            (200, _) => open.push(raw),
            refused => break refused,
        }
    };
    assert_eq!(
        (refused.0, &refused.1["error"]),
        (429, &Value::from("rate_limited"))
    );
    assert!(open.len() >= 6, "the server's own client has few");
    drop(open.pop());
    eventually("there is a place again", || async {
        (healthy(&server.admin).await == 200).then_some(())
    })
    .await;
    server.stop().await;
}

#[tokio::test]
async fn a_request_names_its_host_once() {
    let fresh = Fresh::sqlite().await;
    let server = Server::on(&fresh).await;
    for (version, hosts, expected) in [
        ("1.1", "", 400),
        ("1.1", "host: a\r\nhost: a\r\n", 400),
        ("1.1", "host: a b\r\n", 400),
        ("1.1", "host: a\r\n", 200),
        ("1.0", "", 200),
        ("1.0", "host: a\r\nhost: b\r\n", 400),
    ] {
        let request = format!("GET /healthz HTTP/{version}\r\n{hosts}connection: close\r\n\r\n");
        let told = exchange(&server.admin, request).await;
        assert_eq!(status(&told), expected, "HTTP/{version} {hosts:?}: {told}");
        let names_it = told.contains(r#"{"Host":["must stand in a request once"#);
        assert_eq!(names_it, expected == 400, "{told}");
    }
    server.stop().await;
}
