//! A store without a database: for simulations, where every run must be the same, and as the measure of the others.
//!
//! It keeps the same fence and forgets everything at the end. It applies one event after another, where the
//! SQL databases write whole batches, so the common suite compares two ways of arriving at the same rows.
//! [`Faults`] make its next writes fail the way networks do.
//!
//! What is deliberately absent: limits on lengths, and waiting. Nothing here awaits, so the lock is never held across one.

mod faults;
mod keys;
mod lists;
mod mail;
mod state;

use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use uuid::Uuid;

pub use faults::{Fault, Faults};
use state::State;

use super::{
    Agent, Append, Appended, Communication, CommunicationFilter, Decision, DecisionFilter,
    DirectMessage, Error, Heading, Inbox, JournalRow, KeptAnswer, KeyedRequest, Meeting,
    MeetingFilter, Message, NewMeeting, Page, PageRequest, ParticipantRow, Received, Reserved,
    Sent, Start, Store, Taken, TokenHash, Told, Upkeep,
};
use crate::domain::{AgentId, CommunicationId, DecisionId, MeetingId};

/// A store in memory. Servers that share one share a database.
#[derive(Default)]
pub struct Memory {
    state: Mutex<State>,
    faults: Faults,
}

impl Memory {
    /// An empty one.
    pub fn new() -> Self {
        Self::default()
    }

    /// What will go wrong; it can be added to at any time.
    pub fn faults(&self) -> Faults {
        self.faults.clone()
    }

    /// A panic elsewhere while it was locked left whole rows: each change is made after all checks.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes a write, unless a fault says otherwise.
    fn write<T>(&self, write: impl FnOnce(&mut State) -> Result<T, Error>) -> Result<T, Error> {
        match self.faults.next() {
            None => write(&mut self.state()),
            Some(fault @ Fault::FailBeforeCommit) => Err(fault.into()),
            Some(fault @ Fault::LoseReply) => {
                write(&mut self.state())?;
                Err(fault.into())
            }
        }
    }
}

#[async_trait]
impl Store for Memory {
    async fn ping(&self) -> Result<(), Error> {
        Ok(())
    }

    async fn create_agent(
        &self,
        agent: &Agent,
        token: TokenHash,
        once: Option<&KeptAnswer>,
    ) -> Result<(), Error> {
        let state = &mut *self.state();
        state.keys.ensure_open(once)?;
        state.create_agent(agent, token)?;
        state.keys.keep(once);
        Ok(())
    }

    async fn agent(&self, id: AgentId) -> Result<Option<Agent>, Error> {
        Ok(self
            .state()
            .agents
            .get(&id)
            .map(|known| known.agent.clone()))
    }

    async fn agents_by_id(&self, ids: &[AgentId]) -> Result<Vec<Agent>, Error> {
        let state = self.state();
        let known = state.agents.iter().filter(|(id, _)| ids.contains(id));
        Ok(known.map(|(_, known)| known.agent.clone()).collect())
    }

    async fn agent_by_token(&self, token: TokenHash) -> Result<Option<Agent>, Error> {
        let state = self.state();
        let mut agents = state.agents.values();
        let bearer = agents.find(|a| a.token == token && a.agent.revoked_at.is_none());
        Ok(bearer.map(|known| known.agent.clone()))
    }

    async fn agents(&self, page: PageRequest) -> Result<Page<Agent>, Error> {
        Ok(lists::agents(&self.state(), page))
    }

    async fn replace_token(
        &self,
        id: AgentId,
        token: TokenHash,
        once: Option<&KeptAnswer>,
    ) -> Result<bool, Error> {
        let state = &mut *self.state();
        state.keys.ensure_open(once)?;
        let is_there = state.replace_token(id, token)?;
        state.keys.keep(once.filter(|_| is_there));
        Ok(is_there)
    }

    async fn revoke_agent(&self, id: AgentId, at: DateTime<Utc>) -> Result<bool, Error> {
        Ok(self.state().revoke_agent(id, at))
    }

    async fn tokens(&self, agents: &[AgentId]) -> Result<Vec<(AgentId, TokenHash)>, Error> {
        let state = self.state();
        let token = |agent: &AgentId| {
            let known = state.agents.get(agent)?;
            let is_valid = known.agent.revoked_at.is_none();
            is_valid.then_some((*agent, known.token))
        };
        Ok(agents.iter().filter_map(token).collect())
    }

    async fn send(&self, messages: &[DirectMessage]) -> Result<Vec<Sent>, Error> {
        self.write(|state| state.send(messages))
    }

    async fn received(
        &self,
        agent: AgentId,
        after: u64,
        limit: u32,
    ) -> Result<Vec<Received>, Error> {
        Ok(self.state().received(agent, after, limit))
    }

    async fn inbox(&self, agent: AgentId) -> Result<Inbox, Error> {
        Ok(self.state().lines.inbox(agent))
    }

    async fn note_mail(&self, delivered: &[CommunicationId], told: &[Told]) -> Result<(), Error> {
        self.state().lines.note(delivered, told);
        Ok(())
    }

    async fn recall(&self, owner: Uuid, key: &str) -> Result<Option<Reserved>, Error> {
        Ok(self.state().keys.recall(owner, key))
    }

    async fn reserve(&self, request: &KeyedRequest) -> Result<bool, Error> {
        Ok(self.state().keys.reserve(request))
    }

    async fn answer(&self, kept: &KeptAnswer) -> Result<bool, Error> {
        Ok(self.state().keys.answer(kept))
    }

    async fn release(&self, request: &KeyedRequest) -> Result<(), Error> {
        self.state().keys.release(request);
        Ok(())
    }

