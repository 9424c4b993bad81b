//! The load tool, at a small size: not how fast a server is, but that the tool sees all of it.

use std::collections::{BTreeSet, HashMap};
use std::ffi::OsString;
use std::process::Output;
use std::time::Duration;

use serde_json::Value;
use synod::cli::Cli;
use tokio::process::Command;

use self::liar::{Liar, Lie};
use crate::support::database::Fresh;
use crate::support::on_each_database;
use crate::support::patience::within;
use crate::support::proxy::{Network, Proxy};
use crate::support::server::{ADMIN_TOKEN, Server};

mod liar;

on_each_database!(
    meetings_are_held_to_their_last_event,
    agents_that_drop_and_resume_and_agents_that_only_listen_are_all_accounted_for,
    messages_are_logged_at_a_rate_and_flat_out_and_read_back,
    meetings_are_opened_and_ended_by_the_dozen,
    everything_at_once_is_held_against_what_was_answered,
);

/// `synod load`, in an environment that says nothing.
fn synod(args: &[&str]) -> Command {
    let mut program = Command::new(env!("CARGO_BIN_EXE_synod"));
    program.env_clear().arg("load").args(args);
    program.kill_on_drop(true);
    program
}

/// Runs it against a server, to its end.
async fn run(url: &str, args: &[&str]) -> Output {
    let server = ["--json", "--url", url, "--admin-token", ADMIN_TOKEN];
    let mut program = synod(&[&server, args].concat());
    let output = within("the load is over", program.output()).await;
    output.expect("the program can be started")
}

/// What it told as JSON.
fn told(output: &Output) -> Value {
    let told = serde_json::from_slice(&output.stdout);
    let said = String::from_utf8_lossy(&output.stderr);
    told.unwrap_or_else(|error| panic!("{error}: {said}"))
}

/// Runs it against a server that does all that it must, and gives what it tells.
async fn load(server: &Server, args: &[&str]) -> Value {
    let output = run(server.admin.address(), args).await;
    let told = told(&output);
    assert_eq!(output.status.code(), Some(0), "{told}");
    for flaw in ["lost", "doubled", "out_of_order", "errors"] {
        assert_eq!(told[flaw], 0, "{told}");
    }
    told
}

/// How many of this it measured.
fn count(told: &Value, what: &str) -> u64 {
    measured(told, what)["count"].as_u64().expect("a number")
}

fn measured<'a>(told: &'a Value, what: &str) -> &'a Value {
    let mut measured = told["measured"].as_array().into_iter().flatten();
    let found = measured.find(|measured| measured["what"] == what);
    found.unwrap_or_else(|| panic!("no {what}: {told}"))
}

async fn meetings_are_held_to_their_last_event(fresh: Fresh) {
    let server = Server::on(&fresh).await;
    let size = ["--meetings", "2", "--agents", "3", "--rounds", "4"];
    let told = load(&server, &[&["meetings"], &size[..]].concat()).await;
    assert_eq!(count(&told, "turn"), 2 * 3 * 4);
    let ms = &measured(&told, "turn")["ms"];
    assert!(ms["p50"].as_f64() > Some(0.0), "{told}");
    assert!(ms["p50"].as_f64() <= ms["max"].as_f64(), "{told}");
    server.stop().await;
}

async fn agents_that_drop_and_resume_and_agents_that_only_listen_are_all_accounted_for(
    fresh: Fresh,
) {
    let server = Server::on(&fresh).await;
    let size = ["--meetings", "1", "--agents", "3", "--rounds", "8"];
    let churn = ["churn", "--drop-percent", "60"];
    let told = load(&server, &[&churn[..], &size[..]].concat()).await;
    assert_eq!(count(&told, "turn"), 3 * 8);
    assert!(count(&told, "resume") > 0);
    let idle = ["connections", "--agents", "20", "--hold", "0"];
    let told = load(&server, &idle).await;
    assert_eq!(count(&told, "connection"), 20);
    server.stop().await;
}

