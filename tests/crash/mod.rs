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

use std::collections::BTreeMap;

use uuid::Uuid;

use crate::support::checker::{Checked, check};
use crate::support::database::Fresh;
use crate::support::log::Log;

/// Tells how to do it again, if the test that holds it fails.
struct IfThisFails(String);

impl Drop for IfThisFails {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("{}", self.0);
        }
    }
}

/// Checks a meeting as [`check`] does, and that every frame that was acked stands in its journal exactly once, at the place
/// that the ack says.
async fn check_acked(fresh: &Fresh, meeting: Uuid, logs: &[Log]) -> Checked {
    let checked = check(fresh, meeting, logs).await;
    let mut kept = BTreeMap::new();
    for row in &checked.rows {
        let agent = Checked::data(row)["agent_id"].as_str().map(str::to_owned);
        if let (Some(agent), Some(frame)) = (agent, &row.frame_id) {
            let earlier = kept.insert((agent, frame.clone()), row.seq);
            assert_eq!(earlier, None, "{frame} acted twice, at event {}", row.seq);
        }
    }
    for log in logs {
        for ack in &log.acks {
            let agent = log.agent.expect("who only watches is not acked");
            let frame = ack.id.as_ref().expect("every frame has an id").to_json();
            let place = kept.get(&(agent.to_string(), frame));
            assert_eq!(place, ack.seq.as_ref(), "{ack:?} of {agent}");
        }
    }
    checked
}
