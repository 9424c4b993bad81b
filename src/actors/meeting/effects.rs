//! What a meeting has to say, held back until all that it speaks of is durable.
//!
//! One queue for events, requests, acks, refusals and replies alike, so that nothing can overtake
//! what it depends on. Its length is bounded by the permits of those who wait for an answer.

use std::collections::VecDeque;

use super::listeners::{ConnectionId, Listeners};
use crate::actors::permit::Permit;
use crate::domain::AgentId;
use crate::wire::{CloseCode, Frame};

/// Things to be said, in order.
#[derive(Default)]
pub(super) struct Effects {
    queue: VecDeque<(u64, Effect)>,
}

/// One thing to be said.
pub(super) enum Effect {
    /// An event, to everyone who has not read it in the journal.
    Tell(u64, Frame),
    /// A request, to these agents.
    Ask(Vec<AgentId>, Frame),
    /// An answer, to one connection; the permit is free again behind it.
    Answer {
        connection: ConnectionId,
        frame: Frame,
        _permit: Permit,
    },
    /// Something for somebody who is not on a socket of the meeting.
    Reply(Box<dyn FnOnce() + Send>),
    /// Goodbye to an agent that has left.
    Dismiss(ConnectionId),
}

impl Effects {
    /// Holds something back until event `seq` is durable.
    pub(super) fn push(&mut self, seq: u64, effect: Effect) {
        debug_assert!(
            self.queue.back().is_none_or(|(last, _)| *last <= seq),
            "effects are held in order"
        );
        self.queue.push_back((seq, effect));
    }

    /// Whether a request to this agent waits to be said.
    pub(super) fn asks(&self, agent: AgentId) -> bool {
        self.queue
            .iter()
            .any(|(_, effect)| matches!(effect, Effect::Ask(agents, _) if agents.contains(&agent)))
    }

    /// Says everything that speaks of nothing later than `committed`.
    pub(super) fn release(&mut self, committed: u64, listeners: &mut Listeners) {
        if self.queue.front().is_none_or(|(seq, _)| *seq > committed) {
            return;
        }
        while let Some((_, effect)) = self.queue.pop_front_if(|(seq, _)| *seq <= committed) {
            effect.perform(listeners);
        }
        listeners.flush();
    }
}

impl Effect {
    fn perform(self, listeners: &mut Listeners) {
        match self {
            Self::Tell(seq, frame) => listeners.tell(seq, &frame),
            Self::Ask(agents, frame) => agents
                .into_iter()
                .for_each(|agent| listeners.ask(agent, frame.clone())),
            Self::Answer {
                connection,
                frame,
                _permit,
            } => listeners.answer(connection, frame),
            Self::Reply(reply) => reply(),
            Self::Dismiss(connection) => listeners.close(connection, CloseCode::NORMAL),
        }
    }
}
