//! The WebSocket protocol (RFC 6455), byte by byte: a table of what a client sends and what becomes of it.

mod close;
mod handshake;

use futures_util::future::join_all;
use serde_json::{Value, json};
use synod::config::Limits;
use synod::wire::CloseCode;

use crate::support::database::Fresh;
use crate::support::raw::{Raw, frame, head};
use crate::support::server::{ADMIN_TOKEN, Server, limits};

/// One line of the table.
struct Case {
    /// Of the RFC.
    section: &'static str,
    what: String,
    /// Frames, or what looks like them.
    sends: Vec<Vec<u8>>,
    /// Where no close comes, the conversation goes on.
    hears: Vec<Said>,
}

/// What the server says.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Said {
    /// It understood a text, the one with this id.
    Answer(String),
    Pong(Vec<u8>),
    /// With this code, and then nothing but the end of the connection.
    Close(Option<u16>),
}

use Said::{Answer, Close, Pong};

fn case(
    section: &'static str,
    what: impl Into<String>,
    sends: impl IntoIterator<Item = Vec<u8>>,
    hears: impl IntoIterator<Item = Said>,
) -> Case {
    Case {
        section,
        what: what.into(),
        sends: sends.into_iter().collect(),
        hears: hears.into_iter().collect(),
    }
}

const FIN: u8 = 0x80;
const CONTINUATION: u8 = 0x0;
const TEXT: u8 = 0x1;
const BINARY: u8 = 0x2;
const CLOSE: u8 = 0x88;
const PING: u8 = 0x89;
const PONG: u8 = 0x8a;

const PROTOCOL_ERROR: Said = Close(Some(CloseCode::PROTOCOL_ERROR.code));
const INVALID_UTF8: Said = Close(Some(CloseCode::INVALID_UTF8.code));
const UNSUPPORTED: Said = Close(Some(CloseCode::UNSUPPORTED.code));
const TOO_BIG: Said = Close(Some(CloseCode::TOO_BIG.code));

/// Characters of two, three and four bytes.
const ID: &str = "é€😀";
const MAX_BYTES: usize = 70_000;

