//! A socket in a meeting: what was missed, then the conversation.

use std::collections::VecDeque;

use ractor::ActorRef;
use tokio::sync::OwnedSemaphorePermit;
use tracing::error;

use super::exchange::{End, Exchange, Heard};
use super::link::{Link, Untold};
use crate::actors::meeting::{self, Attached, NotAttached, Submission};
use crate::actors::outbox::Outbox;
use crate::domain::Refusal;
use crate::storage::{self, Told};
use crate::wire::inbound::{Request, Sender};
use crate::wire::outbound::JOURNAL_UNREADABLE;
use crate::wire::{CloseCode, Frame, outbound};

/// Serves a socket until its conversation ends, and says with what.
pub(super) async fn run(
    exchange: &mut Exchange,
    link: Link,
    outbox: Outbox,
    meeting: Option<ActorRef<meeting::Message>>,
) -> End {
    let mut pump = Pump { exchange, link };
    pump.serve(outbox, meeting).await.err().flatten()
}

struct Pump<'a> {
    exchange: &'a mut Exchange,
    link: Link,
}

impl Pump<'_> {
    async fn serve(
        &mut self,
        outbox: Outbox,
        meeting: Option<ActorRef<meeting::Message>>,
    ) -> Result<(), End> {
        let Some(meeting) = meeting else {
            return Box::pin(self.recount()).await;
        };
        let reservation = self.exchange.reservation();
        match self.link.attach(outbox, reservation, &meeting).await? {
            Some(Ok(attached)) => {
                self.catch_up(attached).await?;
                self.converse(&meeting).await
            }
            Some(Err(NotAttached::Refused(Refusal::Over))) => Box::pin(self.recount()).await,
            Some(Err(NotAttached::Refused(_))) => Err(Some(CloseCode::FORBIDDEN)),
            Some(Err(NotAttached::NoRoom(_))) => {
                Err(self.exchange.fail(&storage::Error::NoRoom).await)
            }
            Some(Err(NotAttached::AheadOf(last_seq))) => {
                if let Some(epoch) = self.link.overtaken(last_seq).await {
                    let _ = meeting.cast(meeting::Message::Overtaken(epoch));
                    return Err(Some(CloseCode::MOVED));
                }
                self.refuse_resume(last_seq).await
            }
            None if self.exchange.context.presence.is_draining() => Err(Some(CloseCode::DRAINING)),
            None => Err(Some(CloseCode::MOVED)),
        }
    }

    async fn refuse_resume(&mut self, last_seq: u64) -> Result<(), End> {
        let message = format!("after is beyond the last event, {last_seq}: connect without it");
        let error = outbound::error(None, "invalid_frame", &message);
        self.exchange.write([error].into()).await?;
        Err(Some(CloseCode::BAD_FRAME))
    }

    async fn refuse_untold(&mut self, untold: Untold) -> Result<(), End> {
        let error = match untold {
            Untold::Unread(error) => return Err(self.exchange.fail(&error).await),
            Untold::Unreadable(error) => error,
        };
        error!(%error, "the journal of a meeting cannot be told");
        let error = outbound::error(None, JOURNAL_UNREADABLE, &error.to_string());
        self.exchange.write([error].into()).await?;
        Err(Some(CloseCode::INTERNAL))
    }

    /// Says the first frame, then what the client missed, read from the journal.
    async fn catch_up(&mut self, attached: Attached) -> Result<(), End> {
        let Attached {
            connected,
            last_seq,
        } = attached;
        self.exchange.write([connected].into()).await?;
        let mut told = self.link.after.unwrap_or(last_seq);
        while told < last_seq {
            // Held until it is written.
            let reservation = self.exchange.reservation();
            let frames = match self.link.missed(told, last_seq, &reservation).await {
                Ok(frames) => frames,
                Err(untold) => return self.refuse_untold(untold).await,
            };
            told += u64::try_from(frames.len()).unwrap_or(u64::MAX);
            self.exchange.write(frames).await?;
        }
        Ok(())
    }

    /// Tells the rest of a meeting that is over, and ends. Boxed where it is called: few sockets
    /// need it, and none for long.
    async fn recount(&mut self) -> Result<(), End> {
        let reservation = self.exchange.reservation();
        let kept = match self.link.ended(&reservation).await {
            Ok(Some(kept)) => kept,
            Ok(None) => return Err(Some(CloseCode::NO_SUCH_MEETING)),
            Err(untold) => return self.refuse_untold(untold).await,
        };
        let last_seq = kept.meeting.last_seq;
        if self.link.after.is_some_and(|after| after > last_seq) {
            return self.refuse_resume(last_seq).await;
        }
        let agent = self.link.agent_id();
        if let Some(agent) = agent {
            let presence = &self.exchange.context.presence;
            presence.replace(agent, self.link.meeting_id, self.link.id);
        }
        let connected = kept.connected(agent).held_with(reservation);
        drop(kept);
        self.catch_up(Attached {
            connected,
            last_seq,
        })
        .await?;
        Err(Some(CloseCode::MEETING_OVER))
    }

    /// The conversation itself.
    async fn converse(&mut self, meeting: &ActorRef<meeting::Message>) -> Result<(), End> {
        loop {
            match self.exchange.next().await? {
                Heard::Frames(frames) => self.tell(frames).await?,
                Heard::Text(text, place) => self.submit(text.as_str(), place, meeting),
            }
        }
    }

    /// Tells what waits, the agent's direct messages among it: those that were on their way while this socket was open,
    /// so not always all before them.
    async fn tell(&mut self, frames: VecDeque<Frame>) -> Result<(), End> {
        let positions: Vec<_> = frames.iter().filter_map(Frame::position).collect();
        self.exchange.write(frames).await?;
        if let Some(agent) = self.link.agent_id() {
            for up_to in positions {
                let after = up_to - 1;
                self.exchange.note(Told {
                    agent,
                    after,
                    up_to,
                });
            }
        }
        Ok(())
    }

    fn submit(
        &self,
        text: &str,
        place: OwnedSemaphorePermit,
        meeting: &ActorRef<meeting::Message>,
    ) {
        let sender = Sender {
            agent: self.link.agent_id(),
            meeting: Some(self.link.meeting_id),
        };
        let Some((inbound, permit)) = self.exchange.understand(text, sender, place) else {
            return;
        };
        let Some(agent) = sender.agent else { return };
        match inbound.request {
            Request::Direct(direct) => self.exchange.post(agent, inbound.id, direct, permit),
            Request::Meeting(command) => {
                let submission = Submission {
                    connection: self.link.id,
                    agent,
                    id: inbound.id,
                    command,
                    permit,
                };
                // A meeting that is gone takes its outbox with it, which closes this socket.
                let _ = meeting.cast(meeting::Message::Submit(Box::new(submission)));
            }
        }
    }
}
