//! Why a request came to nothing.

use http::StatusCode;
use serde::Deserialize;
use serde_json::Value;

/// Why a request came to nothing, and whose fault it was.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The caller's: this is no address that this client can use.
    #[error("{0:?} is not the address of a server: write it as http://host:port")]
    Address(String),
    /// The caller's: a token that cannot stand in a header.
    #[error("the token holds characters that no token has: copy it again, without line breaks")]
    Token,
    /// The network's, or the server is not there.
    #[error("no answer from {address}: is the server running there?")]
    Unreachable {
        /// The server's address.
        address: String,
        /// What went wrong below.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The server said no.
    #[error("{0}")]
    Refused(Box<Refused>),
    /// The server's: it answered in a way that this client does not understand.
    #[error("the server's answer to {request} is not understood: {why}")]
    Unexpected {
        /// What was asked for.
        request: String,
        /// What is wrong with the answer.
        why: String,
    },
}

/// The server said no: status, stable code, and words for people.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{message} ({status}, {code})")]
pub struct Refused {
    /// The HTTP status.
    pub status: StatusCode,
    /// The stable word, such as `validation_error`.
    pub code: String,
    /// For people.
    pub message: String,
    /// What the code has to say beyond that; null when nothing.
    pub details: Value,
    /// Seconds after which another try may succeed.
    pub retry_after_s: Option<u64>,
}

impl Error {
    /// The refusal, if the server answered with one.
    pub fn refused(&self) -> Option<&Refused> {
        match self {
            Self::Refused(refused) => Some(refused),
            Self::Address(_) | Self::Token | Self::Unreachable { .. } | Self::Unexpected { .. } => {
                None
            }
        }
    }

    /// The status of the server's refusal.
    pub fn status(&self) -> Option<StatusCode> {
        self.refused().map(|refused| refused.status)
    }

    /// The stable code of the server's refusal.
    pub fn code(&self) -> Option<&str> {
        self.refused().map(|refused| refused.code.as_str())
    }
}

impl Refused {
    /// Reads a refusal; one that is not in the server's JSON shape, as a proxy might send, keeps its status and its text.
    pub(super) fn read(status: StatusCode, headers: &http::HeaderMap, body: &[u8]) -> Self {
        #[derive(Deserialize)]
        struct Said {
            error: String,
            message: String,
            #[serde(default)]
            details: Value,
        }
        let said = serde_json::from_slice(body).unwrap_or_else(|_| Said {
            error: "unknown".to_owned(),
            message: String::from_utf8_lossy(body).trim().to_owned(),
            details: Value::Null,
        });
        let retry_after = headers.get(http::header::RETRY_AFTER);
        Self {
            status,
            code: said.error,
            message: said.message,
            details: said.details,
            retry_after_s: retry_after.and_then(|value| value.to_str().ok()?.parse().ok()),
        }
    }
}

impl From<Refused> for Error {
    fn from(refused: Refused) -> Self {
        Self::Refused(Box::new(refused))
    }
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, HeaderValue};

    use super::*;

    #[test]
    fn a_refusal_keeps_code_details_and_retry_time() {
        let mut headers = HeaderMap::new();
        headers.insert("retry-after", HeaderValue::from_static("2"));
        let body = br#"{"error":"overloaded","message":"later","details":{"pending":9}}"#;
        let error = Error::from(Refused::read(
            StatusCode::SERVICE_UNAVAILABLE,
            &headers,
            body,
        ));
        assert_eq!(error.code(), Some("overloaded"));
        let refused = error.refused().unwrap();
        assert_eq!(refused.retry_after_s, Some(2));
        assert_eq!(refused.details["pending"], 9);
        assert_eq!(
            error.to_string(),
            "later (503 Service Unavailable, overloaded)"
        );
    }

    #[test]
    fn a_refusal_from_a_stranger_keeps_its_words() {
        let refused = Refused::read(
            StatusCode::BAD_GATEWAY,
            &HeaderMap::new(),
            b"upstream is gone\n",
        );
        assert_eq!(
            (refused.code.as_str(), refused.message.as_str()),
            ("unknown", "upstream is gone")
        );
    }
}
