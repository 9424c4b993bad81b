//! One socket and its bytes: reading with permits, writing with a patience, pings, goodbye. What is said
//! is the business of [`pump`](super::pump) and [`line`](super::line).

use std::collections::VecDeque;
use std::io::ErrorKind;
use std::sync::Arc;
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::error::{CapacityError, Error as SocketError};
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::{Bytes, Message as SocketMessage, Utf8Bytes};
use tracing::{debug, error};
use uuid::Uuid;

use super::heartbeat::{Due, Heartbeat};
use super::{Context, Socket, fragments};
use crate::actors::mail::{Post, Posted};
use crate::actors::outbox::{Next, Reader};
use crate::actors::permit::Permit;
use crate::actors::persistence;
use crate::budget::Reservation;
use crate::config::Limits;
use crate::domain::{AgentId, Caller, CommunicationId};
use crate::storage::{self, Communication, DirectMessage, Told};
use crate::wire::inbound::{self, Direct, Inbound, Sender};
use crate::wire::{CloseCode, Frame, FrameId, outbound};

/// Why a socket's life ends. With no code, the peer is gone already.
pub(super) type End = Option<CloseCode>;

/// One socket, moved by one task: no lock, no split, nothing shared but the outbox.
pub(super) struct Exchange {
    socket: Socket,
    pub(super) reader: Arc<Reader>,
    pub(super) context: Context,
    heartbeat: Heartbeat,
    places: Arc<Semaphore>,
    /// For what the peer says next; without one nothing is read.
    place: Option<OwnedSemaphorePermit>,
    /// For whom the peer's messages are counted.
    caller: Caller,
    /// Messages that were over the rate, one behind the other.
    refused_in_a_row: u32,
}

/// What comes next.
pub(super) enum Heard {
    /// Frames to be sent.
    Frames(VecDeque<Frame>),
    /// A text from the peer, and the place that it takes.
    Text(Utf8Bytes, OwnedSemaphorePermit),
}

impl Exchange {
    pub(super) fn new(
        socket: Socket,
        reader: Arc<Reader>,
        caller: Caller,
        context: Context,
    ) -> Self {
        let limits = &context.limits;
        let heartbeat = Heartbeat::new(
            Limits::ms(limits.ping_interval_ms),
            Limits::ms(limits.pong_timeout_ms),
        );
        let places = Arc::new(Semaphore::new(limits.commands_in_flight_max));
        Self {
            socket,
            reader,
            context,
            heartbeat,
            places,
            place: None,
            caller,
            refused_in_a_row: 0,
        }
    }

    /// Waits for whatever comes first, and keeps the peer alive meanwhile.
    pub(super) async fn next(&mut self) -> Result<Heard, End> {
        let reader = Arc::clone(&self.reader);
        loop {
            tokio::select! {
                next = reader.next() => match next {
                    Next::Frames(frames) => return Ok(Heard::Frames(frames)),
                    Next::Close(code) => return Err(Some(code)),
                },
                message = read(&mut self.socket, &self.places, &mut self.place) => {
                    let message = message.ok_or(None)?;
                    if let Some(text) = self.take(message)?
                        && let Some(place) = self.place.take()
                    {
                        return Ok(Heard::Text(text, place));
                    }
                },
                due = self.heartbeat.due() => self.beat(due).await?,
            }
        }
    }

    fn take(
        &mut self,
        message: Result<SocketMessage, SocketError>,
    ) -> Result<Option<Utf8Bytes>, End> {
        let message = message.map_err(|error| close_code(&error))?;
        self.context.metrics.frame_in();
        if self.reader.is_revoked() {
            return Err(Some(CloseCode::REVOKED));
        }
        if let Err(wait) = self.context.throttle.caller(self.caller) {
            return self.refuse(&message, wait).map(|()| None);
        }
        self.refused_in_a_row = 0;
        match message {
            SocketMessage::Text(text) => return Ok(Some(text)),
            SocketMessage::Binary(_) => return Err(Some(CloseCode::UNSUPPORTED)),
            SocketMessage::Pong(_) => self.heartbeat.ponged(),
            // The library answers pings by itself.
            SocketMessage::Ping(_) | SocketMessage::Frame(_) => {}
            SocketMessage::Close(_) => return Err(None),
        }
        Ok(None)
    }

