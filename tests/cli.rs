//! The program on the command line: its exit codes, its settings, its tokens, its demo.

use std::fs;
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::process::Output;
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::{Value, json};
use synod::storage::Database;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

use crate::support::database::Fresh;
use crate::support::on_each_database;
use crate::support::server::Server;

mod topics;

on_each_database!(what_the_command_line_does_to_tokens_holds_at_the_server,);

/// The program, in an environment that says nothing.
fn synod(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_synod"));
    command.env_clear().args(args).kill_on_drop(true);
    command
}

/// Runs a command to its end; none takes long.
async fn output(command: &mut Command) -> Output {
    let ended = tokio::time::timeout(Duration::from_mins(1), command.output()).await;
    ended.expect("an end").expect("a process")
}

async fn run(args: &[&str]) -> Output {
    output(&mut synod(args)).await
}

fn out(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).expect("stdout is text")
}

fn err(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).expect("stderr is text")
}

fn text(path: &Path) -> &str {
    path.to_str().expect("a path that is text")
}

/// An address where nobody else can listen for now, so that an attempt says which address was meant.
fn taken() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("an address");
    (listener, address)
}

fn settings_file(directory: &TempDir, contents: &str) -> String {
    let path = directory.path().join("synod.toml");
    fs::write(&path, contents).expect("a file can be written");
    text(&path).to_owned()
}

// ---- Exit codes ----

#[tokio::test]
async fn wrong_usage_ends_with_2() {
    let wrong: [&[&str]; 6] = [
        &[],
        &["dance"],
        &["serve", "--listen", "everywhere"],
        &["demo", "--agents", "1"],
        &["token", "revoke", "Ada"],
        &["serve", "--config", "no-such-file.toml"],
    ];
    for args in wrong {
        let ended = run(args).await;
        assert_eq!(ended.status.code(), Some(2), "{args:?}: {}", err(&ended));
        assert!(out(&ended).is_empty(), "{args:?}: {}", out(&ended));
    }
}

#[tokio::test]
async fn help_is_no_fault() {
    for args in [
        &["--help"][..],
        &["serve", "--help"],
        &["token", "create", "--help"],
    ] {
        let ended = run(args).await;
        assert_eq!(ended.status.code(), Some(0));
        assert!(out(&ended).contains("Usage: synod"), "{}", out(&ended));
    }
}

#[tokio::test]
async fn a_failure_ends_with_1_and_names_the_way_out() {
    let (_listener, address) = taken();
    let ended = run(&["serve", "--listen", &address.to_string()]).await;
    assert_eq!(ended.status.code(), Some(1));
    let said = err(&ended);
    assert!(said.starts_with("error: cannot listen on"), "{said}");
    assert!(said.contains("--listen"), "{said}");
}

// ---- Settings ----

#[tokio::test]
async fn word_embeddings_that_are_none_are_told_by_file_and_line() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("words.txt");
    fs::write(&path, "vehicle 1 0.5\nautomobile 1\n").unwrap();
    let file = text(&path);
    let data = text(directory.path());
    let ended = run(&["serve", "--data-dir", data, "--topics-embeddings", file]).await;
    assert_eq!(ended.status.code(), Some(1));
    assert!(
        err(&ended).contains(&format!("{file}: line 2: ")),
        "{}",
        err(&ended)
    );
}

#[tokio::test]
async fn a_flag_is_over_the_environment_and_the_environment_over_the_file() {
    let directory = tempfile::tempdir().unwrap();
    let ((_a, flag), (_b, environment), (_c, file)) = (taken(), taken(), taken());
    let path = settings_file(&directory, &format!("listen = '{file}'"));
    let attempt =
        async |command: &mut Command| err(&output(command.env("SYNOD_CONFIG", &path)).await);

    let said = attempt(&mut synod(&["serve"])).await;
    assert!(said.contains(&file.to_string()), "{said}");

    let mut command = synod(&["serve"]);
    command.env("SYNOD_LISTEN", environment.to_string());
    let said = attempt(&mut command).await;
    assert!(said.contains(&environment.to_string()), "{said}");

    let mut command = synod(&["serve", "--listen", &flag.to_string()]);
    command.env("SYNOD_LISTEN", environment.to_string());
    let said = attempt(&mut command).await;
    assert!(said.contains(&flag.to_string()), "{said}");
}

#[tokio::test]
async fn an_unknown_setting_is_told_with_its_nearest_neighbour() {
    let directory = tempfile::tempdir().unwrap();
    let path = settings_file(&directory, "message_mx_mb = 5");
    let ended = run(&["serve", "--config", &path]).await;
    assert_eq!(ended.status.code(), Some(2));
    let said = err(&ended);
    for needed in [&path, "\"message_mx_mb\"", "\"message_max_mb\""] {
        assert!(said.contains(needed), "{said}");
    }
}

