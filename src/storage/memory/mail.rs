//! Direct messages and idempotency keys.

use std::collections::BTreeMap;

use uuid::Uuid;

use super::super::{
    Answer, DirectMessage, Error, Inbox, KeyedRequest, Received, Reserved, Role, Sent,
};
use super::state::State;
use crate::domain::{AgentId, CommunicationId};

/// Each agent's line.
#[derive(Default)]
pub(super) struct Lines {
    lines: BTreeMap<AgentId, Line>,
    frames: BTreeMap<(AgentId, String), CommunicationId>,
}

#[derive(Default)]
struct Line {
    messages: Vec<CommunicationId>,
    told: u64,
}

impl Lines {
    fn position(&self, receiver: AgentId, id: CommunicationId) -> Option<u64> {
        let line = &self.lines.get(&receiver)?.messages;
        let place = line.iter().position(|kept| *kept == id)?;
        Some(place as u64 + 1)
    }

    pub(super) fn inbox(&self, agent: AgentId) -> Inbox {
        self.lines
            .get(&agent)
            .map_or_else(Inbox::default, |line| Inbox {
                last: line.messages.len() as u64,
                told: line.told,
            })
    }

    pub(super) fn told(&mut self, told: &[(AgentId, u64)]) {
        for (agent, position) in told {
            if let Some(line) = self.lines.get_mut(agent) {
                line.told = line.told.max(*position);
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
        let frame = message.frame_id.clone().map(|frame| (kept.sender, frame));
        let same = frame
            .as_ref()
            .and_then(|frame| self.lines.frames.get(frame));
        let id = same.copied().unwrap_or(kept.id);
        let receiver = self
            .communications
            .get(&id)
            .map_or(kept.receiver, |first| first.receiver);
        if let Some(position) = self.lines.position(receiver, id) {
            return Ok(Sent::Kept {
                communication: id,
                position,
            });
        }
        let can_receive = self.agents.get(&kept.receiver).is_some_and(|known| {
            known.agent.role == Role::Agent && known.agent.revoked_at.is_none()
        });
        if !can_receive {
            return Ok(Sent::NoReceiver);
        }
        self.log(std::slice::from_ref(kept))?;
        let line = self.lines.lines.entry(kept.receiver).or_default();
        line.messages.push(kept.id);
        let position = line.messages.len() as u64;
        self.lines
            .frames
            .extend(frame.map(|frame| (frame, kept.id)));
        Ok(Sent::Kept {
            communication: kept.id,
            position,
        })
    }

    pub(super) fn received(&self, agent: AgentId, after: u64, limit: u32) -> Vec<Received> {
        let line = self.lines.lines.get(&agent);
        let messages = line.into_iter().flat_map(|line| &line.messages).zip(1..);
        let received = |(id, position): (&CommunicationId, u64)| {
            let communication = self.communications.get(id)?.clone();
            Some(Received {
                position,
                communication,
            })
        };
        messages
            .filter(|(_, position)| *position > after)
            .take(limit as usize)
            .filter_map(received)
            .collect()
    }
}

/// Requests with a key.
#[derive(Default)]
pub(super) struct Keys(BTreeMap<(Uuid, String), Reserved>);

impl Keys {
    pub(super) fn reserve(&mut self, request: &KeyedRequest) -> Reserved {
        let reserved = || Reserved {
            fingerprint: request.fingerprint.to_vec(),
            resource: request.resource,
            at: request.at,
            answer: None,
        };
        let key = (request.owner, request.key.clone());
        self.0.entry(key).or_insert_with(reserved).clone()
    }

    pub(super) fn answer(&mut self, request: &KeyedRequest, answer: &Answer) {
        let key = (request.owner, request.key.clone());
        if let Some(reserved) = self.0.get_mut(&key) {
            reserved.answer = Some(answer.clone());
        }
    }

    pub(super) fn forget(&mut self, before: chrono::DateTime<chrono::Utc>) {
        self.0.retain(|_, reserved| reserved.at >= before);
    }
}
