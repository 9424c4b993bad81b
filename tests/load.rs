//! The load tool, at a small size: not how fast a server is, but that the tool sees all of it.

use std::process::Output;

use serde_json::Value;
use tokio::process::Command;

use crate::support::database::Fresh;
use crate::support::on_each_database;
use crate::support::patience::within;
use crate::support::server::{ADMIN_TOKEN, Server};

on_each_database!(
    meetings_are_held_to_their_last_event,
    agents_that_drop_and_resume_and_agents_that_only_listen_are_all_accounted_for,
    messages_are_logged_at_a_rate_and_flat_out_and_read_back,
);

/// Runs `synod load` against a server, to its end.
async fn run(server: &Server, args: &[&str]) -> Output {
    let mut program = Command::new(env!("CARGO_BIN_EXE_synod"));
    program
        .env_clear()
        .args(["load", "--json", "--url", server.admin.address()])
        .args(["--admin-token", ADMIN_TOKEN])
        .args(args)
        .kill_on_drop(true);
    let output = within("the load is over", program.output()).await;
    output.expect("the program can be started")
}

/// What it tells, and whether it is content.
async fn load(server: &Server, args: &[&str]) -> (bool, Value) {
    let output = run(server, args).await;
    let told = serde_json::from_slice(&output.stdout);
    let said = String::from_utf8_lossy(&output.stderr);
    let told = told.unwrap_or_else(|error| panic!("{error}: {said}"));
    (output.status.success(), told)
}

async fn meetings_are_held_to_their_last_event(fresh: Fresh) {
    let server = Server::on(&fresh).await;
    let size = ["--meetings", "2", "--agents", "3", "--rounds", "4"];
    let (is_content, told) = load(&server, &[&["meetings"], &size[..]].concat()).await;
    assert!(is_content, "{told}");
    assert_eq!(told["count"], 2 * 3 * 4, "{told}");
    for flaw in ["lost", "doubled", "out_of_order", "refused"] {
        assert_eq!(told[flaw], 0, "{told}");
    }
    assert!(told["ms"]["p50"].as_f64() > Some(0.0), "{told}");
    assert!(
        told["ms"]["p50"].as_f64() <= told["ms"]["max"].as_f64(),
        "{told}"
    );
    server.stop().await;
}

async fn agents_that_drop_and_resume_and_agents_that_only_listen_are_all_accounted_for(
    fresh: Fresh,
) {
    let server = Server::on(&fresh).await;
    let size = ["--meetings", "1", "--agents", "3", "--rounds", "4"];
    let churn = ["churn", "--drop-percent", "40"];
    let (is_content, told) = load(&server, &[&churn[..], &size[..]].concat()).await;
    assert!(is_content, "{told}");
    assert_eq!(told["count"], 3 * 4, "{told}");
    let idle = ["connections", "--agents", "20", "--hold", "0"];
    let (is_content, told) = load(&server, &idle).await;
    assert!(is_content, "{told}");
    assert_eq!(told["count"], 20, "{told}");
    server.stop().await;
}

async fn messages_are_logged_at_a_rate_and_flat_out_and_read_back(fresh: Fresh) {
    let server = Server::on(&fresh).await;
    let size = ["log", "--seconds", "1", "--clients", "4"];
    let (is_content, told) = load(&server, &[&size[..], &["--rate", "100"]].concat()).await;
    assert!(is_content, "{told}");
    assert_eq!(told["count"], 100, "as many as are due: {told}");
    let (is_content, told) = load(&server, &size).await;
    assert!(is_content, "{told}");
    assert!(told["count"].as_u64() > Some(0), "{told}");
    server.stop().await;
}

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
    let output = run(&server, &["log", "--seconds", "1"]).await;
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
    let output = run(&server, &["meetings", "--meetings", "1", "--agents", "60"]).await;
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("could not come in"), "{said}");
    server.stop().await;
}
