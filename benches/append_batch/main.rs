//! What it costs to keep events: `Store::append`, beside the least that each database could do.
//!
//! * `append` is the store: fenced, journal and messages and the meeting's row in one commit;
//! * `raw` writes the same rows of journal and messages in one commit and nothing else: an unnest INSERT in
//!   PostgreSQL, a transaction of prepared INSERTs in SQLite;
//! * `single` writes the journal's rows alone, each an INSERT and a commit of its own.
//!
//! Half of the events are opinions of 300 bytes, half the turns they opened. The table at the end holds the ratios; all
//! of it was measured in this run. PostgreSQL is the one of `SYNOD_TEST_POSTGRES_URL`. With `CI` set there
//! are fewer shapes and less time is taken to measure.

mod minutes;
mod raw;
mod report;

#[path = "../support/databases.rs"]
mod databases;

use std::env;
use std::sync::Arc;
use std::time::{Duration, Instant};

use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, BenchmarkId, Criterion, SamplingMode, Throughput};
use synod::storage::{Append, Appended, Store, connect};
use tokio::runtime::Runtime;

use databases::Scratch;
use minutes::Minutes;
use raw::Raw;
use report::{Line, Report};

/// How many events are written at once, and of how many meetings.
#[derive(Clone, Copy)]
struct Shape {
    events: usize,
    meetings: usize,
}

const SHAPES: &[Shape] = &[
    Shape {
        events: 1,
        meetings: 1,
    },
    Shape {
        events: 100,
        meetings: 1,
    },
    Shape {
        events: 100,
        meetings: 50,
    },
    Shape {
        events: 1_000,
        meetings: 1,
    },
    Shape {
        events: 1_000,
        meetings: 500,
    },
];

/// Who writes.
enum Writer {
    Append(Arc<dyn Store>),
    Raw(Raw),
    Single(Raw),
}

fn main() {
    let runtime = Runtime::new().expect("a runtime");
    let mut criterion = Criterion::default().configure_from_args();
    let mut report = Report::default();
    measure(
        &mut criterion,
        &runtime,
        "postgres",
        runtime.block_on(Scratch::postgres()),
        &mut report,
    );
    measure(
        &mut criterion,
        &runtime,
        "sqlite",
        runtime.block_on(Scratch::sqlite()),
        &mut report,
    );
    criterion.final_summary();
    print!("{report}");
}

fn measure(
    criterion: &mut Criterion,
    runtime: &Runtime,
    name: &'static str,
    scratch: Scratch,
    report: &mut Report,
) {
    let database = scratch.database();
    let is_short = env::var_os("CI").is_some();
    let (warm_up_ms, measurement_ms) = if is_short { (100, 400) } else { (500, 3_000) };
    let mut group = criterion.benchmark_group(format!("append_batch/{name}"));
    group
        .sampling_mode(SamplingMode::Flat)
        .sample_size(10)
        .warm_up_time(Duration::from_millis(warm_up_ms))
        .measurement_time(Duration::from_millis(measurement_ms));
    let store = runtime
        .block_on(connect(&database, 4))
        .expect("the database is there");
    let shapes = if is_short { &SHAPES[..2] } else { SHAPES };
    for &shape in shapes {
        let raw = || runtime.block_on(Raw::open(&database));
        let mut writers = vec![Writer::Append(Arc::clone(&store)), Writer::Raw(raw())];
        if shape.events == 1 {
            writers.push(Writer::Single(raw()));
        }
        for writer in writers {
            let minutes = runtime.block_on(Minutes::of(&*store, shape.meetings));
            let mut line = Line::new(name, writer.name(), shape);
            bench(&mut group, runtime, writer, minutes, &mut line);
            report.add(line);
        }
    }
    group.finish();
    runtime.block_on(async {
        store.close().await;
        scratch.discard().await;
    });
}

fn bench(
    group: &mut BenchmarkGroup<'_, WallTime>,
    runtime: &Runtime,
    mut writer: Writer,
    mut minutes: Minutes,
    line: &mut Line,
) {
    let shape = line.shape;
    let of = format!("{} events of {} meetings", shape.events, shape.meetings);
    group.throughput(Throughput::Elements(shape.events as u64));
    group.bench_function(BenchmarkId::new(writer.name(), of), |bencher| {
        bencher.iter_custom(|commits| {
            runtime.block_on(async {
                let mut total = Duration::ZERO;
                for _ in 0..commits {
                    let batch = minutes.next(shape.events);
                    let start = now();
                    writer.write(&batch).await;
                    let took = start.elapsed();
                    line.took(took);
                    total += took;
                }
                total
            })
        });
    });
    runtime.block_on(writer.close());
}

impl Writer {
    fn name(&self) -> &'static str {
        match self {
            Self::Append(_) => "append",
            Self::Raw(_) => "raw",
            Self::Single(_) => "single",
        }
    }

    async fn write(&mut self, batch: &[Append]) {
        match self {
            Self::Append(store) => {
                let appended = store.append(batch).await.expect("the database is there");
                let is_kept = appended.iter().all(|a| *a == Appended::Committed);
                assert!(is_kept, "nobody else writes to these meetings");
            }
            Self::Raw(raw) => raw
                .write(batch)
                .await
                .expect("rows of the store's own shape"),
            Self::Single(raw) => raw
                .write_singly(batch)
                .await
                .expect("rows of the store's own shape"),
        }
    }

    async fn close(self) {
        match self {
            Self::Append(_) => {}
            Self::Raw(raw) | Self::Single(raw) => raw.close().await,
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "a bench measures")]
fn now() -> Instant {
    Instant::now()
}
