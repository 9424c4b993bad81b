//! The connection actor: one socket, from upgrade to goodbye.
//!
//! The actor stands for the socket in the supervision tree; its [`pump`] moves the bytes: frames of the agent go
//! straight to the meeting with a permit, frames of the meeting come through the bounded outbox. However the pump
//! ends, the meeting hears of it.
//!
//! What is deliberately absent: rules, and any state of the meeting.

mod heartbeat;
mod link;
mod pump;

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use futures_util::FutureExt;
use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use ractor::{Actor, ActorProcessingErr, ActorRef};
use tokio_tungstenite::WebSocketStream;
use tracing::{Instrument, debug, error, info_span};

use super::meeting::{self, ConnectionId};
use super::outbox;
use super::permit::Permits;
use super::throttle::Throttle;
use crate::clock::Clock;
use crate::config::Limits;
use crate::domain::{AgentId, Caller, MeetingId};
use crate::storage::Store;
use crate::telemetry::Metrics;

/// A socket after its upgrade.
pub type Socket = WebSocketStream<TokioIo<Upgraded>>;

/// The actor.
pub struct Connection;

/// What every connection needs of the server.
#[derive(Clone)]
pub struct Context {
    /// Where journals are read for a resume.
    pub store: Arc<dyn Store>,
    /// Time and ids.
    pub clock: Clock,
    /// The bound on what the whole server has under way.
    pub permits: Permits,
    /// The bound on how fast anybody may ask.
    pub throttle: Throttle,
    /// What is counted.
    pub metrics: Metrics,
    /// Bounds.
    pub limits: Arc<Limits>,
}

/// One socket and what it is for.
pub struct Arguments {
    /// The socket.
    pub socket: Socket,
    /// Whose token opened it: its frames count for them.
    pub caller: Caller,
    /// Whose, and its name; `None` only watches.
    pub agent: Option<(AgentId, String)>,
    /// Which meeting.
    pub meeting_id: MeetingId,
    /// The actor that runs it; `None` when it is over.
    pub meeting: Option<ActorRef<meeting::Message>>,
    /// The last event that the client has.
    pub after: Option<u64>,
    /// What it needs of the server.
    pub context: Context,
}

/// What it is told.
#[derive(Debug)]
pub enum Message {
    /// The pump has ended; the socket is closed.
    Ended,
}

impl Actor for Connection {
    type Msg = Message;
    type State = ();
    type Arguments = Arguments;

    async fn pre_start(
        &self,
        myself: ActorRef<Message>,
        arguments: Arguments,
    ) -> Result<(), ActorProcessingErr> {
        let Arguments {
            socket,
            caller,
            agent,
            meeting_id,
            meeting,
            after,
            context,
        } = arguments;
        let id = ConnectionId(context.clock.id());
        let agent_id = agent.as_ref().map(|(agent, _)| agent.to_string());
        let span = info_span!("connection", connection_id = %id.0, %meeting_id, agent_id);
        let limits = &context.limits;
        let (outbox, reader) = outbox::outbox(limits.outbox_max_frames, limits.outbox_max_bytes);
        let reader = Arc::new(reader);
        let open = context.metrics.socket_open();
        let link = link::Link {
            id,
            caller,
            agent,
            meeting_id,
            after,
            reader: Arc::clone(&reader),
            context,
        };
        tokio::spawn(
            async move {
                let pump = pump::run(socket, link, outbox, meeting.clone());
                // Even a panic must not keep the meeting from hearing of the end.
                if let Ok(end) = AssertUnwindSafe(pump).catch_unwind().await {
                    debug!(code = end.map(|code| code.code), "connection closed");
                } else {
                    error!("a connection failed");
                }
                if let Some(meeting) = meeting {
                    // A meeting that is gone has nothing to be told.
                    let _ = meeting.cast(meeting::Message::Detach(id));
                }
                drop(open);
                let _ = myself.cast(Message::Ended);
            }
            .instrument(span),
        );
        Ok(())
    }

    async fn handle(
        &self,
        myself: ActorRef<Message>,
        message: Message,
        (): &mut (),
    ) -> Result<(), ActorProcessingErr> {
        match message {
            Message::Ended => myself.stop(None),
        }
        Ok(())
    }
}
