//! A long message leaves in fragments (RFC 6455, section 5.4).
//!
//! The WebSocket library copies each frame into a buffer of the socket's own, which never shrinks.
//! A fragment is small, so a thousand readers of a message of megabytes share its bytes, and each
//! has one fragment of its own. Control frames may come between fragments, a close among them.

use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::frame::Frame as Fragment;
use tokio_tungstenite::tungstenite::protocol::frame::coding::{Data, OpCode};

use crate::config::Limits;
use crate::wire::Frame;

/// The messages as which the library is handed a frame: one, or one for each fragment. Each ends
/// between two characters.
pub(super) fn of(frame: Frame) -> impl Iterator<Item = Message> {
    let text = frame.into_bytes();
    let mut begin = 0;
    std::iter::from_fn(move || {
        if begin == 0 && text.len() <= Limits::FRAGMENT_BYTES {
            begin = usize::MAX;
            return Some(Message::Text(text.clone()));
        }
        if begin >= text.len() {
            return None;
        }
        let end = text
            .as_str()
            .floor_char_boundary(begin + Limits::FRAGMENT_BYTES);
        let kind = if begin == 0 {
            Data::Text
        } else {
            Data::Continue
        };
        let bytes = AsRef::<tokio_tungstenite::tungstenite::Bytes>::as_ref(&text).slice(begin..end);
        begin = end;
        let is_last = end == text.len();
        let fragment = Fragment::message(bytes, OpCode::Data(kind), is_last);
        Some(Message::Frame(fragment))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fragments(text: &str) -> Vec<Message> {
        of(Frame::new(text.to_owned())).collect()
    }

    #[test]
    fn a_short_message_is_one_frame() {
        for length in [0, 1, Limits::FRAGMENT_BYTES] {
            let text = "x".repeat(length);
            assert_eq!(fragments(&text), [Message::text(text)]);
        }
    }

    #[test]
    fn a_long_message_leaves_in_fragments_that_end_between_characters() {
        let text = "ä".repeat(Limits::FRAGMENT_BYTES) + "x";
        let fragments = fragments(&text);
        let mut joined = String::new();
        for (nth, fragment) in fragments.iter().enumerate() {
            let Message::Frame(fragment) = fragment else {
                panic!("{fragment:?}");
            };
            let header = fragment.header();
            assert_eq!(header.is_final, nth + 1 == fragments.len());
            let kind = if nth == 0 { Data::Text } else { Data::Continue };
            assert_eq!(header.opcode, OpCode::Data(kind));
            assert!(fragment.payload().len() <= Limits::FRAGMENT_BYTES);
            joined += std::str::from_utf8(fragment.payload()).unwrap();
        }
        assert_eq!(joined, text);
    }
}
