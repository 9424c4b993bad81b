//! REST, tried from outside: Schemathesis makes requests up from the OpenAPI document, sound and unsound ones, and
//! holds every answer against it. No answer is a 5xx, none has a status or a shape that the document does not name.

use std::path::Path;
use std::time::Duration;

use synod::config::Limits;
use tokio::process::Command;
use tokio::time::timeout;

use crate::python::python;
use crate::support::database::Fresh;
use crate::support::on_each_database;
use crate::support::server::{ADMIN_TOKEN, Server, limits};

on_each_database!(every_answer_to_a_made_up_request_is_described,);

/// What is held against the document.
const CHECKS: &str = "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance";
/// For requests that are made up, after those that follow from the document: seconds.
const MADE_UP_SECONDS: &str = "30";
/// Far beyond what it takes, for machines with much else to do.
const PATIENCE: Duration = Duration::from_mins(10);

async fn every_answer_to_a_made_up_request_is_described(fresh: Fresh) {
    // A rate is no part of what is tried here.
    let limits = Limits {
        rate_per_token_per_s: 1_000_000,
        burst_per_token: 1_000_000,
        ..limits()
    };
    let server = Server::with(&fresh, limits).await;
    let hooks = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/schemathesis");
    let scratch = tempfile::tempdir().unwrap();
    let mut command = Command::new(python());
    command
        .args(["-m", "schemathesis.cli", "run", "--no-color"])
        .arg(format!("{}/api/v1/openapi.json", server.admin.address()))
        .args(["-H", &format!("Authorization: Bearer {ADMIN_TOKEN}")])
        .args(["--checks", CHECKS, "--phases", "examples,coverage,fuzzing"])
        .args(["--seed", "1", "-n", "8", "--max-time", MADE_UP_SECONDS])
        .args(["--continue-on-failure", "--generation-database", "none"])
        .args(["--warnings", "off"])
        .env("SCHEMATHESIS_HOOKS", "hooks")
        .env("PYTHONPATH", hooks)
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .current_dir(scratch.path())
        .kill_on_drop(true);
    let ended = timeout(PATIENCE, command.output()).await;
    let ended = ended
        .expect("Schemathesis ends")
        .expect("Schemathesis runs");
    assert!(
        ended.status.success(),
        "{}\n{}{}",
        ended.status,
        String::from_utf8_lossy(&ended.stdout),
        String::from_utf8_lossy(&ended.stderr),
    );
    server.stop().await;
}
