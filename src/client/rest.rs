//! REST: JSON in, JSON out.

use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use http::{Method, Request, Response, Uri};
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy;
use hyper_util::rt::TokioExecutor;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use uuid::Uuid;

use super::error::{Error, Refused};
use super::network::{Connector, Network, Tcp};

/// One server, seen with one token. Cheap to clone: clones share their connections.
#[derive(Clone)]
pub struct Client {
    http: legacy::Client<Connector, Full<Bytes>>,
    network: Connector,
    address: String,
    bearer: Option<HeaderValue>,
}

/// A new agent, or an agent with a new token, which is shown only this once.
#[derive(Clone, Deserialize)]
pub struct Credentials {
    /// The agent.
    pub id: Uuid,
    /// Its token.
    pub token: String,
}

impl Client {
    /// The server at `base_url`, such as `http://127.0.0.1:8080`, seen with `token`; an empty token is not sent.
    ///
    /// # Errors
    /// [`Error::Address`] or [`Error::Token`].
    pub fn new(base_url: &str, token: &str) -> Result<Self, Error> {
        Self::over(Tcp, base_url, token)
    }

    /// The same, reached over another network than TCP.
    ///
    /// # Errors
    /// [`Error::Address`] or [`Error::Token`].
    pub fn over(network: impl Network, base_url: &str, token: &str) -> Result<Self, Error> {
        let address = base_url.trim_end_matches('/');
        let uri: Uri = address
            .parse()
            .map_err(|_| Error::Address(base_url.to_owned()))?;
        if uri.scheme_str() != Some("http") || uri.host().is_none_or(str::is_empty) {
            return Err(Error::Address(base_url.to_owned()));
        }
        let network = Connector::new(network);
        let http = legacy::Client::builder(TokioExecutor::new()).build(network.clone());
        let address = address.to_owned();
        let bearer = bearer(token)?;
        Ok(Self {
            http,
            network,
            address,
            bearer,
        })
    }

    /// The same server, seen with another token.
    ///
    /// # Errors
    /// [`Error::Token`].
    pub fn with_token(&self, token: &str) -> Result<Self, Error> {
        let bearer = bearer(token)?;
        Ok(Self {
            bearer,
            ..self.clone()
        })
    }

    /// The server's address, without a slash at its end.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Adds an agent; needs the admin token.
    ///
    /// # Errors
    /// As [`send`](Self::send).
    pub async fn create_agent(&self, name: &str) -> Result<Credentials, Error> {
        self.post("/api/v1/agents", &json!({"name": name})).await
    }

    /// Creates a meeting and answers its id; `meeting` holds topic, `participant_ids` and settings.
    ///
    /// # Errors
    /// As [`send`](Self::send).
    pub async fn create_meeting(&self, meeting: &Value) -> Result<Uuid, Error> {
        #[derive(Deserialize)]
        struct Created {
            id: Uuid,
        }
        let created: Created = self.post("/api/v1/meetings", meeting).await?;
        Ok(created.id)
    }

    /// Starts a meeting; needs the admin token or the moderator's.
    ///
    /// # Errors
    /// As [`send`](Self::send).
    pub async fn start_meeting(&self, meeting: Uuid) -> Result<(), Error> {
        let path = format!("/api/v1/meetings/{meeting}/start");
        self.send(Method::POST, &path, Some(&json!({})))
            .await
            .map(drop)
    }

    /// A meeting with its participants, messages, decision and live state.
    ///
    /// # Errors
    /// As [`send`](Self::send).
    pub async fn meeting(&self, meeting: Uuid) -> Result<Value, Error> {
        self.get(&format!("/api/v1/meetings/{meeting}")).await
    }

    /// The decision of a meeting, if there is one.
    ///
    /// # Errors
    /// As [`send`](Self::send).
    pub async fn decision_of(&self, meeting: Uuid) -> Result<Option<Value>, Error> {
        #[derive(Deserialize)]
        struct Decisions {
            decisions: Vec<Value>,
        }
        let path = format!("/api/v1/decisions?meeting_id={meeting}");
        let listed: Decisions = self.get(&path).await?;
        Ok(listed.decisions.into_iter().next())
    }

    /// Whether the server is up and its database answers.
    pub async fn is_ready(&self) -> bool {
        self.send(Method::GET, "/readyz", None).await.is_ok()
    }

    /// GETs `path`, which begins at the root: `/api/v1/agents`.
    ///
    /// # Errors
    /// As [`send`](Self::send), and [`Error::Unexpected`] if the answer is no `T`.
    pub async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, Error> {
        let body = self.send(Method::GET, path, None).await?;
        understand(path, &body)
    }

