//! How long a server takes to be back after `kill -9`: ten thousand meetings in progress, each in the middle of a round.
//!
//! `start` is the real program from its first instruction until it is ready, which it says when every meeting is taken over,
//! folded and live; `select` is one connection that SELECTs the journals of the same meetings and does nothing with them.
//! On Linux it also says what a meeting that runs takes of memory: what is resident of that server beyond one without meetings.
//! PostgreSQL is the one of `SYNOD_TEST_POSTGRES_URL`. With `CI` set there are few meetings.

#[expect(dead_code, reason = "this bench is about PostgreSQL alone")]
#[path = "support/databases.rs"]
mod databases;

use std::env;
use std::process::Stdio;
use std::time::{Duration, Instant};

use sqlx::{Connection, PgConnection};
use synod::actors::journal;
use synod::client::Client;
use synod::clock::Clock;
use synod::domain::{
    AgentId, Caller, Command, Created, DecisionId, Input, Meeting, MeetingId, MeetingType,
    Recorded, Settings,
};
use synod::storage::{Agent, Append, Appended, Database, Role, Store, TokenHash, connect};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command as Program};
use tokio::runtime::Runtime;

use databases::Scratch;

const MEETINGS: usize = 10_000;
const MEETINGS_SHORT: usize = 100;
const AGENTS: usize = 4;
const REPETITIONS: usize = 5;
const OPINION_BYTES: usize = 300;
/// Meetings whose events are written in one commit.
const BATCH: usize = 500;
/// How often a server is asked whether it is ready: what is measured is no finer.
const LOOK: Duration = Duration::from_millis(2);
const ADMIN_TOKEN: &str = "the operator's token";
const JOURNALS: &str = "
select meeting_id, seq, epoch, kind, version, at, payload, frame_id
  from meeting_events
 where meeting_id in (select id from meetings where status in ('pending', 'in_progress'))
 order by meeting_id, seq";

fn main() {
    let is_short = env::var_os("CI").is_some();
    let meetings = if is_short { MEETINGS_SHORT } else { MEETINGS };
    let runtime = Runtime::new().expect("a runtime");
    runtime.block_on(async {
        let scratch = Scratch::postgres().await;
        let Database::Postgres(url) = scratch.database() else {
            unreachable!("it was asked for PostgreSQL")
        };
        let (_, empty) = start(&url, 0).await;
        let events = fill(&scratch.database(), meetings).await;
        let mut psql = PgConnection::connect(&url).await.expect("a connection");
        let analyzed = sqlx::query("vacuum analyze").execute(&mut psql).await;
        analyzed.expect("statistics");
        let (mut starts, mut selects, mut resident) = (Vec::new(), Vec::new(), Vec::new());
        for _ in 0..REPETITIONS {
            selects.push(select(&mut psql, events).await);
            let (took, bytes) = start(&url, meetings).await;
            starts.push(took);
            resident.extend(bytes);
        }
        psql.close().await.expect("a goodbye");
        let (start, select) = (median(starts), median(selects));
        println!("| {meetings} meetings, {events} events | s | × select |\n|---|---:|---:|");
        for (name, took) in [("select", select), ("start, until all are live", start)] {
            let ratio = took.as_secs_f64() / select.as_secs_f64();
            println!("| {name} | {:.2} | {ratio:.1} |", took.as_secs_f64());
        }
        if let Some(empty) = empty {
            let each = median(resident).saturating_sub(empty) as f64 / meetings as f64;
            println!("memory of a meeting that runs: {:.1} KB", each / 1_024.0);
        }
        scratch.discard().await;
    });
}

/// Keeps meetings in the middle of their first round; answers how many events they have.
async fn fill(database: &Database, meetings: usize) -> usize {
    let clock = Clock::system();
    let store = connect(database, 4).await.expect("a store");
    let mut agents = Vec::new();
    for nth in 0..AGENTS {
        let agent = Agent {
            id: AgentId(clock.id()),
            name: format!("agent {nth}"),
            role: Role::Agent,
            model: None,
            metadata: None,
            created_at: clock.now(),
            revoked_at: None,
        };
        let added = store.create_agent(&agent, TokenHash(clock.bytes()), None);
        added.await.expect("a new agent");
        agents.push(agent.id);
    }
    let mut events = 0;
    let mut appends: Vec<Append> = Vec::new();
    for nth in 1..=meetings {
        let append = meeting(&*store, &clock, &agents).await;
        events += 1 + append.entries.len();
        appends.push(append);
        if appends.len() == BATCH || nth == meetings {
            let appended = store.append(&appends).await.expect("events are kept");
            assert!(appended.iter().all(|a| *a == Appended::Committed));
            appends.clear();
        }
    }
    store.close().await;
    events
}

