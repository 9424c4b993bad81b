//! How many sockets one token has in one meeting, and how long it waits after it read too slowly.
//!
//! A socket that reads too slowly is closed with 4100 and resumes. If it does so at once and again
//! reads too slowly, the server sends the same events over and over. So each time it has to wait
//! twice as long, and until then its handshake is refused.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use uuid::Uuid;

use crate::config::Limits;
use crate::domain::MeetingId;

/// The sockets of all tokens; cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Audience(Arc<Mutex<HashMap<Key, Entry>>>);

/// The holder of a token (nil is the operator), and the meeting; `None` is an agent's own line.
type Key = (Uuid, Option<MeetingId>);

/// A socket's place; dropping it gives the place back.
#[derive(Debug)]
pub struct Seat {
    audience: Audience,
    key: Key,
}

/// Why there is no seat.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoSeat {
    /// The token has as many sockets there as it may.
    TooMany,
    /// It read too slowly, and comes back too soon.
    Early(Duration),
}

#[derive(Debug, Default)]
struct Entry {
    open: u32,
    /// How often in a row it was closed as too slow.
    slow: u32,
    /// When that was, the last time.
    slow_at: Duration,
}

impl Entry {
    /// Whether it matters no more that it was slow.
    fn is_forgiven(&self, now: Duration) -> bool {
        now.saturating_sub(self.slow_at) >= Limits::SLOW_FORGOTTEN
    }

    /// How long it waits after it was slow.
    fn wait(&self) -> Duration {
        let (least, most) = Limits::SLOW_WAIT;
        let doublings = self.slow.saturating_sub(1).min(16);
        (least * (1 << doublings)).min(most)
    }
}

impl Audience {
    /// A seat for a socket, at this time on the server's clock.
    ///
    /// # Errors
    /// If there are too many, or it comes too soon.
    pub fn take(
        &self,
        holder: Uuid,
        meeting: Option<MeetingId>,
        now: Duration,
        most: u32,
    ) -> Result<Seat, NoSeat> {
        let key = (holder, meeting);
        let mut entries = self.entries();
        if let Some(entry) = entries.get_mut(&key) {
            if entry.is_forgiven(now) {
                entry.slow = 0;
            }
            let left = (entry.slow_at + entry.wait()).saturating_sub(now);
            // The first time it is only told to wait, as every code from 4100 on says.
            if entry.slow > 1 && !left.is_zero() {
                return Err(NoSeat::Early(left));
            }
            if entry.open >= most {
                return Err(NoSeat::TooMany);
            }
        }
        entries.entry(key).or_default().open += 1;
        Ok(Seat {
            audience: self.clone(),
            key,
        })
    }

    fn entries(&self) -> MutexGuard<'_, HashMap<Key, Entry>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Seat {
    /// Notes that the socket read too slowly, and says how long it has to wait.
    pub(super) fn was_too_slow(&self, now: Duration) -> Duration {
        let mut entries = self.audience.entries();
        if entries.len() > Limits::RATE_KEYS_MAX {
            entries.retain(|_, entry| entry.open > 0 || !entry.is_forgiven(now));
        }
        let entry = entries.entry(self.key).or_default();
        if entry.is_forgiven(now) {
            entry.slow = 0;
        }
        entry.slow += 1;
        entry.slow_at = now;
        entry.wait()
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut entries = self.audience.entries();
        if let Some(entry) = entries.get_mut(&self.key) {
            entry.open -= 1;
            if entry.open == 0 && entry.slow == 0 {
                entries.remove(&self.key);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOLDER: Uuid = Uuid::from_u128(1);

    fn at(seconds: u64) -> Duration {
        Duration::from_secs(1_000 + seconds)
    }

    #[test]
    fn a_token_has_so_many_sockets_in_one_meeting() {
        let audience = Audience::default();
        let [one, other] = [1, 2].map(|n| Some(MeetingId(Uuid::from_u128(n))));
        let first = audience.take(HOLDER, one, at(0), 1).unwrap();
        let refused = audience.take(HOLDER, one, at(0), 1).unwrap_err();
        assert_eq!(refused, NoSeat::TooMany);
        for (holder, meeting) in [(HOLDER, other), (HOLDER, None), (Uuid::nil(), one)] {
            assert!(audience.take(holder, meeting, at(0), 1).is_ok());
        }
        drop(first);
        assert!(audience.take(HOLDER, one, at(0), 1).is_ok());
        assert!(audience.entries().is_empty());
    }

    #[test]
    fn each_time_it_is_too_slow_it_waits_twice_as_long() {
        let audience = Audience::default();
        let mut now = 0;
        for wait in [1, 2, 4, 8, 16, 32, 60, 60] {
            let seat = audience.take(HOLDER, None, at(now), 8).unwrap();
            assert_eq!(seat.was_too_slow(at(now)), Duration::from_secs(wait));
            drop(seat);
            if wait > 1 {
                let early = audience.take(HOLDER, None, at(now + wait - 1), 8);
                assert_eq!(early.unwrap_err(), NoSeat::Early(Duration::from_secs(1)));
            }
            now += wait;
        }
        now += Limits::SLOW_FORGOTTEN.as_secs();
        let seat = audience.take(HOLDER, None, at(now), 8).unwrap();
        assert_eq!(seat.was_too_slow(at(now)), Duration::from_secs(1));
    }
}
