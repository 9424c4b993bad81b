//! The handshake: what a client asks for, and whether it is let in.

use serde_json::json;

use super::{FIN, TEXT, said};
use crate::support::database::Fresh;
use crate::support::raw::{Raw, frame, handshake, status};
use crate::support::server::{ADMIN_TOKEN, Server};

/// What the key of the RFC's example is answered, section 1.3.
const ACCEPT: &str = "sec-websocket-accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

/// One line of the table.
struct Case {
    /// Of the RFC.
    section: &'static str,
    /// What stands in a handshake that is in order, and what stands there instead.
    change: (&'static str, &'static str),
    status: u16,
    /// What the answer has among its headers, if anything.
    says: &'static str,
    /// What it must not have.
    says_not: &'static str,
}

const fn case(
    section: &'static str,
    change: (&'static str, &'static str),
    status: u16,
    says: &'static str,
    says_not: &'static str,
) -> Case {
    Case {
        section,
        change,
        status,
        says,
        says_not,
    }
}

const VERSION: &str = "sec-websocket-version: 13\r\n";
const KEY_LINE: &str = "sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
const CONNECTION: &str = "connection: upgrade\r\n";
const UPGRADE: &str = "upgrade: websocket\r\n";
const HOST: &str = "host: x\r\n";
const IS_13: &str = "sec-websocket-version: 13";

const CASES: &[Case] = &[
    case("1.3", ("", ""), 101, ACCEPT, "sec-websocket-protocol"),
    case(
        "4.2.1",
        (UPGRADE, "Upgrade: WebSocket\r\n"),
        101,
        "upgrade: websocket",
        "",
    ),
    case(
        "4.2.1",
        (CONNECTION, "Connection: keep-alive, Upgrade\r\n"),
        101,
        "connection: upgrade",
        "",
    ),
    case(
        "4.4",
        (VERSION, "sec-websocket-version: 8\r\n"),
        426,
        IS_13,
        "",
    ),
    case(
        "4.4",
        (VERSION, "sec-websocket-version: 14\r\n"),
        426,
        IS_13,
        "",
    ),
    case(
        "4.4",
        (VERSION, "sec-websocket-version: 13, 8\r\n"),
        426,
        IS_13,
        "",
    ),
    case(
        "4.4",
        (VERSION, "sec-websocket-version: x\r\n"),
        426,
        IS_13,
        "",
    ),
    case("4.2.1", (VERSION, ""), 426, IS_13, ""),
    case("4.2.1", (KEY_LINE, ""), 400, "", ""),
    case(
        "4.2.1",
        (KEY_LINE, "sec-websocket-key: c2hvcnQ=\r\n"),
        400,
        "",
        "",
    ),
    case(
        "4.2.1",
        (KEY_LINE, "sec-websocket-key: dGhlIHNhbXBsZSBub25jZSE=\r\n"),
        400,
        "",
        "",
    ),
    case(
        "4.2.1",
        (KEY_LINE, "sec-websocket-key: *** sixteen bytes? ***==\r\n"),
        400,
        "",
        "",
    ),
    case("4.2.1", (UPGRADE, ""), 400, "", ""),
    case("4.2.1", (UPGRADE, "upgrade: h2c\r\n"), 400, "", ""),
    case("4.2.1", (CONNECTION, ""), 400, "", ""),
    case(
        "4.2.1",
        (CONNECTION, "connection: keep-alive\r\n"),
        400,
        "",
        "",
    ),
    case("4.2.1", (HOST, ""), 400, "", ""),
    case("4.2.1", ("GET", "POST"), 405, "allow: GET", ""),
    case("4.2.1", ("GET", "PUT"), 405, "allow: GET", ""),
    case("4.2.1", ("HTTP/1.1", "HTTP/1.0"), 400, "", ""),
    case(
        "9.1",
        (
            VERSION,
            "sec-websocket-version: 13\r\nsec-websocket-extensions: permessage-deflate; client_max_window_bits\r\n",
        ),
        101,
        "",
        "sec-websocket-extensions",
    ),
    case(
        "4.2.2",
        (
            VERSION,
            "sec-websocket-version: 13\r\nsec-websocket-protocol: chat, superchat\r\n",
        ),
        101,
        "",
        "sec-websocket-protocol",
    ),
    case(
        "4.2.2",
        (
            VERSION,
            "sec-websocket-version: 13\r\nsec-websocket-protocol: chat, synod.bearer.a-token-of-the-header-counts\r\n",
        ),
        101,
        "sec-websocket-protocol: synod.bearer.a-token-of-the-header-counts\r\n",
        "chat",
    ),
];

#[tokio::test]
async fn a_handshake_is_in_order_or_refused() {
    let fresh = Fresh::sqlite().await;
    let server = Server::on(&fresh).await;
    let meeting = server.meeting(&[], json!({})).await;
    let good = handshake(&format!("/ws/meetings/{meeting}"), ADMIN_TOKEN);
    for case in CASES {
        let (old, new) = case.change;
        assert!(good.contains(old), "{old} stands nowhere");
        let mut raw = Raw::to(&server.admin).await;
        raw.say(good.replacen(old, new, 1)).await;
        let answer = raw.head().await;
        let shown = format!("section {}: {new:?} for {old:?}: {answer}", case.section);
        assert_eq!(status(&answer), case.status, "{shown}");
        assert!(answer.contains(case.says), "{shown}");
        assert!(
            case.says_not.is_empty() || !answer.contains(case.says_not),
            "{shown}"
        );
    }
    server.stop().await;
}

#[tokio::test]
async fn a_frame_may_come_right_behind_the_handshake() {
    let fresh = Fresh::sqlite().await;
    let server = Server::on(&fresh).await;
    let meeting = server.meeting(&[], json!({})).await;
    let mut both = handshake(&format!("/ws/meetings/{meeting}"), ADMIN_TOKEN).into_bytes();
    both.extend(frame(FIN | TEXT, &said(0)));
    let mut raw = Raw::to(&server.admin).await;
    raw.say(both).await;
    assert_eq!(status(&raw.head().await), 101);
    let [greeting, answer] = [raw.frame().await, raw.frame().await];
    assert!(greeting.is_some_and(|(_, text)| text.starts_with(br#"{"type":"connected""#)));
    assert!(answer.is_some_and(|(_, text)| text.starts_with(br#"{"type":"error""#)));
    server.stop().await;
}
