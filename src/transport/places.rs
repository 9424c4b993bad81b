//! Places: how many connections there may be, in all and from one network.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::actors::throttle::Network;
use crate::config::Limits;
use crate::telemetry::{Held, Metrics};

/// All places of the house; cheap to clone.
#[derive(Clone, Debug)]
pub(super) struct Places {
    free: Arc<Semaphore>,
    max: u32,
    networks: Arc<Networks>,
    metrics: Metrics,
}

/// One place, for whoever comes next.
#[derive(Debug)]
pub(super) struct Reserved {
    _permit: OwnedSemaphorePermit,
}

/// One place taken, kept as long as its socket.
#[derive(Debug)]
pub(super) struct Place {
    _reserved: Reserved,
    network: Network,
    networks: Arc<Networks>,
    _counted: Held,
}

/// How many places each network has taken.
#[derive(Debug)]
struct Networks {
    taken: Mutex<HashMap<Network, u32>>,
    max: u32,
}

impl Places {
    pub(super) fn new(limits: &Limits, metrics: Metrics) -> Self {
        Self {
            free: Arc::new(Semaphore::new(limits.connections_max as usize)),
            max: limits.connections_max,
            networks: Arc::new(Networks {
                taken: Mutex::default(),
                max: limits.connections_per_address_max,
            }),
            metrics,
        }
    }

    /// Waits for a free place. Safe to cancel.
    pub(super) async fn reserve(&self) -> Reserved {
        let permit = Arc::clone(&self.free).acquire_owned().await;
        Reserved {
            _permit: permit.expect("places are never closed"),
        }
    }

    /// Gives a place to a connection from this address, or back if the address has as many as it may.
    pub(super) fn give(&self, reserved: Reserved, address: IpAddr) -> Result<Place, Reserved> {
        let network = Network::from(address);
        let mut networks = self.networks.lock();
        let taken = networks.entry(network).or_default();
        if *taken >= self.networks.max {
            self.metrics.refused("rate_limited");
            return Err(reserved);
        }
        *taken += 1;
        Ok(Place {
            _reserved: reserved,
            network,
            networks: Arc::clone(&self.networks),
            _counted: self.metrics.connection_open(),
        })
    }

    /// Waits until all are free again.
    pub(super) async fn all_free(&self) {
        // The semaphore is never closed.
        let _ = self.free.acquire_many(self.max).await;
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut networks = self.networks.lock();
        if let Some(taken) = networks.get_mut(&self.network) {
            *taken -= 1;
            if *taken == 0 {
                networks.remove(&self.network);
            }
        }
    }
}

impl Networks {
    fn lock(&self) -> MutexGuard<'_, HashMap<Network, u32>> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn an_ipv4_address_has_its_places_however_it_is_written() {
        let limits = Limits {
            connections_per_address_max: 2,
            ..Limits::default()
        };
        let places = Places::new(&limits, Metrics::new());
        let give = async |address: &str| {
            let reserved = places.reserve().await;
            places.give(reserved, address.parse().unwrap()).ok()
        };
        let first = give("192.0.2.1").await;
        let second = give("::ffff:192.0.2.1").await;
        assert!(first.is_some() && second.is_some());
        assert!(give("::ffff:c000:201").await.is_none(), "the same address");
        assert!(give("192.0.2.1").await.is_none());
        assert!(give("::ffff:192.0.2.2").await.is_some(), "the next address");
        drop(second);
        assert!(give("192.0.2.1").await.is_some(), "one has gone");
    }
}
