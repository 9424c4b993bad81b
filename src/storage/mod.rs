//! What is kept: the journal, the tables written from it, the agents and the communication log.
//!
//! [`Store`] is the whole contract with a database; `postgres`, `sqlite` and [`memory`] keep it alike and pass one suite.
//! The journal is the truth. [`projection`] says which rows follow from an event, and
//! [`Store::append`] writes both in one transaction, fenced: a meeting that another server has taken
//! over is answered [`Appended::Fenced`] and not one byte of it is written.
//!
//! What is deliberately absent: the rules of a meeting, JSON (payloads come and go as text), retries
//! (the persistence actor's), the clock.
//!
//! Start with [`Store::append`]; [`connect()`] opens a database, [`migrate`] brings its tables up to date.

mod batch;
pub mod connect;
pub mod error;
pub mod memory;
pub mod migrate;
pub mod page;
pub mod postgres;
pub mod projection;
pub mod rows;
mod sql;
mod sqlite;
pub mod words;

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use uuid::Uuid;

use crate::budget::Reservation;
use crate::domain::{AgentId, CommunicationId, DecisionId, MeetingId};

pub use connect::{Connections, Database, connect, connect_with};
pub use error::Error;
pub use page::{Keyset, Page, PageRequest, Part, Start, Total};
pub use rows::{
    Agent, Answer, Append, Appended, Communication, CommunicationFilter, Decision, DecisionFilter,
    DirectMessage, DroppedPart, Entry, Excerpt, Header, Inbox, JournalRow, KeptAnswer,
    KeyedRequest, Meeting, MeetingFilter, Message, NewMeeting, ParticipantRow, Received, Reserved,
    Role, Sent, Taken, TokenHash, Told, Upkeep,
};
pub use words::Words;

