//! Throttles: the bound on how fast anybody may ask.
//!
//! Two rates hold at once: one of each caller, whatever connections it has, and one of each network, whoever is in it. Whoever
//! is over a rate is told how long to wait, and nothing else happened.

use std::hash::Hash;
use std::net::{IpAddr, Ipv6Addr};
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use dashmap::DashMap;
use governor::clock::Clock as _;
use governor::middleware::NoOpMiddleware;
use governor::nanos::Nanos;
use governor::state::keyed::{DashMapStateStore, ShrinkableKeyedStateStore};
use governor::state::{InMemoryState, NotKeyed, StateStore};
use governor::{Quota, RateLimiter};

use crate::clock::Clock;
use crate::config::Limits;
use crate::domain::Caller;

/// Who may ask how fast; cheap to clone.
#[derive(Clone)]
pub struct Throttle {
    callers: Arc<Rates<Caller>>,
    networks: Arc<Rates<Network>>,
}

/// Where somebody asks from: an address, or for IPv6 the /64 network, which is what one customer has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Network(IpAddr);

impl From<IpAddr> for Network {
    fn from(address: IpAddr) -> Self {
        Self(match address.to_canonical() {
            IpAddr::V6(address) => {
                let network = u128::from(address) & (u128::MAX << 64);
                IpAddr::V6(Ipv6Addr::from(network))
            }
            v4 @ IpAddr::V4(_) => v4,
        })
    }
}

impl Throttle {
    /// With the rates of these limits.
    pub fn new(limits: &Limits, clock: &Clock) -> Self {
        let token = quota(limits.rate_per_token_per_s, limits.burst_per_token);
        let address = quota(limits.rate_per_address_per_s, limits.burst_per_address);
        Self {
            callers: Arc::new(rates(token, clock)),
            networks: Arc::new(rates(address, clock)),
        }
    }

    /// Counts a request or a frame of a caller.
    ///
    /// # Errors
    /// How long to wait, if it is one too many.
    pub fn caller(&self, caller: Caller) -> Result<(), Duration> {
        check(&self.callers, &caller)
    }

    /// Counts a request from an address.
    ///
    /// # Errors
    /// How long to wait, if it is one too many.
    pub fn address(&self, address: IpAddr) -> Result<(), Duration> {
        check(&self.networks, &address.into())
    }

    /// Forgets again and again who has been quiet for so long that nothing is held against them. Never ends.
    pub async fn keep_small(self) {
        loop {
            tokio::time::sleep(Limits::RATE_KEYS_INTERVAL).await;
            self.forget_the_quiet();
        }
    }

    fn forget_the_quiet(&self) {
        self.callers.retain_recent();
        self.callers.shrink_to_fit();
        self.networks.retain_recent();
        self.networks.shrink_to_fit();
    }
}

type Rates<K> = RateLimiter<K, Bounded<K>, Time, NoOpMiddleware<Duration>>;

fn rates<K: Eq + Hash + Clone>(quota: Quota, clock: &Clock) -> Rates<K> {
    RateLimiter::new(quota, Bounded::default(), Time(clock.clone()))
}

fn check<K: Eq + Hash + Clone>(rates: &Rates<K>, key: &K) -> Result<(), Duration> {
    let checked = rates.check_key(key);
    checked.map_err(|not_until| not_until.wait_time_from(rates.clock().now()))
}

/// No rate is 0: the settings do not take it, and one made otherwise means the slowest there is.
fn quota(per_s: u32, burst: u32) -> Quota {
    let at_least_one = |n| NonZeroU32::new(n).unwrap_or(NonZeroU32::MIN);
    Quota::per_second(at_least_one(per_s)).allow_burst(at_least_one(burst))
}

/// The time, as the limiter reads it.
struct Time(Clock);

impl governor::clock::Clock for Time {
    type Instant = Duration;

    fn now(&self) -> Duration {
        self.0.elapsed()
    }
}

/// The state of each key, up to so many keys; those that come when it is full share one state, so that nobody escapes
/// by being many.
struct Bounded<K: Eq + Hash> {
    known: DashMapStateStore<K>,
    others: InMemoryState,
}

impl<K: Eq + Hash> Default for Bounded<K> {
    fn default() -> Self {
        Self {
            known: DashMap::default(),
            others: InMemoryState::default(),
        }
    }
}

