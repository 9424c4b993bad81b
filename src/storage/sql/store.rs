//! The [`Store`] of both SQL databases: each method goes to the file of its resource.

use std::sync::Arc;

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use sqlx::Pool;
use uuid::Uuid;

use super::lease::{Kept, Lease};
use super::search::Places;
use super::statement::Statement;
use super::{
    Dialect, agents, communications, decisions, idempotency, journal, mail, meetings, upkeep,
};
use crate::budget::Reservation;
use crate::config::Limits;
use crate::domain::{AgentId, CommunicationId, DecisionId, MeetingId};
use crate::storage::{
    Agent, Append, Appended, Communication, CommunicationFilter, Decision, DecisionFilter,
    DirectMessage, Error, Excerpt, Inbox, JournalRow, KeptAnswer, KeyedRequest, Meeting,
    MeetingFilter, Message, NewMeeting, Page, PageRequest, Part, ParticipantRow, Received,
    Reserved, Sent, Store, Taken, TokenHash, Told, Upkeep,
};

/// An SQL database.
pub(in crate::storage) struct Sql<DB: Dialect> {
    /// Connections for queries.
    pub(in crate::storage) reading: Pool<DB>,
    /// Connections for changes; they may be the same.
    pub(in crate::storage) writing: Pool<DB>,
    /// Out of those, the one that appends keep.
    appending: Kept<DB>,
    /// How many of those for queries may be searching.
    searching: Places,
    /// How many of them may be reading journals and whole meetings.
    slow: Places,
}

impl<DB: Dialect> Sql<DB> {
    /// A database with these connections.
    pub(in crate::storage) fn new(reading: Pool<DB>, writing: Pool<DB>) -> Self {
        let searching = Places::among(&reading, Limits::SEARCH_CONNECTIONS_ONE_IN);
        let slow = Places::among(&reading, Limits::READ_CONNECTIONS_ONE_IN);
        Self {
            reading,
            writing,
            appending: Kept::new(),
            searching,
            slow,
        }
    }

    /// Hides which database it is.
    pub(in crate::storage) fn into_store(self) -> Arc<dyn Store> {
        Arc::new(self)
    }
}

#[async_trait]
impl<DB: Dialect> Store for Sql<DB> {
    async fn ping(&self) -> Result<(), Error> {
        let mut lease = Lease::of(&self.reading).await?;
        lease
            .fetch(Statement::new("select 1", []))
            .await
            .map(|_| ())
    }

    async fn create_agent(
        &self,
        agent: &Agent,
        token: TokenHash,
        once: Option<&KeptAnswer>,
    ) -> Result<(), Error> {
        agents::create(&self.writing, agent, token, once).await
    }

    async fn agents_by_id(
        &self,
        ids: &[AgentId],
        reservation: &Reservation,
    ) -> Result<Vec<Agent>, Error> {
        agents::with_ids(&self.reading, ids, reservation).await
    }

    async fn agent_by_token(&self, token: TokenHash) -> Result<Option<Agent>, Error> {
        agents::with_token(&self.reading, token).await
    }

    async fn agents(
        &self,
        page: PageRequest,
        reservation: &Reservation,
    ) -> Result<Page<Agent>, Error> {
        agents::list(&self.reading, page, reservation).await
    }

    async fn replace_token(
        &self,
        id: AgentId,
        token: TokenHash,
        once: Option<&KeptAnswer>,
    ) -> Result<bool, Error> {
        agents::replace_token(&self.writing, id, token, once).await
    }

    async fn revoke_agent(&self, id: AgentId, at: DateTime<Utc>) -> Result<bool, Error> {
        agents::revoke(&self.writing, id, at).await
    }

    async fn tokens(&self, agents: &[AgentId]) -> Result<Vec<(AgentId, TokenHash)>, Error> {
        agents::tokens(&self.reading, agents).await
    }

    async fn send(&self, messages: &[DirectMessage]) -> Result<Vec<Sent>, Error> {
        mail::send(&self.writing, messages).await
    }

    async fn received(
        &self,
        agent: AgentId,
        after: u64,
        part: Part,
        reservation: &Reservation,
    ) -> Result<Vec<Received>, Error> {
        mail::received(&self.reading, agent, after, part, reservation).await
    }

    async fn inbox(&self, agent: AgentId) -> Result<Inbox, Error> {
        mail::inbox(&self.reading, agent).await
    }

    async fn note_mail(&self, delivered: &[CommunicationId], told: &[Told]) -> Result<(), Error> {
        mail::note(&self.writing, delivered, told).await
    }

    async fn recall(&self, owner: Uuid, key: &str) -> Result<Option<Reserved>, Error> {
        idempotency::recall(&self.reading, owner, key).await
    }

    async fn reserve(&self, request: &KeyedRequest) -> Result<bool, Error> {
        idempotency::reserve(&self.writing, request).await
    }

    async fn answer(&self, kept: &KeptAnswer) -> Result<bool, Error> {
        idempotency::answer(&self.writing, kept).await
    }

    async fn release(&self, request: &KeyedRequest) -> Result<(), Error> {
        idempotency::release(&self.writing, request).await
    }

    async fn forget_keys(&self, before: DateTime<Utc>) -> Result<(), Error> {
        idempotency::forget(&self.writing, before).await
    }

    async fn log(&self, messages: &[Communication]) -> Result<(), Error> {
        communications::log(&self.writing, messages).await
    }