    /// Answers a message that is over the rate; a peer that goes on regardless is sent away.
    fn refuse(&mut self, message: &SocketMessage, wait: Duration) -> Result<(), End> {
        self.refused_in_a_row += 1;
        self.context.metrics.refused("rate_limited");
        if self.refused_in_a_row > self.context.limits.frames_refused_max {
            return Err(Some(CloseCode::RATE_LIMITED));
        }
        match message {
            SocketMessage::Text(text) => {
                let id = inbound::id_of(text.as_str());
                self.say(outbound::rate_limited(id.as_ref(), millis(wait)));
            }
            SocketMessage::Pong(_) => self.heartbeat.ponged(),
            SocketMessage::Close(_) => return Err(None),
            SocketMessage::Binary(_) | SocketMessage::Ping(_) | SocketMessage::Frame(_) => {}
        }
        Ok(())
    }

    /// Understands a text and makes room for what it asks; a text for which that fails is answered here.
    pub(super) fn understand(
        &self,
        text: &str,
        sender: Sender,
        place: OwnedSemaphorePermit,
    ) -> Option<(Inbound, Permit)> {
        let max_content_bytes = self.context.limits.opinion_max_bytes;
        let inbound = match inbound::parse(text, sender, max_content_bytes) {
            Ok(inbound) => inbound,
            Err(r) => {
                self.context.metrics.refused(r.code);
                self.say(outbound::error(r.id.as_ref(), r.code, &r.message));
                return None;
            }
        };
        if let Some(permit) = self.context.permits.try_take(text.len()) {
            return Some((inbound, permit.with(place)));
        }
        self.context.metrics.refused("overloaded");
        let retry_after_ms = millis(Limits::RETRY_AFTER);
        self.say(outbound::overloaded(inbound.id.as_ref(), retry_after_ms));
        None
    }

    /// Puts a frame of the socket's own behind those that wait.
    pub(super) fn say(&self, frame: Frame) {
        // An outbox that is full closes the socket by itself.
        let _ = self.reader.push(frame);
    }

    /// Sends a direct message on its way; the answer comes when it is kept.
    pub(super) fn post(
        &self,
        sender: AgentId,
        id: Option<FrameId>,
        direct: Direct,
        permit: Permit,
    ) {
        let now = self.context.clock.now();
        let communication = Communication {
            id: CommunicationId(self.context.clock.id()),
            timestamp: now,
            sender,
            receiver: direct.receiver,
            content: direct.content,
            topic: direct.topic,
            content_type: "text/plain".to_owned(),
            is_json: false,
            created_at: now,
        };
        let message = DirectMessage {
            communication,
            frame_id: id.as_ref().map(FrameId::to_json),
        };
        let reader = Arc::clone(&self.reader);
        let reply = move |posted: Result<Posted, _>| {
            let answer = match posted {
                Ok(Posted::Kept {
                    communication,
                    delivered,
                }) => outbound::sent(id.as_ref(), communication, delivered),
                Ok(Posted::FrameReused) => {
                    let message =
                        "this id came with another message before: a new message needs a new id";
                    outbound::error(id.as_ref(), "frame_id_reused", message)
                }
                Ok(Posted::NoReceiver) => {
                    let message = "there is no such agent: see GET /api/v1/agents";
                    outbound::error(id.as_ref(), "no_such_agent", message)
                }
                Err(_) => {
                    let message = "the database does not take this message";
                    outbound::error(id.as_ref(), "invalid_frame", message)
                }
            };
            let _ = reader.push(answer);
        };
        let post = Post {
            message,
            reply: Box::new(reply),
            permit,
        };
        let persistence = &self.context.persistence;
        // Persistence outlives every connection.
        let _ = persistence.cast(persistence::Message::Post(Box::new(post)));
    }

    /// Whether there is a place for what the peer says, so that its pong is heard.
    fn may_read(&self) -> bool {
        self.place.is_some() || self.places.available_permits() > 0
    }

    async fn beat(&mut self, due: Due) -> Result<(), End> {
        match due {
            Due::GiveUp if self.may_read() => Err(Some(CloseCode::NO_PONG)),
            Due::GiveUp => {
                self.heartbeat.excuse();
                Ok(())
            }
            Due::Ping => {
                self.heartbeat.pinged();
                let patience_ms = self.context.limits.pong_timeout_ms;
                let ping = [SocketMessage::Ping(Bytes::new())];
                self.deliver(ping, patience_ms, CloseCode::NO_PONG).await
            }
        }
    }

