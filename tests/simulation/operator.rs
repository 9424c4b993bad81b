//! The operator: makes agents and meetings over REST, again and again under the same key until it is answered.

use std::time::Duration;

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{Method, Request};
use rand::rngs::StdRng;
use serde_json::{Value, json};
use synod::client::Client;
use tokio::time::{sleep, timeout};
use uuid::Uuid;

use super::plan::{MeetingPlan, between};
use super::server::ADMIN_TOKEN;
use super::world::{Known, Simulated, World};

/// Who asks for everything.
pub(crate) struct Operator {
    pub(crate) world: World,
    pub(crate) dice: StdRng,
}

impl Operator {
    /// Brings the cast together, opens the meetings, and steps in as planned.
    pub(crate) async fn work(mut self) {
        let mut agents = Vec::new();
        for nth in 0..self.world.plan.tempers.len() {
            let made = self
                .persist("agents", json!({"name": format!("agent-{nth}")}))
                .await;
            agents.push((id(&made), made["token"].as_str().unwrap().to_owned()));
        }
        let ids: Vec<_> = agents.iter().map(|(id, _)| *id).collect();
        let plans = std::rc::Rc::clone(&self.world.plan);
        let mut meetings = Vec::new();
        for plan in &plans.meetings {
            let mut wanted = plan.settings.clone();
            wanted["topic"] = "What if?".into();
            wanted["participant_ids"] = json!(ids);
            meetings.push(id(&self.persist("meetings", wanted).await));
        }
        self.world.publish(Known {
            agents,
            meetings: meetings.clone(),
        });
        for (plan, meeting) in plans.meetings.iter().zip(meetings) {
            self.step_in(plan, meeting).await;
        }
    }

    async fn step_in(&mut self, plan: &MeetingPlan, meeting: Uuid) {
        for step in &plan.steps {
            sleep(between(&mut self.dice, 200..=4_000)).await;
            self.persist(&format!("meetings/{meeting}/{step}"), json!({}))
                .await;
        }
    }

    /// POSTs until there is an answer that says that it was done, or that it can no longer be.
    async fn persist(&mut self, path: &str, body: Value) -> Value {
        let key = format!("{path} {body}").replace('"', "'");
        loop {
            let url = self.world.any_server(&mut self.dice);
            let client = Client::over(Simulated, &url, ADMIN_TOKEN).unwrap();
            let request = Request::builder()
                .method(Method::POST)
                .uri(format!("{url}/api/v1/{path}"))
                .header(CONTENT_TYPE, "application/json")
                .header("Idempotency-Key", key.get(..KEY_MAX_BYTES).unwrap_or(&key))
                .body(Bytes::from(body.to_string()).into())
                .unwrap();
            match timeout(PATIENCE, client.exchange(request)).await {
                Ok(Ok(answer)) => {
                    let (status, body) = (answer.status(), answer.body());
                    let said = String::from_utf8_lossy(body);
                    self.world
                        .chronicle
                        .note("operator", format!("{path}: {status} {said}"));
                    let said: Value = serde_json::from_slice(body).unwrap();
                    // A meeting may have ended or started by itself before the operator's step came. A server that lost it and has not
                    // noticed refuses from what it last knew.
                    let is_for_now = ["idempotency_key_in_use", "meeting_not_paused"];
                    let is_refused = status.as_u16() == 409
                        && !is_for_now.iter().any(|code| said["error"] == *code);
                    if status.is_success() || is_refused {
                        return said;
                    }
                    let will_pass =
                        status.is_server_error() || matches!(status.as_u16(), 409 | 429);
                    assert!(will_pass, "{path}: {status} {said}");
                }
                Ok(Err(error)) => self
                    .world
                    .chronicle
                    .note("operator", format!("{path}: {error}")),
                Err(_) => self
                    .world
                    .chronicle
                    .note("operator", format!("{path}: no answer")),
            }
            sleep(between(&mut self.dice, 50..=1_000)).await;
        }
    }
}

fn id(made: &Value) -> Uuid {
    made["id"].as_str().and_then(|id| id.parse().ok()).unwrap()
}

/// As long as the server lets a key be.
const KEY_MAX_BYTES: usize = 255;
/// Longer than anything takes that goes well.
const PATIENCE: Duration = Duration::from_secs(12);
