//! One connection to one meeting.

use std::fmt;
use std::time::Duration;

use futures_util::{FutureExt, SinkExt, StreamExt};
use http::header::AUTHORIZATION;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, WebSocketConfig};
use tokio_tungstenite::tungstenite::{self, Message, Utf8Bytes};
use tokio_tungstenite::{WebSocketStream, client_async_with_config};
use uuid::Uuid;

use super::error::{Error, Refused};
use super::network::Stream;
use super::{AgentFrame, Client, ServerFrame};

/// One connection to one meeting: an agent's, or one that only watches.
#[derive(Debug)]
pub struct Socket {
    stream: WebSocketStream<Box<dyn Stream>>,
}

/// How a connection ended.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct Ended {
    /// The close code; [`LOST`](Self::LOST) if the connection went without one.
    pub code: u16,
    /// The words beside it.
    pub reason: String,
}

/// What a client does after its connection ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Then {
    /// It does not come back unchanged.
    Stop,
    /// It waits a second or more, then comes back with its last `seq`.
    ResumeLater,
    /// It comes back with its last `seq` at once.
    ResumeAtOnce,
}

impl Client {
    /// Enters a meeting as `agent`, whose token this client must hold. With `after` the socket begins with
    /// every event behind that one, without it with what happens from now on.
    ///
    /// # Errors
    /// [`Error::Unreachable`], or [`Error::Refused`] at the handshake.
    pub async fn attend(
        &self,
        meeting: Uuid,
        agent: Uuid,
        after: Option<u64>,
    ) -> Result<Socket, Error> {
        let after = after.map(|seq| format!("&after={seq}")).unwrap_or_default();
        self.open(&format!("/ws/meetings/{meeting}?agent_id={agent}{after}"))
            .await
    }

    /// Watches a meeting: all events, no turn. Needs an admin's or an observer's token.
    ///
    /// # Errors
    /// [`Error::Unreachable`], or [`Error::Refused`] at the handshake.
    pub async fn watch(&self, meeting: Uuid, after: Option<u64>) -> Result<Socket, Error> {
        let after = after.map(|seq| format!("?after={seq}")).unwrap_or_default();
        self.open(&format!("/ws/meetings/{meeting}{after}")).await
    }

    /// Opens the own line of the agent whose token this client holds: direct messages and news of its meetings. With
    /// `after`, the cursor of the last message that it has, it begins behind that one; without, behind what was told before.
    ///
    /// # Errors
    /// [`Error::Unreachable`], or [`Error::Refused`] at the handshake.
    pub async fn line(&self, after: Option<&str>) -> Result<Socket, Error> {
        let after = after.map(|cursor| format!("?after={cursor}"));
        self.open(&format!("/ws/agent{}", after.unwrap_or_default()))
            .await
    }

    /// Opens a WebSocket at `path`, which begins at the root.
    ///
    /// # Errors
    /// [`Error::Unreachable`], or [`Error::Refused`] at the handshake.
    pub async fn open(&self, path: &str) -> Result<Socket, Error> {
        let url = format!("{}{path}", self.address().replacen("http", "ws", 1));
        let mut request = url
            .as_str()
            .into_client_request()
            .map_err(|_| Error::Address(url.clone()))?;
        if let Some(bearer) = self.bearer() {
            request.headers_mut().insert(AUTHORIZATION, bearer.clone());
        }
        let config = WebSocketConfig::default()
            .read_buffer_size(READ_BUFFER_BYTES)
            .write_buffer_size(0)
            .max_message_size(Some(FRAME_MAX_BYTES))
            .max_frame_size(Some(FRAME_MAX_BYTES));
        let connection = self.network().connect(request.uri()).await;
        let connection = connection.map_err(|error| self.unreachable(error.into()))?;
        match client_async_with_config(request, connection, Some(config)).await {
            Ok((stream, _)) => Ok(Socket { stream }),
            Err(tungstenite::Error::Http(response)) => {
                let body = response.body().as_deref().unwrap_or_default();
                Err(Refused::read(response.status(), response.headers(), body).into())
            }
            Err(error) => Err(self.unreachable(error.into())),
        }
    }
}

impl Socket {
    /// The next frame. May be dropped half-way without losing one.
    ///
    /// # Errors
    /// How the connection ended; then it is over for good.
    pub async fn next(&mut self) -> Result<ServerFrame, Ended> {
        let text = self.next_text().await?;
        ServerFrame::read(&text).map_err(|why| Ended {
            code: 1002,
            reason: format!("a frame from the server is not understood: {why}"),
        })
    }

    /// The text of the next frame, unread: for who counts frames and does not look inside.
    ///
    /// # Errors
    /// How the connection ended; then it is over for good.
    pub async fn next_text(&mut self) -> Result<Utf8Bytes, Ended> {
        loop {
            match self.stream.next().await {
                Some(Ok(Message::Text(text))) => return Ok(text),
                Some(Ok(Message::Close(frame))) => {
                    // The library has the answer ready but sends it with the next call, which may never come.
                    let _ = self.stream.flush().now_or_never();
                    return Err(frame.into());
                }
                Some(Ok(
                    Message::Ping(_) | Message::Pong(_) | Message::Binary(_) | Message::Frame(_),
                )) => {}
                Some(Err(error)) => return Err(Ended::lost(&error)),
                None => return Err(Ended::lost(&"the connection was cut")),
            }
        }
    }

