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
    place: OwnedSemaphorePermit,
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
        let places = u32::try_from(places(bytes)).ok()?;
        let place = Arc::clone(&self.places)
            .try_acquire_many_owned(places)
            .ok()?;
        Some(Permit {
            place,
            _counted: self.metrics.command_pending(),
            _of_connection: None,
        })
    }

    /// Takes as many more places as `permit` needs to hold so many bytes; `false` if too few are free.
    pub fn try_widen(&self, permit: &mut Permit, bytes: usize) -> bool {
        let needed = places(bytes).saturating_sub(permit.place.num_permits());
        let Ok(needed) = u32::try_from(needed) else {
            return false;
        };
        if needed == 0 {
            return true;
        }
        match Arc::clone(&self.places).try_acquire_many_owned(needed) {
            Ok(more) => {
                permit.place.merge(more);
                true
            }
            Err(_) => false,
        }
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

fn places(bytes: usize) -> usize {
    1 + bytes / Limits::BYTES_PER_PERMIT
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_permit_grows_with_what_it_holds_and_gives_all_of_it_back() {
        let permits = Permits::new(4, Metrics::new());
        let mut permit = permits.try_take(0).expect("room");
        assert!(permits.try_widen(&mut permit, Limits::BYTES_PER_PERMIT - 1));
        assert_eq!(permits.free(), 3);
        assert!(permits.try_widen(&mut permit, 3 * Limits::BYTES_PER_PERMIT));
        assert_eq!(permits.free(), 0);
        assert!(!permits.try_widen(&mut permit, 4 * Limits::BYTES_PER_PERMIT));
        assert!(permits.try_take(0).is_none());
        drop(permit);
        assert_eq!(permits.free(), 4);
    }
}
