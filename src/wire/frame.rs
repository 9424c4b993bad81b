//! One frame as it leaves, and the id that a client put on one that came.

use serde::{Deserialize, Serialize};
use serde_json::Number;
use tokio_tungstenite::tungstenite::Utf8Bytes;

/// Encoded text, ready for any number of sockets: a clone shares the bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame(Utf8Bytes);

impl Frame {
    /// A frame of this text.
    pub fn new(text: String) -> Self {
        Self(text.into())
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }

    /// The bytes on the wire.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The shared bytes.
    pub fn into_bytes(self) -> Utf8Bytes {
        self.0
    }
}

/// The id that a client gave a frame: text or a number, given back as it came.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum FrameId {
    /// Text, at most [`MAX_FRAME_ID_CHARS`] characters.
    Text(String),
    /// A number.
    Number(Number),
}

impl FrameId {
    /// The JSON text under which the journal keeps it.
    pub fn to_json(&self) -> String {
        match self {
            Self::Text(text) => serde_json::Value::from(text.as_str()).to_string(),
            Self::Number(number) => number.to_string(),
        }
    }
}

/// Room for a UUID or a trace id; ids are kept with the journal.
pub const MAX_FRAME_ID_CHARS: usize = 128;
