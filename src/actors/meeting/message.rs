//! What can be asked of a meeting, and what it is told.

use std::sync::Arc;

use ractor::RpcReplyPort;
use serde_json::Value;
use tokio::sync::oneshot;

use super::ConnectionId;
use crate::actors::outbox::Outbox;
use crate::actors::permit::Permit;
use crate::budget::{Denied, Reservation};
use crate::domain::{AgentId, Caller, Command, Refusal, Status};
use crate::wire::{Evidence, Frame, FrameId};

/// What can be asked of a meeting, and what it is told. Small, because mailboxes are copied.
pub enum Message {
    /// A frame from a connected agent.
    Submit(Box<Submission>),
    /// A socket wants to hear, and, with an agent, to take part.
    Attach(Box<Attachment>),
    /// A socket is gone.
    Detach(ConnectionId),
    /// A command by REST.
    Instruct(Box<Instruction>),
    /// Whether an agent would be let in. The permit is held until that is answered.
    Admit(AgentId, RpcReplyPort<Result<(), Refusal>>, Permit),
    /// Where the meeting stands, if the reservation gets room for it. The permit is held until that
    /// is answered.
    Describe(
        RpcReplyPort<Result<Value, Denied>>,
        Arc<Reservation>,
        Permit,
    ),
    /// A timer fired.
    DeadlineReached,
    /// The messages that prompted the meeting are read.
    Prompt(Box<Evidence>),
    /// Everything up to this event is durable.
    Committed(u64),
    /// The database refused an append: another server owns the meeting now.
    Fenced,
    /// The meeting has this epoch in the database by now.
    Overtaken(u64),
    /// The database does not take the meeting's events: the meeting fails.
    Unkept,
    /// Finish what is under way, send everyone away, and stop.
    Drain,
}

/// A frame from a connected agent.
pub struct Submission {
    /// Which connection.
    pub connection: ConnectionId,
    /// Whose.
    pub agent: AgentId,
    /// The id that the client gave the frame.
    pub id: Option<FrameId>,
    /// What it asks.
    pub command: Command,
    /// Held until it is answered.
    pub permit: Permit,
}

/// A socket that wants to hear.
pub struct Attachment {
    /// Which connection.
    pub connection: ConnectionId,
    /// Whose, and its name; `None` only watches.
    pub agent: Option<(AgentId, String)>,
    /// Where its frames go.
    pub outbox: Outbox,
    /// The last event that its client has.
    pub after: Option<u64>,
    /// For the first frame.
    pub reservation: Reservation,
    /// Told where the live events begin.
    pub reply: oneshot::Sender<Result<Attached, NotAttached>>,
    /// Held until then.
    pub permit: Permit,
}

/// Why a socket may not hear.
pub enum NotAttached {
    /// The meeting refuses the agent.
    Refused(Refusal),
    /// The client claims to have events that have not happened; this is the last that has.
    AheadOf(u64),
    /// There is no room for the first frame: it may be asked for again with a reservation that has
    /// so much.
    NoRoom(Box<NoRoom>),
}

/// What is given back to a socket that was not taken in, for another try.
pub struct NoRoom {
    /// What is missing in the reservation.
    pub bytes: usize,
    /// Where its frames were to go.
    pub outbox: Outbox,
    /// For the first frame.
    pub reservation: Reservation,
}

/// Where a socket's live events begin.
pub struct Attached {
    /// The first frame.
    pub connected: Frame,
    /// Events after this one come through the outbox; up to it they stand in the journal.
    pub last_seq: u64,
}

/// A command by REST.
pub struct Instruction {
    /// Who gives it.
    pub from: Caller,
    /// What.
    pub command: Command,
    /// The request's own id, under which it acts once; JSON text that is no frame's id.
    pub key: Option<String>,
    /// Told the number of the event that it became, once that is durable; or why not, and where the meeting stands.
    pub reply: RpcReplyPort<Result<u64, (Refusal, Status)>>,
    /// Held until then.
    pub permit: Permit,
}
