//! Bodies: one that is too long is not read to its end, and one that does not come is not waited for.

use std::io;

use http::Method;
use serde_json::{Value, json};
use synod::config::Limits;
use synod::domain::AgentId;
use tokio::io::AsyncWriteExt;

use super::{AGENTS, COMMUNICATIONS, Raw, post};
use crate::support::database::Fresh;
use crate::support::patience::eventually;
use crate::support::server::{Server, limits};

const BATCH: &str = "/api/v1/communications/batch";

/// What a body of so many bytes is told that is over the default limits; the words for people are left out.
fn too_large(path: &str, megabytes: u64) -> Value {
    match path {
        COMMUNICATIONS => {
            json!({"error": "message_too_large", "max_size_mb": 10, "actual_size_mb": megabytes})
        }
        BATCH => json!({"error": "body_too_large", "max_size_bytes": 64 << 20}),
        _ => json!({"error": "body_too_large", "max_size_bytes": Limits::BODY_MAX_BYTES}),
    }
}

fn without_words(mut said: Value) -> Value {
    let words = said.as_object_mut().unwrap().remove("message");
    assert!(words.unwrap().is_string());
    said
}

#[tokio::test]
async fn a_body_that_announces_too_much_is_refused_before_it_is_sent() {
    let fresh = Fresh::sqlite().await;
    let server = Server::pooled(&fresh, 4, Limits::default()).await;
    for path in [COMMUNICATIONS, AGENTS, BATCH] {
        let mut raw = Raw::to(&server.admin).await;
        raw.say(post(path, "content-length: 10737418240\r\n")).await;
        let (status, said) = raw.answer().await;
        let expected = too_large(path, 10_240);
        assert_eq!((status, without_words(said)), (413, expected), "{path}");
    }
    server.stop().await;
}

#[tokio::test]
async fn a_body_that_does_not_end_is_cut_at_the_limit() {
    let fresh = Fresh::sqlite().await;
    let server = Server::pooled(&fresh, 4, Limits::default()).await;
    // A message of ten megabytes may be written as sixty.
    for (path, megabytes) in [(AGENTS, 0), (COMMUNICATIONS, 60), (BATCH, 0)] {
        let Raw(stream) = Raw::to(&server.admin).await;
        let (read, mut write) = stream.into_split();
        let endless = async {
            let head = post(path, "transfer-encoding: chunked\r\n");
            write.write_all(head.as_bytes()).await?;
            let chunk = format!("10000\r\n{}\r\n", " ".repeat(0x10000));
            loop {
                write.write_all(chunk.as_bytes()).await?;
            }
        };
        let mut raw = Raw(read);
        let answered = raw.answer();
        let mut answered = std::pin::pin!(answered);
        let (status, said) = tokio::select! {
            answer = &mut answered => answer,
            ended = endless => {
                let ended: io::Result<()> = ended;
                ended.expect_err("it never ends by itself");
                answered.await
            }
        };
        let expected = too_large(path, megabytes);
        assert_eq!((status, without_words(said)), (413, expected), "{path}");
    }
    server.stop().await;
}

#[tokio::test]
async fn a_body_that_stops_half_way_is_waited_for_so_long_and_no_longer() {
    let fresh = Fresh::sqlite().await;
    let impatient = Limits {
        body_timeout_ms: 100,
        ..limits()
    };
    let server = Server::with(&fresh, impatient).await;
    let before = fresh.row_counts().await;
    let half = r#"{"name": "half"#;
    let chunk = format!("{:x}\r\n{half}\r\n", half.len());
    for path in [AGENTS, COMMUNICATIONS, BATCH] {
        for (header, body) in [
            ("content-length: 100", half),
            ("transfer-encoding: chunked", &chunk),
        ] {
            let mut raw = Raw::to(&server.admin).await;
            let head = post(path, &format!("idempotency-key: again\r\n{header}\r\n"));
            raw.say(head + body).await;
            let (status, said) = raw.answer().await;
            let told = (status, said["error"].as_str().unwrap());
            assert_eq!(told, (408, "request_timeout"), "{path}");
            assert_eq!(
                raw.hear().await,
                "",
                "{path}: what still came would be taken for a request"
            );
        }
    }
    assert_eq!(
        fresh.row_counts().await,
        before,
        "nothing was done, and no key is kept"
    );
    let whole = json!({"name": "whole"});
    let made = server.admin.send(Method::POST, AGENTS, Some(&whole)).await;
    made.expect("one that comes is answered");
    server.stop().await;
}

