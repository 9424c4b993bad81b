//! Messages that call for a meeting.

use serde_json::{Value, json};

use super::agent::Agent;

/// Logs a message, and gives its id.
pub(crate) async fn say(from: &Agent, to: &Agent, text: &str) -> Value {
    let message = json!({"sender_id": from.id, "receiver_id": to.id, "message_content": text});
    let kept: Value = from
        .client
        .post("/api/v1/communications", &message)
        .await
        .expect("a message that is kept");
    kept["id"].clone()
}

/// A quarrel of two about a night shift, and the ids of its messages.
pub(crate) async fn quarrel(ada: &Agent, ben: &Agent) -> Vec<Value> {
    let mut ids = Vec::new();
    for (n, text) in [
        "I propose that the night shift starts at ten, as the depot closes at eleven.",
        "I disagree, a night shift from ten on leaves the depot without a driver in the evening.",
        "But from nine on we would pay the night shift for an hour in which the depot is idle.",
        "Still, the depot needs a driver at nine. I am against moving the night shift.",
    ]
    .into_iter()
    .enumerate()
    {
        let (from, to) = if n % 2 == 0 { (ada, ben) } else { (ben, ada) };
        ids.push(say(from, to, text).await);
    }
    ids
}
