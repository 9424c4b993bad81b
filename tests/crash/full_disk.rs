//! A disk that is full while agents are at work, and has room again.
//!
//! What is full here is how long the process may make a file, so nobody else's disk is.

use super::load::Load;
use super::outage::{FLAGS, WORK, falls_silent, goes_on, is_unready};
use crate::support::database::Fresh;
use crate::support::process::Process;
use crate::support::server::ready;

/// How long its files may be: not a byte, and lengths that end within a page of the database's log, which grows to 4 MB.
const FULL_AT_BYTES: [u64; 3] = [0, 1_000_001, 2_500_003];

#[tokio::test]
async fn a_disk_that_is_full_and_has_room_again_has_everything_once() {
    let fresh = Fresh::sqlite().await;
    let server = Process::serve_with(&fresh, FLAGS).await;
    let load = Load::begin(&server.admin).await;
    for bytes in FULL_AT_BYTES {
        load.pulse.after(WORK).await;
        server.limit_files(Some(bytes));
        is_unready(&server).await;
        // What is small may find room behind what was too large, or at the log's beginning: now it does not.
        server.limit_files(Some(0));
        falls_silent(&server, &load).await;
        server.limit_files(None);
        ready(&server.admin).await;
    }
    goes_on(server, load, &fresh).await;
}
