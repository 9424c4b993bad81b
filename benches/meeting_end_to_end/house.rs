//! The real server, in process, and who is invited to it.

use std::net::SocketAddr;
use std::sync::Arc;

use synod::actors::journal;
use synod::clock::Clock;
use synod::config::Limits;
use synod::domain::{
    AgentId, Created, DecisionId, Meeting, MeetingId, MeetingType, Settings, Start,
};
use synod::server::{self, Parts};
use synod::storage::memory::Memory;
use synod::storage::{Agent, Role, Store, connect};
use synod::telemetry::Metrics;
use synod::transport::auth;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::databases::Scratch;

/// As many connections to the database as a server has by default.
const DATABASE_CONNECTIONS: u32 = 10;

/// A server at work.
pub(crate) struct House {
    address: SocketAddr,
    clock: Clock,
    store: Arc<dyn Store>,
    shutdown: oneshot::Sender<()>,
    running: JoinHandle<anyhow::Result<()>>,
    scratch: Option<Scratch>,
}

/// A meeting that begins when all who are invited are there.
pub(crate) struct Invitation {
    /// Of the server.
    pub(crate) address: SocketAddr,
    /// Which meeting.
    pub(crate) meeting: MeetingId,
    /// The token of each agent.
    pub(crate) tokens: Vec<String>,
}

impl House {
    /// Starts a server on a database.
    pub(crate) fn on_database(runtime: &Runtime, scratch: Scratch) -> Self {
        let store = runtime
            .block_on(connect(&scratch.database(), DATABASE_CONNECTIONS))
            .expect("the database is there");
        Self::open(runtime, store, Some(scratch))
    }

    /// Starts a server that keeps nothing.
    pub(crate) fn in_memory(runtime: &Runtime) -> Self {
        Self::open(runtime, Arc::new(Memory::new()), None)
    }

    fn open(runtime: &Runtime, store: Arc<dyn Store>, scratch: Option<Scratch>) -> Self {
        let (shutdown, told) = oneshot::channel();
        let clock = Clock::system();
        let listener = runtime
            .block_on(TcpListener::bind("127.0.0.1:0"))
            .expect("a free port");
        let address = listener
            .local_addr()
            .expect("a bound listener has an address");
        let parts = Parts {
            store: Arc::clone(&store),
            clock: clock.clone(),
            limits: Limits::default(),
            metrics: Metrics::new(),
            admin_token: "unused".to_owned(),
            allowed_origins: Vec::new(),
            public_url: None,
            embeddings: None,
        };
        let shutdown_told = async move { drop(told.await) };
        let running = runtime.spawn(server::run_parts(parts, listener, shutdown_told));
        Self {
            address,
            clock,
            store,
            shutdown,
            running,
            scratch,
        }
    }

    /// Creates a meeting of new agents.
    pub(crate) async fn invite(&self, agents: usize, rounds: u32) -> Invitation {
        let (mut participants, mut tokens) = (Vec::new(), Vec::new());
        for _ in 0..agents {
            let (id, name) = (AgentId(self.clock.id()), "agent".to_owned());
            let (token, hash) = auth::issue(&self.clock);
            let agent = Agent {
                id,
                name: name.clone(),
                role: Role::Agent,
                model: None,
                metadata: None,
                created_at: self.clock.now(),
                revoked_at: None,
            };
            self.store
                .create_agent(&agent, hash, None)
                .await
                .expect("a new agent can be kept");
            participants.push((id, name));
            tokens.push(token);
        }
        let created = Created {
            meeting: MeetingId(self.clock.id()),
            topic: "How fast can we talk?".to_owned(),
            meeting_type: MeetingType::UserSpecified,
            settings: Settings {
                max_discussion_rounds: rounds,
                start: Start::WhenAllJoined,
                ..Settings::default()
            },
            moderator: None,
            participants,
            related: Vec::new(),
            decision: DecisionId(self.clock.id()),
        };
        let (meeting, first) = Meeting::create(self.clock.now(), created);
        let new = journal::created(&meeting, first);
        self.store
            .create_meeting(&new)
            .await
            .expect("a new meeting can be kept");
        let meeting = meeting.created().meeting;
        Invitation {
            address: self.address,
            meeting,
            tokens,
        }
    }

    /// Ends the server and drops its database.
    pub(crate) async fn close(self) {
        let _ = self.shutdown.send(());
        let ended = self.running.await.expect("the server does not panic");
        ended.expect("the server goes down in order");
        if let Some(scratch) = self.scratch {
            scratch.discard().await;
        }
    }
}