async fn messages_are_logged_at_a_rate_and_flat_out_and_read_back(fresh: Fresh) {
    let server = Server::on(&fresh).await;
    let size = ["log", "--seconds", "1", "--clients", "4"];
    let told = load(&server, &[&size[..], &["--rate", "100"]].concat()).await;
    assert_eq!(count(&told, "message"), 100, "as many as are due");
    let told = load(&server, &size).await;
    assert!(count(&told, "message") > 0);
    server.stop().await;
}

async fn meetings_are_opened_and_ended_by_the_dozen(fresh: Fresh) {
    let server = Server::on(&fresh).await;
    let size = ["turnover", "--meetings", "36", "--at-once", "3"];
    let told = load(&server, &size).await;
    assert_eq!(count(&told, "meeting"), 36);
    let told = load(&server, &[&size[..], &["--held"]].concat()).await;
    assert_eq!(count(&told, "meeting"), 36);
    assert_eq!(count(&told, "turn"), 2 * 36);
    server.stop().await;
}

async fn everything_at_once_is_held_against_what_was_answered(fresh: Fresh) {
    let server = Server::on(&fresh).await;
    let size = [
        "--seconds",
        "2",
        "--rate",
        "50",
        "--idle",
        "5",
        "--asides",
        "30",
    ];
    let told = load(&server, &[&["mixed"], &size[..]].concat()).await;
    assert_eq!(count(&told, "connection"), 5);
    assert_eq!(count(&told, "message"), 100);
    for what in ["turn", "direct message", "query"] {
        assert!(count(&told, what) > 0, "{what}");
    }
    server.stop().await;
}

#[tokio::test]
async fn a_stream_that_is_wrong_is_a_flaw_and_the_exit_code_says_so() {
    let fresh = Fresh::sqlite().await;
    let server = Server::on(&fresh).await;
    for (lie, flaw) in [
        (Lie::Swallows, "lost"),
        (Lie::Doubles, "doubled"),
        (Lie::Delays, "out_of_order"),
    ] {
        let liar = Liar::before(server.admin.address(), lie).await;
        let size = [
            "meetings",
            "--meetings",
            "1",
            "--agents",
            "2",
            "--rounds",
            "1",
        ];
        let output = run(&liar.url, &size).await;
        let told = told(&output);
        assert_eq!(output.status.code(), Some(1), "{lie:?}: {told}");
        assert_eq!(told[flaw], 2, "one to each agent: {told}");
        assert!(told["first_flaw"].is_string(), "{told}");
    }
    server.stop().await;
}

#[tokio::test]
async fn what_waits_behind_a_slow_answer_is_counted_from_when_it_was_due() {
    let fresh = Fresh::sqlite().await;
    let server = Server::on(&fresh).await;
    let address = server.admin.address().strip_prefix("http://").unwrap();
    let proxy = Proxy::to(address.parse().unwrap()).await;
    proxy.set(Network::Delays(Duration::from_millis(25)));
    let url = format!("http://{}", proxy.address);
    let size = ["log", "--seconds", "1", "--rate", "50", "--clients", "1"];
    let told = told(&run(&url, &size).await);
    assert_eq!(count(&told, "message"), 50, "{told}");
    // Each takes 50 ms at least, there and back, and so the last of 50 waited for two and a half seconds, but for the one
    // in which they were due.
    let max = measured(&told, "message")["ms"]["max"].as_f64();
    assert!(max > Some(1_400.0), "{told}");
    server.stop().await;
}

