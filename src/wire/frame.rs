//! One frame as it leaves, and the id that a client put on one that came.

use std::fmt;

use serde::de::Visitor;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Number;
use tokio_tungstenite::tungstenite::Utf8Bytes;

/// Encoded text, ready for any number of sockets: a clone shares the bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    text: Utf8Bytes,
    position: Option<u64>,
}

impl Frame {
    /// A frame of this text.
    pub fn new(text: String) -> Self {
        Self {
            text: text.into(),
            position: None,
        }
    }

    /// A frame with a place in its receiver's line: a direct message.
    pub fn in_line(text: String, position: u64) -> Self {
        Self {
            position: Some(position),
            ..Self::new(text)
        }
    }

    /// Its place in its receiver's line, if it has one.
    pub fn position(&self) -> Option<u64> {
        self.position
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        self.text.as_str()
    }

    /// The bytes on the wire.
    pub fn len(&self) -> usize {
        self.text.len()
    }

    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.text.is_empty()
    }

    /// The shared bytes.
    pub fn into_bytes(self) -> Utf8Bytes {
        self.text
    }
}

/// The id that a client gave a frame: text or a whole number, given back as it came.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum FrameId {
    /// Text, at most [`MAX_FRAME_ID_CHARS`] characters.
    Text(String),
    /// A whole number of 64 bits: another would be rounded, and two ids be taken for one.
    Number(Number),
}

impl<'de> Deserialize<'de> for FrameId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Given;
        impl Visitor<'_> for Given {
            type Value = FrameId;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an id, which is a text or a whole number of 64 bits")
            }

            fn visit_str<E>(self, text: &str) -> Result<FrameId, E> {
                Ok(FrameId::Text(text.to_owned()))
            }

            fn visit_i64<E>(self, number: i64) -> Result<FrameId, E> {
                Ok(FrameId::Number(number.into()))
            }

            fn visit_u64<E>(self, number: u64) -> Result<FrameId, E> {
                Ok(FrameId::Number(number.into()))
            }
        }
        deserializer.deserialize_any(Given)
    }
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
