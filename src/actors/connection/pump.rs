//! Moves the bytes of one socket, in one task: no lock, no split, nothing shared but the outbox.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use ractor::ActorRef;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::error::{CapacityError, Error as SocketError};
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::{Bytes, Message as SocketMessage};
use tracing::debug;

use super::Socket;
use super::heartbeat::{Due, Heartbeat};
use super::link::Link;
use crate::actors::meeting::{self, Attached, NotAttached, Submission};
use crate::actors::outbox::{Next, Outbox};
use crate::config::Limits;
use crate::domain::Refusal;
use crate::wire::inbound::{self, Sender};
use crate::wire::{CloseCode, Frame, outbound};

/// Why a socket's life ends. With no code, the peer is gone already.
pub(super) type End = Option<CloseCode>;

/// Serves a socket until it is closed, and says with what.
pub(super) async fn run(
    socket: Socket,
    link: Link,
    outbox: Outbox,
    meeting: Option<ActorRef<meeting::Message>>,
) -> End {
    let limits = &link.context.limits;
    let heartbeat = Heartbeat::new(
        Limits::ms(limits.ping_interval_ms),
        Limits::ms(limits.pong_timeout_ms),
    );
    let places = Arc::new(Semaphore::new(limits.commands_in_flight_max));
    let mut pump = Pump {
        socket,
        link,
        heartbeat,
        places,
        refused_in_a_row: 0,
    };
    let end = pump.serve(outbox, meeting).await.err().flatten();
    pump.say_goodbye(end).await;
    end
}

struct Pump {
    socket: Socket,
    link: Link,
    heartbeat: Heartbeat,
    places: Arc<Semaphore>,
    /// Messages that were over the rate, one behind the other.
    refused_in_a_row: u32,
}

impl Pump {
    async fn serve(
        &mut self,
        outbox: Outbox,
        meeting: Option<ActorRef<meeting::Message>>,
    ) -> Result<(), End> {
        let Some(meeting) = meeting else {
            return self.recount().await;
        };
        match self.link.attach(outbox, &meeting).await? {
            Some(Ok(attached)) => {
                self.catch_up(attached).await?;
                self.converse(&meeting).await
            }
            Some(Err(NotAttached::Refused(Refusal::Over))) => self.recount().await,
            Some(Err(NotAttached::Refused(_))) => Err(Some(CloseCode::FORBIDDEN)),
            Some(Err(NotAttached::AheadOf(last_seq))) => {
                if let Some(epoch) = self.link.overtaken(last_seq).await {
                    let _ = meeting.cast(meeting::Message::Overtaken(epoch));
                    return Err(Some(CloseCode::MOVED));
                }
                self.refuse_resume(last_seq).await
            }
            None => Err(Some(CloseCode::MOVED)),
        }
    }

    async fn refuse_resume(&mut self, last_seq: u64) -> Result<(), End> {
        let message = format!("after is beyond the last event, {last_seq}: connect without it");
        self.write([outbound::error(None, "invalid_frame", &message)].into())
            .await?;
        Err(Some(CloseCode::BAD_FRAME))
    }

    /// Says the first frame, then what the client missed, read from the journal.
    async fn catch_up(&mut self, attached: Attached) -> Result<(), End> {
        let Attached {
            connected,
            last_seq,
        } = attached;
        let after = self.link.after.unwrap_or(last_seq);
        self.write([connected].into()).await?;
        let mut told = after;
        while told < last_seq {
            let frames = self.link.missed(told, last_seq).await?;
            told += u64::try_from(frames.len()).unwrap_or(u64::MAX);
            self.write(frames).await?;
        }
        Ok(())
    }

    /// Tells the rest of a meeting that is over, and ends.
    async fn recount(&mut self) -> Result<(), End> {
        let meeting = self.link.folded().await?;
        let last_seq = meeting.last_seq();
        if self.link.after.is_some_and(|after| after > last_seq) {
            return self.refuse_resume(last_seq).await;
        }
        let connected = outbound::connected(&meeting, self.link.agent_id());
        self.catch_up(Attached {
            connected,
            last_seq,
        })
        .await?;
        Err(Some(CloseCode::MEETING_OVER))
    }

