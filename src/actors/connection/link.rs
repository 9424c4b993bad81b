//! What a socket in a meeting is for, and what it reads of the meeting before it hears it live.

use std::collections::VecDeque;

use ractor::ActorRef;
use tokio::sync::oneshot;

use super::Context;
use super::exchange::End;
use crate::actors::journal;
use crate::actors::meeting::{self, Attached, Attachment, ConnectionId, NotAttached};
use crate::actors::outbox::Outbox;
use crate::budget::Reservation;
use crate::config::Limits;
use crate::domain::meeting::FoldError;
use crate::domain::{AgentId, MeetingId};
use crate::storage::{self, Meeting, Message, Part, ParticipantRow};
use crate::wire::journal::ensure_known;
use crate::wire::outbound::{self, Ended};
use crate::wire::{CloseCode, Frame};

/// What a socket is for.
pub(super) struct Link {
    pub(super) id: ConnectionId,
    pub(super) agent: Option<(AgentId, String)>,
    pub(super) meeting_id: MeetingId,
    pub(super) after: Option<u64>,
    pub(super) context: Context,
}

/// Why a part of the journal cannot be told.
pub(super) enum Untold {
    /// It cannot be read now, or there is no room for it.
    Unread(storage::Error),
    /// This server cannot read it.
    Unreadable(journal::Error),
}

impl Link {
    /// Whose socket it is; `None` only watches.
    pub(super) fn agent_id(&self) -> Option<AgentId> {
        self.agent.as_ref().map(|(agent, _)| *agent)
    }

    /// Asks the meeting to be heard and told, once there is room for the first frame; `None` if
    /// the meeting stopped before it could answer.
    pub(super) async fn attach(
        &self,
        outbox: Outbox,
        reservation: Reservation,
        meeting: &ActorRef<meeting::Message>,
    ) -> Result<Option<Result<Attached, NotAttached>>, End> {
        let (mut outbox, mut reservation) = (outbox, reservation);
        loop {
            let permit = self.context.permits.try_take(0);
            let permit = permit.ok_or(Some(CloseCode::OVERLOADED))?;
            let (reply, answer) = oneshot::channel();
            let attachment = Attachment {
                connection: self.id,
                agent: self.agent.clone(),
                outbox,
                after: self.after,
                reservation,
                reply,
                permit,
            };
            let _ = meeting.cast(meeting::Message::Attach(Box::new(attachment)));
            let answer = answer.await.ok();
            let Some(Err(NotAttached::NoRoom(no_room))) = answer else {
                return Ok(answer);
            };
            if no_room.reservation.take(no_room.bytes).await.is_err() {
                return Ok(Some(Err(NotAttached::NoRoom(no_room))));
            }
            (outbox, reservation) = (no_room.outbox, no_room.reservation);
        }
    }

    /// The meeting's epoch in the database if that has events beyond `last_seq`: then it is not the client that is wrong, but
    /// the meeting here was overtaken.
    pub(super) async fn overtaken(&self, last_seq: u64) -> Option<u64> {
        let (store, reservation) = (&self.context.store, Reservation::unlimited());
        let row = store.meeting(self.meeting_id, &reservation).await.ok()??;
        (row.last_seq > last_seq).then_some(row.epoch)
    }

    /// The next events between two, as frames, as many as are read at once. The reservation has
    /// what they take.
    pub(super) async fn missed(
        &self,
        after: u64,
        up_to: u64,
        reservation: &Reservation,
    ) -> Result<VecDeque<Frame>, Untold> {
        let (store, id) = (&self.context.store, self.meeting_id);
        let rows = store.journal(id, after, Part::RESUME, reservation).await?;
        let mut frames = VecDeque::with_capacity(rows.len());
        let mut expected = after + 1;
        for row in rows.into_iter().filter(|row| row.seq <= up_to) {
            let recorded = journal::decode(&row).map_err(journal::Error::from)?;
            if row.seq != expected {
                return Err(Untold::missing(expected, row.seq));
            }
            expected += 1;
            frames.push_back(outbound::meeting_event(id, &recorded, &row.payload));
        }
        if frames.is_empty() {
            return Err(Untold::missing(expected, up_to));
        }
        Ok(frames)
    }

    /// A meeting that is over, without what was said in it but for the beginnings of its last
    /// opinions; `None` if there is no such meeting. The reservation has what that takes.
    pub(super) async fn ended(&self, reservation: &Reservation) -> Result<Option<Kept>, Untold> {
        let (store, id) = (&self.context.store, self.meeting_id);
        let Some(meeting) = store.meeting(id, reservation).await? else {
            return Ok(None);
        };
        for (kind, version) in store.kinds(id).await? {
            ensure_known(&kind, version).map_err(journal::Error::from)?;
        }
        let participants = store.participants(id).await?;
        let shown = Limits::ENDED_OPINION_MAX_BYTES;
        let each = shown + Limits::ROW_OVERHEAD_BYTES;
        // As rows and as JSON.
        let room = reservation.take(2 * each * participants.len()).await;
        room.map_err(storage::Error::from)?;
        // One character more, so that a longer one is known to be.
        let round = meeting.header.current_round;
        let opinions = store.last_opinions(id, round, shown + 1).await?;
        Ok(Some(Kept {
            meeting,
            participants,
            opinions,
        }))
    }
}

impl From<storage::Error> for Untold {
    fn from(error: storage::Error) -> Self {
        Self::Unread(error)
    }
}

impl From<journal::Error> for Untold {
    fn from(error: journal::Error) -> Self {
        Self::Unreadable(error)
    }
}

impl Untold {
    fn missing(expected: u64, found: u64) -> Self {
        Self::Unreadable(FoldError::Gap { expected, found }.into())
    }
}

/// What is kept of a meeting that is over, beside its journal.
pub(super) struct Kept {
    pub(super) meeting: Meeting,
    participants: Vec<ParticipantRow>,
    opinions: Vec<Message>,
}

impl Kept {
    /// The first frame on its socket.
    pub(super) fn connected(&self, agent: Option<AgentId>) -> Frame {
        let Self {
            meeting,
            participants,
            opinions,
        } = self;
        let present = participants.iter();
        let present = present.filter(|p| p.left_at.is_none() && p.speaking_order.is_some());
        let said = opinions.iter();
        let ended = Ended {
            meeting: meeting.id,
            topic: &meeting.topic,
            status: meeting.header.status,
            outcome: meeting.header.outcome,
            round: meeting.header.current_round,
            max_discussion_rounds: meeting.max_discussion_rounds,
            moderator: participants
                .iter()
                .find(|p| p.is_moderator)
                .map(|p| p.agent),
            participants: present.map(|p| (p.agent, p.name.as_str())).collect(),
            opinions: said
                .filter_map(|message| Some((message.agent?, message.content.as_str())))
                .collect(),
            last_seq: meeting.last_seq,
        };
        outbound::connected_to_ended(&ended, agent)
    }
}
