//! Large answers to reads, on their way to whoever asked: all of them together take so much room and no more.

use std::sync::Arc;

use bytes::Bytes;
use http_body_util::BodyExt;
use hyper::body::Body;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::{ApiError, Response};
use crate::config::Limits;

/// The room for them. It is not that of commands, so that readers who are slow hold up no agent that has something to say.
#[derive(Clone, Debug)]
pub struct Answers {
    places: Arc<Semaphore>,
    most: u32,
}

/// A body, and the room that it takes until it is written or given up.
struct Held {
    body: Bytes,
    _room: OwnedSemaphorePermit,
}

impl AsRef<[u8]> for Held {
    fn as_ref(&self) -> &[u8] {
        &self.body
    }
}

impl Answers {
    /// As much room as these limits give.
    pub fn new(limits: &Limits) -> Self {
        let most = limits.answers_max_mb * PLACES_PER_MB;
        let places = usize::try_from(most).unwrap_or(Semaphore::MAX_PERMITS);
        Self {
            places: Arc::new(Semaphore::new(places)),
            most,
        }
    }

    /// Lets a large answer hold its room as long as it is there; one that is larger than all of it has it to itself.
    pub(super) async fn hold(&self, response: Response) -> Result<Response, ApiError> {
        let bytes = response.body().size_hint().lower();
        let places = u32::try_from(bytes / BYTES_PER_PLACE).unwrap_or(u32::MAX);
        if places == 0 {
            return Ok(response);
        }
        let room = Arc::clone(&self.places).try_acquire_many_owned(places.min(self.most));
        let room = room.map_err(|_| ApiError::overloaded())?;
        let (parts, body) = response.into_parts();
        let body = body.collect().await.map_err(|_| ApiError::internal())?;
        let held = Held {
            body: body.to_bytes(),
            _room: room,
        };
        Ok(Response::from_parts(parts, Bytes::from_owner(held).into()))
    }
}

/// What is counted; a smaller answer is not.
const BYTES_PER_PLACE: u64 = 65_536;
const PLACES_PER_MB: u32 = 16;