    async fn forget_keys(&self, before: DateTime<Utc>) -> Result<(), Error> {
        self.state().keys.forget(before);
        Ok(())
    }

    async fn log(&self, messages: &[Communication]) -> Result<(), Error> {
        self.write(|state| state.log(messages))
    }

    async fn communication(&self, id: CommunicationId) -> Result<Option<Communication>, Error> {
        Ok(self.state().communications.get(&id).cloned())
    }

    async fn communications(
        &self,
        filter: &CommunicationFilter,
        page: PageRequest,
    ) -> Result<Page<Communication>, Error> {
        Ok(lists::communications(&self.state(), filter, page))
    }

    async fn headings(
        &self,
        filter: &CommunicationFilter,
        limit: u32,
    ) -> Result<Vec<Heading>, Error> {
        let request = PageRequest {
            size: limit,
            start: Start::Number(1),
        };
        let page = lists::communications(&self.state(), filter, request);
        let heading = |message: Communication| Heading {
            id: message.id,
            timestamp: message.timestamp,
            sender: message.sender,
            receiver: message.receiver,
            topic: message.topic,
        };
        Ok(page.items.into_iter().map(heading).collect())
    }

    async fn communications_by_id(
        &self,
        ids: &[CommunicationId],
    ) -> Result<Vec<Communication>, Error> {
        let state = self.state();
        let known = state
            .communications
            .values()
            .filter(|m| ids.contains(&m.id));
        Ok(known.cloned().collect())
    }

    async fn create_meeting(&self, meeting: &NewMeeting) -> Result<(), Error> {
        self.state().create_meeting(meeting)
    }

    async fn meeting(&self, id: MeetingId) -> Result<Option<Meeting>, Error> {
        Ok(self.state().meetings.get(&id).map(|kept| kept.row.clone()))
    }

    async fn meetings(
        &self,
        filter: &MeetingFilter,
        page: PageRequest,
    ) -> Result<Page<Meeting>, Error> {
        Ok(lists::meetings(&self.state(), filter, page))
    }

    async fn participants(&self, id: MeetingId) -> Result<Vec<ParticipantRow>, Error> {
        Ok(lists::participants(&self.state(), id))
    }

    async fn messages(&self, id: MeetingId) -> Result<Vec<Message>, Error> {
        let state = self.state();
        let kept = state.meetings.get(&id);
        Ok(kept.map_or_else(Vec::new, |kept| kept.messages.values().cloned().collect()))
    }

    async fn related_communications(&self, id: MeetingId) -> Result<Vec<Communication>, Error> {
        Ok(lists::related(&self.state(), id))
    }

    async fn open_meetings(&self) -> Result<Vec<MeetingId>, Error> {
        let state = self.state();
        let open = state.meetings.values().filter(|kept| kept.is_open());
        let mut open: Vec<_> = open
            .map(|kept| (kept.row.created_at, kept.row.id))
            .collect();
        open.sort_unstable();
        Ok(open.into_iter().map(|(_, id)| id).collect())
    }

    async fn epochs(&self, ids: &[MeetingId]) -> Result<Vec<(MeetingId, u64)>, Error> {
        let state = self.state();
        let epoch = |id: &MeetingId| Some((*id, state.meetings.get(id)?.row.epoch));
        Ok(ids.iter().filter_map(epoch).collect())
    }

    async fn take_over(&self, ids: &[MeetingId]) -> Result<Vec<Taken>, Error> {
        Ok(self.state().take_over(ids))
    }

    async fn append(&self, appends: &[Append]) -> Result<Vec<Appended>, Error> {
        self.write(|state| Ok(appends.iter().map(|append| state.append(append)).collect()))
    }

    async fn journal(
        &self,
        id: MeetingId,
        after: u64,
        limit: u32,
    ) -> Result<Vec<JournalRow>, Error> {
        let state = self.state();
        let journal = state.meetings.get(&id).map(|kept| kept.journal.iter());
        let rows = journal.into_iter().flatten().filter(|row| row.seq > after);
        Ok(rows.take(limit as usize).cloned().collect())
    }

    async fn has_frame(&self, id: MeetingId, frame_id: &str) -> Result<bool, Error> {
        let state = self.state();
        let mut journal = state.meetings.get(&id).into_iter().flat_map(|m| &m.journal);
        Ok(journal.any(|row| row.frame_id.as_deref() == Some(frame_id)))
    }

    async fn decision(&self, id: DecisionId) -> Result<Option<Decision>, Error> {
        Ok(self.state().decisions.get(&id).cloned())
    }

    async fn decisions(
        &self,
        filter: &DecisionFilter,
        page: PageRequest,
    ) -> Result<Page<Decision>, Error> {
        Ok(lists::decisions(&self.state(), filter, page))
    }

    async fn meetings_of_communication(
        &self,
        id: CommunicationId,
        visible_to: Option<AgentId>,
    ) -> Result<Vec<Meeting>, Error> {
        Ok(lists::meetings_of(&self.state(), id, visible_to))
    }

    async fn decisions_of_communication(
        &self,
        id: CommunicationId,
        visible_to: Option<AgentId>,
    ) -> Result<Vec<Decision>, Error> {
        Ok(lists::decisions_of(&self.state(), id, visible_to))
    }

    async fn maintain(
        &self,
        now: DateTime<Utc>,
        retention: Option<TimeDelta>,
    ) -> Result<Upkeep, Error> {
        let oldest = retention.and_then(|retention| now.checked_sub_signed(retention));
        let deleted = oldest.map_or(0, |oldest| self.state().forget_before(oldest));
        Ok(Upkeep {
            deleted,
            ..Upkeep::default()
        })
    }

    async fn close(&self) {}
}
