//! What it costs to log messages by REST, beside the least that PostgreSQL could do with the same rows.
//!
//! * `single`: 32 clients that POST one message after another, beside 32 connections that INSERT one row after another;
//! * `batch`: one client that POSTs 1000 messages at once, beside one connection that INSERTs 1000 rows through `unnest`.
//!
//! Both write to the same table, with all its indexes, of the same database (the PostgreSQL of
//! `SYNOD_TEST_POSTGRES_URL`), and take turns within one run; the table at the end holds the ratios. The server is the real one, in
//! process: it reads the request, looks up the token, checks every field, and answers when the commit is on the disk.
//! With `CI` set only a little is measured.

mod raw;
mod rest;

#[expect(dead_code, reason = "this bench is about PostgreSQL alone")]
#[path = "../support/databases.rs"]
mod databases;

use std::env;
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use synod::storage::Database;
use tokio::runtime::Runtime;
use tokio::task::JoinSet;

use databases::Scratch;
use raw::Raw;
use rest::House;

/// Who write at once, where each message has its own request.
const CLIENTS: usize = 32;
/// Messages of one batch.
const BATCH: usize = 1_000;
/// Of one message.
const MESSAGE_BYTES: usize = 300;

/// How much is measured.
struct Sizes {
    repetitions: usize,
    each: Duration,
}

const FULL: Sizes = Sizes {
    repetitions: 7,
    each: Duration::from_secs(3),
};
const SHORT: Sizes = Sizes {
    repetitions: 2,
    each: Duration::from_millis(300),
};

/// One writer that waits for its rows to be kept before it writes more.
trait Write: Send + 'static {
    fn write(&mut self, rows: usize) -> impl Future<Output = ()> + Send;
}

/// What one repetition came to.
struct Measured {
    rows_per_s: f64,
    /// Nanoseconds of each write.
    writes: Histogram<u64>,
}

fn main() {
    let sizes = if env::var_os("CI").is_some() {
        SHORT
    } else {
        FULL
    };
    let runtime = Runtime::new().expect("a runtime");
    runtime.block_on(async {
        let scratch = Scratch::postgres().await;
        let Database::Postgres(url) = scratch.database() else {
            unreachable!("it was asked for PostgreSQL")
        };
        let house = House::open(&scratch.database()).await;
        println!("| what | rows/s | p50 ms | p99 ms | of raw |\n|---|---:|---:|---:|---:|");
        for (name, clients, rows) in [("single", CLIENTS, 1), ("batch", 1, BATCH)] {
            let (mut raw, mut rest) = (Vec::new(), Vec::new());
            for repetition in 0..=sizes.repetitions {
                let writers = raws(&url, &house, clients).await;
                let by_raw = measure(writers, rows, sizes.each).await;
                let by_rest = measure(house.posters(clients).await, rows, sizes.each).await;
                // The first finds everything cold.
                if repetition > 0 {
                    raw.push(by_raw);
                    rest.push(by_rest);
                }
            }
            tell(name, &mut raw, &mut rest);
        }
        house.close().await;
        scratch.discard().await;
    });
}

async fn raws(url: &str, house: &House, clients: usize) -> Vec<Raw> {
    let mut raws = Vec::with_capacity(clients);
    for _ in 0..clients {
        raws.push(Raw::open(url, house.somebody()).await);
    }
    raws
}

/// Lets writers write for a while.
async fn measure<W: Write>(writers: Vec<W>, rows: usize, each: Duration) -> Measured {
    let start = now();
    let mut tasks = JoinSet::new();
    for mut writer in writers {
        tasks.spawn(async move {
            let mut writes = histogram();
            while start.elapsed() < each {
                let before = now();
                writer.write(rows).await;
                writes.saturating_record(nanos(before.elapsed()));
            }
            writes
        });
    }
    let mut writes = histogram();
    while let Some(done) = tasks.join_next().await {
        let of_one = done.expect("a writer that does not panic");
        writes.add(of_one).expect("histograms of one shape");
    }
    let written = writes.len() as f64 * rows as f64;
    Measured {
        rows_per_s: written / start.elapsed().as_secs_f64(),
        writes,
    }
}

/// The median repetition of each, and their ratio.
fn tell(name: &str, raw: &mut [Measured], rest: &mut [Measured]) {
    let raw = median(raw);
    let rest = median(rest);
    for (who, measured) in [("raw", raw), ("REST", rest)] {
        let ms = |quantile| measured.writes.value_at_quantile(quantile) as f64 / 1e6;
        println!(
            "| {name}, {who} | {:.0} | {:.2} | {:.2} | {:.2} |",
            measured.rows_per_s,
            ms(0.5),
            ms(0.99),
            measured.rows_per_s / raw.rows_per_s,
        );
    }
}

fn median(repetitions: &mut [Measured]) -> &Measured {
    repetitions.sort_by(|a, b| a.rows_per_s.total_cmp(&b.rows_per_s));
    &repetitions[repetitions.len() / 2]
}

fn histogram() -> Histogram<u64> {
    Histogram::new_with_max(60_000_000_000, 3).expect("three significant digits are possible")
}

fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

#[expect(clippy::disallowed_methods, reason = "a bench measures")]
fn now() -> Instant {
    Instant::now()
}
