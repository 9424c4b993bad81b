//! A server in the test's own process, on a port of its own.

use std::sync::Arc;

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{Method, Request};
use serde_json::{Value, json};
use synod::client::Client;
use synod::clock::Clock;
use synod::config::Limits;
use synod::server::{Parts, run_parts};
use synod::storage::connect;
use synod::telemetry::Metrics;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use uuid::Uuid;

use super::agent::Agent;
use super::database::Fresh;
use super::patience::{eventually, within};

/// The operator's token of every server here.
pub(crate) const ADMIN_TOKEN: &str = "the operator's token";
/// The only browser origin that may connect.
pub(crate) const ALLOWED_ORIGIN: &str = "https://allowed.example";
/// Enough for one meeting; many tests run at once.
const POOL_SIZE: u32 = 4;

/// A running server.
pub(crate) struct Server {
    /// As the operator sees it.
    pub(crate) admin: Client,
    /// What it counts.
    pub(crate) metrics: Metrics,
    stop: oneshot::Sender<()>,
    task: JoinHandle<anyhow::Result<()>>,
}

/// Limits for tests: a peer that is gone is not waited for, and a server that lost a meeting learns it from its next
/// write, at a moment that the test chooses.
pub(crate) fn limits() -> Limits {
    Limits {
        close_timeout_ms: 200,
        ownership_interval_ms: 3_600_000,
        ..Limits::default()
    }
}

impl Server {
    /// On this database, with its own connections to it where it is not in memory.
    pub(crate) async fn on(fresh: &Fresh) -> Self {
        Self::with(fresh, limits()).await
    }

    /// On this database, with these limits.
    pub(crate) async fn with(fresh: &Fresh, limits: Limits) -> Self {
        Self::pooled(fresh, POOL_SIZE, limits).await
    }

    /// The same, with so many connections to the database.
    pub(crate) async fn pooled(fresh: &Fresh, connections: u32, limits: Limits) -> Self {
        Self::started(fresh, connections, limits, ADMIN_TOKEN).await
    }

    /// With another operator's token.
    pub(crate) async fn with_admin_token(fresh: &Fresh, token: &str) -> Self {
        Self::started(fresh, POOL_SIZE, limits(), token).await
    }

    async fn started(fresh: &Fresh, connections: u32, limits: Limits, admin_token: &str) -> Self {
        let store = match &fresh.database {
            Some(database) => connect(database, connections).await.expect("a store"),
            None => Arc::clone(&fresh.store),
        };
        let parts = Parts {
            store,
            clock: Clock::system(),
            limits,
            admin_token: admin_token.to_owned(),
            allowed_origins: vec![ALLOWED_ORIGIN.to_owned()],
            public_url: None,
            embeddings: None,
            metrics: Metrics::new(),
        };
        let metrics = parts.metrics.clone();
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let (stop, stopped) = oneshot::channel();
        let task = tokio::spawn(run_parts(parts, listener, async {
            // A test that ends without a word stops its server too.
            let _ = stopped.await;
        }));
        let admin = Client::new(&format!("http://{address}"), admin_token).expect("an address");
        ready(&admin).await;
        Self {
            admin,
            metrics,
            stop,
            task,
        }
    }

    /// Makes agents known.
    pub(crate) async fn agents<const N: usize>(&self, names: [&str; N]) -> [Agent; N] {
        agents(&self.admin, names).await
    }

    /// Creates a meeting of these agents.
    pub(crate) async fn meeting(&self, agents: &[&Agent], settings: Value) -> Uuid {
        meeting(&self.admin, agents, settings).await
    }

    /// Ends in good order.
    pub(crate) async fn stop(self) {
        let _ = self.stop.send(());
        let ended = within("the server has stopped", self.task).await;
        ended
            .expect("the server did not panic")
            .expect("it stopped well");
    }
}

/// Waits until a server is ready.
pub(crate) async fn ready(server: &Client) {
    eventually("the server is ready", || async {
        server.is_ready().await.then_some(())
    })
    .await;
}

/// Makes agents known to a server.
pub(crate) async fn agents<const N: usize>(admin: &Client, names: [&str; N]) -> [Agent; N] {
    let mut agents = Vec::with_capacity(N);
    for name in names {
        let credentials = admin.create_agent(name).await.expect("a new agent");
        agents.push(Agent {
            id: credentials.id,
            name: name.to_owned(),
            client: admin.with_token(&credentials.token).expect("a token"),
            token: credentials.token,
        });
    }
    agents.try_into().ok().expect("as many as names")
}

/// Creates a meeting of these agents at a server.
pub(crate) async fn meeting(admin: &Client, agents: &[&Agent], settings: Value) -> Uuid {
    let ids: Vec<_> = agents.iter().map(|agent| agent.id).collect();
    let mut wanted = json!({"topic": "Where do we meet?", "participant_ids": ids});
    for (name, value) in settings.as_object().expect("settings are an object") {
        wanted[name] = value.clone();
    }
    admin.create_meeting(&wanted).await.expect("a new meeting")
}

/// One of a moderator's steps.
pub(crate) async fn step(client: &Client, meeting: Uuid, step: &str) -> Value {
    let path = format!("/api/v1/meetings/{meeting}/{step}");
    let answered = client.post(&path, &json!({})).await;
    answered.unwrap_or_else(|error| panic!("{step}: {error}"))
}

/// POSTs under a key, and gives status and body.
pub(crate) async fn once(client: &Client, path: &str, key: &str, body: &Value) -> (u16, Value) {
    send_once(client, path, key, "application/json", body.to_string()).await
}

/// The same, with a body of any kind.
pub(crate) async fn send_once(
    client: &Client,
    path: &str,
    key: &str,
    kind: &str,
    body: String,
) -> (u16, Value) {
    let request = Request::builder()
        .method(Method::POST)
        .uri(format!("{}{path}", client.address()))
        .header(CONTENT_TYPE, kind)
        .header("Idempotency-Key", key)
        .body(Bytes::from(body).into())
        .unwrap();
    let answer = client.exchange(request).await.unwrap();
    let body = serde_json::from_slice(answer.body()).unwrap();
    (answer.status().as_u16(), body)
}

/// Where a meeting that has not ended stands.
pub(crate) async fn live(client: &Client, meeting: Uuid) -> Value {
    let shown = client.meeting(meeting).await.expect("the meeting is shown");
    shown["live"].clone()
}

/// Waits until a meeting has ended, and shows it.
pub(crate) async fn over(client: &Client, meeting: Uuid) -> Value {
    eventually("the meeting is over", || async {
        let shown = client.meeting(meeting).await.ok()?;
        let is_over = !shown["completed_at"].is_null();
        is_over.then_some(shown)
    })
    .await
}
