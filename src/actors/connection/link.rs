//! What a socket is for, and what it reads in the journal before it hears the meeting live.

use std::collections::VecDeque;

use ractor::ActorRef;
use tokio::sync::oneshot;
use tracing::error;

use super::Context;
use super::exchange::End;
use crate::actors::journal;
use crate::actors::meeting::{self, Attached, Attachment, ConnectionId, NotAttached};
use crate::actors::outbox::Outbox;
use crate::config::Limits;
use crate::domain::{AgentId, Meeting, MeetingId};
use crate::wire::{CloseCode, Frame, outbound};

/// What a socket is for.
pub(super) struct Link {
    pub(super) id: ConnectionId,
    pub(super) agent: Option<(AgentId, String)>,
    pub(super) meeting_id: MeetingId,
    pub(super) after: Option<u64>,
    pub(super) context: Context,
}

impl Link {
    /// Whose socket it is; `None` only watches.
    pub(super) fn agent_id(&self) -> Option<AgentId> {
        self.agent.as_ref().map(|(agent, _)| *agent)
    }

    /// Asks the meeting to be heard and told; `None` if it stopped before it could answer.
    pub(super) async fn attach(
        &self,
        outbox: Outbox,
        meeting: &ActorRef<meeting::Message>,
    ) -> Result<Option<Result<Attached, NotAttached>>, End> {
        let permit = self
            .context
            .permits
            .try_take(0)
            .ok_or(Some(CloseCode::OVERLOADED))?;
        let (reply, answer) = oneshot::channel();
        let attachment = Attachment {
            connection: self.id,
            agent: self.agent.clone(),
            outbox,
            after: self.after,
            reply,
            permit,
        };
        let _ = meeting.cast(meeting::Message::Attach(Box::new(attachment)));
        Ok(answer.await.ok())
    }

    /// The meeting's epoch in the database if that has events beyond `last_seq`: then it is not the client that is wrong, but
    /// the meeting here was overtaken.
    pub(super) async fn overtaken(&self, last_seq: u64) -> Option<u64> {
        let row = self.context.store.meeting(self.meeting_id).await.ok()??;
        (row.last_seq > last_seq).then_some(row.epoch)
    }

    /// The next page of events between two, as frames.
    pub(super) async fn missed(&self, after: u64, up_to: u64) -> Result<VecDeque<Frame>, End> {
        let failed = |error: &dyn std::fmt::Display| {
            error!(%error, "the journal cannot be read for a resume");
            Some(CloseCode::OVERLOADED)
        };
        let (store, id) = (&self.context.store, self.meeting_id);
        let rows = store
            .journal(id, after, Limits::RESUME_PAGE_ROWS)
            .await
            .map_err(|e| failed(&e))?;
        let mut frames = VecDeque::with_capacity(rows.len());
        for row in rows.into_iter().filter(|row| row.seq <= up_to) {
            let recorded = journal::decode(&row).map_err(|e| failed(&e))?;
            frames.push_back(outbound::meeting_event(id, &recorded, &row.payload));
        }
        if frames.is_empty() {
            return Err(failed(&"events are missing"));
        }
        Ok(frames)
    }

    /// The meeting as its journal leaves it, unless that cannot be read.
    pub(super) async fn folded(&self) -> Result<Result<Meeting, journal::Error>, End> {
        let store = &*self.context.store;
        let rows = journal::read_whole(store, self.meeting_id, usize::MAX).await;
        let rows = rows.map_err(|_| Some(CloseCode::OVERLOADED))?;
        Ok(journal::load(rows).map(|(meeting, _)| meeting))
    }
}
