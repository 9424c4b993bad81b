//! Who lives: the actors, and the few shared values through which they meet.
//!
//! ```text
//! registry ── supervises ──> meeting (one each) ──Append──> persistence ──> storage
//!    │                          ▲   │                           │
//!    └── writes ──> directory   │   └─frames─> outbox           └──Committed──> meeting
//!                       │       │                 │
//!          transport ───┴──> connection (one each socket) ──> the agent
//! ```
//!
//! * [`registry`] starts meetings, brings back those that failed, and is the only writer of the
//!   [`directory`], where everyone else looks up where a meeting lives.
//! * [`meeting`] is a thin shell round [`crate::domain::Meeting`]: numbers go out only when they are durable.
//! * [`connection`] bridges one socket to one meeting, or is an agent's own line, through a bounded [`outbox`].
//! * [`presence`] knows every open socket of an agent; [`mail`] brings direct messages there once they are kept.
//! * [`permit`] bounds what is under way, [`throttle`] how fast anybody may ask for more.
//! * [`analyst`] finds out what the agents should meet about, one question at a time.
//! * [`persistence`] batches what all meetings have to write: while one commit is under way the next batch fills. [`log`] says
//!   what a batch of the communication log is.
//!
//! What is deliberately absent: rules (they are in `domain`), SQL (in `storage`), JSON (in `wire`). No handler awaits
//! I/O or another actor, no actor has a name, and no mailbox is filled by an agent without a permit.

pub mod analyst;
pub mod audience;
pub mod connection;
pub mod directory;
pub mod journal;
mod loading;
pub mod log;
pub mod mail;
pub mod meeting;
pub mod outbox;
pub mod permit;
pub mod persistence;
pub mod presence;
pub mod registry;
pub mod throttle;
