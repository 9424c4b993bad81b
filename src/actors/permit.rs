//! Permits: the bound on what comes in. Whatever an agent causes carries one until it is answered.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::config::Limits;
use crate::telemetry::{Held, Metrics};

/// How much the whole server may have waiting for the database.
///
/// When it is full, [`try_take`](Self::try_take) says no and the command is refused as overloaded.
#[derive(Clone, Debug)]
pub struct Permits {
    places: Arc<Semaphore>,
    metrics: Metrics,
}

/// A place taken; dropping it frees the place.
#[derive(Debug)]
pub struct Permit {
    _place: OwnedSemaphorePermit,
    _counted: Held,
    _of_connection: Option<OwnedSemaphorePermit>,
}

impl Permits {
    /// So many places.
    pub fn new(places: usize, metrics: Metrics) -> Self {
        Self {
            places: Arc::new(Semaphore::new(places)),
            metrics,
        }
    }

    /// A place, and one more for each [`Limits::BYTES_PER_PERMIT`] of what is to be held, unless too few are free.
    pub fn try_take(&self, bytes: usize) -> Option<Permit> {
        let places = u32::try_from(1 + bytes / Limits::BYTES_PER_PERMIT).ok()?;
        let place = Arc::clone(&self.places)
            .try_acquire_many_owned(places)
            .ok()?;
        Some(Permit {
            _place: place,
            _counted: self.metrics.command_pending(),
            _of_connection: None,
        })
    }

    /// How many places are free.
    pub fn free(&self) -> usize {
        self.places.available_permits()
    }
}

impl Permit {
    /// Holds a place of the connection's own as well.
    #[must_use]
    pub fn with(self, connection: OwnedSemaphorePermit) -> Self {
        Self {
            _of_connection: Some(connection),
            ..self
        }
    }
}