    /// The conversation itself: whatever comes first.
    async fn converse(&mut self, meeting: &ActorRef<meeting::Message>) -> Result<(), End> {
        let reader = Arc::clone(&self.link.reader);
        loop {
            tokio::select! {
                next = reader.next() => match next {
                    Next::Frames(frames) => self.write(frames).await?,
                    Next::Close(code) => return Err(Some(code)),
                },
                (message, place) = read(&mut self.socket, &self.places) => match message {
                    Some(message) => self.take(message, place, meeting)?,
                    None => return Err(None),
                },
                due = self.heartbeat.due() => self.beat(due).await?,
            }
        }
    }

    /// Takes one message from the peer.
    fn take(
        &mut self,
        message: Result<SocketMessage, SocketError>,
        place: OwnedSemaphorePermit,
        meeting: &ActorRef<meeting::Message>,
    ) -> Result<(), End> {
        let message = message.map_err(|error| close_code(&error))?;
        self.link.context.metrics.frame_in();
        if let Err(wait) = self.link.context.throttle.caller(self.link.caller) {
            return self.refuse(&message, wait);
        }
        self.refused_in_a_row = 0;
        match message {
            SocketMessage::Text(text) => self.submit(text.as_str(), place, meeting),
            SocketMessage::Binary(_) => return Err(Some(CloseCode::UNSUPPORTED)),
            SocketMessage::Pong(_) => self.heartbeat.ponged(),
            // The library answers pings by itself.
            SocketMessage::Ping(_) | SocketMessage::Frame(_) => {}
            SocketMessage::Close(_) => return Err(None),
        }
        Ok(())
    }

    /// Answers a message that is over the rate; a peer that goes on regardless is sent away.
    fn refuse(&mut self, message: &SocketMessage, wait: Duration) -> Result<(), End> {
        self.refused_in_a_row += 1;
        self.link.context.metrics.refused("rate_limited");
        if self.refused_in_a_row > self.link.context.limits.frames_refused_max {
            return Err(Some(CloseCode::RATE_LIMITED));
        }
        match message {
            SocketMessage::Text(text) => {
                let id = inbound::id_of(text.as_str());
                let frame = outbound::rate_limited(id.as_ref(), millis(wait));
                self.link.reader.push(frame);
            }
            SocketMessage::Pong(_) => self.heartbeat.ponged(),
            SocketMessage::Close(_) => return Err(None),
            SocketMessage::Binary(_) | SocketMessage::Ping(_) | SocketMessage::Frame(_) => {}
        }
        Ok(())
    }

    fn submit(
        &self,
        text: &str,
        place: OwnedSemaphorePermit,
        meeting: &ActorRef<meeting::Message>,
    ) {
        let agent = self.link.agent_id();
        let sender = Sender {
            agent,
            meeting: self.link.meeting_id,
        };
        let inbound = match inbound::parse(text, sender, self.link.context.limits.opinion_max_bytes)
        {
            Ok(inbound) => inbound,
            Err(r) => {
                self.link.context.metrics.refused(r.code);
                return self
                    .link
                    .reader
                    .push(outbound::error(r.id.as_ref(), r.code, &r.message));
            }
        };
        let Some(agent) = agent else { return };
        let Some(permit) = self.link.context.permits.try_take(text.len()) else {
            self.link.context.metrics.refused("overloaded");
            let retry_after_ms = millis(Limits::RETRY_AFTER);
            return self
                .link
                .reader
                .push(outbound::overloaded(inbound.id.as_ref(), retry_after_ms));
        };
        let submission = Submission {
            connection: self.link.id,
            agent,
            inbound,
            permit: permit.with(place),
        };
        // A meeting that is gone takes its outbox with it, which closes this socket.
        let _ = meeting.cast(meeting::Message::Submit(Box::new(submission)));
    }

