//! The whole server in a simulated world: real actors, transport and wire, on a network, a clock, a database and chance
//! that follow from one number, the seed.
//!
//! Each seed runs in a process of its own, because time and randomness are replaced there for the whole process, down to
//! the hash maps of libraries. `SYNOD_SIMULATION_SEED=7 scripts/test --test simulation` replays one and shows what
//! happened; `SYNOD_SIMULATION_SEEDS=5000` runs more of them, from `SYNOD_SIMULATION_FIRST` on.

#![expect(
    clippy::unwrap_used,
    reason = "a test that unwraps what is not there has failed"
)]

mod agent;
#[expect(dead_code, reason = "the simulation needs less of it than others")]
#[path = "../support/checker.rs"]
mod checker;
mod chronicle;
mod line;
#[expect(dead_code, reason = "the simulation needs less of it than others")]
#[path = "../support/log.rs"]
mod log;
mod nemesis;
mod operator;
mod plan;
mod server;
mod temper;
mod verdict;
mod world;

use std::process::{Command, Output};
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

/// A seed to run in this process, showing all that happens.
const SEED: &str = "SYNOD_SIMULATION_SEED";
/// How many seeds to run.
const SEEDS: &str = "SYNOD_SIMULATION_SEEDS";
/// The first of them.
const FIRST: &str = "SYNOD_SIMULATION_FIRST";
/// As many as fit in the tests' time.
const SEEDS_DEFAULT: u64 = 200;

#[test]
fn whatever_happens_nothing_that_anyone_was_told_is_lost() {
    if let Some(seed) = number(SEED) {
        println!("{}", world::run(seed));
        return;
    }
    let first = number(FIRST).unwrap_or(1);
    let last = first + number(SEEDS).unwrap_or(SEEDS_DEFAULT);
    let next = AtomicU64::new(first);
    let failed = AtomicU64::new(0);
    let work = || {
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= last || failed.load(Ordering::Relaxed) >= FAILURES_MAX {
                return;
            }
            let output = run_apart(seed);
            if !output.status.success() {
                failed.fetch_add(1, Ordering::Relaxed);
                println!("{}", why(seed, &output));
            }
        }
    };
    thread::scope(|scope| {
        let workers = thread::available_parallelism().map_or(1, usize::from);
        for _ in 0..workers {
            scope.spawn(work);
        }
    });
    assert_eq!(failed.into_inner(), 0, "seeds that failed, shown above");
}

#[test]
fn the_same_seed_tells_the_same_story() {
    if number(SEED).is_some() {
        return;
    }
    for seed in 1..=3 {
        let [once, again] = [seed, seed].map(run_apart).map(|output| story(&output));
        assert!(once.contains("concluded"), "there is a story: {once}");
        for (line, (one, other)) in once.lines().zip(again.lines()).enumerate() {
            assert_eq!(one, other, "seed {seed}, line {line}");
        }
        assert_eq!(once.len(), again.len());
    }
    assert_ne!(story(&run_apart(1)), story(&run_apart(2)));
}

/// Runs a seed in another process.
fn run_apart(seed: u64) -> Output {
    let program = std::env::current_exe().unwrap();
    let mut command = Command::new(program);
    command
        .env(SEED, seed.to_string())
        .env("RUST_BACKTRACE", "0")
        .args(["--exact", "--nocapture", "--test-threads=1"])
        .arg("whatever_happens_nothing_that_anyone_was_told_is_lost");
    command.output().unwrap()
}

/// What a process told of its seed, without what the test's harness adds.
fn story(output: &Output) -> String {
    let text = String::from_utf8_lossy(&output.stdout);
    let lines = text.lines().filter(|line| line.starts_with('['));
    lines.collect::<Vec<_>>().join("\n")
}

fn why(seed: u64, output: &Output) -> String {
    let story = String::from_utf8_lossy(&output.stdout);
    let last = story.lines().count().saturating_sub(STORY_END_LINES);
    let end: Vec<_> = story.lines().skip(last).collect();
    let errors = String::from_utf8_lossy(&output.stderr);
    format!(
        "seed {seed} failed ({}); run it again with\n\n    {SEED}={seed} scripts/test --test simulation\n\n{}\n{errors}",
        output.status,
        end.join("\n"),
    )
}

fn number(variable: &str) -> Option<u64> {
    let text = std::env::var(variable).ok()?;
    Some(
        text.parse()
            .unwrap_or_else(|_| panic!("{variable} is a number, not {text:?}")),
    )
}

/// Enough to see whether they have one cause.
const FAILURES_MAX: u64 = 3;
/// The end of a story that failed, as far as it is shown.
const STORY_END_LINES: usize = 40;