impl<K: Eq + Hash + Clone> StateStore for Bounded<K> {
    type Key = K;

    fn measure_and_replace<T, F, E>(&self, key: &K, f: F) -> Result<T, E>
    where
        F: Fn(Option<Nanos>) -> Result<(T, Nanos), E>,
    {
        if !self.known.contains_key(key) && self.known.len() >= Limits::RATE_KEYS_MAX {
            return self.others.measure_and_replace(&NotKeyed::NonKey, f);
        }
        self.known.measure_and_replace(key, f)
    }
}

impl<K: Eq + Hash + Clone> ShrinkableKeyedStateStore<K> for Bounded<K> {
    fn retain_recent(&self, drop_below: Nanos) {
        ShrinkableKeyedStateStore::retain_recent(&self.known, drop_below);
    }

    fn shrink_to_fit(&self) {
        self.known.shrink_to_fit();
    }

    fn len(&self) -> usize {
        self.known.len()
    }

    fn is_empty(&self) -> bool {
        self.known.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::domain::AgentId;

    fn throttle() -> Throttle {
        let limits = Limits {
            rate_per_token_per_s: 2,
            burst_per_token: 3,
            rate_per_address_per_s: 1,
            burst_per_address: 1,
            ..Limits::default()
        };
        Throttle::new(&limits, &Clock::system())
    }

    fn agent(number: u128) -> Caller {
        Caller::Agent(AgentId(Uuid::from_u128(number)))
    }

    #[tokio::test(start_paused = true)]
    async fn a_burst_passes_and_then_the_rate_counts() {
        let throttle = throttle();
        for _ in 0..3 {
            assert_eq!(throttle.caller(agent(1)), Ok(()));
        }
        let wait = throttle.caller(agent(1)).unwrap_err();
        assert_eq!(wait, Duration::from_millis(500));
        tokio::time::advance(wait).await;
        assert_eq!(throttle.caller(agent(1)), Ok(()));
        assert!(throttle.caller(agent(1)).is_err(), "one only");
    }

    #[tokio::test(start_paused = true)]
    async fn each_caller_has_a_rate_of_its_own_and_the_operator_too() {
        let throttle = throttle();
        while throttle.caller(agent(1)).is_ok() {}
        assert_eq!(throttle.caller(agent(2)), Ok(()));
        assert_eq!(throttle.caller(Caller::Admin), Ok(()));
    }

    #[tokio::test(start_paused = true)]
    async fn an_ipv6_network_is_one_and_an_ipv4_address_is_one_however_it_is_written() {
        let throttle = throttle();
        let check = |address: &str| throttle.address(address.parse().unwrap()).is_ok();
        assert!(check("2001:db8:0:1::1"));
        assert!(!check("2001:db8:0:1:ffff::2"), "the same /64");
        assert!(check("2001:db8:0:2::1"), "the next /64");
        assert!(check("192.0.2.1"));
        assert!(!check("::ffff:192.0.2.1"), "the same address");
        assert!(check("192.0.2.2"));
    }

    #[tokio::test(start_paused = true)]
    async fn who_has_been_quiet_is_forgotten_and_who_is_over_its_rate_is_not() {
        let throttle = throttle();
        while throttle.caller(agent(1)).is_ok() {}
        throttle.forget_the_quiet();
        assert_eq!(throttle.callers.len(), 1);
        assert!(throttle.caller(agent(1)).is_err());
        tokio::time::advance(Limits::RATE_KEYS_INTERVAL).await;
        throttle.forget_the_quiet();
        assert!(throttle.callers.is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn beyond_the_bound_newcomers_share_one_rate_and_the_known_keep_theirs() {
        let throttle = throttle();
        let address = |n: usize| IpAddr::from(u32::try_from(n).unwrap().to_be_bytes());
        for n in 0..Limits::RATE_KEYS_MAX {
            assert_eq!(throttle.address(address(n)), Ok(()));
        }
        let newcomer = Limits::RATE_KEYS_MAX;
        assert_eq!(throttle.address(address(newcomer)), Ok(()));
        assert!(throttle.address(address(newcomer + 1)).is_err());
        assert_eq!(throttle.networks.len(), Limits::RATE_KEYS_MAX);
        tokio::time::advance(Duration::from_secs(1)).await;
        assert_eq!(throttle.address(address(0)), Ok(()));
    }
}
