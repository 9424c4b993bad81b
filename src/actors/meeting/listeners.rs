//! Who hears a meeting: one outbox for each socket.

use uuid::Uuid;

use crate::actors::outbox::Outbox;
use crate::domain::AgentId;
use crate::wire::{CloseCode, Frame};

/// One socket's time on the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConnectionId(pub Uuid);

/// The sockets of a meeting; at most one for each agent.
#[derive(Default)]
pub(super) struct Listeners {
    list: Vec<Listener>,
}

/// One socket.
pub(super) struct Listener {
    pub(super) connection: ConnectionId,
    /// Whose; `None` only watches.
    pub(super) agent: Option<AgentId>,
    pub(super) outbox: Outbox,
    /// It reads events up to this one in the journal.
    pub(super) after: u64,
}

impl Listeners {
    /// Takes a socket in; an older one of the same agent is sent away.
    pub(super) fn add(&mut self, listener: Listener) {
        if listener.agent.is_some() {
            self.list.retain(|old| {
                let is_replaced = old.agent == listener.agent;
                if is_replaced {
                    old.outbox.close(CloseCode::REPLACED);
                }
                !is_replaced
            });
        }
        self.list.push(listener);
    }

    pub(super) fn remove(&mut self, connection: ConnectionId) -> Option<Listener> {
        let place = self
            .list
            .iter()
            .position(|listener| listener.connection == connection)?;
        Some(self.list.swap_remove(place))
    }

    pub(super) fn tell(&mut self, seq: u64, frame: &Frame) {
        for listener in &mut self.list {
            if listener.after < seq {
                listener.outbox.push(frame.clone());
            }
        }
    }

    pub(super) fn ask(&mut self, agent: AgentId, frame: Frame) {
        let is_asked = |listener: &&mut Listener| listener.agent == Some(agent);
        if let Some(listener) = self.list.iter_mut().find(is_asked) {
            listener.outbox.push(frame);
        }
    }

    pub(super) fn answer(&mut self, connection: ConnectionId, frame: Frame) {
        if let Some(listener) = self.find(connection) {
            listener.outbox.push(frame);
        }
    }

    pub(super) fn close(&mut self, connection: ConnectionId, code: CloseCode) {
        if let Some(listener) = self.find(connection) {
            listener.outbox.close(code);
        }
    }

    /// Lets everyone know what was said since the last time: one wake-up, however many frames.
    pub(super) fn flush(&mut self) {
        for listener in &mut self.list {
            listener.outbox.flush();
        }
    }

    pub(super) fn close_all(&self, code: CloseCode) {
        self.list
            .iter()
            .for_each(|listener| listener.outbox.close(code));
    }

    fn find(&mut self, connection: ConnectionId) -> Option<&mut Listener> {
        self.list
            .iter_mut()
            .find(|listener| listener.connection == connection)
    }
}
