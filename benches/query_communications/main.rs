//! How long it takes to ask a long log: each filter, and pairs of them, over REST, from a real server on PostgreSQL.
//!
//! `--rows N` says how long the log is (100 000 if it does not). Agents, topics and words are of every frequency, from the
//! commonest on. All questions are asked once beforehand, so that what is measured is answered from memory. `raw` is a bare SELECT of the
//! very messages that were answered, by their primary keys: what is needed at least by one who knows already which they are. The table at the end
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
use std::sync::Arc;
use std::time::Instant;

use chrono::{DateTime, Utc};
use clap::Parser;
use hdrhistogram::Histogram;
use serde_json::Value;
use sqlx::{Connection, PgConnection};
use synod::storage::postgres::plans;
use synod::storage::{Database, PageRequest, Start, Store, connect};
use uuid::Uuid;

use databases::Scratch;
use questions::{QUESTIONS, Question};
use server::Server;

/// What is asked of each kind, each of other agents, topics, words and dates.
const ASKED: u32 = 60;
/// How often each of them is measured.
const ROUNDS: u32 = 3;
/// As many connections to the database as a server has by default.
const DATABASE_CONNECTIONS: u32 = 10;
/// Messages by their primary keys.
const SAME: &str = "
select c.*
  from unnest($1::timestamptz[], $2::uuid[]) as known (timestamp, id)
  join communications c using (timestamp, id)";

/// The command line; cargo adds `--bench`.
#[derive(Parser)]
struct Wanted {
    /// Messages in the log.
    #[arg(long)]
    rows: Option<i64>,
    /// A database with such a log in it, to be measured again and left as it is.
    #[arg(long, value_name = "URL")]
    filled: Option<String>,
    #[arg(long, hide = true)]
    bench: bool,
}

#[tokio::main]
async fn main() {
    let wanted = Wanted::parse();
    let is_short = env::var_os("CI").is_some();
    let rows = wanted
        .rows
        .unwrap_or(if is_short { 10_000 } else { 100_000 });
    if let Some(url) = wanted.filled {
        ask(&url, rows).await;
        return;
    }
    let scratch = Scratch::postgres().await;
    let Database::Postgres(url) = scratch.database() else {
        unreachable!("it was asked for");
    };
    fill(&url, rows).await;
    ask(&url, rows).await;
    scratch.discard().await;
}

async fn fill(url: &str, rows: i64) {
    let store = open(url).await;
    let mut psql = PgConnection::connect(url)
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
    store.close().await;
}

async fn open(url: &str) -> Arc<dyn Store> {
    let database = Database::Postgres(url.to_owned());
    let store = connect(&database, DATABASE_CONNECTIONS).await;
    store.expect("the database is there")
}

/// Asks every question, and prints the table.
async fn ask(url: &str, rows: i64) {
    let server = Server::start(open(url).await).await;
    let mut psql = PgConnection::connect(url)
        .await
        .expect("the database is there");
    println!("| {rows} messages | p50 ms | p95 ms | max ms | raw p50 ms | × raw | indexes |");
    println!("|---|---|---|---|---|---|---|");
    for question in QUESTIONS {
        let Measured { asked, raw } = measure(&server, &mut psql, question).await;
        let ms = |nanos: u64| nanos as f64 / 1e6;
        let (p50, raw) = (asked.value_at_quantile(0.5), raw.value_at_quantile(0.5));
        println!(
            "| {} | {:.1} | {:.1} | {:.1} | {:.2} | {:.1} | {} |",
            question.name,
            ms(p50),
            ms(asked.value_at_quantile(0.95)),
            ms(asked.max()),
            ms(raw),
            p50 as f64 / raw as f64,
            indexes(url, question).await,
        );
    }
    psql.close()
        .await
        .expect("a connection that worked can be closed");
    server.stop().await;
}

/// Nanoseconds.
struct Measured {
    asked: Histogram<u64>,
    raw: Histogram<u64>,
}

async fn measure(server: &Server, psql: &mut PgConnection, question: &Question) -> Measured {
    let times = || Histogram::new(3).expect("three significant digits are possible");
    let (mut asked, mut raw) = (times(), times());
    for round in 0..=ROUNDS {
        for nth in 0..ASKED {
            let began = now();
            let answer = server.ask(question, nth).await;
            let took = began.elapsed();
            let (keys, began) = (keys(&answer), now());
            let rows = sqlx::query(SAME).bind(&keys.0).bind(&keys.1);
            let rows = rows.fetch_all(&mut *psql).await.expect("rows");
            assert_eq!(rows.len(), keys.0.len(), "what was answered is there");
            if round > 0 {
                for (times, took) in [(&mut asked, took), (&mut raw, began.elapsed())] {
                    let nanos = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX);
                    times.record(nanos).expect("it grows as it must");
                }
            }
        }
    }
    Measured { asked, raw }
}

/// The primary keys of the messages in an answer.
fn keys(answer: &Value) -> (Vec<DateTime<Utc>>, Vec<Uuid>) {
    let messages = answer["communications"].as_array();
    let messages = messages.unwrap_or_else(|| panic!("{answer}"));
    let key = |message: &Value| {
        let text = |name: &str| message[name].as_str().expect("a string").to_owned();
        let at = text("timestamp").parse::<DateTime<Utc>>();
        let id = text("id").parse::<Uuid>();
        (at.expect("a timestamp"), id.expect("an id"))
    };
    messages.iter().map(key).unzip()
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
