//! A server in the simulated world: the real one, on a simulated port, over a database that is late and fails.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use rand::RngExt;
use rand::rngs::StdRng;
use synod::clock::Clock;
use synod::config::Limits;
use synod::server::{Parts, run_parts};
use synod::storage::memory::{Course, Fault};
use synod::telemetry::Metrics;
use synod::transport::accept::Listener;
use turmoil::net::{TcpListener, TcpStream};

use super::plan::{between, dice};
use super::world::World;

/// The operator's token of every server.
pub(crate) const ADMIN_TOKEN: &str = "the operator's token";
/// Where servers listen.
pub(crate) const PORT: u16 = 8080;

struct Port(TcpListener);

impl Listener for Port {
    type Stream = TcpStream;

    async fn accept(&mut self) -> io::Result<(TcpStream, SocketAddr)> {
        self.0.accept().await
    }
}

/// Runs a server until the nemesis stops it in good order, or ends its world.
pub(crate) async fn serve(world: World, name: String) -> turmoil::Result {
    let boot = world.boot(&name);
    let mut chance = dice(world.seed ^ boot, &name);
    world.chronicle.note(&name, "starts");
    let store = world.database.beside();
    let clock = clock(&mut chance);
    let world_is_calm = Arc::clone(&world.is_calm);
    store.faults().follow(move || {
        if world_is_calm.load(std::sync::atomic::Ordering::Relaxed) {
            return Course::default();
        }
        course(&mut chance)
    });
    let parts = Parts {
        store: Arc::new(store),
        clock,
        limits: limits(),
        admin_token: ADMIN_TOKEN.to_owned(),
        allowed_origins: Vec::new(),
        public_url: None,
        embeddings: None,
        metrics: Metrics::new(),
    };
    let listener = Port(TcpListener::bind(("0.0.0.0", PORT)).await?);
    let stop = world.stop(&name);
    run_parts(parts, listener, async move { stop.notified().await })
        .await
        .unwrap();
    world.chronicle.note(&name, "has stopped");
    Ok(())
}

/// Servers' clocks differ by some seconds, as they do.
fn clock(chance: &mut StdRng) -> Clock {
    let passed = turmoil::sim_elapsed().unwrap_or_default();
    let skew = TimeDelta::milliseconds(chance.random_range(-2_000..=2_000));
    let epoch = DateTime::<Utc>::from_timestamp_secs(BEGINNING).unwrap();
    let at = epoch + TimeDelta::from_std(passed).unwrap() + skew;
    Clock::seeded(at, chance.random())
}

/// How a call to the database goes in bad times: late, and sometimes not at all, or without an answer.
fn course(chance: &mut StdRng) -> Course {
    let is_stalled = chance.random_bool(0.01);
    let way = if is_stalled { 1_000..=20_000 } else { 0..=8 };
    let fault = match chance.random_range(0..100) {
        0..3 => Some(Fault::FailBeforeCommit),
        3..6 => Some(Fault::LoseReply),
        _ => None,
    };
    Course {
        before: between(chance, way),
        after: between(chance, 0..=8),
        fault,
    }
}

/// Small, so that they are reached.
fn limits() -> Limits {
    Limits {
        ping_interval_ms: 2_000,
        pong_timeout_ms: 2_000,
        write_timeout_ms: 3_000,
        close_timeout_ms: 1_000,
        outbox_max_frames: 32,
        ownership_interval_ms: 1_000,
        shutdown_timeout_ms: 5_000,
        ..Limits::default()
    }
}

/// The first moment of the simulated world, in seconds of Unix time: 2030-01-01.
const BEGINNING: i64 = 1_893_456_000;
