//! How long it takes to ask a long log: each filter, and pairs of them, over REST, from a real server on PostgreSQL.
//!
//! `--rows N` says how long the log is (100 000 if it does not). Agents, topics and words are of every frequency, from the
//! commonest on. All questions are asked once beforehand, so that what is measured is answered from memory. The table at the end
//! is Markdown; it names the indexes that the first page of a middling question is read and counted by. PostgreSQL is the one of
//! `SYNOD_TEST_POSTGRES_URL`. With `CI` set the log is short.

mod questions;
mod server;

#[expect(dead_code, reason = "this bench is about PostgreSQL alone")]
#[path = "../support/databases.rs"]
mod databases;
#[path = "../support/generated.rs"]
mod generated;

use std::collections::BTreeSet;
use std::env;
use std::time::Instant;

use clap::Parser;
use hdrhistogram::Histogram;
use serde_json::Value;
use sqlx::{Connection, PgConnection};
use synod::storage::postgres::plans;
use synod::storage::{Database, PageRequest, Start, connect};

use databases::Scratch;
use questions::{QUESTIONS, Question};
use server::Server;

/// What is asked of each kind, each of other agents, topics, words and dates.
const ASKED: u32 = 60;
/// How often each of them is measured.
const ROUNDS: u32 = 3;
/// As many connections to the database as a server has by default.
const DATABASE_CONNECTIONS: u32 = 10;

/// The command line; cargo adds `--bench`.
#[derive(Parser)]
struct Wanted {
    /// Messages in the log.
    #[arg(long)]
    rows: Option<i64>,
    #[arg(long, hide = true)]
    bench: bool,
}

#[tokio::main]
async fn main() {
    let is_short = env::var_os("CI").is_some();
    let rows = Wanted::parse().rows;
    let rows = rows.unwrap_or(if is_short { 10_000 } else { 100_000 });
    let scratch = Scratch::postgres().await;
    let Database::Postgres(url) = scratch.database() else {
        unreachable!("it was asked for");
    };
    let store = connect(&scratch.database(), DATABASE_CONNECTIONS).await;
    let store = store.expect("the database is there");
    let mut psql = PgConnection::connect(&url)
        .await
        .expect("the database is there");
    let began = now();
    generated::fill(&*store, &mut psql, rows).await;
    eprintln!(
        "{rows} messages after {:.0} s",
        began.elapsed().as_secs_f64()
    );
    psql.close()
        .await
        .expect("a connection that worked can be closed");

    let server = Server::start(store).await;
    println!("| {rows} messages | p50 ms | p95 ms | max ms | indexes |");
    println!("|---|---|---|---|---|");
    for question in QUESTIONS {
        let times = measure(&server, question).await;
        let ms = |nanos: u64| nanos as f64 / 1e6;
        println!(
            "| {} | {:.1} | {:.1} | {:.1} | {} |",
            question.name,
            ms(times.value_at_quantile(0.5)),
            ms(times.value_at_quantile(0.95)),
            ms(times.max()),
            indexes(&url, question).await,
        );
    }
    server.stop().await;
    scratch.discard().await;
}

async fn measure(server: &Server, question: &Question) -> Histogram<u64> {
    let mut times = Histogram::new(3).expect("three significant digits are possible");
    for round in 0..=ROUNDS {
        for nth in 0..ASKED {
            let began = now();
            let answer = server.ask(question, nth).await;
            let took = began.elapsed();
            assert!(answer["communications"].is_array(), "{answer}");
            if round > 0 {
                let nanos = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX);
                times.record(nanos).expect("it grows as it must");
            }
        }
    }
    times
}

/// The indexes by which a middling question is answered.
async fn indexes(url: &str, question: &Question) -> String {
    let (size, start) = (50, Start::Number(1));
    let filter = question.filter(ASKED / 2);
    let plans = plans::of_communications(url, &filter, PageRequest { size, start }).await;
    let mut names = BTreeSet::new();
    for plan in plans.expect("the database is there") {
        name_indexes(&plan[0]["Plan"], &mut names);
    }
    names.into_iter().collect::<Vec<_>>().join(", ")
}

fn name_indexes(plan: &Value, names: &mut BTreeSet<String>) {
    let was_run = plan["Actual Loops"].as_f64().unwrap_or_default() > 0.0;
    if let Some(name) = plan["Index Name"].as_str().filter(|_| was_run) {
        // Of each part's own index only its columns are told.
        let columns = name.trim_start_matches(|c: char| !c.is_ascii_digit() && c != 'd');
        let columns = columns.trim_start_matches("default");
        let columns = columns.trim_start_matches(|c: char| c.is_ascii_digit() || c == '_');
        names.insert(columns.trim_end_matches("_idx").to_owned());
    }
    for below in plan["Plans"].as_array().into_iter().flatten() {
        name_indexes(below, names);
    }
}

#[expect(clippy::disallowed_methods, reason = "a bench measures")]
fn now() -> Instant {
    Instant::now()
}
