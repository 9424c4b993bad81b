//! When to ping, and when to give a peer up.

use std::pin::Pin;
use std::time::Duration;

use tokio::time::{self, Instant, Sleep};

/// Pings at an interval; a ping without its pong is the end.
pub(super) struct Heartbeat {
    interval: Duration,
    timeout: Duration,
    is_waiting: bool,
    /// One timer for the socket's whole life: to set a new one for each frame would take the runtime's lock on timers.
    timer: Pin<Box<Sleep>>,
}

/// What is due.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Due {
    /// Send a ping.
    Ping,
    /// The last one was not answered.
    GiveUp,
}

impl Heartbeat {
    pub(super) fn new(interval: Duration, timeout: Duration) -> Self {
        Self {
            interval,
            timeout,
            is_waiting: false,
            timer: Box::pin(time::sleep(interval)),
        }
    }

    /// Waits until something is due. Safe to cancel.
    pub(super) async fn due(&mut self) -> Due {
        self.timer.as_mut().await;
        if self.is_waiting {
            Due::GiveUp
        } else {
            Due::Ping
        }
    }

    pub(super) fn pinged(&mut self) {
        self.is_waiting = true;
        self.excuse();
    }

    pub(super) fn ponged(&mut self) {
        self.is_waiting = false;
        self.excuse();
    }

    /// Starts the wait anew: the peer could not answer, because nobody read.
    pub(super) fn excuse(&mut self) {
        let wait = if self.is_waiting {
            self.timeout
        } else {
            self.interval
        };
        self.timer.as_mut().reset(now() + wait);
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "a socket's patience is the runtime's time, never the meeting's"
)]
fn now() -> Instant {
    Instant::now()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_peer_that_never_pongs_is_given_up() {
        let mut heartbeat = Heartbeat::new(Duration::from_secs(25), Duration::from_secs(10));
        let start = now();
        assert_eq!(heartbeat.due().await, Due::Ping);
        heartbeat.pinged();
        assert_eq!(heartbeat.due().await, Due::GiveUp);
        assert_eq!(start.elapsed(), Duration::from_secs(35));
    }

    #[tokio::test(start_paused = true)]
    async fn a_pong_in_time_starts_the_next_interval() {
        let mut heartbeat = Heartbeat::new(Duration::from_secs(25), Duration::from_secs(10));
        assert_eq!(heartbeat.due().await, Due::Ping);
        heartbeat.pinged();
        heartbeat.ponged();
        assert_eq!(heartbeat.due().await, Due::Ping);
    }
}
