//! The examples do what they say, against a server as anybody starts it.

use std::process::Stdio;
use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

/// Where `scripts/test` has put a Python with `examples/requirements.txt`.
const PYTHON: &str = "SYNOD_TEST_PYTHON";
const ADMIN_TOKEN: &str = "only-for-this-test";

/// `synod serve` on a free port, and its address.
async fn serve(data: &std::path::Path) -> (Child, String) {
    let mut server = Command::new(env!("CARGO_BIN_EXE_synod"))
        .env_clear()
        .env("SYNOD_ADMIN_TOKEN", ADMIN_TOKEN)
        .args(["serve", "--listen", "127.0.0.1:0", "--data-dir"])
        .arg(data)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .expect("the server starts");
    let stdout = server.stdout.take().expect("a pipe");
    let line = BufReader::new(stdout).lines().next_line().await;
    let line = line.expect("a pipe").expect("a line");
    let address = line.strip_prefix("listening on ").expect("an address");
    (server, address.to_owned())
}

#[tokio::test]
async fn three_agents_in_python_come_to_a_decision_in_their_second_ballot() {
    let python = std::env::var(PYTHON).unwrap_or_else(|_| {
        panic!("{PYTHON} is not set: run the tests with `scripts/test`, which provides one")
    });
    let data = tempfile::tempdir().unwrap();
    let (_server, address) = serve(data.path()).await;
    let mut example = Command::new(python);
    example
        .arg("examples/three_agents.py")
        .args(["--url", &address])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .env("SYNOD_ADMIN_TOKEN", ADMIN_TOKEN)
        .kill_on_drop(true);
    let ended = tokio::time::timeout(Duration::from_mins(1), example.output()).await;
    let output = ended.unwrap().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    let summary: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(summary["outcome"], "consensus");
    assert_eq!(summary["ballots"], 2);
    let logs = summary["logs"].as_object().unwrap();
    assert_eq!(logs.len(), 3);
    assert!(logs.values().all(|log| *log == logs["Ada"]));
}