#[tokio::test]
async fn bodies_on_their_way_take_the_room_of_commands() {
    let fresh = Fresh::sqlite().await;
    let places = 3;
    let limits = Limits {
        commands_pending_max: places,
        ..limits()
    };
    let server = Server::with(&fresh, limits).await;
    let [ada] = server.agents(["ada"]).await;
    let message = json!({"sender_id": ada.id, "receiver_id": ada.id, "message_content": "hello"});
    // What is between the fields takes room as well.
    let blanks = " ".repeat(places * Limits::BYTES_PER_PERMIT - 1_000);
    let long = format!("{blanks}{message}");
    let (most, rest) = long.split_at(long.len() - 10);
    let mut slow = Raw::to(&server.admin).await;
    let headers = format!(
        "content-type: application/json\r\ncontent-length: {}\r\n",
        long.len()
    );
    slow.say(post(COMMUNICATIONS, &headers)).await;
    slow.say(most).await;
    eventually("there is no room for another body", || async {
        let logged = server.admin.post::<Value>(COMMUNICATIONS, &message).await;
        (logged.err()?.code() == Some("overloaded")).then_some(())
    })
    .await;
    let health = server.admin.get::<Value>("/healthz").await;
    assert_eq!(health.unwrap()["status"], "ok");
    slow.say(rest).await;
    assert_eq!(slow.answer().await.0, 201);
    let logged = server.admin.post::<Value>(COMMUNICATIONS, &message).await;
    assert_eq!(logged.unwrap()["message_content"], "hello");
    server.stop().await;
}

/// How a token goes while a request that bears it is on its way.
#[derive(Debug, Clone, Copy)]
enum Gone {
    Revoked,
    Rotated,
    /// By another server, or the command line; the body takes its time.
    RevokedElsewhere,
}

#[tokio::test]
async fn a_token_that_goes_while_a_body_is_on_its_way_opens_nothing() {
    let fresh = Fresh::sqlite().await;
    let server = Server::on(&fresh).await;
    let agents = server.agents(["ada", "ben", "eve"]).await;
    let ways = [Gone::Revoked, Gone::Rotated, Gone::RevokedElsewhere];
    for (agent, gone) in agents.iter().zip(ways) {
        let message =
            json!({"sender_id": agent.id, "receiver_id": agent.id, "message_content": "late"});
        let body = message.to_string();
        let head = format!(
            "POST {COMMUNICATIONS} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {}\r\n\
             content-type: application/json\r\nexpect: 100-continue\r\ncontent-length: {}\r\n\r\n",
            agent.token,
            body.len()
        );
        let mut raw = Raw::to(&server.admin).await;
        raw.say(head).await;
        // The server knows by now who asks, and waits for the rest.
        raw.expect("HTTP/1.1 100 Continue\r\n\r\n").await;
        let path = format!("{AGENTS}/{}", agent.id);
        match gone {
            Gone::Revoked => {
                let revoked = server.admin.send(Method::DELETE, &path, None).await;
                revoked.expect("it is revoked");
            }
            Gone::Rotated => {
                let rotate = format!("{path}/token");
                let rotated = server.admin.post::<Value>(&rotate, &json!({})).await;
                rotated.expect("it is rotated");
            }
            Gone::RevokedElsewhere => {
                let now = "2026-01-01T00:00:00Z".parse().unwrap();
                let id = AgentId(agent.id);
                assert!(fresh.store.revoke_agent(id, now).await.unwrap());
                tokio::time::pause();
                tokio::time::advance(Limits::IDENTITY_MAX_AGE * 2).await;
                tokio::time::resume();
            }
        }
        raw.say(body).await;
        let (status, said) = raw.answer().await;
        let told = (status, said["error"].as_str());
        assert_eq!(told, (401, Some("authentication_required")), "{gone:?}");
    }
    let logged = server.admin.get::<Value>(COMMUNICATIONS).await.unwrap();
    assert_eq!(logged["total"], 0);
    server.stop().await;
}