    /// Writes frames; a peer that takes nothing for too long reads too slowly.
    pub(super) async fn write(&mut self, frames: VecDeque<Frame>) -> Result<(), End> {
        self.context.metrics.frames_out(frames.len());
        let messages = frames.into_iter().flat_map(fragments::of);
        let patience_ms = self.context.limits.write_timeout_ms;
        self.deliver(messages, patience_ms, CloseCode::SLOW_READER)
            .await
    }

    /// An empty reservation for what this socket is told.
    pub(super) fn reservation(&self) -> Reservation {
        let holder = match self.caller {
            Caller::Admin => Uuid::nil(),
            Caller::Agent(AgentId(id)) => id,
        };
        self.context.budget.reservation(holder)
    }

    /// Tells the peer why it cannot be told more now, and with what its socket is closed then.
    pub(super) async fn fail(&mut self, error: &storage::Error) -> End {
        match error {
            storage::Error::NoRoom => {
                self.context.metrics.refused("overloaded");
                let retry_after_ms = millis(Limits::RETRY_AFTER);
                let refusal = outbound::overloaded(None, retry_after_ms);
                // A peer that does not take this either is closed all the same.
                let _ = self.write([refusal].into()).await;
            }
            error => error!(%error, "what a socket is to be told cannot be read"),
        }
        Some(CloseCode::OVERLOADED)
    }

    /// Notes which of an agent's direct messages were written.
    pub(super) fn note(&self, told: Told) {
        let persistence = &self.context.persistence;
        // What is not noted is told once more.
        let _ = persistence.cast(persistence::Message::Told(told));
    }

    /// Hands messages to the socket and flushes once; gives up with `late` after so many milliseconds, and at once when
    /// more piles up than a reader may have waiting.
    async fn deliver(
        &mut self,
        messages: impl IntoIterator<Item = SocketMessage>,
        patience_ms: u64,
        late: CloseCode,
    ) -> Result<(), End> {
        let (reader, socket) = (&*self.reader, &mut self.socket);
        if let Some(code) = reader.is_given_up() {
            return Err(Some(code));
        }
        let delivery = async {
            for message in messages {
                socket.feed(message).await?;
            }
            socket.flush().await
        };
        // A socket that takes all at once, as most do, is never waited for.
        tokio::select! {
            biased;
            delivered = timeout(Limits::ms(patience_ms), delivery) => match delivered {
                Ok(delivered) => delivered.map_err(|error| close_code(&error)),
                Err(_) => Err(Some(late)),
            },
            code = reader.given_up() => Err(Some(code)),
        }
    }

    /// Closes as RFC 6455, section 7, asks: say why, or answer the peer's own close, then wait until
    /// it is gone, but not for ever. `wait` is how long it has to wait before it comes back, where
    /// that is longer than the code says.
    pub(super) async fn say_goodbye(&mut self, end: End, wait: Option<Duration>) {
        let reason = |code: CloseCode| match wait {
            Some(wait) => format!("{}; retry_after_ms={}", code.reason, millis(wait)).into(),
            None => code.reason.into(),
        };
        let frame = end.map(|code| CloseFrame {
            code: code.code.into(),
            reason: reason(code),
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
        let patience = Limits::ms(self.context.limits.close_timeout_ms);
        if timeout(patience, goodbye).await.is_err() {
            debug!("the peer did not answer the close");
        }
    }
}

/// Reads the next message once there is a place for what it may ask. Safe to cancel.
async fn read(
    socket: &mut Socket,
    places: &Arc<Semaphore>,
    place: &mut Option<OwnedSemaphorePermit>,
) -> Option<Result<SocketMessage, SocketError>> {
    if place.is_none() {
        let taken = Arc::clone(places).acquire_owned().await;
        *place = Some(taken.expect("places are never closed"));
    }
    socket.next().await
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
        // The connection's own patience may end a moment before the delivery's.
        SocketError::Io(error) if error.kind() == ErrorKind::TimedOut => {
            Some(CloseCode::SLOW_READER)
        }
        _ => None,
    }
}