    /// Sends a frame. The answer carries `id`; a frame that is sent again under the same id acts once.
    ///
    /// # Errors
    /// How the connection ended; [`next`](Self::next) may still have what was said before.
    pub async fn send(&mut self, id: &str, frame: AgentFrame<'_>) -> Result<(), Ended> {
        self.send_text(frame.encode(id)).await
    }

    /// Speaks in this agent's turn, and with a `proposal` puts a motion forward.
    ///
    /// # Errors
    /// As [`send`](Self::send).
    pub async fn speak(
        &mut self,
        id: &str,
        content: &str,
        proposal: Option<&str>,
    ) -> Result<(), Ended> {
        self.send(id, AgentFrame::Opinion { content, proposal })
            .await
    }

    /// Votes on the open ballot; `None` abstains.
    ///
    /// # Errors
    /// As [`send`](Self::send).
    pub async fn vote(
        &mut self,
        id: &str,
        agrees: Option<bool>,
        rationale: Option<&str>,
    ) -> Result<(), Ended> {
        let vote = AgentFrame::ConsensusVote {
            agrees,
            rationale,
            confidence: None,
        };
        self.send(id, vote).await
    }

    /// Writes to another agent.
    ///
    /// # Errors
    /// As [`send`](Self::send).
    pub async fn write_to(
        &mut self,
        id: &str,
        receiver_id: Uuid,
        content: &str,
    ) -> Result<(), Ended> {
        let message = AgentFrame::DirectMessage {
            receiver_id,
            content,
            topic: None,
        };
        self.send(id, message).await
    }

    /// Leaves the meeting for good.
    ///
    /// # Errors
    /// As [`send`](Self::send).
    pub async fn leave(&mut self, id: &str) -> Result<(), Ended> {
        self.send(id, AgentFrame::Leave {}).await
    }

    /// Sends any text as a frame.
    ///
    /// # Errors
    /// As [`send`](Self::send).
    pub async fn send_text(&mut self, text: String) -> Result<(), Ended> {
        let sent = self.stream.send(Message::Text(text.into())).await;
        sent.map_err(|error| Ended::lost(&error))
    }

    /// Says goodbye and waits for the answer. The agent stays a participant and may come back.
    pub async fn close(mut self) {
        if self.stream.close(None).await.is_ok() {
            while let Some(Ok(_)) = self.stream.next().await {}
        }
    }
}

impl Ended {
    /// No close code came: the network or the server is gone (RFC 6455, section 7.1.5).
    pub const LOST: u16 = 1006;

    /// What to do now. The range of the code decides, so codes of a newer server are understood too.
    pub fn then(&self) -> Then {
        match self.code {
            1001 | Self::LOST | 1011..=1014 | 4100..=4199 => Then::ResumeLater,
            4200..=4299 => Then::ResumeAtOnce,
            _ => Then::Stop,
        }
    }

    /// How long to wait before a connection that is to be resumed later: as the server says, or a
    /// second.
    pub fn wait(&self) -> Duration {
        let told = self.reason.rsplit_once("retry_after_ms=");
        let told = told.and_then(|(_, ms)| ms.parse().ok());
        told.map_or(Duration::from_secs(1), Duration::from_millis)
    }

    fn lost(why: &impl fmt::Display) -> Self {
        Self {
            code: Self::LOST,
            reason: why.to_string(),
        }
    }
}

impl fmt::Display for Ended {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the connection ended: {} ({})", self.reason, self.code)
    }
}

impl From<Option<CloseFrame>> for Ended {
    fn from(frame: Option<CloseFrame>) -> Self {
        frame.map_or_else(
            || Self {
                code: 1005,
                reason: "closed without a code".to_owned(),
            },
            |frame| Self {
                code: frame.code.into(),
                reason: frame.reason.as_str().to_owned(),
            },
        )
    }
}

/// Small, because a load tool holds thousands of sockets.
const READ_BUFFER_BYTES: usize = 8 * 1024;
/// A ballot carries the opinions of the whole round: with 256 participants at their limit, some 64 MB, escaped up to twice that.
const FRAME_MAX_BYTES: usize = 160 * 1024 * 1024;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::CloseCode;

    #[test]
    fn the_range_of_a_close_code_says_what_to_do() {
        let then = |code| {
            Ended {
                code,
                reason: String::new(),
            }
            .then()
        };
        assert_eq!(then(CloseCode::MEETING_OVER.code), Then::Stop);
        assert_eq!(then(CloseCode::NORMAL.code), Then::Stop);
        assert_eq!(then(CloseCode::SLOW_READER.code), Then::ResumeLater);
        assert_eq!(then(CloseCode::DRAINING.code), Then::ResumeAtOnce);
        assert_eq!(then(4177), Then::ResumeLater);
        assert_eq!(then(4288), Then::ResumeAtOnce);
        assert_eq!(then(Ended::LOST), Then::ResumeLater);
    }
}
