//! The real server, and clients that post to it.

use std::net::SocketAddr;

use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE, HOST};
use http::{Request, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use serde_json::json;
use synod::clock::Clock;
use synod::config::Limits;
use synod::domain::AgentId;
use synod::server::{self, Parts};
use synod::storage::{Agent, Database, Role, connect};
use synod::telemetry::Metrics;
use synod::transport::auth;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use uuid::Uuid;

use crate::{CLIENTS, MESSAGE_BYTES, Write};

/// As many connections to the database as a server has by default.
const DATABASE_CONNECTIONS: u32 = 10;

/// A server at work, and agents that it knows.
pub(crate) struct House {
    address: SocketAddr,
    agents: Vec<(Uuid, String)>,
    shutdown: oneshot::Sender<()>,
    running: JoinHandle<anyhow::Result<()>>,
}

/// One client with a connection of its own.
pub(crate) struct Poster {
    http: SendRequest<Full<Bytes>>,
    bearer: String,
    message: String,
}

impl House {
    pub(crate) async fn open(database: &Database) -> Self {
        let store = connect(database, DATABASE_CONNECTIONS).await;
        let store = store.expect("the database is there");
        let clock = Clock::system();
        let mut agents = Vec::with_capacity(CLIENTS);
        for _ in 0..CLIENTS {
            let (token, hash) = auth::issue(&clock);
            let agent = Agent {
                id: AgentId(clock.id()),
                name: "agent".to_owned(),
                role: Role::Agent,
                model: None,
                metadata: None,
                created_at: clock.now(),
                revoked_at: None,
            };
            let created = store.create_agent(&agent, hash, None).await;
            created.expect("a new agent can be kept");
            agents.push((agent.id.0, token));
        }
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("a bound listener");
        let (shutdown, told) = oneshot::channel();
        let parts = Parts {
            store,
            clock,
            limits: Limits::default(),
            admin_token: "unused".to_owned(),
            allowed_origins: Vec::new(),
            public_url: None,
            embeddings: None,
            metrics: Metrics::new(),
        };
        let told = async move { drop(told.await) };
        Self {
            address,
            agents,
            shutdown,
            running: tokio::spawn(server::run_parts(parts, listener, told)),
        }
    }

    /// An agent that a row can be from.
    pub(crate) fn somebody(&self) -> Uuid {
        self.agents[0].0
    }

    /// So many clients, each an agent of its own.
    pub(crate) async fn posters(&self, clients: usize) -> Vec<Poster> {
        let mut posters = Vec::with_capacity(clients);
        for (id, token) in self.agents.iter().take(clients) {
            posters.push(Poster::open(self.address, *id, token).await);
        }
        posters
    }

    pub(crate) async fn close(self) {
        drop(self.shutdown);
        let ended = self.running.await.expect("the server did not panic");
        ended.expect("the server stopped well");
    }
}

impl Poster {
    async fn open(address: SocketAddr, id: Uuid, token: &str) -> Self {
        let stream = TcpStream::connect(address).await;
        let stream = stream.expect("the server takes connections");
        stream.set_nodelay(true).expect("an open socket");
        let (http, connection) = handshake(TokioIo::new(stream)).await.expect("HTTP");
        tokio::spawn(connection);
        let message = json!({
            "sender_id": id,
            "receiver_id": id,
            "message_content": "x".repeat(MESSAGE_BYTES),
            "topic": "bench",
        });
        Self {
            http,
            bearer: format!("Bearer {token}"),
            message: message.to_string(),
        }
    }
}

impl Write for Poster {
    async fn write(&mut self, rows: usize) {
        let (path, content_type, body) = match rows {
            1 => (
                "/api/v1/communications",
                "application/json",
                self.message.clone(),
            ),
            _ => (
                "/api/v1/communications/batch",
                "application/x-ndjson",
                format!("{}\n", self.message).repeat(rows),
            ),
        };
        let request = Request::post(path)
            .header(HOST, "localhost")
            .header(AUTHORIZATION, &self.bearer)
            .header(CONTENT_TYPE, content_type)
            .body(Full::from(body))
            .expect("a request");
        self.http.ready().await.expect("an open connection");
        let answer = self.http.send_request(request).await.expect("an answer");
        let status = answer.status();
        let body = answer.into_body().collect().await.expect("a body");
        assert_eq!(status, StatusCode::CREATED, "{:?}", body.to_bytes());
    }
}