/// A database, whichever it is.
///
/// What readers ask for may be long, so these methods take a [`Reservation`]: what they are about
/// to read is measured and taken from it first, and is still in it when they return.
///
/// # Errors
/// A read for which the reservation gets no room is [`Error::NoRoom`], or [`Error::TooMuch`] if it
/// could never get it.
/// Every method answers [`Error::Unavailable`] where the database cannot be reached or gives up: then it is not known
/// whether a write was committed, and [`append`](Self::append) and [`log`](Self::log) may be repeated harmlessly.
/// Lists, messages and whole meetings of more bytes than [`Limits::ANSWER_MAX_BYTES`](crate::config::Limits::ANSWER_MAX_BYTES) are
/// [`Error::TooMuch`]; a page from a cursor on is shorter then, and a part of a journal, too, but has at least one row.
/// [`Error::Damaged`] is for rows that this server did not write, and for those that a database would not take. Other errors are named where they occur.
#[async_trait]
pub trait Store: Send + Sync + 'static {
    /// Asks the database for an answer: readiness.
    async fn ping(&self) -> Result<(), Error>;

    /// Adds an agent, and with it what the request is answered that asked for it once: both or neither.
    /// [`Error::AlreadyExists`] if its id or its token is taken, [`Error::KeyTaken`] if the request was answered already.
    async fn create_agent(
        &self,
        agent: &Agent,
        token: TokenHash,
        once: Option<&KeptAnswer>,
    ) -> Result<(), Error>;
    /// One agent, revoked or not.
    async fn agent(&self, id: AgentId, reservation: &Reservation) -> Result<Option<Agent>, Error> {
        Ok(self.agents_by_id(&[id], reservation).await?.pop())
    }
    /// The agents with these ids, in no order; unknown ones are left out.
    async fn agents_by_id(
        &self,
        ids: &[AgentId],
        reservation: &Reservation,
    ) -> Result<Vec<Agent>, Error>;
    /// The agent, not revoked, that this token belongs to; without its metadata.
    async fn agent_by_token(&self, token: TokenHash) -> Result<Option<Agent>, Error>;
    /// All agents, newest first.
    async fn agents(
        &self,
        page: PageRequest,
        reservation: &Reservation,
    ) -> Result<Page<Agent>, Error>;
    /// Gives an agent another token, and takes a revocation back; and keeps an answer as [`create_agent`](Self::create_agent)
    /// does. `false` if there is no such agent.
    async fn replace_token(
        &self,
        id: AgentId,
        token: TokenHash,
        once: Option<&KeptAnswer>,
    ) -> Result<bool, Error>;
    /// Marks an agent revoked; its token opens nothing from now on. `false` if there is no such agent.
    async fn revoke_agent(&self, id: AgentId, at: DateTime<Utc>) -> Result<bool, Error>;

    /// The tokens of these agents, as far as they open anything.
    async fn tokens(&self, agents: &[AgentId]) -> Result<Vec<(AgentId, TokenHash)>, Error>;

    /// Keeps direct messages in the log and in their receivers' lines, in this order; answers each. A message whose id, or
    /// whose sender's frame, is there already is left as it is and answered by what is there, so a repeated call is
    /// harmless.
    async fn send(&self, messages: &[DirectMessage]) -> Result<Vec<Sent>, Error>;
    /// The next part of an agent's direct messages behind position `after`, in order; none are all
    /// there are. A reader of one has been given all before it.
    async fn received(
        &self,
        agent: AgentId,
        after: u64,
        part: Part,
        reservation: &Reservation,
    ) -> Result<Vec<Received>, Error>;
    /// How far an agent's line has come.
    async fn inbox(&self, agent: AgentId) -> Result<Inbox, Error>;
    /// Notes which direct messages were delivered when they were sent, and which stretches of their lines agents were told.
    /// [`Inbox::told`] never goes back, and never over what was not told: a stretch that begins beyond it is not noted.
    async fn note_mail(&self, delivered: &[CommunicationId], told: &[Told]) -> Result<(), Error>;

    /// What is kept under an owner's key.
    async fn recall(&self, owner: Uuid, key: &str) -> Result<Option<Reserved>, Error>;
    /// Keeps a request's key before it acts. `false` if something is kept under it already.
    async fn reserve(&self, request: &KeyedRequest) -> Result<bool, Error>;
    /// Keeps the answer to a request, with its key if another try has released that. `false` if one is kept already, or another
    /// request has the key.
    async fn answer(&self, kept: &KeptAnswer) -> Result<bool, Error>;
    /// Forgets a key under which nothing was done, unless it is answered.
    async fn release(&self, request: &KeyedRequest) -> Result<(), Error>;
    /// Forgets the keys that were reserved before.
    async fn forget_keys(&self, before: DateTime<Utc>) -> Result<(), Error>;

    /// Adds messages to the log, all or none. A message that is there already, with its id and timestamp, is left as it is, so
    /// a repeated call is harmless.
    /// [`Error::UnknownAgent`] if a sender or receiver does not exist.
    async fn log(&self, messages: &[Communication]) -> Result<(), Error>;
    /// One message.
    async fn communication(
        &self,
        id: CommunicationId,
        reservation: &Reservation,
    ) -> Result<Option<Communication>, Error> {
        Ok(self.communications_by_id(&[id], reservation).await?.pop())
    }
    /// The messages that pass `filter`, newest first.
    async fn communications(
        &self,
        filter: &CommunicationFilter,
        page: PageRequest,
        reservation: &Reservation,
    ) -> Result<Page<Communication>, Error>;

    /// The newest messages that pass `filter`, at most `limit` and no more than an answer may hold, by their beginnings.
    async fn excerpts(
        &self,
        filter: &CommunicationFilter,
        limit: u32,
    ) -> Result<Vec<Excerpt>, Error>;
    /// The same of the messages with these ids, in no order; unknown ones are left out.
    async fn excerpts_by_id(&self, ids: &[CommunicationId]) -> Result<Vec<Excerpt>, Error>;

    /// Keeps a new meeting with its first event, participants and links, all or none, at epoch 0.
    /// [`Error::UnknownAgent`] or [`Error::UnknownCommunication`] name what does not exist.
    async fn create_meeting(&self, meeting: &NewMeeting) -> Result<(), Error>;
    /// One meeting's row.
    async fn meeting(
        &self,
        id: MeetingId,
        reservation: &Reservation,
    ) -> Result<Option<Meeting>, Error>;
    /// The meetings that pass `filter`, newest first.
    async fn meetings(
        &self,
        filter: &MeetingFilter,
        page: PageRequest,
        reservation: &Reservation,
    ) -> Result<Page<Meeting>, Error>;
    /// A meeting's participants, moderator included, in speaking order.
    async fn participants(&self, id: MeetingId) -> Result<Vec<ParticipantRow>, Error>;
    /// What was said in a meeting, in order.
    async fn messages(
        &self,
        id: MeetingId,
        reservation: &Reservation,
    ) -> Result<Vec<Message>, Error>;
    /// The opinions of one round of a meeting, in order, each with so many characters at most.
    async fn last_opinions(
        &self,
        id: MeetingId,
        round: u32,
        chars: usize,
    ) -> Result<Vec<Message>, Error>;
    /// The log rows that prompted a meeting.
    async fn related_communications(
        &self,
        id: MeetingId,
        reservation: &Reservation,
    ) -> Result<Vec<Communication>, Error>;
    /// The ids of all meetings that have not ended, oldest first.
    async fn open_meetings(&self) -> Result<Vec<MeetingId>, Error>;
    /// Makes this server the owner of those of `ids` that have not ended: adds one to each epoch in the statement
    /// that reads its `last_seq`, then reads its whole journal. Ended and unknown meetings are left out.
    async fn take_over(&self, ids: &[MeetingId]) -> Result<Vec<Taken>, Error>;
    /// The epoch of each of `ids`; unknown ones are left out.
    async fn epochs(&self, ids: &[MeetingId]) -> Result<Vec<(MeetingId, u64)>, Error>;
    /// Appends to many meetings in one transaction: journal, projected rows and header. Answers in the order of `appends`,
    /// which holds each meeting at most once. A meeting whose epoch or `last_seq` does not fit is [`Appended::Fenced`]
    /// and does not hinder the others; one whose events all stand there already under this epoch is
    /// [`Appended::Committed`], so a repeated call after a lost answer is harmless.
    async fn append(&self, appends: &[Append]) -> Result<Vec<Appended>, Error>;
    /// The next part of a meeting's journal after event `after`; none are all there are.
    async fn journal(
        &self,
        id: MeetingId,
        after: u64,
        part: Part,
        reservation: &Reservation,
    ) -> Result<Vec<JournalRow>, Error>;
    /// The kinds of events that a meeting's journal has, each with its versions, in no order.
    async fn kinds(&self, id: MeetingId) -> Result<Vec<(String, u16)>, Error>;
    /// Whether a meeting's journal has an event that came of this frame or request.
    async fn has_frame(&self, id: MeetingId, frame_id: &str) -> Result<bool, Error>;

    /// One decision.
    async fn decision(
        &self,
        id: DecisionId,
        reservation: &Reservation,
    ) -> Result<Option<Decision>, Error>;
    /// The decisions that pass `filter`, newest first.
    async fn decisions(
        &self,
        filter: &DecisionFilter,
        page: PageRequest,
        reservation: &Reservation,
    ) -> Result<Page<Decision>, Error>;
    /// The messages with these ids, in no order; unknown ones are left out.
    async fn communications_by_id(
        &self,
        ids: &[CommunicationId],
        reservation: &Reservation,
    ) -> Result<Vec<Communication>, Error>;

    /// The meetings that a message prompted, newest first; with `visible_to`, those of them that this agent is in or moderates.
    async fn meetings_of_communication(
        &self,
        id: CommunicationId,
        visible_to: Option<AgentId>,
        reservation: &Reservation,
    ) -> Result<Vec<Meeting>, Error>;
    /// The same of many messages at once: each meeting with each of the messages that prompted it.
    async fn links(
        &self,
        ids: &[CommunicationId],
        visible_to: Option<AgentId>,
    ) -> Result<Vec<(MeetingId, CommunicationId)>, Error>;
    /// What the meetings of one message decided, newest first.
    async fn decisions_of_communication(
        &self,
        id: CommunicationId,
        visible_to: Option<AgentId>,
        reservation: &Reservation,
    ) -> Result<Vec<Decision>, Error>;

    /// Keeps the log in good order: makes the parts that will soon be needed, and with `retention` lets go of the messages
    /// that are older, but for those that a meeting links to. It does not keep anybody waiting: what it cannot have at once
    /// it leaves to its next turn, as [`Error::Unavailable`].
    async fn maintain(
        &self,
        now: DateTime<Utc>,
        retention: Option<TimeDelta>,
    ) -> Result<Upkeep, Error>;

    /// Closes every connection to the database.
    async fn close(&self);
}
