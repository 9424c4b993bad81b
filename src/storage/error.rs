//! The database's faults; never the agent's, never ours.

use uuid::Uuid;

use crate::budget::Denied;

/// Why a store could not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The database cannot be reached, or gave up: try again later.
    #[error("the database is unavailable: {0}")]
    Unavailable(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// A row with this id or token is there already.
    #[error("{0} already exists")]
    AlreadyExists(&'static str),
    /// Another request was answered under the same idempotency key meanwhile, so this one did nothing.
    #[error("the idempotency key is taken")]
    KeyTaken,
    /// These agents are not known.
    #[error("unknown agents: {0:?}")]
    UnknownAgent(Vec<Uuid>),
    /// These messages are not in the log.
    #[error("unknown communications: {0:?}")]
    UnknownCommunication(Vec<Uuid>),
    /// What was asked for has more bytes than an answer may hold.
    #[error("this is more than an answer may hold")]
    TooMuch,
    /// There is no room for it in the read budget: try again later.
    #[error("the read budget is used up")]
    NoRoom,
    /// A row holds what this server never writes, or the database refused one for what it holds: asking again is no use.
    #[error("damaged row in {table}: {why}")]
    Damaged {
        /// Where.
        table: &'static str,
        /// What is wrong with it.
        why: String,
    },
}

impl From<Denied> for Error {
    fn from(denied: Denied) -> Self {
        match denied {
            Denied::Full => Self::NoRoom,
            Denied::TooLarge => Self::TooMuch,
        }
    }
}

impl Error {
    /// Whether the same call may succeed later.
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Unavailable(_))
    }
}
