//! Whole meetings over real sockets, beside a bare relay: what durability, rules and recovery cost together.
//!
//! Meetings of twenty agents and of more, and each agent speaks 300 bytes as soon as it is asked. The server is the real one, with its log on,
//! on PostgreSQL (the one of `SYNOD_TEST_POSTGRES_URL`), on SQLite, and on the store that keeps nothing, which
//! tells the database's share from ours. The relay is tokio-tungstenite and
//! nothing else: it sends whatever comes to all who are in, and whoever is next speaks when it has got it. Servers and agents
//! have a runtime each, in one process.
//!
//! * `turns/s`: opinions, while a round was open; in `all/s` the time of ballots is counted in.
//! * `deliveries/s`: frames that agents received, all together. The relay says each opinion once; the server says also who is next.
//! * `p50`, `p99`: from speaking to one's own ack, which on the server means that it is durable.
//!
//! Not measured by criterion, which would give each its own minute: here they take turns, so that whatever else the
//! machine does falls on all of them, and the ratios hold. `cargo bench --bench meeting_end_to_end -- relay postgres 20x5`
//! measures two of them, with five meetings of twenty. With `CI` set the meetings are short and few.

mod agents;
mod house;
mod relay;
mod report;

#[path = "../support/databases.rs"]
mod databases;

use std::env;
use std::sync::Arc;
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use mimalloc::MiMalloc;
use tokio::runtime::Runtime;
use tokio::sync::Barrier;

use databases::Scratch;
use house::House;
use report::Report;

/// As the server has it.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

/// Of one opinion.
const OPINION_BYTES: usize = 300;

/// Who meets at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Size {
    /// In each meeting.
    agents: usize,
    meetings: usize,
}

/// How much is measured.
struct Plan {
    /// Each is measured for itself.
    sizes: &'static [Size],
    /// Opinions in all, about: so many rounds are held as that takes, within what a meeting may have.
    turns: usize,
    /// How often every venue has its turn; the first time is not counted.
    repetitions: usize,
}

const FULL: Plan = Plan {
    sizes: &[
        Size::of(20, 1),
        Size::of(50, 1),
        Size::of(100, 1),
        Size::of(20, 5),
        Size::of(20, 50),
    ],
    turns: 5_000,
    repetitions: 6,
};
const SHORT: Plan = Plan {
    sizes: &[Size::of(20, 1)],
    turns: 60,
    repetitions: 2,
};

impl Size {
    const fn of(agents: usize, meetings: usize) -> Self {
        Self { agents, meetings }
    }

    /// Reads `20x5`.
    fn parse(text: &str) -> Option<Self> {
        let (agents, meetings) = text.split_once('x')?;
        Some(Self::of(agents.parse().ok()?, meetings.parse().ok()?))
    }

    fn rounds(self, turns: usize) -> u32 {
        let rounds = turns / (self.agents * self.meetings);
        u32::try_from(rounds.clamp(1, 50)).expect("fifty at most")
    }
}

/// Where agents meet.
enum Venue {
    Relay,
    House(Box<House>),
}

/// What one meeting came to.
struct Measured {
    turns: usize,
    /// While a round was open.
    discussing: Duration,
    /// From the first turn to the end.
    whole: Duration,
    /// That all agents received.
    frames: usize,
    /// Nanoseconds from speaking to one's own ack.
    acks: Histogram<u64>,
}

fn main() {
    let plan = if env::var_os("CI").is_some() {
        SHORT
    } else {
        FULL
    };
    let arguments = env::args().skip(1);
    let arguments = arguments.filter(|argument| !argument.starts_with("--"));
    let (sizes, asked): (Vec<_>, Vec<_>) =
        arguments.partition(|argument| Size::parse(argument).is_some());
    let mut sizes: Vec<_> = sizes.iter().filter_map(|size| Size::parse(size)).collect();
    if sizes.is_empty() {
        sizes.extend(plan.sizes);
    }
    let is_asked = |name: &str| asked.is_empty() || asked.iter().any(|asked| asked == name);
    let (serving, driving) = (runtime(), runtime());
    log_to_nowhere();
    let mut venues = Vec::new();
    if is_asked("relay") {
        venues.push(("relay", Venue::Relay));
    }
    if is_asked("memory") {
        venues.push(("memory", Venue::House(Box::new(House::in_memory(&serving)))));
    }
    if is_asked("postgres") {
        let scratch = driving.block_on(Scratch::postgres());
        venues.push((
            "postgres",
            Venue::House(Box::new(House::on_database(&serving, scratch))),
        ));
    }
    if is_asked("sqlite") {
        let scratch = driving.block_on(Scratch::sqlite());
        venues.push((
            "sqlite",
            Venue::House(Box::new(House::on_database(&serving, scratch))),
        ));
    }
    let mut report = Report::default();
    for size in sizes {
        for repetition in 0..plan.repetitions {
            for (name, venue) in &venues {
                let measured = venue.hold(&serving, &driving, size, size.rounds(plan.turns));
                if repetition > 0 {
                    report.add(name, size, &measured);
                }
            }
        }
    }
    for (_, venue) in venues {
        if let Venue::House(house) = venue {
            serving.block_on(house.close());
        }
    }
    print!("{report}");
}

fn runtime() -> Runtime {
    Runtime::new().expect("a runtime")
}

/// The log costs what it costs in production, but for the terminal.
fn log_to_nowhere() {
    tracing_subscriber::fmt()
        .with_env_filter("info,ractor=warn")
        .with_writer(std::io::sink)
        .init();
}

impl Venue {
    /// Holds so many meetings at once: all begin together.
    fn hold(&self, serving: &Runtime, driving: &Runtime, size: Size, rounds: u32) -> Vec<Measured> {
        driving.block_on(async {
            let (mut held, start) = (Vec::new(), Arc::new(Barrier::new(size.meetings)));
            for _ in 0..size.meetings {
                let start = Arc::clone(&start);
                held.push(match self {
                    Self::Relay => {
                        let address = relay::open(serving, size.agents).await;
                        tokio::spawn(relay::talk(address, size.agents, rounds as usize, start))
                    }
                    Self::House(house) => {
                        let invitation = house.invite(size.agents, rounds).await;
                        tokio::spawn(agents::attend(invitation, start))
                    }
                });
            }
            let mut measured = Vec::new();
            for meeting in held {
                measured.push(
                    meeting
                        .await
                        .expect("a meeting that nobody disturbs comes to its end"),
                );
            }
            measured
        })
    }
}

/// An empty histogram of nanoseconds, up to a minute.
fn nanoseconds() -> Histogram<u64> {
    Histogram::new_with_max(60_000_000_000, 3).expect("three significant digits are possible")
}

fn record(histogram: &mut Histogram<u64>, time: Duration) {
    histogram.saturating_record(u64::try_from(time.as_nanos()).unwrap_or(u64::MAX));
}

#[expect(clippy::disallowed_methods, reason = "a bench measures")]
fn now() -> Instant {
    Instant::now()
}