    async fn beat(&mut self, due: Due) -> Result<(), End> {
        match due {
            Due::GiveUp if self.places.available_permits() > 0 => Err(Some(CloseCode::NO_PONG)),
            Due::GiveUp => {
                self.heartbeat.excuse();
                Ok(())
            }
            Due::Ping => {
                self.heartbeat.pinged();
                let patience_ms = self.link.context.limits.pong_timeout_ms;
                self.deliver(
                    [SocketMessage::Ping(Bytes::new())],
                    patience_ms,
                    CloseCode::NO_PONG,
                )
                .await
            }
        }
    }

    /// Writes frames; a peer that takes nothing for too long reads too slowly.
    async fn write(&mut self, frames: VecDeque<Frame>) -> Result<(), End> {
        self.link.context.metrics.frames_out(frames.len());
        let messages = frames
            .into_iter()
            .map(|frame| SocketMessage::Text(frame.into_bytes()));
        let patience_ms = self.link.context.limits.write_timeout_ms;
        self.deliver(messages, patience_ms, CloseCode::SLOW_READER)
            .await
    }

    /// Hands messages to the socket and flushes once; gives up with `late` after so many milliseconds, and at once when
    /// more piles up than a reader may have waiting.
    async fn deliver(
        &mut self,
        messages: impl IntoIterator<Item = SocketMessage>,
        patience_ms: u64,
        late: CloseCode,
    ) -> Result<(), End> {
        let reader = Arc::clone(&self.link.reader);
        let delivery = async {
            for message in messages {
                self.socket.feed(message).await?;
            }
            self.socket.flush().await
        };
        tokio::select! {
            delivered = timeout(Limits::ms(patience_ms), delivery) => match delivered {
                Ok(delivered) => delivered.map_err(|error| close_code(&error)),
                Err(_) => Err(Some(late)),
            },
            () = reader.overflowed() => Err(Some(CloseCode::SLOW_READER)),
        }
    }

    /// Closes as RFC 6455, section 7, asks: say why, or answer the peer's own close, then wait until it is gone, but
    /// not for ever.
    async fn say_goodbye(&mut self, end: End) {
        let frame = end.map(|code| CloseFrame {
            code: code.code.into(),
            reason: code.reason.into(),
        });
        let goodbye = async {
            if frame.is_some() {
                self.socket.close(frame).await?;
            }
            // Reading also sends the answer to the peer's close, which the library holds ready.
            while let Some(message) = self.socket.next().await {
                message?;
            }
            Ok::<_, SocketError>(())
        };
        let patience = Limits::ms(self.link.context.limits.close_timeout_ms);
        if timeout(patience, goodbye).await.is_err() {
            debug!("the peer did not answer the close");
        }
    }
}

/// Reads the next message once there is a place for what it may ask. Safe to cancel.
async fn read(
    socket: &mut Socket,
    places: &Arc<Semaphore>,
) -> (
    Option<Result<SocketMessage, SocketError>>,
    OwnedSemaphorePermit,
) {
    let place = Arc::clone(places)
        .acquire_owned()
        .await
        .expect("places are never closed");
    (socket.next().await, place)
}

/// In whole milliseconds, rounded up, so that nobody comes back too early.
fn millis(wait: Duration) -> u64 {
    u64::try_from(wait.as_micros().div_ceil(1_000)).unwrap_or(u64::MAX)
}

/// The code that tells a peer what was wrong; none where it is gone.
fn close_code(error: &SocketError) -> End {
    match error {
        SocketError::Capacity(CapacityError::MessageTooLong { .. }) => Some(CloseCode::TOO_BIG),
        SocketError::Utf8(_) => Some(CloseCode::INVALID_UTF8),
        SocketError::Protocol(_) => Some(CloseCode::PROTOCOL_ERROR),
        _ => None,
    }
}
