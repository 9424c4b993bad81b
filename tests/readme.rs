//! The README's commands do what it says.

use serde_json::json;
use tokio::process::Command;

use crate::support::database::Fresh;
use crate::support::patience::within;
use crate::support::server::{ADMIN_TOKEN, Server};

const README: &str = include_str!("../README.md");

/// The one block of shell that has `part` in it.
fn block(part: &str) -> &'static str {
    let mut blocks = README.split("```sh\n").skip(1);
    let block = blocks.find_map(|rest| {
        let (block, _) = rest.split_once("```")?;
        block.contains(part).then_some(block)
    });
    block.unwrap_or_else(|| panic!("README.md has no block with {part:?}"))
}

#[tokio::test]
async fn two_agents_a_meeting_and_a_message_are_made_by_pasting_from_the_readme() {
    let fresh = Fresh::sqlite().await;
    let server = Server::on(&fresh).await;
    let pasted = block("post meetings");
    let token = "export SYNOD_ADMIN_TOKEN=change-me\n";
    assert!(pasted.starts_with(token), "the block sets the token");
    let script = format!("{pasted}{}", block("post communications"))
        .replace(token, "")
        .replace("http://127.0.0.1:8080", server.admin.address());
    let mut shell = Command::new("bash");
    shell
        .args(["-euo", "pipefail", "-c", &script])
        .env("SYNOD_ADMIN_TOKEN", ADMIN_TOKEN)
        .kill_on_drop(true);
    let output = within("the commands end", shell.output()).await;
    let output = output.expect("bash runs");
    let (said, errors) = (&output.stdout, String::from_utf8_lossy(&output.stderr));
    assert!(
        output.status.success(),
        "the block needs curl and jq, which scripts/test installs: {errors}"
    );
    let said = serde_json::Deserializer::from_slice(said).into_iter::<serde_json::Value>();
    let said: Vec<_> = said.map(Result::unwrap).collect();
    assert_eq!(
        (&said[0]["status"], said.last()),
        (&json!("pending"), Some(&json!(1)))
    );
    server.stop().await;
}
