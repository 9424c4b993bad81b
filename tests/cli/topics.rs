//! `synod topics`: what people and programs read, and what is done only when somebody means it.

use std::ffi::OsString;
use std::fs::File;
use std::io::{Read, Write};
use std::process::Output;

use nix::pty::openpty;
use serde_json::{Value, json};
use synod::cli::Cli;
use tokio::process::Command;
use uuid::Uuid;

use super::{err, out, output, synod};
use crate::support::agent::Agent;
use crate::support::database::Fresh;
use crate::support::on_each_database;
use crate::support::patience::within;
use crate::support::quarrel::{quarrel, say};
use crate::support::server::{ADMIN_TOKEN, Server};

on_each_database!(
    topics_are_shown_to_people_and_told_to_programs,
    a_meeting_is_held_about_a_topic_that_is_named_by_number_or_message,
);

/// `synod topics` at this server, as its admin.
fn topics(server: &Server, args: &[&str]) -> Command {
    let place = ["topics", "--url", server.admin.address()];
    let mut command = synod(&[&place, args].concat());
    command.env("SYNOD_ADMIN_TOKEN", ADMIN_TOKEN);
    command
}

async fn run(server: &Server, args: &[&str]) -> Output {
    output(&mut topics(server, args)).await
}

/// What it shows; it must go well.
async fn shown(server: &Server, args: &[&str]) -> String {
    let ended = run(server, args).await;
    assert_eq!(ended.status.code(), Some(0), "{}", err(&ended));
    out(&ended)
}

/// Why it fails; nothing may stand on stdout then.
async fn failed(server: &Server, args: &[&str]) -> String {
    let ended = run(server, args).await;
    assert_eq!(ended.status.code(), Some(1), "{}", out(&ended));
    assert_eq!(out(&ended), "");
    err(&ended)
}

async fn meetings(server: &Server) -> usize {
    let listed: Value = server.admin.get("/api/v1/meetings").await.unwrap();
    listed["meetings"].as_array().unwrap().len()
}

async fn topics_are_shown_to_people_and_told_to_programs(fresh: Fresh) {
    let server = Server::on(&fresh).await;
    let [ada, ben, eve] = server.agents(["Ada", "Ben", "Eve"]).await;
    let empty = run(&server, &[]).await;
    assert_eq!(empty.status.code(), Some(0));
    assert_eq!(out(&empty), "");
    assert!(
        err(&empty).contains("nothing to meet about"),
        "{}",
        err(&empty)
    );
    assert!(err(&empty).contains("--hours-back"), "{}", err(&empty));

    let ids = quarrel(&ada, &ben).await;
    say(&eve, &ben, "Good morning!").await;
    let list = shown(&server, &[]).await;
    let first = list.lines().next().unwrap();
    assert!(first.starts_with("  1  Resolve disagreement: "), "{list}");
    for needed in [
        "conflict, priority 0.",
        "4 messages between 2 agents",
        "none yet",
    ] {
        assert!(list.contains(needed), "{needed}: {list}");
    }
    let agents = list.lines().find(|line| line.contains("Agents")).unwrap();
    assert!(
        agents.contains("Ada") && agents.contains("Ben") && !agents.contains("Eve"),
        "{agents}"
    );
    let names_evidence = |id: &Value| list.contains(id.as_str().unwrap());
    assert!(ids.iter().any(names_evidence), "{list}");
    assert!(
        !list.contains('\u{1b}'),
        "no colours where there is no terminal"
    );

    let told: Value = serde_json::from_str(&shown(&server, &["--json"]).await).unwrap();
    let answer: Value = server
        .admin
        .get("/api/v1/meetings/suggest-topics")
        .await
        .unwrap();
    assert_eq!(told, answer);

    let (ben, eve) = (ben.id.to_string(), eve.id.to_string());
    assert!(shown(&server, &["--agent", &ben]).await.contains("  1  "));
    for none in [&["--agent", &eve][..], &["--min-messages", "5"]] {
        assert_eq!(shown(&server, none).await, "", "{none:?}");
    }
    let unknown = failed(&server, &["--token", "nobody's"]).await;
    assert!(
        unknown.contains("--token") && unknown.contains("SYNOD_ADMIN_TOKEN"),
        "{unknown}"
    );
    server.stop().await;
}

