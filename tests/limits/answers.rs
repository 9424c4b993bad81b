//! Answers that are not read: they take so much room, and are waited for so long.

use serde_json::{Value, json};
use synod::config::Limits;

use super::metrics::becomes;
use super::{COMMUNICATIONS, Raw};
use crate::support::database::Fresh;
use crate::support::patience::eventually;
use crate::support::server::{ADMIN_TOKEN, Server, limits};

const MESSAGE_BYTES: usize = 10 << 20;

/// A server with two long messages, which together are more than the buffers between it and a client hold.
async fn server(fresh: &Fresh, limits: Limits) -> Server {
    let server = Server::with(fresh, limits).await;
    let [ada] = server.agents(["ada"]).await;
    let text = "x".repeat(MESSAGE_BYTES);
    let message = json!({"sender_id": ada.id, "receiver_id": ada.id, "message_content": text});
    for _ in 0..2 {
        let logged = server.admin.post::<Value>(COMMUNICATIONS, &message).await;
        logged.unwrap();
    }
    server
}

/// Asks for all messages and does not read a word of the answer, which has begun.
async fn ask(server: &Server) -> Raw {
    let mut raw = Raw::to(&server.admin).await;
    let head = format!("GET {COMMUNICATIONS} HTTP/1.1\r\nhost: x\r\n");
    raw.say(format!("{head}authorization: Bearer {ADMIN_TOKEN}\r\n\r\n"))
        .await;
    raw.0.readable().await.unwrap();
    raw
}

#[tokio::test]
async fn answers_that_are_not_read_leave_room_for_the_others() {
    let fresh = Fresh::sqlite().await;
    let limits = Limits {
        read_budget_mb: 128,
        ..limits()
    };
    let server = server(&fresh, limits).await;
    let slow = ask(&server).await;
    let refused = server.admin.get::<Value>(COMMUNICATIONS).await.unwrap_err();
    assert_eq!(refused.code(), Some("overloaded"));
    let short = format!("{COMMUNICATIONS}?q=nothing");
    assert_eq!(server.admin.get::<Value>(&short).await.unwrap()["total"], 0);
    drop(slow);
    eventually("there is room again", || async {
        server.admin.get::<Value>(COMMUNICATIONS).await.ok()
    })
    .await;
    server.stop().await;
}

#[tokio::test]
async fn an_answer_that_nobody_reads_is_given_up() {
    let fresh = Fresh::sqlite().await;
    let limits = Limits {
        header_timeout_ms: 100,
        write_timeout_ms: 100,
        ..limits()
    };
    let server = server(&fresh, limits).await;
    let slow = ask(&server).await;
    becomes(&server, "synod_connections", 0.0).await;
    assert!(slow.hear_bytes().await.len() < 2 * MESSAGE_BYTES);
    server.stop().await;
}