    /// POSTs `body` as JSON.
    ///
    /// # Errors
    /// As [`send`](Self::send), and [`Error::Unexpected`] if the answer is no `T`.
    pub async fn post<T: DeserializeOwned>(
        &self,
        path: &str,
        body: &(impl Serialize + Sync),
    ) -> Result<T, Error> {
        let body = serde_json::to_value(body).map_err(|e| unexpected(path, &e))?;
        let body = self.send(Method::POST, path, Some(&body)).await?;
        understand(path, &body)
    }

    /// Sends a request and answers the body of a success, whatever it is.
    ///
    /// # Errors
    /// [`Error::Unreachable`], or [`Error::Refused`] for every status but 2xx.
    pub async fn send(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<Bytes, Error> {
        let mut request = Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.address));
        if body.is_some() {
            request = request.header(CONTENT_TYPE, "application/json");
        }
        let body = body.map(Value::to_string).unwrap_or_default();
        let request = request
            .body(body.into())
            .map_err(|_| Error::Address(format!("{}{path}", self.address)))?;
        let response = self.exchange(request).await?;
        if response.status().is_success() {
            Ok(response.into_body())
        } else {
            let refused = Refused::read(response.status(), response.headers(), response.body());
            Err(refused.into())
        }
    }

    /// Sends any request, with this client's token unless it carries one, and answers whatever comes back.
    ///
    /// # Errors
    /// [`Error::Unreachable`].
    pub async fn exchange(
        &self,
        mut request: Request<Full<Bytes>>,
    ) -> Result<Response<Bytes>, Error> {
        if let Some(bearer) = &self.bearer {
            request
                .headers_mut()
                .entry(AUTHORIZATION)
                .or_insert_with(|| bearer.clone());
        }
        let answer = async {
            let (parts, body) = self.http.request(request).await?.into_parts();
            let body = body.collect().await?.to_bytes();
            Ok(Response::from_parts(parts, body))
        };
        match tokio::time::timeout(ANSWER_TIMEOUT, answer).await {
            Ok(answered) => answered.map_err(|source| self.unreachable(source)),
            Err(elapsed) => Err(self.unreachable(elapsed.into())),
        }
    }

    pub(super) fn network(&self) -> &Connector {
        &self.network
    }

    pub(super) fn bearer(&self) -> Option<&HeaderValue> {
        self.bearer.as_ref()
    }

    pub(super) fn unreachable(&self, source: Box<dyn std::error::Error + Send + Sync>) -> Error {
        Error::Unreachable {
            address: self.address.clone(),
            source,
        }
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Client").field(&self.address).finish()
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Credentials").field(&self.id).finish()
    }
}

/// Longer than the server itself waits for anything.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(30);

fn bearer(token: &str) -> Result<Option<HeaderValue>, Error> {
    if token.is_empty() {
        return Ok(None);
    }
    let mut value = HeaderValue::from_str(&format!("Bearer {token}")).map_err(|_| Error::Token)?;
    value.set_sensitive(true);
    Ok(Some(value))
}

fn understand<T: DeserializeOwned>(path: &str, body: &[u8]) -> Result<T, Error> {
    serde_json::from_slice(body).map_err(|e| unexpected(path, &e))
}

fn unexpected(path: &str, why: &serde_json::Error) -> Error {
    Error::Unexpected {
        request: path.to_owned(),
        why: why.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_that_cannot_be_used_is_explained() {
        for wrong in ["127.0.0.1:8080", "https://example.org", "http://", ""] {
            let error = Client::new(wrong, "").unwrap_err();
            assert!(matches!(error, Error::Address(_)), "{wrong}: {error}");
        }
        assert_eq!(
            Client::new("http://[::1]:8080/", "").unwrap().address(),
            "http://[::1]:8080"
        );
    }

    #[test]
    fn a_token_never_shows() {
        let client = Client::new("http://127.0.0.1:1", "secret").unwrap();
        assert!(!format!("{client:?}").contains("secret"));
        assert!(matches!(client.with_token("two\nlines"), Err(Error::Token)));
    }

    #[tokio::test]
    async fn a_server_that_is_not_there_is_unreachable() {
        let client = Client::new("http://127.0.0.1:1", "").unwrap();
        let error = client.meeting(Uuid::nil()).await.unwrap_err();
        assert!(matches!(error, Error::Unreachable { .. }), "{error}");
        assert!(!client.is_ready().await);
    }
}