async fn a_meeting_is_held_about_a_topic_that_is_named_by_number_or_message(fresh: Fresh) {
    let server = Server::on(&fresh).await;
    let [ada, ben] = server.agents(["Ada", "Ben"]).await;
    let ids = quarrel(&ada, &ben).await;

    let unasked = failed(&server, &["meet", "1"]).await;
    assert!(
        unasked.contains("Resolve disagreement") && unasked.contains("--yes"),
        "{unasked}"
    );
    let wrong = failed(&server, &["meet", "7", "--yes"]).await;
    assert!(
        wrong.contains("no topic 7") && wrong.contains("1 are suggested"),
        "{wrong}"
    );
    let stranger = failed(&server, &["meet", "--yes", &ada.id.to_string()]).await;
    assert!(stranger.contains("no evidence"), "{stranger}");
    assert_eq!(meetings(&server).await, 0, "nothing starts by itself");

    let held = run(
        &server,
        &["meet", "1", "--yes", "--rounds", "2", "--start", "manual"],
    )
    .await;
    assert_eq!(held.status.code(), Some(0), "{}", err(&held));
    let id = out(&held).trim().to_owned();
    for needed in ["/start", "/transcript", &id] {
        assert!(err(&held).contains(needed), "{needed}: {}", err(&held));
    }
    is_about(&server, id.parse().unwrap(), &ids, [&ada, &ben]).await;

    assert!(
        shown(&server, &[])
            .await
            .contains(&format!("{id} deals with it"))
    );
    let twice = failed(&server, &["meet", "1", "--yes"]).await;
    assert!(twice.contains(&id) && twice.contains("--again"), "{twice}");
    let message = ids[0].as_str().unwrap();
    let again = shown(&server, &["meet", message, "--yes", "--again", "--json"]).await;
    let again: Value = serde_json::from_str(&again).unwrap();
    assert_eq!(again["settings"]["start"], "when_all_joined");
    assert_eq!(meetings(&server).await, 2);
    server.stop().await;
}

#[tokio::test]
async fn below_a_list_stands_the_command_that_means_its_numbers() {
    let fresh = Fresh::sqlite().await;
    let server = Server::on(&fresh).await;
    let [ada, ben] = server.agents(["Ada", "Ben"]).await;
    quarrel(&ada, &ben).await;
    let place = server.admin.address();
    let options = format!("--hours-back 168 --min-messages 2 --agent {}", ben.id);
    let options: Vec<_> = options.split(' ').collect();
    for options in [&options[..], &[]] {
        let hint = err(&run(&server, options).await);
        let command = [&["  synod topics meet NUMBER --url", place], options].concat();
        assert_eq!(hint.lines().last(), Some(&*command.join(" ")), "{hint}");
    }
    let another = failed(&server, &["meet", "1", "--yes", "--min-messages", "5"]).await;
    assert!(another.contains("0 are suggested"), "{another}");
    shown(&server, &[&["meet", "1", "--yes"], &options[..]].concat()).await;
    assert_eq!(meetings(&server).await, 1);
    server.stop().await;
}

