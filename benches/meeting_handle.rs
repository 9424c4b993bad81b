//! What the rules cost on their own: the domain without sockets, JSON or a database.
//!
//! Twenty agents, opinions of 300 bytes. `round` is the discussion of one round, `ballot` a vote of all,
//! `meeting` all rounds from the first opinion to the end, `fold` the same meeting out of its journal.
//! The throughput of `round` is in opinions, of `ballot` in votes, of the others in events.
//!
//! With `CI` set, the meeting has fewer rounds and less time is taken to measure.

use std::env;
use std::hint::black_box;
use std::time::Duration;

use chrono::DateTime;
use criterion::measurement::WallTime;
use criterion::{
    BatchSize, BenchmarkGroup, Criterion, Throughput, criterion_group, criterion_main,
};
use synod::domain::{
    AgentId, Caller, Command, Created, DecisionId, Input, Meeting, MeetingId, MeetingType, Phase,
    Recorded, Settings, Vote,
};
use uuid::Uuid;

const AGENTS: usize = 20;
const OPINION_BYTES: usize = 300;

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

/// A meeting in its first turn with everybody there, and its journal until then.
fn seated(rounds: u32) -> (Meeting, Vec<Recorded>) {
    let agents: Vec<_> = (1..=AGENTS as u128)
        .map(|n| AgentId(Uuid::from_u128(n)))
        .collect();
    let created = Created {
        meeting: MeetingId(Uuid::from_u128(1)),
        topic: "What a rule costs".to_owned(),
        meeting_type: MeetingType::UserSpecified,
        settings: Settings {
            max_discussion_rounds: rounds,
            ..Settings::default()
        },
        moderator: None,
        participants: agents
            .iter()
            .map(|agent| (*agent, agent.to_string()))
            .collect(),
        related: Vec::new(),
        decision: DecisionId(Uuid::from_u128(2)),
    };
    let (mut meeting, first) = Meeting::create(DateTime::UNIX_EPOCH, created);
    let mut journal = vec![first];
    for agent in agents {
        let name = agent.to_string();
        journal.extend(step(&mut meeting, Input::Connected { agent, name }));
    }
    let start = Input::Command {
        from: Caller::Admin,
        command: Command::Start,
    };
    journal.extend(step(&mut meeting, start));
    (meeting, journal)
}

/// Plays a meeting to its end; every motion is rejected.
fn hold(mut meeting: Meeting, mut heard: impl FnMut(Vec<Recorded>)) -> Meeting {
    while !matches!(meeting.phase(), Phase::Concluded { .. }) {
        while let Some(input) = opinion(&meeting) {
            heard(step(&mut meeting, input));
        }
        for input in votes(&meeting) {
            heard(step(&mut meeting, input));
        }
    }
    meeting
}

fn step(meeting: &mut Meeting, input: Input) -> Vec<Recorded> {
    // Time stands still: no deadline comes near.
    meeting
        .handle(DateTime::UNIX_EPOCH, input)
        .expect("a well-behaved agent is not refused")
}

/// The opinion that is waited for.
fn opinion(meeting: &Meeting) -> Option<Input> {
    let Phase::Discussing {
        turn: Some(turn), ..
    } = meeting.phase()
    else {
        return None;
    };
    let command = Command::Speak {
        content: "o".repeat(OPINION_BYTES),
        proposal: None,
    };
    Some(Input::Command {
        from: Caller::Agent(turn.agent),
        command,
    })
}

/// The votes that are waited for.
fn votes(meeting: &Meeting) -> Vec<Input> {
    let Phase::Voting(ballot) = meeting.phase() else {
        return Vec::new();
    };
    let vote = |voter: &AgentId| {
        let vote = Vote {
            agrees: Some(false),
            rationale: None,
            confidence: Some(0.5),
        };
        Input::Command {
            from: Caller::Agent(*voter),
            command: Command::CastVote(vote),
        }
    };
    ballot.voters.iter().map(vote).collect()
}
