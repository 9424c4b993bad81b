//! A store without a database: for simulations, where every run must be the same, and as the measure of the others.
//!
//! It keeps the same fence and forgets everything at the end. It applies one event after another, where the
//! SQL databases write whole batches, so the common suite compares two ways of arriving at the same rows.
//! [`Faults`] make calls late, or fail the way networks do.
//!
//! What is deliberately absent: limits on lengths, and any lock held while a call is under way.

mod faults;
mod keys;
mod lists;
mod mail;
mod state;

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use uuid::Uuid;

pub use faults::{Course, Fault, Faults};
use state::State;

use super::{
    Agent, Append, Appended, Communication, CommunicationFilter, Decision, DecisionFilter,
    DirectMessage, Error, Excerpt, Inbox, JournalRow, KeptAnswer, KeyedRequest, Meeting,
    MeetingFilter, Message, NewMeeting, Page, PageRequest, Part, ParticipantRow, Received,
    Reserved, Sent, Store, Taken, TokenHash, Told, Upkeep,
};
use crate::budget::Reservation;
use crate::domain::{AgentId, CommunicationId, DecisionId, MeetingId};

/// A store in memory. Servers that share one share a database.
#[derive(Default)]
pub struct Memory {
    state: Arc<Mutex<State>>,
    faults: Faults,
}

impl Memory {
    /// An empty one.
    pub fn new() -> Self {
        Self::default()
    }

    /// Another server's way to the same database: what goes wrong on it goes wrong for that server alone.
    #[must_use]
    pub fn beside(&self) -> Self {
        Self {
            state: Arc::clone(&self.state),
            faults: Faults::default(),
        }
    }

    /// What will go wrong; it can be added to at any time.
    pub fn faults(&self) -> Faults {
        self.faults.clone()
    }

    /// A panic elsewhere while it was locked left whole rows: each change is made after all checks.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Does what is asked, in the course that is set for it.
    async fn call<T>(&self, act: impl FnOnce(&mut State) -> Result<T, Error>) -> Result<T, Error> {
        let Course {
            before,
            after,
            fault,
        } = self.faults.next();
        pass(before).await;
        if let Some(fault @ Fault::FailBeforeCommit) = fault {
            return Err(fault.into());
        }
        let answer = act(&mut self.state());
        pass(after).await;
        match fault {
            Some(fault) => answer.and(Err(fault.into())),
            None => answer,
        }
    }
}

async fn pass(time: Duration) {
    if !time.is_zero() {
        tokio::time::sleep(time).await;
    }
}

#[async_trait]
impl Store for Memory {
    async fn ping(&self) -> Result<(), Error> {
        self.call(|_| Ok(())).await
    }

    async fn create_agent(
        &self,
        agent: &Agent,
        token: TokenHash,
        once: Option<&KeptAnswer>,
    ) -> Result<(), Error> {
        self.call(|state| {
            state.keys.ensure_open(once)?;
            state.create_agent(agent, token)?;
            state.keys.keep(once);
            Ok(())
        })
        .await
    }

    async fn agents_by_id(&self, ids: &[AgentId], _: &Reservation) -> Result<Vec<Agent>, Error> {
        self.call(|state| {
            let known = state.agents.iter().filter(|(id, _)| ids.contains(id));
            Ok(known.map(|(_, known)| known.agent.clone()).collect())
        })
        .await
    }

    async fn agent_by_token(&self, token: TokenHash) -> Result<Option<Agent>, Error> {
        self.call(|state| {
            let mut agents = state.agents.values();
            let bearer = agents.find(|a| a.token == token && a.agent.revoked_at.is_none());
            Ok(bearer.map(|known| known.agent.clone()))
        })
        .await
    }

    async fn agents(&self, page: PageRequest, _: &Reservation) -> Result<Page<Agent>, Error> {
        self.call(|state| Ok(lists::agents(state, page))).await
    }

    async fn replace_token(
        &self,
        id: AgentId,
        token: TokenHash,
        once: Option<&KeptAnswer>,
    ) -> Result<bool, Error> {
        self.call(|state| {
            state.keys.ensure_open(once)?;
            let is_there = state.replace_token(id, token)?;
            state.keys.keep(once.filter(|_| is_there));
            Ok(is_there)
        })
        .await
    }

    async fn revoke_agent(&self, id: AgentId, at: DateTime<Utc>) -> Result<bool, Error> {
        self.call(|state| Ok(state.revoke_agent(id, at))).await
    }

    async fn tokens(&self, agents: &[AgentId]) -> Result<Vec<(AgentId, TokenHash)>, Error> {
        self.call(|state| {
            let token = |agent: &AgentId| {
                let known = state.agents.get(agent)?;
                let is_valid = known.agent.revoked_at.is_none();
                is_valid.then_some((*agent, known.token))
            };
            Ok(agents.iter().filter_map(token).collect())
        })
        .await
    }

    async fn send(&self, messages: &[DirectMessage]) -> Result<Vec<Sent>, Error> {
        self.call(|state| state.send(messages)).await
    }

