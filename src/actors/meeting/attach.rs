//! Sockets that come to hear a meeting, and go.

use ractor::ActorRef;

use super::listeners::Listener;
use super::message::{Attached, Attachment, NoRoom, NotAttached};
use super::{ConnectionId, MeetingActor, Message, State};
use crate::domain::Input;
use crate::wire::outbound;

impl MeetingActor {
    pub(super) fn attach(
        &self,
        myself: &ActorRef<Message>,
        state: &mut State,
        attachment: Attachment,
    ) {
        let Attachment {
            connection,
            agent,
            outbox,
            after,
            reservation,
            reply,
            permit,
        } = attachment;
        let last_seq = state.meeting.last_seq();
        let who = agent.as_ref().map(|(agent, _)| *agent);
        let bytes = outbound::state_bytes(&state.meeting).saturating_sub(reservation.bytes());
        let refused = match who.map(|agent| state.meeting.admits(agent)) {
            Some(Err(refusal)) => Some(NotAttached::Refused(refusal)),
            _ if after.is_some_and(|after| after > last_seq) => {
                Some(NotAttached::AheadOf(last_seq))
            }
            _ => None,
        };
        if refused.is_none() && reservation.try_take(bytes).is_err() {
            let no_room = NotAttached::NoRoom(Box::new(NoRoom {
                bytes,
                outbox,
                reservation,
            }));
            // It speaks of nothing that has happened, and the socket waits for room meanwhile.
            let _ = reply.send(Err(no_room));
            return;
        }
        let answer = match refused {
            Some(refused) => Err(refused),
            None => Ok(Attached {
                connected: outbound::connected(&state.meeting, who).held_with(reservation),
                last_seq,
            }),
        };
        let is_attached = answer.is_ok();
        state.reply(move || drop((reply.send(answer), permit)));
        if !is_attached {
            return;
        }
        state.listeners.add(Listener {
            connection,
            agent: who,
            outbox,
            after: last_seq,
        });
        if let Some((agent, name)) = agent {
            let related = &state.meeting.created().related;
            state.prompt.read(&self.store, related, myself);
            self.take_in(myself, state, Input::Connected { agent, name });
            self.ask_again(state, agent);
        }
    }

    pub(super) fn detach(
        &self,
        myself: &ActorRef<Message>,
        state: &mut State,
        connection: ConnectionId,
    ) {
        // A replaced connection is no longer on the list, so its end is nobody's leaving.
        let agent = state
            .listeners
            .remove(connection)
            .and_then(|listener| listener.agent);
        if let Some(agent) = agent.filter(|_| !state.is_draining) {
            self.take_in(myself, state, Input::Disconnected { agent });
        }
    }
}
