//! The real server, in process, and a client of it.

use std::sync::Arc;

use serde_json::Value;
use synod::client::Client;
use synod::clock::Clock;
use synod::config::Limits;
use synod::server::{Parts, run_parts};
use synod::storage::Store;
use synod::telemetry::Metrics;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::questions::Question;

const ADMIN_TOKEN: &str = "the operator's token";

/// A server at work.
pub(crate) struct Server {
    admin: Client,
    stop: oneshot::Sender<()>,
    running: JoinHandle<anyhow::Result<()>>,
}

impl Server {
    /// Starts one on a store.
    pub(crate) async fn start(store: Arc<dyn Store>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener
            .local_addr()
            .expect("a bound listener has an address");
        let parts = Parts {
            store,
            clock: Clock::system(),
            limits: Limits::default(),
            admin_token: ADMIN_TOKEN.to_owned(),
            allowed_origins: Vec::new(),
            public_url: None,
            embeddings: None,
            metrics: Metrics::new(),
        };
        let (stop, told) = oneshot::channel();
        let told = async move { drop(told.await) };
        let running = tokio::spawn(run_parts(parts, listener, told));
        let admin = Client::new(&format!("http://{address}"), ADMIN_TOKEN).expect("an address");
        Self {
            admin,
            stop,
            running,
        }
    }

    /// The first page of an answer.
    pub(crate) async fn ask(&self, question: &Question, nth: u32) -> Value {
        let path = format!("/api/v1/communications?{}", question.query(nth));
        let answer = match question.reader(nth) {
            None => self.admin.get(&path).await,
            Some(token) => {
                let agent = self.admin.with_token(&token).expect("a token");
                agent.get(&path).await
            }
        };
        answer.unwrap_or_else(|error| panic!("{path}: {error}"))
    }

    /// Ends it.
    pub(crate) async fn stop(self) {
        let _ = self.stop.send(());
        let ended = self.running.await.expect("the server does not panic");
        ended.expect("the server goes down in order");
    }
}
