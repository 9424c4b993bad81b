//! Questions to the log, as an agent asks them that looks for what was said to it, and to others.

use std::time::Duration;

use anyhow::Context;
use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use super::super::Bench;
use super::super::record::{Flaw, What};
use crate::client::Client;

/// Says something, and asks at a pace until it is time: what one just said must be found by everything that fits.
pub(super) async fn ask(bench: &Bench, pace: Duration, until: Duration) -> anyhow::Result<()> {
    let [agent, other]: [_; 2] = bench
        .agents(2)
        .await?
        .try_into()
        .ok()
        .context("two agents")?;
    let client = bench.admin.with_token(&agent.token)?;
    let topic = format!("asked-{}", bench.clock.id());
    let questions = [
        format!("topic={topic}"),
        format!("sender_id={}", agent.id),
        format!("receiver_id={}", other.id),
        format!("agent_id={}&topic={topic}", agent.id),
        format!("q=needle&sender_id={}", agent.id),
    ];
    let mut due = bench.clock.elapsed();
    for question in questions.iter().cycle() {
        if due >= until {
            break;
        }
        tokio::time::sleep(due.saturating_sub(bench.clock.elapsed())).await;
        let said = json!({
            "sender_id": agent.id, "receiver_id": other.id, "topic": topic, "message_content": "A needle in a haystack.",
        });
        let said: Value = client.post("/api/v1/communications", &said).await?;
        let began = bench.clock.elapsed();
        answer(bench, &client, question, &said["id"]).await?;
        bench.record.took(What::Query, began);
        due += pace;
    }
    Ok(())
}

/// What was just said is the newest of the answer, and the answer is in order.
async fn answer(
    bench: &Bench,
    client: &Client,
    question: &str,
    newest: &Value,
) -> anyhow::Result<()> {
    let answer: Value = client
        .get(&format!("/api/v1/communications?{question}"))
        .await?;
    let rows = answer["communications"].as_array();
    let rows = rows.context("a page has communications")?;
    if rows.first().is_none_or(|row| row["id"] != *newest) {
        let why = format_args!("{newest} was kept, and is not the newest of {question}");
        bench.record.flaw(Flaw::Lost(1), why);
    }
    let time = |row: &Value| row["timestamp"].as_str()?.parse::<DateTime<Utc>>().ok();
    if !rows
        .iter()
        .map(time)
        .is_sorted_by(|newer, older| newer >= older)
    {
        let why = format_args!("the answer to {question} is not in order");
        bench.record.flaw(Flaw::OutOfOrder, why);
    }
    Ok(())
}
