//! The commands of the README and of the pages beside it do what these say.

use serde_json::{Value, json};
use tokio::process::Command;

use crate::support::database::Fresh;
use crate::support::patience::within;
use crate::support::server::{ADMIN_TOKEN, Server};

const README: &str = include_str!("../README.md");
const TOPICS: &str = include_str!("../docs/topics.md");

/// The one block of shell in a document that has `part` in it.
fn block(document: &'static str, part: &str) -> &'static str {
    let mut blocks = document.split("```sh\n").skip(1);
    let block = blocks.find_map(|rest| {
        let (block, _) = rest.split_once("```")?;
        block.contains(part).then_some(block)
    });
    block.unwrap_or_else(|| panic!("no block with {part:?}"))
}

/// Pastes blocks into a shell, the first of which sets the token, and gives what they print: JSON.
async fn pasted(server: &Server, blocks: &[&str]) -> Vec<Value> {
    let token = "export SYNOD_ADMIN_TOKEN=change-me\n";
    assert!(blocks[0].starts_with(token), "the block sets the token");
    let address = server.admin.address();
    let program = format!("\"$SYNOD\" topics --json --url {address}");
    let script = blocks.concat();
    let script = script
        .replace(token, "")
        .replace("http://127.0.0.1:8080", address)
        // Nobody is there to be asked.
        .replace("synod topics meet 1\n", "synod topics meet 1 --yes\n")
        .replace("synod topics", &program);
    let mut shell = Command::new("bash");
    shell
        .args(["-euo", "pipefail", "-c", &script])
        .env("SYNOD_ADMIN_TOKEN", ADMIN_TOKEN)
        .env("SYNOD", env!("CARGO_BIN_EXE_synod"))
        .kill_on_drop(true);
    let output = within("the commands end", shell.output()).await;
    let output = output.expect("bash runs");
    let (said, errors) = (&output.stdout, String::from_utf8_lossy(&output.stderr));
    assert!(
        output.status.success(),
        "the block needs curl and jq, which scripts/test installs: {errors}"
    );
    let said = serde_json::Deserializer::from_slice(said).into_iter();
    said.map(Result::unwrap).collect()
}

#[tokio::test]
async fn two_agents_a_message_and_two_meetings_are_made_by_pasting_from_the_readme() {
    let fresh = Fresh::sqlite().await;
    let server = Server::on(&fresh).await;
    let blocks = ["post meetings", "topic=style", "synod topics"];
    let said = pasted(&server, &blocks.map(|part| block(README, part))).await;
    let [meeting, _, found, _, _, _, _, listed, about] = &said[..] else {
        panic!("{said:?}");
    };
    assert_eq!((&meeting["status"], found), (&json!("pending"), &json!(1)));
    let topic = &listed["suggested_topics"][0];
    assert_eq!(topic["kind"], "conflict");
    assert_eq!(
        (&about["topic"], &about["status"]),
        (&topic["topic"], &json!("pending"))
    );
    server.stop().await;
}

#[tokio::test]
async fn a_quarrel_and_a_meeting_about_it_are_made_by_pasting_from_the_page_on_topics() {
    let fresh = Fresh::sqlite().await;
    let server = Server::on(&fresh).await;
    let blocks = ["post communications", "--min-messages", "post meetings"];
    let said = pasted(&server, &blocks.map(|part| block(TOPICS, part))).await;
    let [.., listed, _, topic, meeting] = &said[..] else {
        panic!("{said:?}");
    };
    let title = topic["topic"].as_str().unwrap();
    let shown = format!("  1  {title}\n     Kind      conflict, ");
    assert!(TOPICS.contains(&shown), "the page shows {shown}");
    assert_eq!(listed["suggested_topics"][0]["topic"], title);
    assert_eq!(meeting["status"], "pending");
    let id = meeting["id"].as_str().unwrap().parse().unwrap();
    assert_eq!(server.admin.meeting(id).await.unwrap()["topic"], title);
    server.stop().await;
}
