//! Direct messages.

use std::collections::{BTreeMap, BTreeSet};

use super::super::{DirectMessage, Error, Inbox, Received, Role, Sent, Told};
use super::state::State;
use crate::domain::{AgentId, CommunicationId};

/// Each agent's line.
#[derive(Default)]
pub(super) struct Lines {
    by_agent: BTreeMap<AgentId, Line>,
    frames: BTreeMap<(AgentId, String), CommunicationId>,
    delivered: BTreeSet<CommunicationId>,
}

#[derive(Default)]
struct Line {
    messages: Vec<CommunicationId>,
    told: u64,
}

impl Lines {
    fn position(&self, receiver: AgentId, id: CommunicationId) -> Option<u64> {
        let line = &self.by_agent.get(&receiver)?.messages;
        let place = line.iter().position(|kept| *kept == id)?;
        Some(place as u64 + 1)
    }

    pub(super) fn inbox(&self, agent: AgentId) -> Inbox {
        self.by_agent
            .get(&agent)
            .map_or_else(Inbox::default, |line| Inbox {
                last: line.messages.len() as u64,
                told: line.told,
            })
    }

    pub(super) fn note(&mut self, delivered: &[CommunicationId], told: &[Told]) {
        self.delivered.extend(delivered);
        let mut told = told.to_vec();
        told.sort_unstable_by_key(|told| (told.agent, told.after));
        for told in told {
            if let Some(line) = self.by_agent.get_mut(&told.agent)
                && line.told >= told.after
            {
                line.told = line.told.max(told.up_to);
            }
        }
    }
}

impl State {
    pub(super) fn send(&mut self, messages: &[DirectMessage]) -> Result<Vec<Sent>, Error> {
        messages
            .iter()
            .map(|message| self.send_one(message))
            .collect()
    }

    fn send_one(&mut self, message: &DirectMessage) -> Result<Sent, Error> {
        let kept = &message.communication;
        if let Some(position) = self.lines.position(kept.receiver, kept.id) {
            return Ok(Sent::Kept { position });
        }
        let frame = message.frame_id.clone().map(|frame| (kept.sender, frame));
        if let Some(id) = frame.as_ref().and_then(|f| self.lines.frames.get(f)) {
            return Ok(self.again(*id, message));
        }
        let can_receive = self.agents.get(&kept.receiver).is_some_and(|known| {
            known.agent.role == Role::Agent && known.agent.revoked_at.is_none()
        });
        if !can_receive {
            return Ok(Sent::NoReceiver);
        }
        self.log(std::slice::from_ref(kept))?;
        let line = self.lines.by_agent.entry(kept.receiver).or_default();
        line.messages.push(kept.id);
        let position = line.messages.len() as u64;
        self.lines
            .frames
            .extend(frame.map(|frame| (frame, kept.id)));
        Ok(Sent::Kept { position })
    }

    /// The answer to a frame whose id came before, with the message `id`.
    fn again(&self, id: CommunicationId, message: &DirectMessage) -> Sent {
        let kept = &message.communication;
        let is_same = self.communications.get(&id).is_none_or(|first| {
            (first.receiver, &first.topic, &first.content)
                == (kept.receiver, &kept.topic, &kept.content)
        });
        if !is_same {
            return Sent::FrameReused;
        }
        Sent::Repeated {
            communication: id,
            delivered: self.lines.delivered.contains(&id),
        }
    }

    pub(super) fn received(&self, agent: AgentId, after: u64, limit: u32) -> Vec<Received> {
        let line = self.lines.by_agent.get(&agent);
        let messages = line.into_iter().flat_map(|line| &line.messages).zip(1..);
        let received = |(id, position): (&CommunicationId, u64)| Received {
            position,
            communication: self.communications.get(id).cloned(),
        };
        messages
            .filter(|(_, position)| *position > after)
            .take(limit as usize)
            .map(received)
            .collect()
    }
}