#[tokio::test]
async fn a_limit_is_held_to_its_bounds_wherever_it_is_set() {
    let directory = tempfile::tempdir().unwrap();
    for (setting, least) in [
        ("commands_in_flight_max", 1),
        ("database_connections_max", 1),
    ] {
        let flag = format!("--{}=0", setting.replace('_', "-"));
        let path = settings_file(&directory, &format!("{setting} = 0"));
        let mut by_environment = synod(&["serve"]);
        by_environment.env(format!("SYNOD_{}", setting.to_uppercase()), "0");
        for mut command in [
            synod(&["serve", &flag]),
            synod(&["serve", "--config", &path]),
            by_environment,
        ] {
            let ended = output(&mut command).await;
            let said = err(&ended);
            assert_eq!(ended.status.code(), Some(2), "{said}");
            assert!(said.contains(&format!("0 is not in {least}..=")), "{said}");
        }
    }
}

#[tokio::test]
async fn one_settings_file_serves_all_commands() {
    let directory = tempfile::tempdir().unwrap();
    let data = directory.path().join("data");
    let text = format!("listen = '127.0.0.1:1'\ndata_dir = '{}'", data.display());
    let path = settings_file(&directory, &text);
    let ended = run(&["migrate", "--config", &path, "up"]).await;
    assert_eq!(ended.status.code(), Some(0), "{}", err(&ended));
    assert!(data.exists());
}

// ---- Server ----

#[tokio::test]
async fn the_server_tells_its_address_and_stops_when_it_is_asked_to() {
    let directory = tempfile::tempdir().unwrap();
    let data = text(directory.path());
    let mut command = synod(&["serve", "--listen", "127.0.0.1:0", "--data-dir", data]);
    let mut server: Child = command
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(server.stdout.take().unwrap()).lines();
    let line = lines.next_line().await.unwrap().unwrap();
    let address = line
        .strip_prefix("listening on http://")
        .expect("an address");
    assert!(address.parse::<SocketAddr>().is_ok(), "{address}");
    let pid = Pid::from_raw(i32::try_from(server.id().unwrap()).unwrap());
    kill(pid, Signal::SIGTERM).unwrap();
    let ended = tokio::time::timeout(Duration::from_mins(1), server.wait()).await;
    assert_eq!(ended.unwrap().unwrap().code(), Some(0));
}

#[tokio::test]
async fn a_server_that_another_program_started_stops_when_that_is_gone() {
    let directory = tempfile::tempdir().unwrap();
    let data = text(directory.path());
    let flags = ["--stop-with-stdin", "--listen", "127.0.0.1:0"];
    let mut command = synod(&[&["serve", "--data-dir", data], &flags[..]].concat());
    let mut server: Child = command
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(server.stdout.take().unwrap()).lines();
    lines.next_line().await.unwrap().expect("it listens");
    // As the system does it, however the other program ends.
    drop(server.stdin.take());
    let ended = tokio::time::timeout(Duration::from_mins(1), server.wait()).await;
    assert_eq!(ended.unwrap().unwrap().code(), Some(0));
}

// ---- Migrations and tokens ----

#[tokio::test]
async fn migrations_go_up_and_down() {
    let directory = tempfile::tempdir().unwrap();
    let data = text(directory.path());
    let states = async |args: &[&str]| {
        let ended = run(&[&["migrate", "--data-dir", data], args].concat()).await;
        assert_eq!(ended.status.code(), Some(0), "{}", err(&ended));
        let text = out(&ended);
        let states = text
            .lines()
            .map(|line| line.split(' ').nth(1).unwrap() == "applied");
        states.collect::<Vec<bool>>()
    };
    assert!(states(&["status"]).await.iter().all(|applied| !applied));
    assert!(states(&["up"]).await.iter().all(|applied| *applied));
    let after = states(&["down", "--steps", "2"]).await;
    assert_eq!(after.iter().filter(|applied| !**applied).count(), 2);
    assert!(states(&["up"]).await.iter().all(|applied| *applied));
}

#[tokio::test]
async fn a_token_stands_alone_on_stdout_and_can_be_replaced_and_revoked() {
    let directory = tempfile::tempdir().unwrap();
    let data = text(directory.path());
    let token = async |args: &[&str]| run(&[&["token", "--data-dir", data], args].concat()).await;

    let early = token(&["create", "Ada"]).await;
    assert_eq!(early.status.code(), Some(1));
    assert!(err(&early).contains("synod migrate up"), "{}", err(&early));
    run(&["migrate", "up", "--data-dir", data]).await;

    let created = token(&["create", "Ada", "--model", "abacus"]).await;
    assert_eq!(created.status.code(), Some(0), "{}", err(&created));
    let secret = out(&created);
    assert_eq!(secret.lines().count(), 1);
    assert!(secret.starts_with("synod_"), "{secret}");
    assert!(!err(&created).contains(secret.trim()));

    let listed = out(&token(&["list"]).await);
    assert!(listed.contains("Ada") && listed.contains("abacus") && listed.contains("active"));
    assert!(!listed.contains(secret.trim()));
    let id = listed.split(' ').next().unwrap();

    let rotated = token(&["rotate", id]).await;
    assert_eq!(rotated.status.code(), Some(0), "{}", err(&rotated));
    assert_ne!(out(&rotated), secret);
    let revoked = token(&["revoke", id]).await;
    assert_eq!(revoked.status.code(), Some(0), "{}", err(&revoked));
    assert!(out(&token(&["list"]).await).contains("revoked"));

    let unknown = token(&["revoke", "00000000-0000-0000-0000-000000000001"]).await;
    assert_eq!(unknown.status.code(), Some(1));
    assert!(
        err(&unknown).contains("synod token list"),
        "{}",
        err(&unknown)
    );
}