    async fn communications(
        &self,
        filter: &CommunicationFilter,
        page: PageRequest,
        reservation: &Reservation,
    ) -> Result<Page<Communication>, Error> {
        let _place = match filter.words {
            Some(_) => Some(self.searching.take(&self.reading).await?),
            None => None,
        };
        communications::list(&self.reading, filter, page, reservation).await
    }

    async fn excerpts(
        &self,
        filter: &CommunicationFilter,
        limit: u32,
    ) -> Result<Vec<Excerpt>, Error> {
        communications::excerpts(&self.reading, filter, limit).await
    }

    async fn excerpts_by_id(&self, ids: &[CommunicationId]) -> Result<Vec<Excerpt>, Error> {
        communications::excerpts_with_ids(&self.reading, ids).await
    }

    async fn communications_by_id(
        &self,
        ids: &[CommunicationId],
        reservation: &Reservation,
    ) -> Result<Vec<Communication>, Error> {
        communications::with_ids(&self.reading, ids, reservation).await
    }

    async fn create_meeting(&self, meeting: &NewMeeting) -> Result<(), Error> {
        meetings::create(&self.writing, meeting).await
    }

    async fn meeting(
        &self,
        id: MeetingId,
        reservation: &Reservation,
    ) -> Result<Option<Meeting>, Error> {
        meetings::with_id(&self.reading, id, reservation).await
    }

    async fn meetings(
        &self,
        filter: &MeetingFilter,
        page: PageRequest,
        reservation: &Reservation,
    ) -> Result<Page<Meeting>, Error> {
        let _place = match filter.words {
            Some(_) => Some(self.searching.take(&self.reading).await?),
            None => None,
        };
        meetings::list(&self.reading, filter, page, reservation).await
    }

    async fn participants(&self, id: MeetingId) -> Result<Vec<ParticipantRow>, Error> {
        meetings::participants(&self.reading, id).await
    }

    async fn messages(
        &self,
        id: MeetingId,
        reservation: &Reservation,
    ) -> Result<Vec<Message>, Error> {
        meetings::messages(&self.reading, &self.slow, id, reservation).await
    }

    async fn last_opinions(
        &self,
        id: MeetingId,
        round: u32,
        chars: usize,
    ) -> Result<Vec<Message>, Error> {
        meetings::last_opinions(&self.reading, id, round, chars).await
    }

    async fn related_communications(
        &self,
        id: MeetingId,
        reservation: &Reservation,
    ) -> Result<Vec<Communication>, Error> {
        communications::of_meeting(&self.reading, id, reservation).await
    }

    async fn open_meetings(&self) -> Result<Vec<MeetingId>, Error> {
        meetings::open(&self.reading).await
    }

    async fn take_over(&self, ids: &[MeetingId]) -> Result<Vec<Taken>, Error> {
        journal::take_over(&self.writing, ids).await
    }

    async fn epochs(&self, ids: &[MeetingId]) -> Result<Vec<(MeetingId, u64)>, Error> {
        journal::epochs(&self.reading, ids).await
    }

    async fn append(&self, appends: &[Append]) -> Result<Vec<Appended>, Error> {
        journal::append(&self.writing, &self.appending, appends).await
    }

    async fn journal(
        &self,
        id: MeetingId,
        after: u64,
        part: Part,
        reservation: &Reservation,
    ) -> Result<Vec<JournalRow>, Error> {
        journal::after(&self.reading, &self.slow, id, after, part, reservation).await
    }

    async fn kinds(&self, id: MeetingId) -> Result<Vec<(String, u16)>, Error> {
        journal::kinds(&self.reading, &self.slow, id).await
    }

    async fn has_frame(&self, id: MeetingId, frame_id: &str) -> Result<bool, Error> {
        journal::has_frame(&self.reading, id, frame_id).await
    }

    async fn decision(
        &self,
        id: DecisionId,
        reservation: &Reservation,
    ) -> Result<Option<Decision>, Error> {
        decisions::with_id(&self.reading, id, reservation).await
    }

    async fn decisions(
        &self,
        filter: &DecisionFilter,
        page: PageRequest,
        reservation: &Reservation,
    ) -> Result<Page<Decision>, Error> {
        decisions::list(&self.reading, filter, page, reservation).await
    }

    async fn meetings_of_communication(
        &self,
        id: CommunicationId,
        visible_to: Option<AgentId>,
        reservation: &Reservation,
    ) -> Result<Vec<Meeting>, Error> {
        meetings::of_communication(&self.reading, id, visible_to, reservation).await
    }

    async fn links(
        &self,
        ids: &[CommunicationId],
        visible_to: Option<AgentId>,
    ) -> Result<Vec<(MeetingId, CommunicationId)>, Error> {
        meetings::links(&self.reading, ids, visible_to).await
    }

    async fn decisions_of_communication(
        &self,
        id: CommunicationId,
        visible_to: Option<AgentId>,
        reservation: &Reservation,
    ) -> Result<Vec<Decision>, Error> {
        decisions::of_communication(&self.reading, id, visible_to, reservation).await
    }

    async fn maintain(
        &self,
        now: DateTime<Utc>,
        retention: Option<TimeDelta>,
    ) -> Result<Upkeep, Error> {
        upkeep::maintain(&self.writing, now, retention).await
    }

    async fn close(&self) {
        self.appending.release();
        self.reading.close().await;
        self.writing.close().await;
    }
}
