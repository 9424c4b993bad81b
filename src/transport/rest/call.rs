//! One request on its way to the function that answers it.

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::{Buf, Bytes, BytesMut};
use futures_util::{Stream, StreamExt};
use http::HeaderMap;
use http::header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE};
use serde::Serialize;
use tokio::time::timeout;
use uuid::Uuid;

use crate::actors::permit::Permit;
use crate::budget::Reservation;
use crate::config::Limits;
use crate::transport::auth::Identity;
use crate::transport::fields::Fields;
use crate::transport::{Api, ApiError, Response, answers, media_type};

/// A request to a route that anybody may ask.
pub(super) struct Visit {
    pub(super) api: Api,
    /// The path as it was asked for.
    pub(super) path: String,
    /// What stood in it where the template has names.
    pub(super) captured: Captured,
}

/// A request of somebody who is known.
pub(super) struct Call {
    pub(super) api: Api,
    /// Who asks.
    pub(super) identity: Identity,
    pub(super) headers: HeaderMap,
    captured: Captured,
    query: String,
    /// Of a request that acts; of another it is not read.
    pub(super) body: Bytes,
    /// What the answer takes of the read budget, from the first row that is read until it is
    /// written.
    pub(super) reservation: Arc<Reservation>,
    /// The room that the body takes, until it is durable what it asks for.
    room: Mutex<Option<Permit>>,
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

    pub(super) fn query(&self) -> &str {
        &self.query
    }

    /// How the body is coded (RFC 9110, section 8.4), unless it is as it is.
    fn coding(&self) -> Option<&str> {
        let lines = self.headers.get_all(CONTENT_ENCODING).iter();
        let mut codings = lines.flat_map(|line| line.to_str().unwrap_or("?").split(','));
        let is_plain = |coding: &&str| coding.is_empty() || coding.eq_ignore_ascii_case("identity");
        codings.find_map(|coding| Some(coding.trim()).filter(|coding| !is_plain(coding)))
    }

    /// Takes the body in, with the room that it takes. One that announces more than fits is not read at all.
    pub(super) async fn take_body(
        &mut self,
        intake: Intake,
        api: &Api,
    ) -> Result<(Bytes, Permit), ApiError> {
        let announced = self
            .headers
            .get(CONTENT_LENGTH)
            .and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
        if let Some(bytes) = announced.filter(|bytes| *bytes > intake.max_bytes(api)) {
            return Err(intake.too_large(api, bytes));
        }
        if let Some(coding) = self.coding() {
            return Err(ApiError::unsupported_coding(coding));
        }
        let patience = Limits::ms(api.context.limits.body_timeout_ms);
        let (body, room) = timeout(patience, self.read(intake, api))
            .await
            .map_err(|_| ApiError::request_timeout())??;
        let kind = self.headers.get(CONTENT_TYPE);
        let kind = kind.map(|kind| kind.to_str().unwrap_or_default());
        if !body.is_empty() && !kind.is_none_or(|kind| intake.takes(kind)) {
            return Err(ApiError::unsupported_media_type(intake.media_type()));
        }
        Ok((body, room))
    }

    /// Reads as the room for commands allows: all bodies together hold no more of it than there is.
    async fn read(&mut self, intake: Intake, api: &Api) -> Result<(Bytes, Permit), ApiError> {
        let max_bytes = intake.max_bytes(api);
        let mut room = api.permit(0)?;
        let mut body = BytesMut::new();
        while let Some(chunk) = self.body.next().await {
            let chunk = chunk.map_err(|e| ApiError::invalid("body", format!("broke off: {e}")))?;
            let length = u64::try_from(body.len() + chunk.len()).unwrap_or(u64::MAX);
            if length > max_bytes {
                return Err(intake.too_large(api, length));
            }
            api.widen(&mut room, body.len() + chunk.len())?;
            body.extend_from_slice(&chunk);
        }
        Ok((body.freeze(), room))
    }
}

/// What kind of body a route takes, and how much of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Intake {
    /// JSON of settings and names.
    Fields,
    /// JSON with a message in it.
    Message,
    /// Many messages, one on each line: NDJSON.
    Messages,
}

impl Intake {
    fn max_bytes(self, api: &Api) -> u64 {
        let limits = &api.context.limits;
        match self {
            Self::Fields => Limits::BODY_MAX_BYTES,
            Self::Message => limits.message_max_bytes() * ESCAPED_BYTES + ENVELOPE_BYTES,
            Self::Messages => limits.batch_max_mb * MEBIBYTE,
        }
    }

    fn too_large(self, api: &Api, bytes: u64) -> ApiError {
        match self {
            Self::Fields | Self::Messages => ApiError::body_too_large(self.max_bytes(api)),
            Self::Message => {
                let max_message = api.context.limits.message_max_bytes();
                ApiError::message_too_large(max_message, bytes)
            }
        }
    }

    /// The media type that it has.
    pub(super) fn media_type(self) -> &'static str {
        match self {
            Self::Fields | Self::Message => "application/json",
            Self::Messages => "application/x-ndjson",
        }
    }

    fn takes(self, kind: &str) -> bool {
        media_type::is_in_utf8(kind, self.media_type())
    }
}

impl Call {
    pub(super) fn new(
        api: Api,
        identity: Identity,
        captured: Captured,
        load: Load,
        body: Bytes,
        room: Option<Permit>,
    ) -> Self {
        let Load { headers, query, .. } = load;
        let reservation = api.context.budget.reservation(identity.owner());
        Self {
            api,
            identity,
            reservation: Arc::new(reservation),
            headers,
            captured,
            query,
            body,
            room: Mutex::new(room),
        }
    }

    /// Hands on the room that the body takes, widened for what was made of it.
    pub(super) fn take_room(&self, bytes: usize) -> Result<Permit, ApiError> {
        let room = self
            .room
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        let mut room = match room {
            Some(room) => room,
            None => self.api.permit(0)?,
        };
        self.api.widen(&mut room, bytes)?;
        Ok(room)
    }

    /// Reads what the body says; a large one off the threads that serve everybody.
    pub(super) async fn reading<T: Send + 'static>(
        self,
        read: impl FnOnce(&Self) -> Result<T, ApiError> + Send + 'static,
    ) -> Result<(Self, T), ApiError> {
        if self.body.len() <= Limits::BODY_READ_INLINE_MAX_BYTES {
            let said = read(&self)?;
            return Ok((self, said));
        }
        let reading = move || read(&self).map(|said| (self, said));
        let read = tokio::task::spawn_blocking(reading).await;
        read.map_err(|_| ApiError::internal())?
    }

    /// The `{id}` of the path.
    ///
    /// # Panics
    /// If the template has none.
    pub(super) fn id<T: From<Uuid>>(&self) -> T {
        let id = self.captured.id;
        id.expect("the route's template has an {id}").into()
    }

    /// 200 with a body, once there is room for it.
    pub(super) async fn ok(&self, body: &(impl Serialize + Sync)) -> Result<Response, ApiError> {
        answers::json(body, &self.reservation).await
    }

    /// The fields of the query.
    pub(super) fn query(&self) -> Result<Fields, ApiError> {
        Fields::from_query(&self.query)
    }

    /// The fields of a JSON body.
    pub(super) fn fields(&self) -> Result<Fields, ApiError> {
        Fields::from_json(&self.body)
    }
}

/// JSON may write one byte as six (`\u001f`), so a message within its limit may be that much longer on its way.
const ESCAPED_BYTES: u64 = 6;
/// What a request may have beside its message.
const ENVELOPE_BYTES: u64 = 65_536;
const MEBIBYTE: u64 = 1_048_576;
