//! One event to all who listen: from the first push into an outbox until the last reader has it.
//!
//! The event is an opinion of 300 bytes, encoded once, as a meeting does it; its readers are tasks that wait, as the write pumps
//! are. `channels` is what that costs at least: the same bytes through a bounded channel of tokio to each of as many tasks. Throughput
//! is in deliveries; the table at the end has both beside each other, over all that was measured. With `CI` set less time is taken.

use std::env;
use std::fmt::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use synod::actors::outbox::{self, Next, Outbox};
use synod::budget::Budget;
use synod::config::Limits;
use synod::telemetry::Metrics;
use synod::wire::Frame;
use tokio::runtime::Runtime;
use tokio::sync::{Notify, mpsc};

const LISTENERS: [usize; 3] = [20, 100, 1_000];
const OPINION_BYTES: usize = 300;

criterion_group!(benches, fan_out);
criterion_main!(benches);

fn fan_out(criterion: &mut Criterion) {
    let runtime = Runtime::new().expect("a runtime");
    let mut group = criterion.benchmark_group("fan_out");
    if env::var_os("CI").is_some() {
        group
            .sample_size(10)
            .warm_up_time(Duration::from_millis(300))
            .measurement_time(Duration::from_secs(1));
    }
    let mut table =
        String::from("| listeners | outboxes µs | channels µs | × channels |\n|---|---|---|---|");
    for listeners in LISTENERS {
        let (mut ours, mut bare) = (Taken::default(), Taken::default());
        group.throughput(Throughput::Elements(listeners as u64));
        group.bench_function(BenchmarkId::new("outboxes", listeners), |bencher| {
            let audience = Arc::new(Audience::default());
            let mut outboxes = runtime.block_on(async { outboxes(&audience, listeners) });
            let frame = Frame::new(event());
            let mut tell = || {
                for outbox in &mut outboxes {
                    outbox.push(frame.clone());
                    outbox.flush();
                }
            };
            bencher.iter_custom(|events| {
                let heard = audience.hears(listeners, events, &mut tell);
                ours.add(events, runtime.block_on(heard))
            });
        });
        group.bench_function(BenchmarkId::new("channels", listeners), |bencher| {
            let audience = Arc::new(Audience::default());
            let channels = runtime.block_on(async { channels(&audience, listeners) });
            let bytes = Bytes::from(event());
            let tell = || {
                for channel in &channels {
                    channel.try_send(bytes.clone()).expect("it is read");
                }
            };
            bencher.iter_custom(|events| {
                let heard = audience.hears(listeners, events, tell);
                bare.add(events, runtime.block_on(heard))
            });
        });
        let (ours, bare) = (ours.micros(), bare.micros());
        let ratio = ours / bare;
        let _ = write!(
            table,
            "\n| {listeners} | {ours:.1} | {bare:.1} | {ratio:.2} |"
        );
    }
    group.finish();
    println!("{table}");
}

/// How long all events of a kind took.
#[derive(Default)]
struct Taken {
    events: u64,
    time: Duration,
}

impl Taken {
    fn add(&mut self, events: u64, time: Duration) -> Duration {
        self.events += events;
        self.time += time;
        time
    }

    /// For one event.
    fn micros(&self) -> f64 {
        self.time.as_secs_f64() * 1e6 / self.events as f64
    }
}

/// Those who listen.
#[derive(Default)]
struct Audience {
    /// How many have not heard it yet.
    waiting: AtomicUsize,
    all_heard: Notify,
}

impl Audience {
    /// One of them heard so many.
    fn heard(&self, frames: usize) {
        if self.waiting.fetch_sub(frames, Ordering::AcqRel) == frames {
            self.all_heard.notify_one();
        }
    }

    /// Tells one event after another, each when all have heard the last, and says how long it took.
    async fn hears(&self, listeners: usize, events: u64, mut tell: impl FnMut()) -> Duration {
        let began = now();
        for _ in 0..events {
            self.waiting.store(listeners, Ordering::Release);
            tell();
            self.all_heard.notified().await;
        }
        began.elapsed()
    }
}

fn outboxes(audience: &Arc<Audience>, listeners: usize) -> Vec<Outbox> {
    let limits = Limits::default();
    let budget = Budget::new(&limits, Metrics::new());
    let open = |_| {
        let (frames, bytes) = (limits.outbox_max_frames, limits.outbox_max_bytes);
        let (outbox, reader) = outbox::outbox(frames, bytes, &budget);
        let audience = Arc::clone(audience);
        tokio::spawn(async move {
            while let Next::Frames(frames) = reader.next().await {
                audience.heard(frames.len());
            }
        });
        outbox
    };
    (0..listeners).map(open).collect()
}

fn channels(audience: &Arc<Audience>, listeners: usize) -> Vec<mpsc::Sender<Bytes>> {
    let frames_max = Limits::default().outbox_max_frames;
    let open = |_| {
        let (sender, mut receiver) = mpsc::channel(frames_max);
        let audience = Arc::clone(audience);
        tokio::spawn(async move {
            while receiver.recv().await.is_some() {
                audience.heard(1);
            }
        });
        sender
    };
    (0..listeners).map(open).collect()
}

/// An opinion, as all are told it.
fn event() -> String {
    let opinion = "o".repeat(OPINION_BYTES);
    let id = "01890a5d-ac96-774b-bcce-b302099a8057";
    format!(
        r#"{{"type":"meeting_event","event":"opinion_presented","meeting_id":"{id}","seq":42,"at":"2030-01-01T00:00:00.000001Z","data":{{"agent_id":"{id}","round":1,"content":"{opinion}"}}}}"#
    )
}

#[expect(clippy::disallowed_methods, reason = "a bench measures")]
fn now() -> Instant {
    Instant::now()
}
