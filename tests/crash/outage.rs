//! A PostgreSQL that goes away while agents are at work, and comes back.

use std::net::SocketAddr;
use std::time::Duration;

use synod::storage::Database;
use synod::wire::CloseCode;

use super::load::Load;
use crate::support::cluster::Cluster;
use crate::support::database::Fresh;
use crate::support::patience::{eventually, within};
use crate::support::process::Process;
use crate::support::proxy::{Network, Proxy};
use crate::support::server::ready;

/// What agents hear between two outages, at least.
pub(super) const WORK: u64 = 100;
/// Looks at a server whose database is away.
const LOOKS: u32 = 20;
/// A day for its end, so that a server that waits for what never comes is not taken for one that ends in good order. Of its
/// database it has much to say.
pub(super) const FLAGS: &[&str] = &["--shutdown-timeout-ms", "86400000", "--log", "off"];

/// Waits until the server does not want traffic.
pub(super) async fn is_unready(server: &Process) {
    eventually("the server is not ready", || async {
        (!server.admin.is_ready().await).then_some(())
    })
    .await;
}

/// Waits until the server does not want traffic, and then until it says nothing to anybody for so many looks: what was said before the
/// outage is on its way for a moment. What it says wrongly is lost in the end.
pub(super) async fn falls_silent(server: &Process, load: &Load) {
    is_unready(server).await;
    let silent = async {
        let (mut heard, mut looks) = (load.pulse.beats(), 0);
        while looks < LOOKS {
            assert!(!server.admin.is_ready().await);
            let now = load.pulse.beats();
            looks = if now == heard { looks + 1 } else { 0 };
            heard = now;
        }
    };
    within("nothing is acked meanwhile", silent).await;
}

/// Sees that all goes on, at the same server, and that nothing was lost.
pub(super) async fn goes_on(mut server: Process, load: Load, fresh: &Fresh) {
    load.pulse.after(WORK).await;
    // What the test itself asks by may have been cut off, too; each question to a dead connection lets go of it.
    for _ in 0..OWN_CONNECTIONS {
        eventually("the test's own connection is back", || async {
            fresh.store.ping().await.ok()
        })
        .await;
    }
    let tally = load.end(fresh).await;
    assert_eq!((tally.lost, tally.doubled), (0, 0), "{tally:?}");
    assert!(server.terminate().await.success());
    // Who came while the database was away was told to come again; who was there heard nothing of it.
    let ends = [CloseCode::MEETING_OVER.code, CloseCode::OVERLOADED.code];
    let is_well = tally.endings.iter().all(|code| ends.contains(code));
    assert!(is_well, "{:?}", tally.endings);
}

#[tokio::test]
async fn a_database_that_is_stopped_or_killed_and_comes_back_has_everything_once() {
    let mut cluster = Cluster::start().await;
    let fresh = Fresh::in_cluster(&cluster).await;
    let server = Process::serve_with(&fresh, FLAGS).await;
    let load = Load::begin(&server.admin).await;
    for is_killed in [false, true] {
        load.pulse.after(WORK).await;
        if is_killed {
            cluster.kill().await;
        } else {
            cluster.stop().await;
        }
        falls_silent(&server, &load).await;
        cluster.restart().await;
        ready(&server.admin).await;
    }
    goes_on(server, load, &fresh).await;
}

#[tokio::test]
async fn a_database_behind_a_bad_network_has_everything_once() {
    let cluster = Cluster::start().await;
    let fresh = Fresh::in_cluster(&cluster).await;
    let proxy = Proxy::to(SocketAddr::from(([127, 0, 0, 1], cluster.port()))).await;
    let url = format!("postgres://synod@{}/postgres", proxy.address);
    let server = Process::serve_at(Database::Postgres(url), FLAGS).await;
    let load = Load::begin(&server.admin).await;
    let slow = [
        Network::Delays(Duration::from_millis(5)),
        Network::Throttles {
            bytes_per_s: 500_000,
        },
    ];
    for network in slow {
        proxy.set(network);
        load.pulse.after(WORK).await;
    }
    for network in [Network::Cut, Network::HalfOpen] {
        proxy.set(network);
        falls_silent(&server, &load).await;
        proxy.set(Network::Fine);
        ready(&server.admin).await;
        load.pulse.after(WORK).await;
    }
    goes_on(server, load, &fresh).await;
}

/// At least as many as a test's own store may have, for reading and for appending.
const OWN_CONNECTIONS: u32 = 8;
