//! Somebody who has nothing to do with an attack: asks who is there, and writes a message.

use std::fmt;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use synod::client::Client;

use crate::support::agent::Agent;
use crate::support::server::agents;

/// So often.
const TIMES: usize = 300;

pub(super) struct Bystander(Agent);

/// How long it waited for its answers.
pub(super) struct Waited {
    p50: Duration,
    p99: Duration,
    most: Duration,
    /// How often it was refused instead.
    pub(super) refused: usize,
}

impl fmt::Display for Waited {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { p50, p99, most, .. } = self;
        write!(f, "p50 {p50:.1?}, p99 {p99:.1?}, {most:.1?} at most")
    }
}

impl Bystander {
    pub(super) async fn of(server: &Client) -> Self {
        let [agent] = agents(server, ["bystander"]).await;
        Self(agent)
    }

    pub(super) async fn ask_and_write(&mut self) -> Waited {
        let Self(Agent { id, client, .. }) = self;
        let message = json!({"sender_id": id, "receiver_id": id, "message_content": "hello"});
        let (mut waits, mut refused) = (Vec::with_capacity(2 * TIMES), 0);
        for _ in 0..TIMES {
            let began = now();
            let listed = client.get::<Value>("/api/v1/agents?page_size=20").await;
            refused += usize::from(listed.is_err());
            waits.push(now() - began);
            let began = now();
            let written = client.post::<Value>("/api/v1/communications", &message);
            refused += usize::from(written.await.is_err());
            waits.push(now() - began);
        }
        waits.sort_unstable();
        let at = |share: usize| waits[(waits.len() - 1) * share / 100];
        Waited {
            p50: at(50),
            p99: at(99),
            most: at(100),
            refused,
        }
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "what is measured is real time, and only told"
)]
fn now() -> Instant {
    Instant::now()
}
