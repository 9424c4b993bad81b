//! How a conversation ends.

use super::Said::Close;
use super::{CLOSE, FIN, ID, INVALID_UTF8, PING, PROTOCOL_ERROR, TEXT, case, hold_all, said};
use crate::support::raw::frame;

fn close(code: u16, reason: &[u8]) -> Vec<u8> {
    frame(CLOSE, &[&code.to_be_bytes(), reason].concat())
}

#[tokio::test]
async fn a_close_is_answered_and_ends_the_connection() {
    let mut cases = Vec::new();
    for code in [
        1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 3000, 3999, 4000, 4999,
    ] {
        for reason in ["", "bye", ID] {
            let sends = [close(code, reason.as_bytes())];
            cases.push(case(
                "7.4",
                format!("{code} {reason}"),
                sends,
                [Close(Some(code))],
            ));
        }
    }
    for code in [0, 999, 1004, 1005, 1006, 1015, 2999, 5000, 65_535] {
        cases.push(case(
            "7.4",
            format!("{code} must not be sent"),
            [close(code, b"")],
            [PROTOCOL_ERROR],
        ));
    }
    hold_all(cases).await;
}

#[tokio::test]
async fn a_close_is_the_last_word() {
    let text = frame(FIN | TEXT, &said(0));
    hold_all([
        case(
            "5.5.1",
            "a close without a code",
            [frame(CLOSE, b"")],
            [Close(None)],
        ),
        case(
            "5.5.1",
            "a close with half a code",
            [frame(CLOSE, &[0x03])],
            [PROTOCOL_ERROR],
        ),
        case(
            "5.5.1",
            "the longest reason",
            [close(1000, &[b'x'; 123])],
            [Close(Some(1000))],
        ),
        case(
            "8.1",
            "a reason that is no UTF-8",
            [close(1000, &[0xff])],
            [INVALID_UTF8],
        ),
        case(
            "5.5.1",
            "a text behind the close",
            [close(1000, b""), text.clone()],
            [Close(Some(1000))],
        ),
        case(
            "5.5.1",
            "a ping behind the close",
            [close(1000, b""), frame(PING, b"x")],
            [Close(Some(1000))],
        ),
        case(
            "5.5.1",
            "two closes",
            [close(1000, b""), close(1001, b"")],
            [Close(Some(1000))],
        ),
        case(
            "7.1.7",
            "a text behind a fault",
            [frame(0xf1, b""), text],
            [PROTOCOL_ERROR],
        ),
    ])
    .await;
}
