//! The only place that reads the time, makes an id or draws a random number.
//!
//! A [`Clock`] is a value that is handed down. It reads the wall clock once, when it is made, and
//! counts on from there with tokio's monotonic clock: a step of the system's time never ends a turn
//! early, and a test that pauses tokio's time pauses this too.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use chrono::{DateTime, SubsecRound, TimeDelta, Utc};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha12Rng;
use tokio::time::Instant;
use uuid::Uuid;

/// Time, ids and chance, in one injected value; cheap to clone.
#[derive(Clone, Debug)]
pub struct Clock {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    started_at: DateTime<Utc>,
    started: Instant,
    random: Mutex<ChaCha12Rng>,
}

impl Clock {
    /// The real time, and randomness from the operating system.
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the one place that asks the operating system"
    )]
    pub fn system() -> Self {
        Self::new(Utc::now(), rand::random())
    }

    /// A clock that starts where it is told and draws the same numbers for the same seed: for
    /// simulations. It must never make a token that guards anything.
    pub fn seeded(started_at: DateTime<Utc>, seed: u64) -> Self {
        let mut key = [0; 32];
        key[..8].copy_from_slice(&seed.to_le_bytes());
        Self::new(started_at, key)
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "this is the one place that asks the operating system"
    )]
    fn new(started_at: DateTime<Utc>, key: [u8; 32]) -> Self {
        let random = Mutex::new(ChaCha12Rng::from_seed(key));
        let started_at = started_at.trunc_subsecs(6);
        Self {
            inner: Arc::new(Inner {
                started_at,
                started: Instant::now(),
                random,
            }),
        }
    }

    /// The time since this clock was made, which only ever grows: for what is measured.
    pub fn elapsed(&self) -> Duration {
        self.inner.started.elapsed()
    }

    /// Now, in whole microseconds, as fine as the databases keep it.
    pub fn now(&self) -> DateTime<Utc> {
        let elapsed = self.elapsed();
        let elapsed =
            TimeDelta::microseconds(i64::try_from(elapsed.as_micros()).unwrap_or(i64::MAX));
        self.inner.started_at + elapsed
    }

    /// How long it is until `then`; zero when it has passed.
    pub fn until(&self, then: DateTime<Utc>) -> Duration {
        (then - self.now()).to_std().unwrap_or(Duration::ZERO)
    }

    /// A new id: UUID version 7 (RFC 9562), so that ids sort by time.
    pub fn id(&self) -> Uuid {
        let millis = u64::try_from(self.now().timestamp_millis()).unwrap_or(0);
        uuid::Builder::from_unix_timestamp_millis(millis, &self.bytes()).into_uuid()
    }

    /// Random bytes, fit for secrets unless the clock was seeded.
    pub fn bytes<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0; N];
        self.inner
            .random
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .fill_bytes(&mut bytes);
        bytes
    }
}