/// Creates a meeting, and answers what happens in it until its last agent has the turn.
async fn meeting(store: &dyn Store, clock: &Clock, agents: &[AgentId]) -> Append {
    let id = MeetingId(clock.id());
    let named = |agent: &AgentId| (*agent, agent.to_string());
    let created = Created {
        meeting: id,
        topic: "What it takes to be back".to_owned(),
        meeting_type: MeetingType::UserSpecified,
        settings: Settings::default(),
        moderator: None,
        participants: agents.iter().map(named).collect(),
        related: Vec::new(),
        decision: DecisionId(clock.id()),
    };
    let (mut meeting, first) = Meeting::create(clock.now(), created);
    let kept = journal::created(&meeting, first);
    store.create_meeting(&kept).await.expect("a new meeting");
    let taken = store.take_over(&[id]).await.expect("it is open");
    let connect = agents.iter().map(|agent| Input::Connected {
        agent: *agent,
        name: agent.to_string(),
    });
    let start = Input::Command {
        from: Caller::Admin,
        command: Command::Start,
    };
    let speak = agents[..AGENTS - 1].iter().map(|agent| Input::Command {
        from: Caller::Agent(*agent),
        command: Command::Speak {
            content: "o".repeat(OPINION_BYTES),
            proposal: None,
        },
    });
    let inputs: Vec<_> = connect.chain([start]).chain(speak).collect();
    let mut recorded: Vec<Recorded> = Vec::new();
    for input in inputs {
        let events = meeting.handle(clock.now(), input);
        recorded.extend(events.expect("a well-behaved agent is not refused"));
    }
    let entries = recorded
        .into_iter()
        .map(|event| journal::entry(event, None));
    journal::append(&meeting, taken[0].epoch, entries.collect())
}

/// Starts the server until it is ready, sees that all meetings are live, and kills it. How long that took, and what was resident then.
async fn start(url: &str, meetings: usize) -> (Duration, Option<u64>) {
    let data = tempfile::tempdir().expect("a directory");
    let begun = now();
    let mut child = serve(url, data.path());
    let stdout = child.stdout.take().expect("its output is a pipe");
    let line = BufReader::new(stdout).lines().next_line().await;
    let line = line.expect("its output can be read").expect("it listens");
    let address = line.strip_prefix("listening on ").expect("an address");
    let client = Client::new(address, ADMIN_TOKEN).expect("an address");
    while !client.is_ready().await {
        tokio::time::sleep(LOOK).await;
    }
    let took = begun.elapsed();
    let metrics = client.send(http::Method::GET, "/metrics", None).await;
    let metrics = String::from_utf8_lossy(&metrics.expect("metrics")).into_owned();
    let live = format!("\nsynod_meetings {meetings}\n");
    assert!(metrics.contains(&live), "all are live: {metrics}");
    let resident = child.id().and_then(resident);
    child.kill().await.expect("it was there");
    (took, resident)
}

/// In bytes: see `proc_pid_status(5)`.
fn resident(process: u32) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kilobytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kilobytes * 1_024)
}

fn serve(url: &str, data: &std::path::Path) -> Child {
    Program::new(env!("CARGO_BIN_EXE_synod"))
        .env_clear()
        .env("DATABASE_URL", url)
        .args(["serve", "--log", "error", "--listen", "127.0.0.1:0"])
        .args(["--admin-token", ADMIN_TOKEN, "--data-dir"])
        .arg(data)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .expect("the program can be started")
}

async fn select(psql: &mut PgConnection, events: usize) -> Duration {
    let begun = now();
    let rows = sqlx::query(JOURNALS).fetch_all(psql).await.expect("rows");
    let took = begun.elapsed();
    assert!(rows.len() >= events, "all that was written");
    took
}

fn median<T: Ord + Copy>(mut measured: Vec<T>) -> T {
    measured.sort_unstable();
    measured[measured.len() / 2]
}

#[expect(clippy::disallowed_methods, reason = "a bench measures")]
fn now() -> Instant {
    Instant::now()
}
