//! The connection actor: one socket, from upgrade to goodbye.
//!
//! The actor owns the socket's life; its [`pump`] moves the bytes: frames of the agent go straight to
//! the meeting with a permit, frames of the meeting come through the bounded outbox. What the actor adds is a
//! name under which the server can close the socket, and the certainty that the meeting hears of its end.
//!
//! What is deliberately absent: rules, and any state of the meeting.

mod heartbeat;
mod link;
mod pump;

use std::sync::Arc;

use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use ractor::{Actor, ActorProcessingErr, ActorRef};
use tokio_tungstenite::WebSocketStream;
use tracing::{Instrument, debug, info_span};

use super::meeting::{self, ConnectionId};
use super::outbox::{self, Reader};
use super::permit::Permits;
use crate::clock::Clock;
use crate::config::Limits;
use crate::domain::{AgentId, MeetingId};
use crate::storage::Store;
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
    /// Bounds.
    pub limits: Arc<Limits>,
}

/// One socket and what it is for.
pub struct Arguments {
    /// The socket.
    pub socket: Socket,
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

/// What can be asked.
#[derive(Debug)]
pub enum Message {
    /// Close the socket with this.
    Close(CloseCode),
    /// The pump has ended; the socket is closed.
    Ended,
}

/// A socket at work.
pub struct State {
    reader: Arc<Reader>,
}

impl Actor for Connection {
    type Msg = Message;
    type State = State;
    type Arguments = Arguments;

    async fn pre_start(
        &self,
        myself: ActorRef<Message>,
        arguments: Arguments,
    ) -> Result<State, ActorProcessingErr> {
        let Arguments {
            socket,
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
        let link = link::Link {
            id,
            agent,
            meeting_id,
            after,
            reader: Arc::clone(&reader),
            context,
        };
        tokio::spawn(
            async move {
                let code = pump::run(socket, link, outbox, meeting.clone()).await;
                debug!(code = code.map(|code| code.code), "connection closed");
                if let Some(meeting) = meeting {
                    // A meeting that is gone has nothing to be told.
                    let _ = meeting.cast(meeting::Message::Detach(id));
                }
                let _ = myself.cast(Message::Ended);
            }
            .instrument(span),
        );
        Ok(State { reader })
    }

    async fn handle(
        &self,
        myself: ActorRef<Message>,
        message: Message,
        state: &mut State,
    ) -> Result<(), ActorProcessingErr> {
        match message {
            Message::Close(code) => state.reader.close(code),
            Message::Ended => myself.stop(None),
        }
        Ok(())
    }
}