/// A text that the server understands, filled up to so many bytes.
fn said(bytes: usize) -> Vec<u8> {
    let mut text = format!(r#"{{"type":"leave","id":"{ID}"}}"#).into_bytes();
    text.resize(bytes.max(text.len()), b' ');
    text
}

fn understood() -> Said {
    Answer(ID.to_owned())
}

/// Sends what a case sends, and holds what comes against what should.
async fn hold(server: &Server, path: &str, case: &Case) {
    let mut raw = Raw::upgraded(&server.admin, path, ADMIN_TOKEN).await;
    let greeting = raw.frame().await.expect("a greeting");
    assert_eq!(greeting.0, FIN | TEXT);
    let Case {
        section,
        what,
        sends,
        hears,
    } = case;
    // Whoever breaks the protocol behind a message waits for its answer first: what is on its way then need not come any more.
    let (now, mut behind) = match (&hears[..], sends.split_last()) {
        ([Answer(_), Close(_)], Some((last, before))) => (before.concat(), Some(last)),
        _ => (sends.concat(), None),
    };
    raw.say(now).await;
    let mut heard = Vec::new();
    while heard.len() < hears.len() {
        if let Some(last) = behind.take_if(|_| !heard.is_empty()) {
            raw.say(last).await;
        }
        let Some((first, payload)) = raw.frame().await else {
            break;
        };
        heard.push(match (first, payload.as_slice()) {
            (0x81, text) => {
                let answer: Value = serde_json::from_slice(text).unwrap();
                Answer(answer["id"].as_str().unwrap_or_default().to_owned())
            }
            (PONG, _) => Pong(payload),
            (CLOSE, []) => Close(None),
            (CLOSE, [high, low, ..]) => Close(Some(u16::from_be_bytes([*high, *low]))),
            _ => panic!("section {section}: {what}: no server says {first:#x}"),
        });
    }
    assert_eq!(&heard, hears, "section {section}: {what}");
    let end = if matches!(hears.last(), Some(Close(_))) {
        None
    } else {
        raw.say(frame(PING, b"still there?")).await;
        Some((PONG, b"still there?".to_vec()))
    };
    assert_eq!(
        raw.frame().await,
        end,
        "section {section}: {what}: how it goes on"
    );
}

async fn hold_all(cases: impl IntoIterator<Item = Case>) {
    let fresh = Fresh::sqlite().await;
    let limits = Limits {
        frame_max_bytes: MAX_BYTES,
        ..limits()
    };
    let server = Server::with(&fresh, limits).await;
    let meeting = server.meeting(&[], json!({})).await;
    let path = format!("/ws/meetings/{meeting}");
    let cases: Vec<_> = cases.into_iter().collect();
    join_all(cases.iter().map(|case| hold(&server, &path, case))).await;
    server.stop().await;
}

#[tokio::test]
async fn frames_have_their_bits_in_order() {
    let mut cases = Vec::new();
    for bits in [0x40, 0x20, 0x10, 0x70] {
        for (kind, first) in [("text", FIN | TEXT), ("ping", PING), ("close", CLOSE)] {
            let sends = [frame(first | bits, b"")];
            cases.push(case(
                "5.2",
                format!("a {kind} with reserved bits {bits:#x}"),
                sends,
                [PROTOCOL_ERROR],
            ));
        }
    }
    for opcode in (0x3..=0x7).chain(0xb..=0xf) {
        for fin in [FIN, 0] {
            let sends = [frame(fin | opcode, b"x")];
            cases.push(case(
                "5.2",
                format!("opcode {opcode:#x}"),
                sends,
                [PROTOCOL_ERROR],
            ));
        }
    }
    for first in [FIN | TEXT, PING, PONG, CLOSE] {
        let sends = [head(first, 0, 2), b"{}".to_vec()];
        cases.push(case(
            "5.1",
            format!("{first:#x} without a mask"),
            sends,
            [PROTOCOL_ERROR],
        ));
    }
    for bytes in [125, 126, 65_535, 65_536, MAX_BYTES] {
        let sends = [frame(FIN | TEXT, &said(bytes))];
        cases.push(case(
            "5.2",
            format!("a text of {bytes} bytes"),
            sends,
            [understood()],
        ));
    }
    hold_all(cases).await;
}

#[tokio::test]
async fn messages_come_in_any_number_of_fragments() {
    let text = said(0);
    let mut cases = Vec::new();
    for place in 0..=text.len() {
        let (start, end) = text.split_at(place);
        let sends = [frame(TEXT, start), frame(FIN | CONTINUATION, end)];
        cases.push(case(
            "5.4",
            format!("a text in two, at {place}"),
            sends,
            [understood()],
        ));
    }
    let bytes = text.iter().map(|byte| frame(CONTINUATION, &[*byte]));
    let sends = [frame(TEXT, b"")]
        .into_iter()
        .chain(bytes)
        .chain([frame(FIN | CONTINUATION, b"")]);
    cases.push(case(
        "5.4",
        "a text byte by byte, between empty fragments",
        sends,
        [understood()],
    ));
    hold_all(cases).await;
}

#[tokio::test]
async fn between_fragments_come_control_frames_and_nothing_else() {
    let text = said(0);
    let (start, end) = text.split_at(9);
    let between = |first, payload: &[u8]| {
        [
            frame(TEXT, start),
            frame(first, payload),
            frame(FIN | CONTINUATION, end),
        ]
    };
    let pong = Pong(b"now".to_vec());
    hold_all([
        case(
            "5.4",
            "a ping between fragments",
            between(PING, b"now"),
            [pong, understood()],
        ),
        case(
            "5.5.3",
            "a pong between fragments",
            between(PONG, b"now"),
            [understood()],
        ),
        case(
            "5.5.1",
            "a close between fragments",
            between(CLOSE, &[0x03, 0xe8]),
            [Close(Some(1000))],
        ),
        case(
            "5.4",
            "a text between fragments",
            between(FIN | TEXT, b"{}"),
            [PROTOCOL_ERROR],
        ),
        case(
            "5.4",
            "a binary between fragments",
            between(FIN | BINARY, b"{}"),
            [PROTOCOL_ERROR],
        ),
        case(
            "5.4",
            "a continuation of nothing",
            [frame(FIN | CONTINUATION, &text)],
            [PROTOCOL_ERROR],
        ),
        case(
            "5.4",
            "a beginning of a continuation of nothing",
            [frame(CONTINUATION, &text)],
            [PROTOCOL_ERROR],
        ),
        case(
            "5.4",
            "a continuation behind the last",
            [frame(FIN | TEXT, &text), frame(FIN | CONTINUATION, b"")],
            [understood(), PROTOCOL_ERROR],
        ),
        case(
            "5.4",
            "two texts at once",
            [frame(FIN | TEXT, &text), frame(FIN | TEXT, &text)],
            [understood(), understood()],
        ),
    ])
    .await;
}

#[tokio::test]
async fn control_frames_are_short_and_whole_and_pings_are_echoed() {
    let mut cases = Vec::new();
    for (kind, first) in [("ping", PING), ("pong", PONG), ("close", CLOSE)] {
        let long = [frame(first, &[b'x'; 126])];
        cases.push(case(
            "5.5",
            format!("a {kind} of 126 bytes"),
            long,
            [PROTOCOL_ERROR],
        ));
        let broken = [frame(first & !FIN, b"")];
        cases.push(case(
            "5.5",
            format!("a {kind} in fragments"),
            broken,
            [PROTOCOL_ERROR],
        ));
    }
    for payload in [b"".to_vec(), b"hello".to_vec(), vec![0xff; 125]] {
        let sends = [frame(PING, &payload)];
        cases.push(case(
            "5.5.2",
            format!("a ping of {} bytes", payload.len()),
            sends,
            [Pong(payload)],
        ));
    }
    let unasked = [frame(PONG, b"unasked"), frame(PONG, b"")];
    cases.push(case("5.5.3", "pongs that nobody asked for", unasked, []));
    hold_all(cases).await;
}

#[tokio::test]
async fn texts_are_utf_8_and_nothing_else_is_taken() {
    let bad: [(&str, &[u8]); 7] = [
        ("a byte that is none", &[0xff]),
        ("a continuation byte alone", &[0x80]),
        ("a surrogate", &[0xed, 0xa0, 0x80]),
        ("an overlong form", &[0xc0, 0xaf]),
        ("a character beyond the last", &[0xf4, 0x90, 0x80, 0x80]),
        ("a character that ends too early", &[0xe2, 0x82, b'x']),
        ("a character without its end", &[0xe2, 0x82]),
    ];
    let mut cases = Vec::new();
    for (what, bytes) in bad {
        cases.push(case(
            "8.1",
            what,
            [frame(FIN | TEXT, bytes)],
            [INVALID_UTF8],
        ));
        let in_fragments = bytes.iter().map(|byte| frame(CONTINUATION, &[*byte]));
        let sends = [frame(TEXT, b"")]
            .into_iter()
            .chain(in_fragments)
            .chain([frame(FIN, b"")]);
        cases.push(case(
            "8.1",
            format!("{what}, in fragments"),
            sends,
            [INVALID_UTF8],
        ));
    }
    let early = [frame(TEXT, &[b'x', 0xff])];
    cases.push(case(
        "8.1",
        "a first fragment that is no UTF-8",
        early,
        [INVALID_UTF8],
    ));
    for payload in [b"".as_slice(), b"{}", &[0xff]] {
        cases.push(case(
            "5.6",
            "a binary",
            [frame(FIN | BINARY, payload)],
            [UNSUPPORTED],
        ));
        let sends = [frame(BINARY, payload), frame(FIN | CONTINUATION, b"")];
        cases.push(case("5.6", "a binary in fragments", sends, [UNSUPPORTED]));
    }
    hold_all(cases).await;
}

#[tokio::test]
async fn what_is_too_large_is_refused_before_it_has_come() {
    // Nothing of the payload comes: what is announced is enough.
    let announces = |first, bytes| [head(first, 0x80, bytes), vec![0; 4]];
    let half = vec![b' '; MAX_BYTES / 2 + 1];
    let rest = |fin: u8| frame(fin | CONTINUATION, &half);
    hold_all([
        case(
            "7.4.1",
            "a text that is too large",
            announces(FIN | TEXT, MAX_BYTES + 1),
            [TOO_BIG],
        ),
        case(
            "7.4.1",
            "a binary that is too large",
            announces(FIN | BINARY, MAX_BYTES + 1),
            [TOO_BIG],
        ),
        case(
            "7.4.1",
            "more than there is",
            announces(FIN | TEXT, usize::MAX >> 1),
            [TOO_BIG],
        ),
        case(
            "5.2",
            "a length with its highest bit set",
            announces(FIN | TEXT, usize::MAX),
            [TOO_BIG],
        ),
        case(
            "7.4.1",
            "too much in two fragments",
            [frame(TEXT, &half), rest(FIN)],
            [TOO_BIG],
        ),
        case(
            "7.4.1",
            "too much in fragments without an end",
            [frame(TEXT, &half), rest(0)],
            [TOO_BIG],
        ),
    ])
    .await;
}
