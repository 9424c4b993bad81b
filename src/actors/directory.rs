//! Where meetings live: a read-only route for everyone but the registry.

use std::sync::Arc;

use dashmap::DashMap;
use ractor::{ActorId, ActorRef, ActorStatus};

use super::meeting;
use crate::domain::MeetingId;

/// A cheap handle on the routes. The registry keeps the truth and writes it here; a reader that finds
/// nothing asks the registry.
#[derive(Clone, Debug, Default)]
pub struct Directory {
    meetings: Arc<DashMap<MeetingId, ActorRef<meeting::Message>>>,
}

impl Directory {
    /// The actor that runs the meeting on this server, if it is awake. One that is stopping is not.
    pub fn find(&self, id: MeetingId) -> Option<ActorRef<meeting::Message>> {
        let actor = self.meetings.get(&id).map(|entry| entry.value().clone());
        actor.filter(|actor| actor.get_status() < ActorStatus::Stopping)
    }

    pub(super) fn all(&self) -> Vec<ActorRef<meeting::Message>> {
        self.meetings
            .iter()
            .map(|entry| entry.value().clone())
            .collect()
    }

    pub(super) fn insert(&self, id: MeetingId, actor: ActorRef<meeting::Message>) {
        self.meetings.insert(id, actor);
    }

    /// Takes a route away, unless it leads to another actor by now.
    pub(super) fn remove(&self, id: MeetingId, actor: ActorId) {
        self.meetings
            .remove_if(&id, |_, current| current.get_id() == actor);
    }
}
