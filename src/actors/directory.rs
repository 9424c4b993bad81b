//! Where meetings live: a read-only route for everyone but the registry.

use std::sync::Arc;

use dashmap::DashMap;
use ractor::ActorRef;

use super::meeting;
use crate::domain::MeetingId;

/// A cheap handle on the routes. The registry keeps the truth and writes it here; a reader that finds
/// nothing asks the registry.
#[derive(Clone, Debug, Default)]
pub struct Directory {
    meetings: Arc<DashMap<MeetingId, ActorRef<meeting::Message>>>,
}

impl Directory {
    /// The actor that runs the meeting on this server, if it is awake.
    pub fn find(&self, id: MeetingId) -> Option<ActorRef<meeting::Message>> {
        self.meetings.get(&id).map(|entry| entry.value().clone())
    }

    /// How many meetings are awake.
    pub fn len(&self) -> usize {
        self.meetings.len()
    }

    /// Whether no meeting is awake.
    pub fn is_empty(&self) -> bool {
        self.meetings.is_empty()
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

    pub(super) fn remove(&self, id: MeetingId) {
        self.meetings.remove(&id);
    }
}
