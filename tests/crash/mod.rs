//! The real program, its database and its network, broken at every point and at any: what anybody was told stays true, once,
//! and every meeting goes on to its end.
//!
//! Kills are timed by what was heard, never by a clock, so a fast machine and a slow one are killed at the same places.

mod every_event;
mod frozen;
#[cfg(target_os = "linux")]
mod full_disk;
mod load;
mod network;
mod outage;
mod random;
mod shutdown;

/// Tells how to do it again, if the test that holds it fails.
struct IfThisFails(String);

impl Drop for IfThisFails {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("{}", self.0);
        }
    }
}