    async fn received(
        &self,
        agent: AgentId,
        after: u64,
        part: Part,
        reservation: &Reservation,
    ) -> Result<Vec<Received>, Error> {
        let rows = self
            .call(|state| Ok(state.received(agent, after, part.max_rows)))
            .await?;
        let bytes = |place: &Received| {
            let message = place.communication.as_ref();
            message.map_or(0, |message| message.content.len())
        };
        lists::part_of(rows, part, bytes, reservation).await
    }

    async fn inbox(&self, agent: AgentId) -> Result<Inbox, Error> {
        self.call(|state| Ok(state.lines.inbox(agent))).await
    }

    async fn note_mail(&self, delivered: &[CommunicationId], told: &[Told]) -> Result<(), Error> {
        self.call(|state| {
            state.lines.note(delivered, told);
            Ok(())
        })
        .await
    }

    async fn recall(&self, owner: Uuid, key: &str) -> Result<Option<Reserved>, Error> {
        self.call(|state| Ok(state.keys.recall(owner, key))).await
    }

    async fn reserve(&self, request: &KeyedRequest) -> Result<bool, Error> {
        self.call(|state| Ok(state.keys.reserve(request))).await
    }

    async fn answer(&self, kept: &KeptAnswer) -> Result<bool, Error> {
        self.call(|state| Ok(state.keys.answer(kept))).await
    }

    async fn release(&self, request: &KeyedRequest) -> Result<(), Error> {
        self.call(|state| {
            state.keys.release(request);
            Ok(())
        })
        .await
    }

    async fn forget_keys(&self, before: DateTime<Utc>) -> Result<(), Error> {
        self.call(|state| {
            state.keys.forget(before);
            Ok(())
        })
        .await
    }

    async fn log(&self, messages: &[Communication]) -> Result<(), Error> {
        self.call(|state| state.log(messages)).await
    }

    async fn communications(
        &self,
        filter: &CommunicationFilter,
        page: PageRequest,
        reservation: &Reservation,
    ) -> Result<Page<Communication>, Error> {
        let page = self
            .call(|state| Ok(lists::communications(state, filter, page)))
            .await?;
        let bytes = page.items.iter().map(|message| message.content.len()).sum();
        reservation.take(bytes).await?;
        Ok(page)
    }

    async fn excerpts(
        &self,
        filter: &CommunicationFilter,
        limit: u32,
    ) -> Result<Vec<Excerpt>, Error> {
        let page = self
            .call(|state| {
                Ok(lists::communications(
                    state,
                    filter,
                    PageRequest::newest(limit),
                ))
            })
            .await?;
        Ok(page.items.into_iter().map(lists::excerpt).collect())
    }

    async fn excerpts_by_id(&self, ids: &[CommunicationId]) -> Result<Vec<Excerpt>, Error> {
        let reservation = Reservation::unlimited();
        let messages = self.communications_by_id(ids, &reservation).await?;
        Ok(messages.into_iter().map(lists::excerpt).collect())
    }

    async fn communications_by_id(
        &self,
        ids: &[CommunicationId],
        reservation: &Reservation,
    ) -> Result<Vec<Communication>, Error> {
        let found: Vec<_> = self
            .call(|state| {
                let known = state.communications.values();
                Ok(known.filter(|m| ids.contains(&m.id)).cloned().collect())
            })
            .await?;
        let bytes = found.iter().map(|m: &Communication| m.content.len()).sum();
        reservation.take(bytes).await?;
        Ok(found)
    }

    async fn create_meeting(&self, meeting: &NewMeeting) -> Result<(), Error> {
        self.call(|state| state.create_meeting(meeting)).await
    }

    async fn meeting(&self, id: MeetingId, _: &Reservation) -> Result<Option<Meeting>, Error> {
        self.call(|state| Ok(state.meetings.get(&id).map(|kept| kept.row.clone())))
            .await
    }

    async fn meetings(
        &self,
        filter: &MeetingFilter,
        page: PageRequest,
        _: &Reservation,
    ) -> Result<Page<Meeting>, Error> {
        self.call(|state| Ok(lists::meetings(state, filter, page)))
            .await
    }

    async fn participants(&self, id: MeetingId) -> Result<Vec<ParticipantRow>, Error> {
        self.call(|state| Ok(lists::participants(state, id))).await
    }

    async fn messages(
        &self,
        id: MeetingId,
        reservation: &Reservation,
    ) -> Result<Vec<Message>, Error> {
        let messages: Vec<_> = self
            .call(|state| {
                let kept = state.meetings.get(&id);
                Ok(kept.map_or_else(Vec::new, |kept| kept.messages.values().cloned().collect()))
            })
            .await?;
        let bytes = messages.iter().map(|m: &Message| m.content.len()).sum();
        reservation.take(bytes).await?;
        Ok(messages)
    }

