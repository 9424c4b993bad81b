//! What the log suggests to meet about.

use serde_json::{Value, json};
use synod::client::Client;

use super::{MEETINGS, get, get_refused, names, post};
use crate::support::agent::Agent;
use crate::support::database::Fresh;
use crate::support::on_each_database;
use crate::support::quarrel::{quarrel, say};
use crate::support::server::Server;

on_each_database!(
    a_disagreement_is_suggested_until_a_meeting_deals_with_it,
    nobody_is_told_of_what_others_wrote,
    newer_messages_change_what_is_suggested_at_once,
);

const SUGGESTIONS: &str = "/api/v1/meetings/suggest-topics";

async fn suggested(client: &Client, query: &str) -> Vec<Value> {
    let answer = get(client, &format!("{SUGGESTIONS}{query}")).await;
    answer["suggested_topics"].as_array().unwrap().clone()
}

fn sorted(ids: &Value) -> Vec<&str> {
    let mut ids: Vec<_> = ids
        .as_array()
        .unwrap()
        .iter()
        .map(|id| id.as_str().unwrap())
        .collect();
    ids.sort_unstable();
    ids
}

async fn a_disagreement_is_suggested_until_a_meeting_deals_with_it(fresh: Fresh) {
    let server = Server::on(&fresh).await;
    let [ada, ben, eve] = server.agents(["ada", "ben", "eve"]).await;
    let ids = json!(quarrel(&ada, &ben).await);
    say(&eve, &ben, "Good morning!").await;

    let topics = suggested(&server.admin, "").await;
    assert_eq!(topics.len(), 1, "{topics:#?}");
    let topic = &topics[0];
    assert_eq!(topic["kind"], "conflict");
    let title = topic["topic"].as_str().unwrap();
    assert!(
        title.starts_with("Resolve disagreement: ") && title.contains("shift"),
        "{title}"
    );
    assert_eq!(sorted(&topic["related_communications"]), sorted(&ids));
    assert_eq!(sorted(&topic["agents"]), sorted(&json!([ada.id, ben.id])));
    assert_eq!(
        (&topic["message_count"], &topic["meeting"]),
        (&json!(4), &json!(null))
    );
    let parts = topic["priority_parts"].as_object().unwrap().values();
    let sum: f64 = parts.map(|part| part.as_f64().unwrap()).sum();
    assert!(
        (topic["priority"].as_f64().unwrap() - sum).abs() < 0.001,
        "{topic}"
    );

    // As it stands, it is a request for a meeting.
    let meeting = json!({
        "topic": topic["topic"], "meeting_type": "auto_generated", "participant_ids": topic["agents"],
        "related_communication_ids": topic["related_communications"],
    });
    let meeting = post(&server.admin, MEETINGS, meeting).await;
    let topics = suggested(&server.admin, "").await;
    assert_eq!(topics[0]["meeting"], meeting["id"]);
    assert_eq!(
        suggested(&ada.client, "").await[0]["meeting"],
        meeting["id"]
    );
}

async fn nobody_is_told_of_what_others_wrote(fresh: Fresh) {
    let server = Server::on(&fresh).await;
    let [ada, ben, eve] = server.agents(["ada", "ben", "eve"]).await;
    quarrel(&ada, &ben).await;
    assert_eq!(suggested(&ada.client, "").await.len(), 1);
    assert_eq!(suggested(&eve.client, "").await, [0; 0]);
    let of = |agent: &Agent| format!("?agent_id={}", agent.id);
    assert_eq!(suggested(&server.admin, &of(&ben)).await.len(), 1);
    assert_eq!(suggested(&server.admin, &of(&eve)).await, [0; 0]);
    assert_eq!(suggested(&server.admin, "?min_messages=4").await.len(), 1);
    assert_eq!(suggested(&server.admin, "?min_messages=5").await, [0; 0]);
    let refused = get_refused(
        &ada.client,
        &format!("{SUGGESTIONS}?min_messages=0&limit=x&agent_id=ben"),
    )
    .await;
    names(&refused, &["agent_id", "limit", "min_messages"]);
}

async fn newer_messages_change_what_is_suggested_at_once(fresh: Fresh) {
    let server = Server::on(&fresh).await;
    let [ada, ben] = server.agents(["ada", "ben"]).await;
    assert_eq!(suggested(&ada.client, "").await, [0; 0]);
    quarrel(&ada, &ben).await;
    let before = suggested(&ada.client, "").await;
    assert_eq!(before, suggested(&ada.client, "").await);
    say(
        &ada,
        &ben,
        "I still propose that the night shift of the depot starts at ten.",
    )
    .await;
    let after = suggested(&ada.client, "").await;
    assert_eq!(after[0]["message_count"], 5);
}