#[tokio::test]
async fn a_server_that_is_started_for_a_load_has_its_memory_told_and_what_came_is_written_and_drawn()
 {
    let directory = tempfile::tempdir().unwrap();
    let [csv, svg] = ["load.csv", "load.svg"].map(|name| directory.path().join(name));
    let [csv_file, svg_file] = [&csv, &svg].map(|path| path.to_str().unwrap());
    let files = ["--spawn", "--csv", csv_file, "--plot", svg_file];
    let size = ["connections", "--agents", "10", "--hold", "0"];
    let mut program = synod(&[&files[..], &["--json"], &size].concat());
    let output = within("the load is over", program.output()).await.unwrap();
    let told = told(&output);
    assert!(output.status.success(), "{told}");
    if cfg!(target_os = "linux") {
        let memory = &told["server_memory"];
        assert!(memory["start_bytes"].as_u64() > Some(1 << 20), "{told}");
        assert!(
            memory["max_bytes"].as_u64() >= memory["end_bytes"].as_u64(),
            "{told}"
        );
        assert!(memory["per_connection_bytes"].is_u64(), "{told}");
    }
    let mut reader = csv::Reader::from_path(&csv).unwrap();
    let rows: Vec<HashMap<String, String>> = reader.deserialize().map(Result::unwrap).collect();
    let value = |what: &str| {
        let row = rows.iter().find(|row| row["what"] == what);
        row.unwrap_or_else(|| panic!("{rows:?}"))["value"].clone()
    };
    assert_eq!(
        (value("connection"), value("lost")),
        ("10".to_owned(), "0".to_owned())
    );
    let svg = std::fs::read_to_string(svg).unwrap();
    let picture = roxmltree::Document::parse(&svg).expect("an SVG is XML");
    assert_eq!(picture.root_element().tag_name().name(), "svg");
    let texts = picture.descendants().filter_map(|node| node.text());
    let texts: Vec<_> = texts.map(str::trim).collect();
    for text in ["connections", "90%", "percentile", "second"] {
        assert!(texts.contains(&text), "{text}: {texts:?}");
    }
}

/// Every example of the documentation, and of the help, is one that the program takes.
#[test]
fn every_example_is_understood() {
    let mut help = synod::cli::command();
    let help = help.find_subcommand_mut("load").expect("load");
    let help = help.render_long_help().to_string();
    let documents = [include_str!("../../docs/load.md"), &help];
    let lines = documents.iter().flat_map(|document| document.lines());
    let examples = lines.filter_map(|line| {
        let line = line.trim();
        let line = line.strip_prefix("SYNOD_ADMIN_TOKEN=… ").unwrap_or(line);
        line.starts_with("synod load ").then_some(line)
    });
    let mut scenarios = BTreeSet::new();
    for example in examples {
        let cli = Cli::read(example.split(' ').map(OsString::from));
        assert!(cli.is_ok(), "{example}: {:?}", cli.err());
        let words = example.split(' ');
        scenarios.extend(words.filter(|word| SCENARIOS.contains(word)));
    }
    assert_eq!(scenarios.into_iter().collect::<Vec<_>>(), SCENARIOS);
}

const SCENARIOS: [&str; 6] = [
    "churn",
    "connections",
    "log",
    "meetings",
    "mixed",
    "turnover",
];

#[tokio::test]
async fn what_a_server_refuses_is_a_flaw_and_the_exit_code_says_so() {
    let fresh = Fresh::sqlite().await;
    let limits = synod::config::Limits {
        rate_per_token_per_s: 1,
        burst_per_token: 1,
        ..crate::support::server::limits()
    };
    let server = Server::with(&fresh, limits).await;
    // The operator's own token has the same rate, and so the agents are not even made.
    let output = run(server.admin.address(), &["log", "--seconds", "1"]).await;
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("an agent could not be made"), "{said}");
    server.stop().await;
}

#[tokio::test]
async fn an_agent_that_cannot_come_in_ends_the_load_and_is_not_waited_for() {
    let fresh = Fresh::sqlite().await;
    let limits = synod::config::Limits {
        connections_per_address_max: 40,
        ..crate::support::server::limits()
    };
    let server = Server::with(&fresh, limits).await;
    let output = run(
        server.admin.address(),
        &["meetings", "--meetings", "1", "--agents", "60"],
    )
    .await;
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("could not come in"), "{said}");
    server.stop().await;
}
