//! Agents that are not ours: the Python example, against a server on PostgreSQL.

use std::env;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use tokio::process::Command;
use uuid::Uuid;

use crate::support::checker::check;
use crate::support::database::Fresh;
use crate::support::patience::within;
use crate::support::server::{ADMIN_TOKEN, Server};

/// Where a Python is that has the packages of `examples/requirements.txt` and `tests/requirements.txt`.
const PYTHON: &str = "SYNOD_TEST_PYTHON";

pub(crate) fn python() -> PathBuf {
    let Some(python) = env::var_os(PYTHON) else {
        panic!(
            "{PYTHON} is not set: run the tests with `scripts/test`, which makes a Python for them"
        )
    };
    PathBuf::from(python)
}

#[tokio::test]
async fn three_agents_in_python_agree_in_their_second_round() {
    let fresh = Fresh::postgres().await;
    let server = Server::on(&fresh).await;
    let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/three_agents.py");
    let mut command = Command::new(python());
    command
        .arg(example)
        .args([
            "--url",
            server.admin.address(),
            "--admin-token",
            ADMIN_TOKEN,
        ])
        .kill_on_drop(true);
    let ended = within("the example has ended", command.output()).await;
    let ended = ended.unwrap_or_else(|error| panic!("{PYTHON} cannot be run: {error}"));
    let (said, complaints) = (
        String::from_utf8_lossy(&ended.stdout),
        String::from_utf8_lossy(&ended.stderr),
    );
    assert!(ended.status.success(), "{}\n{complaints}", ended.status);
    let last = said.lines().last().expect("a summary");
    let summary: Value = serde_json::from_str(last).expect("a summary in JSON");

    let meeting: Uuid = serde_json::from_value(summary["meeting_id"].clone()).unwrap();
    let checked = check(&*fresh.store, meeting, &[]).await;
    assert_eq!(
        (&summary["outcome"], checked.outcome()),
        (&json!("consensus"), "consensus")
    );
    assert_eq!(
        (&summary["ballots"], checked.count("ballot_closed")),
        (&json!(2), 2)
    );
    let kinds = json!(checked.kinds());
    for name in ["Ada", "Bruno", "Clara"] {
        assert_eq!(summary["logs"][name], kinds, "{name} heard everything");
    }
    let decision = server.admin.decision_of(meeting).await.unwrap().unwrap();
    assert_eq!(decision["decision_content"], summary["decision"]);
    assert_eq!(decision["id"], summary["decision_id"]);
    assert_eq!(checked.meeting.header.current_round, 2);
    server.stop().await;
}
