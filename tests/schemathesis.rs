//! REST, tried from outside: Schemathesis makes requests up from the OpenAPI document, sound and unsound ones and chains of
//! them, sends them to the real program, and holds every answer against the document.

use std::path::Path;
use std::time::Duration;

use tokio::process::Command;
use tokio::time::timeout;

use crate::python::python;
use crate::support::database::Fresh;
use crate::support::on_each_database;
use crate::support::process::Process;
use crate::support::server::ADMIN_TOKEN;

on_each_database!(every_answer_to_a_made_up_request_is_described,);

/// A rate is no part of what is tried here.
const FLAGS: &[&str] = &[
    "--rate-per-token-per-s",
    "1000000",
    "--burst-per-token",
    "1000000",
];
/// Every check but those that cannot hold:
///
/// * `positive_data_acceptance`: a request that has the right shape is refused with 400 all the same where it names an agent
///   that does not exist, or a page too far into a list. What is in order is accepted, as the other tests say.
/// * `use_after_free`: DELETE takes an agent's token away, and the agent stays, because what it said does.
///
/// `object_level_authorization` would need the tokens of several agents; `rest::access` has the table of who may what.
const LEFT_OUT: &str = "positive_data_acceptance,use_after_free";
/// For all phases together, on one database: seconds. Examples and the document's edges come first and take some ten; the
/// rest goes to requests that are made up, and to chains of them.
const SECONDS: &str = "60";
/// Far beyond what it takes, for machines with much else to do.
const PATIENCE: Duration = Duration::from_mins(10);

async fn every_answer_to_a_made_up_request_is_described(fresh: Fresh) {
    let mut server = Process::serve_with(&fresh, FLAGS).await;
    let hooks = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/schemathesis");
    let scratch = tempfile::tempdir().unwrap();
    let mut command = Command::new(python());
    command
        .env("SCHEMATHESIS_HOOKS", "hooks")
        .env("PYTHONPATH", hooks)
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .args(["-m", "schemathesis.cli", "run", "--no-color"])
        .arg(format!("{}/api/v1/openapi.json", server.admin.address()))
        .args(["-H", &format!("Authorization: Bearer {ADMIN_TOKEN}")])
        .args(["--checks", "all", "--exclude-checks", LEFT_OUT])
        .args(["--phases", "examples,coverage,fuzzing,stateful"])
        .args(["--seed", "1", "-n", "8", "--max-time", SECONDS])
        .args(["--continue-on-failure", "--generation-database", "none"])
        .args(["--warnings", "off", "--output-sanitize", "false"])
        .current_dir(scratch.path())
        .kill_on_drop(true);
    let ended = timeout(PATIENCE, command.output()).await;
    let ended = ended
        .expect("Schemathesis ends")
        .expect("Schemathesis runs");
    assert!(
        ended.status.success(),
        "{}\n{}{}\n{}",
        ended.status,
        String::from_utf8_lossy(&ended.stdout),
        String::from_utf8_lossy(&ended.stderr),
        how_to_repeat(&command),
    );
    server.terminate().await;
}

/// The commands that do the same again, for a shell.
fn how_to_repeat(command: &Command) -> String {
    let quoted =
        |text: &std::ffi::OsStr| format!("'{}'", text.to_string_lossy().replace('\'', r"'\''"));
    let command = command.as_std();
    let variables = command.get_envs().filter_map(|(name, value)| {
        let name = name.to_string_lossy();
        Some(format!("{name}={}", quoted(value?)))
    });
    let words = [command.get_program()]
        .into_iter()
        .chain(command.get_args());
    let line: Vec<_> = variables.chain(words.map(quoted)).collect();
    format!(
        "Once more, from the server on: scripts/test every_answer_to_a_made_up_request\n\
         Against a server of your own, which listens where the address below says:\n\
         synod serve --admin-token {} {}\n{}",
        quoted(ADMIN_TOKEN.as_ref()),
        FLAGS.join(" "),
        line.join(" "),
    )
}
