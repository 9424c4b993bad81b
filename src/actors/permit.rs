//! Permits: the bound on what comes in. Whatever an agent causes carries one until it is answered.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// How much the whole server may have waiting for the database.
///
/// When it is full, [`try_take`](Self::try_take) says no and the command is refused as overloaded.
#[derive(Clone, Debug)]
pub struct Permits {
    places: Arc<Semaphore>,
}

/// A place taken; dropping it frees the place.
#[derive(Debug)]
pub struct Permit {
    _place: OwnedSemaphorePermit,
    _of_connection: Option<OwnedSemaphorePermit>,
}

impl Permits {
    /// So many places.
    pub fn new(places: usize) -> Self {
        Self {
            places: Arc::new(Semaphore::new(places)),
        }
    }

    /// A place, unless all are taken.
    pub fn try_take(&self) -> Option<Permit> {
        let place = Arc::clone(&self.places).try_acquire_owned().ok()?;
        Some(Permit {
            _place: place,
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
