//! What goes wrong between a server and its database, on demand.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use super::super::Error;

/// What becomes of one write.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// Nothing is written, and the caller is told that the database is unavailable.
    #[error("simulated: the write failed")]
    FailBeforeCommit,
    /// Everything is written, and the caller is told that the database is unavailable.
    #[error("simulated: the reply was lost")]
    LoseReply,
}

/// The faults to come, in order: each call of `append` or `log` uses one up. Clones share them.
#[derive(Clone, Default)]
pub struct Faults(Arc<Mutex<VecDeque<Fault>>>);

impl Faults {
    /// Lets one more write go wrong, after those that are to go wrong already.
    pub fn push(&self, fault: Fault) {
        self.with(|faults| faults.push_back(fault));
    }

    /// How many are still to come.
    pub fn pending(&self) -> usize {
        self.with(|faults| faults.len())
    }

    pub(super) fn next(&self) -> Option<Fault> {
        self.with(VecDeque::pop_front)
    }

    fn with<T>(&self, look: impl FnOnce(&mut VecDeque<Fault>) -> T) -> T {
        look(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl From<Fault> for Error {
    fn from(fault: Fault) -> Self {
        Self::Unavailable(Box::new(fault))
    }
}
