//! One request on its way to the function that answers it.

use std::pin::Pin;

use bytes::{Buf, Bytes, BytesMut};
use futures_util::{Stream, StreamExt};
use http::HeaderMap;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use tokio::time::timeout;
use uuid::Uuid;

use crate::config::Limits;
use crate::transport::auth::Identity;
use crate::transport::fields::Fields;
use crate::transport::{Api, ApiError};

/// A request to a route that anybody may ask.
pub(super) struct Visit {
    pub(super) api: Api,
    /// The path as it was asked for.
    pub(super) path: String,
    /// What stood in it where the template has names.
    pub(super) captured: Captured,
}

/// A request of somebody who is known. Its body is not read yet.
pub(super) struct Call {
    pub(super) api: Api,
    /// Who asks.
    pub(super) identity: Identity,
    pub(super) headers: HeaderMap,
    captured: Captured,
    query: String,
    body: Body,
}

/// What stood in a path where its template has names in braces.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Captured {
    pub(super) id: Option<Uuid>,
    pub(super) text: Option<String>,
}

/// What a request brings beside its path.
pub(super) struct Load {
    headers: HeaderMap,
    query: String,
    body: Body,
}

type Body = Pin<Box<dyn Stream<Item = Result<Bytes, warp::Error>> + Send + Sync>>;

impl Load {
    pub(super) fn new<B: Buf>(
        headers: HeaderMap,
        query: String,
        body: impl Stream<Item = Result<B, warp::Error>> + Send + Sync + 'static,
    ) -> Self {
        let body = body.map(|chunk| chunk.map(|mut chunk| chunk.copy_to_bytes(chunk.remaining())));
        Self {
            headers,
            query,
            body: Box::pin(body),
        }
    }

    pub(super) fn headers(&self) -> &HeaderMap {
        &self.headers
    }
}

impl Call {
    pub(super) fn new(api: Api, identity: Identity, captured: Captured, load: Load) -> Self {
        let Load {
            headers,
            query,
            body,
        } = load;
        Self {
            api,
            identity,
            headers,
            captured,
            query,
            body,
        }
    }

    /// The `{id}` of the path.
    ///
    /// # Panics
    /// If the template has none.
    pub(super) fn id<T: From<Uuid>>(&self) -> T {
        let id = self.captured.id;
        id.expect("the route's template has an {id}").into()
    }

    /// The fields of the query.
    pub(super) fn query(&self) -> Result<Fields, ApiError> {
        Fields::from_query(&self.query)
    }

    /// The fields of a JSON body that is no message.
    pub(super) async fn fields(&mut self) -> Result<Fields, ApiError> {
        let too_large = |_| ApiError::body_too_large(Limits::BODY_MAX_BYTES);
        self.body(Limits::BODY_MAX_BYTES, too_large).await
    }

    /// The fields of a JSON body of at most so many bytes. `too_large` is told how many there are.
    pub(super) async fn body(
        &mut self,
        max_bytes: u64,
        too_large: impl Fn(u64) -> ApiError + Send,
    ) -> Result<Fields, ApiError> {
        let body = self.bytes(max_bytes, too_large).await?;
        let content_type = self.headers.get(CONTENT_TYPE);
        let content_type = content_type.map(|value| value.to_str().unwrap_or_default());
        if !body.is_empty() && !content_type.is_none_or(|kind| kind.starts_with("application/json"))
        {
            return Err(ApiError::not_json());
        }
        Fields::from_json(&body)
    }

    /// The body as it came. One that announces more than `max_bytes` is not read at all.
    pub(super) async fn bytes(
        &mut self,
        max_bytes: u64,
        too_large: impl Fn(u64) -> ApiError + Send,
    ) -> Result<Bytes, ApiError> {
        let announced = self
            .headers
            .get(CONTENT_LENGTH)
            .and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
        if let Some(announced) = announced.filter(|announced| *announced > max_bytes) {
            return Err(too_large(announced));
        }
        timeout(Limits::BODY_TIMEOUT, self.read(max_bytes, too_large))
            .await
            .map_err(|_| ApiError::request_timeout())?
    }

    async fn read(
        &mut self,
        max_bytes: u64,
        too_large: impl Fn(u64) -> ApiError + Send,
    ) -> Result<Bytes, ApiError> {
        let mut body = BytesMut::new();
        while let Some(chunk) = self.body.next().await {
            let chunk = chunk.map_err(|e| ApiError::invalid("body", format!("broke off: {e}")))?;
            let length = u64::try_from(body.len() + chunk.len()).unwrap_or(u64::MAX);
            if length > max_bytes {
                return Err(too_large(length));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body.freeze())
    }
}
