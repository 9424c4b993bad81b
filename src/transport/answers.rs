//! Answers to reads: room is reserved before an answer is encoded, and held until it is written.

use std::sync::Arc;

use bytes::Bytes;
use http::HeaderValue;
use http::header::CONTENT_TYPE;
use http_body_util::BodyExt;
use hyper::body::Body;
use serde::Serialize;

use super::{ApiError, Response};
use crate::budget::{Budget, Charge, Reservation};
use crate::storage;

/// A body, and what it takes of the read budget until it is written or given up.
struct Held {
    body: Bytes,
    _reservation: Arc<Reservation>,
    _charge: Option<Charge>,
}

impl AsRef<[u8]> for Held {
    fn as_ref(&self) -> &[u8] {
        &self.body
    }
}

/// 200 with JSON, in a buffer of just its size. It is encoded twice: the first time to see how
/// long it is, so that there is room for it before it is there.
pub(super) async fn json(
    body: &(impl Serialize + Sync),
    reservation: &Reservation,
) -> Result<Response, ApiError> {
    let mut length = Length(0);
    serde_json::to_writer(&mut length, body).map_err(|_| ApiError::internal())?;
    let room = reservation.take(length.0).await;
    room.map_err(storage::Error::from)?;
    let mut text = Vec::with_capacity(length.0);
    serde_json::to_writer(&mut text, body).map_err(|_| ApiError::internal())?;
    let mut response = Response::new(Bytes::from(text).into());
    let kind = HeaderValue::from_static("application/json");
    response.headers_mut().insert(CONTENT_TYPE, kind);
    Ok(response)
}

/// Lets an answer hold as much of the budget as it takes, for as long as it is there. What was
/// done is never answered with a refusal, so one that is longer than was reserved is only counted.
pub(super) async fn hold(
    response: Response,
    reservation: Arc<Reservation>,
    budget: &Budget,
) -> Result<Response, ApiError> {
    let bytes = length(&response);
    reservation.keep(bytes);
    let more = bytes - reservation.bytes();
    let charge = (more > 0).then(|| budget.charge(more));
    held(response, reservation, charge).await
}

/// The same for an answer that was kept, and can be asked for again.
pub(super) async fn hold_if_there_is_room(
    response: Response,
    reservation: Reservation,
) -> Result<Response, ApiError> {
    let room = reservation.take(length(&response)).await;
    room.map_err(storage::Error::from)?;
    held(response, Arc::new(reservation), None).await
}

async fn held(
    response: Response,
    reservation: Arc<Reservation>,
    charge: Option<Charge>,
) -> Result<Response, ApiError> {
    let (parts, body) = response.into_parts();
    let body = body.collect().await.map_err(|_| ApiError::internal())?;
    let held = Held {
        body: body.to_bytes(),
        _reservation: reservation,
        _charge: charge,
    };
    Ok(Response::from_parts(parts, Bytes::from_owner(held).into()))
}

fn length(response: &Response) -> usize {
    let bytes = response.body().size_hint().lower();
    usize::try_from(bytes).unwrap_or(usize::MAX)
}

/// Counts what is written and keeps nothing of it.
struct Length(usize);

impl std::io::Write for Length {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0 += bytes.len();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