/// The tokens of an agent and of an observer, made, listed, replaced and taken back beside a server that is up.
async fn what_the_command_line_does_to_tokens_holds_at_the_server(fresh: Fresh) {
    let server = Server::on(&fresh).await;
    let data: Vec<String> = match fresh.database.as_ref().unwrap() {
        Database::Postgres(url) => vec!["--database-url".to_owned(), url.clone()],
        Database::Sqlite(file) => vec![
            "--data-dir".to_owned(),
            text(file.parent().unwrap()).to_owned(),
        ],
    };
    let token = async |args: &[&str]| {
        let ended = output(synod(&["token"]).args(&data).args(args)).await;
        assert_eq!(ended.status.code(), Some(0), "{args:?}: {}", err(&ended));
        out(&ended).trim().to_owned()
    };
    let reads = async |token: &str| {
        let client = server.admin.with_token(token).unwrap();
        client.get::<Value>("/api/v1/agents").await.is_ok()
    };
    let meets = async |token: &str| {
        let client = server.admin.with_token(token).unwrap();
        let meeting = json!({"topic": "t", "participant_ids": []});
        client.create_meeting(&meeting).await.is_ok()
    };
    for (name, flags, role) in [
        ("Ada", &["--model", "abacus"][..], "agent"),
        ("Wall", &["--observer"], "observer"),
    ] {
        let first = token(&[&["create", name], flags].concat()).await;
        assert!(reads(&first).await, "{role}");
        assert_eq!(meets(&first).await, role == "agent", "{role}");
        let listed = async || {
            let all = token(&["list"]).await;
            let line = all.lines().find(|line| line.ends_with(name));
            line.unwrap_or_else(|| panic!("{name}: {all}")).to_owned()
        };
        let line = listed().await;
        assert!(line.contains("active") && line.contains(role), "{line}");
        let id = line.split(' ').next().unwrap();
        let second = token(&["rotate", id]).await;
        assert!(reads(&second).await && !reads(&first).await, "{role}");
        assert_eq!(meets(&second).await, role == "agent", "{role}");
        token(&["revoke", id]).await;
        assert!(!reads(&second).await && !meets(&second).await, "{role}");
        let line = listed().await;
        assert!(
            line.contains("revoked") && !line.contains("active"),
            "{line}"
        );
    }
    server.stop().await;
}

// ---- Demo ----

async fn demo(args: &[&str]) -> (Output, TempDir) {
    let scratch = tempfile::tempdir().expect("a directory");
    let mut command = synod(&[&["demo", "--fast"], args].concat());
    // What is set for a server does not concern the demo.
    command
        .env("TMPDIR", scratch.path())
        .env("DATABASE_URL", "postgres://nobody@127.0.0.1:1/nothing")
        .env("SYNOD_LISTEN", "127.0.0.1:1");
    (output(&mut command).await, scratch)
}

#[tokio::test]
async fn the_demo_ends_with_a_decision() {
    let (ended, scratch) = demo(&["--seed", "1"]).await;
    let story = out(&ended);
    assert_eq!(ended.status.code(), Some(0), "{story}{}", err(&ended));
    let place = |words: &str| {
        story
            .find(words)
            .unwrap_or_else(|| panic!("{words}: {story}"))
    };
    let failed = place("Not passed");
    let passed = place("\n  Passed");
    let decided = place("\n  Decision  ");
    assert!(failed < passed && passed < decided);
    assert!(decided < place("\n  Dashboard http://127.0.0.1:"));
    assert!(
        !story.contains('\u{1b}'),
        "no colours where there is no terminal"
    );
    let left_behind = fs::read_dir(scratch.path()).unwrap().count();
    assert_eq!(left_behind, 0, "the database is gone");
}

#[tokio::test]
async fn a_demo_may_be_as_small_or_as_short_as_it_can_be() {
    for args in [["--agents", "2"], ["--agents", "12"], ["--rounds", "1"]] {
        let (ended, _) = demo(&args).await;
        assert_eq!(ended.status.code(), Some(0), "{args:?}: {}", err(&ended));
    }
}

#[tokio::test]
async fn the_same_seed_tells_the_same_story() {
    let said = async || {
        let (ended, _) = demo(&["--seed", "5", "--agents", "5"]).await;
        let story = out(&ended);
        let opinions = story.lines().filter(|line| line.starts_with("  │"));
        opinions.map(str::to_owned).collect::<Vec<String>>()
    };
    let first = said().await;
    assert!(!first.is_empty());
    assert_eq!(first, said().await);
}