    async fn last_opinions(
        &self,
        id: MeetingId,
        round: u32,
        chars: usize,
    ) -> Result<Vec<Message>, Error> {
        let is_wanted = |m: &&Message| m.message_type == "opinion" && m.round == round;
        let cut = |message: &Message| Message {
            content: message.content.chars().take(chars).collect(),
            ..message.clone()
        };
        self.call(|state| {
            let kept = state.meetings.get(&id);
            let messages = kept.into_iter().flat_map(|kept| kept.messages.values());
            Ok(messages.filter(is_wanted).map(cut).collect())
        })
        .await
    }

    async fn related_communications(
        &self,
        id: MeetingId,
        _: &Reservation,
    ) -> Result<Vec<Communication>, Error> {
        self.call(|state| Ok(lists::related(state, id))).await
    }

    async fn open_meetings(&self) -> Result<Vec<MeetingId>, Error> {
        self.call(|state| {
            let open = state.meetings.values().filter(|kept| kept.is_open());
            let mut open: Vec<_> = open
                .map(|kept| (kept.row.created_at, kept.row.id))
                .collect();
            open.sort_unstable();
            Ok(open.into_iter().map(|(_, id)| id).collect())
        })
        .await
    }

    async fn epochs(&self, ids: &[MeetingId]) -> Result<Vec<(MeetingId, u64)>, Error> {
        self.call(|state| {
            let epoch = |id: &MeetingId| Some((*id, state.meetings.get(id)?.row.epoch));
            Ok(ids.iter().filter_map(epoch).collect())
        })
        .await
    }

    async fn take_over(&self, ids: &[MeetingId]) -> Result<Vec<Taken>, Error> {
        self.call(|state| Ok(state.take_over(ids))).await
    }

    async fn append(&self, appends: &[Append]) -> Result<Vec<Appended>, Error> {
        self.call(|state| Ok(appends.iter().map(|append| state.append(append)).collect()))
            .await
    }

    async fn journal(
        &self,
        id: MeetingId,
        after: u64,
        part: Part,
        reservation: &Reservation,
    ) -> Result<Vec<JournalRow>, Error> {
        let rows = self
            .call(|state| {
                let journal = state.meetings.get(&id).map(|kept| kept.journal.iter());
                let rows = journal.into_iter().flatten().filter(|row| row.seq > after);
                Ok(rows.take(part.max_rows as usize).cloned().collect())
            })
            .await?;
        let bytes = |row: &JournalRow| row.payload.len();
        lists::part_of(rows, part, bytes, reservation).await
    }

    async fn kinds(&self, id: MeetingId) -> Result<Vec<(String, u16)>, Error> {
        self.call(|state| {
            let journal = state.meetings.get(&id).into_iter().flat_map(|m| &m.journal);
            let kinds: BTreeSet<_> = journal.map(|row| (row.kind.clone(), row.version)).collect();
            Ok(kinds.into_iter().collect())
        })
        .await
    }

    async fn has_frame(&self, id: MeetingId, frame_id: &str) -> Result<bool, Error> {
        self.call(|state| {
            let mut journal = state.meetings.get(&id).into_iter().flat_map(|m| &m.journal);
            Ok(journal.any(|row| row.frame_id.as_deref() == Some(frame_id)))
        })
        .await
    }

    async fn decision(&self, id: DecisionId, _: &Reservation) -> Result<Option<Decision>, Error> {
        self.call(|state| Ok(state.decisions.get(&id).cloned()))
            .await
    }

    async fn decisions(
        &self,
        filter: &DecisionFilter,
        page: PageRequest,
        _: &Reservation,
    ) -> Result<Page<Decision>, Error> {
        self.call(|state| Ok(lists::decisions(state, filter, page)))
            .await
    }

    async fn meetings_of_communication(
        &self,
        id: CommunicationId,
        visible_to: Option<AgentId>,
        _: &Reservation,
    ) -> Result<Vec<Meeting>, Error> {
        self.call(|state| Ok(lists::meetings_of(state, id, visible_to)))
            .await
    }

    async fn links(
        &self,
        ids: &[CommunicationId],
        visible_to: Option<AgentId>,
    ) -> Result<Vec<(MeetingId, CommunicationId)>, Error> {
        self.call(|state| Ok(lists::links(state, ids, visible_to)))
            .await
    }

    async fn decisions_of_communication(
        &self,
        id: CommunicationId,
        visible_to: Option<AgentId>,
        _: &Reservation,
    ) -> Result<Vec<Decision>, Error> {
        self.call(|state| Ok(lists::decisions_of(state, id, visible_to)))
            .await
    }

    async fn maintain(
        &self,
        now: DateTime<Utc>,
        retention: Option<TimeDelta>,
    ) -> Result<Upkeep, Error> {
        let oldest = retention.and_then(|retention| now.checked_sub_signed(retention));
        self.call(|state| {
            let deleted = oldest.map_or(0, |oldest| state.forget_before(oldest));
            Ok(Upkeep {
                deleted,
                ..Upkeep::default()
            })
        })
        .await
    }

    async fn close(&self) {}
}
