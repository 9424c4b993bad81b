//! The connection actor: one socket, from upgrade to goodbye.
//!
//! The actor stands for the socket in the supervision tree; one task of its own moves the bytes ([`exchange`]). In a
//! meeting ([`pump`]) the agent's frames go straight to the meeting with a permit, and the meeting's come through the
//! bounded outbox; however that ends, the meeting hears of it. An agent's own [`line`](mod@line) has no meeting.
//!
//! What is deliberately absent: rules, and any state of the meeting.

mod exchange;
mod fragments;
mod heartbeat;
mod line;
mod link;
mod pump;

use std::any::Any;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use futures_util::FutureExt;
use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use ractor::{Actor, ActorProcessingErr, ActorRef};
use tokio_tungstenite::WebSocketStream;
use tracing::{Instrument, debug, error, info_span, warn};

use self::exchange::{End, Exchange};
use super::audience::{Audience, Seat};
use super::meeting::{self, ConnectionId};
use super::outbox::Outbox;
use super::permit::Permits;
use super::presence::{Holder, Presence};
use super::throttle::Throttle;
use super::{outbox, persistence};
use crate::budget::Budget;
use crate::clock::Clock;
use crate::config::Limits;
use crate::domain::{AgentId, Caller, MeetingId};
use crate::storage::Store;
use crate::telemetry::Metrics;
use crate::wire::CloseCode;

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
    /// The memory that readers share.
    pub budget: Budget,
    /// The bound on how fast anybody may ask.
    pub throttle: Throttle,
    /// What is counted.
    pub metrics: Metrics,
    /// Bounds.
    pub limits: Arc<Limits>,
    /// Makes direct messages durable.
    pub persistence: ActorRef<persistence::Message>,
    /// Who is here.
    pub presence: Presence,
    /// How many sockets each token has where.
    pub audience: Audience,
}

/// One socket and what it is for.
pub struct Arguments {
    /// The socket.
    pub socket: Socket,
    /// Who opened it; `None` is the operator.
    pub holder: Option<Holder>,
    /// What it is for.
    pub purpose: Purpose,
    /// What it needs of the server.
    pub context: Context,
    /// Its place among the connections, free again when this is dropped.
    pub place: Arc<dyn Any + Send + Sync>,
    /// Its place among the sockets of its token.
    pub seat: Seat,
}

/// What a socket is for.
pub enum Purpose {
    /// To take part in a meeting, or to watch it.
    Meeting {
        /// Which.
        id: MeetingId,
        /// The actor that runs it; `None` when it is over.
        actor: Option<ActorRef<meeting::Message>>,
        /// Who takes part, and its name; `None` only watches.
        agent: Option<(AgentId, String)>,
        /// The last event that the client has.
        after: Option<u64>,
    },
    /// To be an agent's own line.
    Line {
        /// Whose.
        agent: AgentId,
        /// The last message that the client has.
        after: Option<u64>,
    },
}

impl Purpose {
    /// Its meeting; `None` is an agent's own line.
    pub fn meeting_id(&self) -> Option<MeetingId> {
        match self {
            Self::Meeting { id, .. } => Some(*id),
            Self::Line { .. } => None,
        }
    }

    /// The actor that runs its meeting, if there is one.
    fn meeting(&self) -> Option<ActorRef<meeting::Message>> {
        match self {
            Self::Meeting { actor, .. } => actor.clone(),
            Self::Line { .. } => None,
        }
    }
}

/// What it is told.
#[derive(Debug)]
pub enum Message {
    /// The socket is closed.
    Ended,
}

impl Actor for Connection {
    type Msg = Message;
    type State = ();
    /// Boxed: on their way they pass through several futures, each of which would keep room for them as long as the socket lives.
    type Arguments = Box<Arguments>;

    async fn pre_start(
        &self,
        myself: ActorRef<Message>,
        arguments: Box<Arguments>,
    ) -> Result<(), ActorProcessingErr> {
        let id = ConnectionId(arguments.context.clock.id());
        let holder = arguments.holder.map(|holder| holder.id.to_string());
        let span = info_span!("connection", connection_id = %id.0, holder);
        tokio::spawn(
            async move {
                let serve = AssertUnwindSafe(serve(id, arguments));
                if let Ok(end) = serve.catch_unwind().await {
                    debug!(code = end.map(|code| code.code), "connection closed");
                } else {
                    error!("a connection failed");
                }
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

/// Serves a socket until it is closed, and says with what.
async fn serve(id: ConnectionId, arguments: Box<Arguments>) -> End {
    let Arguments {
        socket,
        holder,
        purpose,
        context,
        place: _place,
        seat,
    } = unboxed(arguments);
    let limits = &context.limits;
    let (outbox, reader) = outbox::outbox(
        limits.outbox_max_frames,
        limits.outbox_max_bytes,
        &context.budget,
    );
    let reader = Arc::new(reader);
    let _open = context.metrics.socket_open();
    let caller = holder.map_or(Caller::Admin, |holder| Caller::Agent(holder.id));
    let exchange = Exchange::new(socket, Arc::clone(&reader), caller, context);
    let mut exchange = Box::new(exchange);
    let _detach = purpose.meeting().map(|meeting| Detach { id, meeting });
    let meeting = purpose.meeting_id();
    let presence = &exchange.context.presence;
    let _stay = holder.map(|holder| presence.enter(holder, id, meeting, &reader));
    if let Some(Holder { id, .. }) = holder {
        let store = &*exchange.context.store;
        if let Err(error) = presence.verify_these(store, &[id]).await {
            // Who cannot be told to be welcome comes again later.
            warn!(%error, "a token could not be verified");
            reader.close(CloseCode::OVERLOADED);
        }
    }
    let end = match reader.closing() {
        None => converse(&mut exchange, id, purpose, outbox).await,
        closing => closing,
    };
    if let Some(CloseCode { code, .. }) = end {
        exchange.context.metrics.socket_closed(code);
    }
    let is_too_slow = end == Some(CloseCode::SLOW_READER);
    let wait = is_too_slow.then(|| seat.was_too_slow(exchange.context.clock.elapsed()));
    Box::pin(exchange.say_goodbye(end, wait)).await;
    end
}

#[expect(
    clippy::boxed_local,
    reason = "a box that is only taken apart keeps its room to the end of its scope, which would be the socket's"
)]
fn unboxed<T>(boxed: Box<T>) -> T {
    *boxed
}

/// The conversation that a socket is for, until it ends, and with what it does. Each kind is boxed, so that a socket keeps room for its
/// own and for no other.
async fn converse(
    exchange: &mut Exchange,
    id: ConnectionId,
    purpose: Purpose,
    outbox: Outbox,
) -> End {
    match purpose {
        Purpose::Line { agent, after } => {
            let end = Box::pin(line::run(exchange, agent, after)).await;
            // Closed without a word, it would tell the agent that a meeting has moved.
            drop(outbox);
            end
        }
        Purpose::Meeting {
            id: meeting_id,
            actor,
            agent,
            after,
        } => {
            debug!(%meeting_id, "in a meeting");
            let link = link::Link {
                id,
                agent,
                meeting_id,
                after,
                context: exchange.context.clone(),
            };
            Box::pin(pump::run(exchange, link, outbox, actor)).await
        }
    }
}

/// Tells the meeting of a socket's end, however that comes, even by a panic.
struct Detach {
    id: ConnectionId,
    meeting: ActorRef<meeting::Message>,
}

impl Drop for Detach {
    fn drop(&mut self) {
        // A meeting that is gone has nothing to be told.
        let _ = self.meeting.cast(meeting::Message::Detach(self.id));
    }
}
