//! What goes wrong between a server and its database, on demand.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::super::Error;

/// What becomes of one call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// Nothing is written, and the caller is told that the database is unavailable.
    #[error("simulated: the call failed")]
    FailBeforeCommit,
    /// Everything is written, and the caller is told that the database is unavailable.
    #[error("simulated: the reply was lost")]
    LoseReply,
}

/// How one call goes.
#[derive(Clone, Copy, Debug, Default)]
pub struct Course {
    /// How long it is on its way.
    pub before: Duration,
    /// How long the answer is on its way.
    pub after: Duration,
    /// What goes wrong.
    pub fault: Option<Fault>,
}

/// What is to go wrong. Clones share it.
#[derive(Clone, Default)]
pub struct Faults(Arc<Mutex<Plan>>);

#[derive(Default)]
struct Plan {
    next: VecDeque<Fault>,
    then: Option<Box<dyn FnMut() -> Course + Send>>,
}

impl Faults {
    /// Lets one more call go wrong, after those that are to go wrong already: each uses one up.
    pub fn push(&self, fault: Fault) {
        self.with(|plan| plan.next.push_back(fault));
    }

    /// How many are still to come.
    pub fn pending(&self) -> usize {
        self.with(|plan| plan.next.len())
    }

    /// Says how every call goes for which no fault was [pushed](Self::push).
    pub fn follow(&self, courses: impl FnMut() -> Course + Send + 'static) {
        self.with(|plan| plan.then = Some(Box::new(courses)));
    }

    pub(super) fn next(&self) -> Course {
        self.with(|plan| match plan.next.pop_front() {
            None => plan
                .then
                .as_mut()
                .map_or_else(Course::default, |then| then()),
            fault => Course {
                fault,
                ..Course::default()
            },
        })
    }

    fn with<T>(&self, look: impl FnOnce(&mut Plan) -> T) -> T {
        look(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl From<Fault> for Error {
    fn from(fault: Fault) -> Self {
        Self::Unavailable(Box::new(fault))
    }
}