/// Whether the meeting is one about these messages, of these agents alone.
async fn is_about(server: &Server, id: Uuid, ids: &[Value], [ada, ben]: [&Agent; 2]) {
    let meeting = server.admin.meeting(id).await.unwrap();
    assert_eq!(
        [&meeting["meeting_type"], &meeting["status"]],
        ["auto_generated", "pending"]
    );
    let settings = &meeting["settings"];
    assert_eq!(settings["max_discussion_rounds"], 2);
    assert_eq!(
        [&settings["admission"], &settings["start"]],
        ["invited", "manual"]
    );
    let among = |list: &Value, field: &str| {
        let mut ids: Vec<_> = list
            .as_array()
            .unwrap()
            .iter()
            .map(|one| one[field].to_string())
            .collect();
        ids.sort_unstable();
        ids
    };
    let mut messages: Vec<_> = ids.iter().map(Value::to_string).collect();
    messages.sort_unstable();
    assert_eq!(among(&meeting["related_communications"], "id"), messages);
    let mut both = [json!(ada.id).to_string(), json!(ben.id).to_string()];
    both.sort_unstable();
    assert_eq!(among(&meeting["participants"], "agent_id"), both);
}

/// Runs a command at a terminal where somebody types this, and gives its exit code and all that is on the screen.
async fn at_a_terminal(mut command: Command, typed: &str) -> (Option<i32>, String) {
    let terminal = openpty(None, None).unwrap();
    let end = || terminal.slave.try_clone().unwrap();
    command
        .stdin(end())
        .stdout(end())
        .stderr(end())
        .env("TERM", "xterm");
    let mut child = command.spawn().unwrap();
    // The command holds the terminal's end from now on, and the screen ends with it.
    drop((command, terminal.slave));
    let (mut screen, mut keys) = (
        File::from(terminal.master.try_clone().unwrap()),
        File::from(terminal.master),
    );
    keys.write_all(typed.as_bytes()).unwrap();
    let reading = tokio::task::spawn_blocking(move || {
        let mut seen = Vec::new();
        // A terminal that nobody holds any more is an error to read, not an end.
        let _ = screen.read_to_end(&mut seen);
        String::from_utf8_lossy(&seen).into_owned()
    });
    let ended = within("the command ends", child.wait()).await.unwrap();
    let seen = within("the screen ends", reading).await.unwrap();
    (ended.code(), seen)
}

#[tokio::test]
async fn at_a_terminal_there_are_colours_and_a_question() {
    let fresh = Fresh::sqlite().await;
    let server = Server::on(&fresh).await;
    let [ada, ben] = server.agents(["Ada", "Ben"]).await;
    quarrel(&ada, &ben).await;
    let (code, screen) = at_a_terminal(topics(&server, &[]), "").await;
    assert_eq!(code, Some(0), "{screen}");
    assert!(screen.contains("\u{1b}[1m"), "{screen:?}");

    for answer in ["n\n", "\n", "\u{4}"] {
        let (code, screen) = at_a_terminal(topics(&server, &["meet", "1"]), answer).await;
        assert_eq!(code, Some(1), "{answer:?}: {screen}");
        assert!(
            screen.contains("Resolve disagreement") && screen.contains("nothing was done"),
            "{screen}"
        );
    }
    assert_eq!(meetings(&server).await, 0);
    let (code, screen) = at_a_terminal(topics(&server, &["meet", "1"]), "y\n").await;
    assert_eq!(code, Some(0), "{screen}");
    assert!(
        screen.contains("Ada") && screen.contains("on the evidence of 4 messages"),
        "{screen}"
    );
    assert_eq!(meetings(&server).await, 1);
    server.stop().await;
}

#[test]
fn every_example_is_understood() {
    let mut help = synod::cli::command();
    let help = help.find_subcommand_mut("topics").expect("topics");
    let meet = help.find_subcommand_mut("meet").expect("meet");
    let meet = meet.render_long_help().to_string();
    let pages = [
        include_str!("../../README.md"),
        include_str!("../../docs/topics.md"),
        &help.render_long_help().to_string(),
        &meet,
    ];
    for page in pages {
        let lines = page.lines().map(str::trim);
        let examples: Vec<_> = lines.filter(|l| l.starts_with("synod topics")).collect();
        assert!(!examples.is_empty(), "{page}");
        for example in examples {
            let cli = Cli::read(example.split(' ').map(OsString::from));
            assert!(cli.is_ok(), "{example}: {:?}", cli.err());
        }
    }
}
