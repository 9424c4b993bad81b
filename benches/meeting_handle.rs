//! What the rules cost on their own: the domain without sockets, JSON or a database.
//!
//! Twenty agents, opinions of 300 bytes. `round` is the discussion of one round, `ballot` a vote of all,
//! `meeting` all rounds from the first opinion to the end, `fold` the same meeting out of its journal.
//! The throughput of `round` is in opinions, of `ballot` in votes, of the others in events.
//!
//! With `CI` set, the meeting has fewer rounds and less time is taken to measure.

#[path = "support/seated.rs"]
mod seated;

use std::env;
use std::hint::black_box;
use std::time::Duration;

use criterion::measurement::WallTime;
use criterion::{
    BatchSize, BenchmarkGroup, Criterion, Throughput, criterion_group, criterion_main,
};
use synod::domain::{Meeting, Recorded};

use seated::{AGENTS, hold, opinion, seated, step, votes};

criterion_group!(benches, rules);
criterion_main!(benches);

fn rules(criterion: &mut Criterion) {
    let is_short = env::var_os("CI").is_some();
    let mut group = criterion.benchmark_group("meeting_handle");
    if is_short {
        group
            .sample_size(10)
            .warm_up_time(Duration::from_millis(300));
        group.measurement_time(Duration::from_secs(1));
    }
    let (seated, seating) = seated(if is_short { 3 } else { 10 });
    parts(&mut group, &seated);
    whole(&mut group, &seated, seating);
    group.finish();
}

/// One round of opinions, and the ballot behind it.
fn parts(group: &mut BenchmarkGroup<'_, WallTime>, seated: &Meeting) {
    let discuss = |mut meeting: Meeting| {
        while let Some(input) = opinion(&meeting) {
            black_box(step(&mut meeting, input));
        }
        meeting
    };
    group.throughput(Throughput::Elements(AGENTS as u64));
    group.bench_function("round", |bencher| {
        bencher.iter_batched(|| seated.clone(), discuss, BatchSize::SmallInput);
    });
    let voting = discuss(seated.clone());
    group.bench_function("ballot", |bencher| {
        let vote_all = |mut meeting: Meeting| {
            for input in votes(&meeting) {
                black_box(step(&mut meeting, input));
            }
            meeting
        };
        bencher.iter_batched(|| voting.clone(), vote_all, BatchSize::SmallInput);
    });
}

/// A meeting to its end, live and folded.
fn whole(group: &mut BenchmarkGroup<'_, WallTime>, seated: &Meeting, seating: Vec<Recorded>) {
    let mut journal = seating;
    let heard_before = journal.len();
    hold(seated.clone(), |events| journal.extend(events));
    group.throughput(Throughput::Elements((journal.len() - heard_before) as u64));
    group.bench_function("meeting", |bencher| {
        let live = |meeting| hold(meeting, |events| drop(black_box(events)));
        bencher.iter_batched(|| seated.clone(), live, BatchSize::SmallInput);
    });
    group.throughput(Throughput::Elements(journal.len() as u64));
    group.bench_function("fold", |bencher| {
        let fold = |journal| Meeting::fold(journal).expect("a journal that was just written folds");
        bencher.iter_batched(|| journal.clone(), fold, BatchSize::SmallInput);
    });
}
