//! One frame as it leaves, and the id that a client put on one that came.

use std::fmt;

use serde::de::Visitor;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Number;
use tokio_tungstenite::tungstenite::{Bytes, Utf8Bytes};

/// Encoded text, ready for any number of sockets: a clone shares the bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    text: Utf8Bytes,
    position: Option<u64>,
}

/// A text, and what is kept as long as it is.
struct Owned<T> {
    text: Utf8Bytes,
    _owner: T,
}

impl<T> AsRef<[u8]> for Owned<T> {
    fn as_ref(&self) -> &[u8] {
        self.text.as_str().as_bytes()
    }
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

    /// The same frame, which keeps `owner` for as long as any clone of it is there: what it takes
    /// of a budget, for example.
    #[must_use]
    pub fn held_with(self, owner: impl Send + Sync + 'static) -> Self {
        let owned = Bytes::from_owner(Owned {
            text: self.text,
            _owner: owner,
        });
        let text = Utf8Bytes::try_from(owned).expect("it was UTF-8 before");
        Self { text, ..self }
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
