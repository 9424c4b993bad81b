//! Agents that answer at once, and the clock of the one that listens.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::{SinkExt, StreamExt};
use hdrhistogram::Histogram;
use http::header::AUTHORIZATION;
use tokio::net::TcpStream;
use tokio::sync::Barrier;
use tokio::task::JoinSet;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::{WebSocketStream, client_async_with_config};

use crate::house::Invitation;
use crate::{Measured, OPINION_BYTES, nanoseconds, now, record};

/// An agent's socket.
pub(crate) type Socket = WebSocketStream<TcpStream>;

/// Opens a socket.
pub(crate) async fn connect(address: SocketAddr, path: &str, token: Option<&str>) -> Socket {
    let mut request = format!("ws://{address}{path}")
        .into_client_request()
        .expect("an address and a path make a URL");
    if let Some(token) = token {
        let bearer = format!("Bearer {token}").parse().expect("tokens are ASCII");
        request.headers_mut().insert(AUTHORIZATION, bearer);
    }
    let stream = TcpStream::connect(address).await.expect("somebody listens");
    stream.set_nodelay(true).expect("TCP has TCP_NODELAY");
    let (socket, _) = client_async_with_config(request, stream, Some(small_buffers()))
        .await
        .expect("the handshake is in order");
    socket
}

/// The library clears its whole buffer before each read, so a large one would cost more than the frames in it.
pub(crate) fn small_buffers() -> WebSocketConfig {
    WebSocketConfig::default().read_buffer_size(4_096)
}

/// Sends all who are invited to a meeting, until it is over. The last comes when it may start.
pub(crate) async fn attend(invitation: Invitation, start: Arc<Barrier>) -> Measured {
    let path = format!("/ws/meetings/{}", invitation.meeting);
    let (mut agents, last) = (JoinSet::new(), invitation.tokens.last());
    for token in &invitation.tokens {
        if Some(token) == last {
            start.wait().await;
        }
        let socket = connect(invitation.address, &path, Some(token)).await;
        agents.spawn(Agent::new(socket).converse());
    }
    let mut all = agents.join_all().await;
    let frames = all.iter().map(|agent| agent.frames).sum();
    let turns = all.iter().map(|agent| agent.spoken).sum();
    let mut acks = nanoseconds();
    for agent in &all {
        assert_eq!(agent.heard, turns, "everyone hears every opinion once");
        acks.add(&agent.acks)
            .expect("histograms of one kind add up");
    }
    let listener = all.swap_remove(0);
    Measured {
        turns,
        discussing: listener.discussing,
        whole: listener.whole(),
        frames,
        acks,
    }
}

/// One agent. It tells frames by how they begin, which costs it next to nothing.
struct Agent {
    socket: Socket,
    frames: usize,
    spoken: usize,
    heard: usize,
    /// When it spoke, until that is answered.
    speaking: Option<Instant>,
    acks: Histogram<u64>,
    began: Option<Instant>,
    round_began: Option<Instant>,
    discussing: Duration,
    ended: Option<Instant>,
}

impl Agent {
    fn new(socket: Socket) -> Self {
        Self {
            socket,
            frames: 0,
            spoken: 0,
            heard: 0,
            speaking: None,
            acks: nanoseconds(),
            began: None,
            round_began: None,
            discussing: Duration::ZERO,
            ended: None,
        }
    }

    async fn converse(mut self) -> Self {
        while let Some(message) = self.socket.next().await {
            match message.expect("the server closes in order") {
                Message::Text(text) => self.hear(text.as_str()).await,
                Message::Close(_) => break,
                _ => {}
            }
        }
        self
    }

    async fn hear(&mut self, frame: &str) {
        self.frames += 1;
        if let Some(event) = frame.strip_prefix(r#"{"type":"meeting_event","event":""#) {
            self.follow(event);
        } else if frame.starts_with(r#"{"type":"opinion_request""#) {
            self.spoken += 1;
            let (id, content) = (self.spoken, "o".repeat(OPINION_BYTES));
            self.speaking = Some(now());
            self.say(format!(
                r#"{{"type":"opinion","id":{id},"content":"{content}"}}"#
            ))
            .await;
        } else if frame.starts_with(r#"{"type":"consensus_request""#) {
            self.say(r#"{"type":"consensus_vote","agrees":false}"#.to_owned())
                .await;
        } else if frame.starts_with(r#"{"type":"ack""#) {
            if let Some(spoke) = self.speaking.take() {
                record(&mut self.acks, spoke.elapsed());
            }
        } else {
            assert!(
                frame.starts_with(r#"{"type":"connected""#),
                "nothing else is said here: {frame}"
            );
        }
    }

    fn follow(&mut self, event: &str) {
        match event.split('"').next() {
            Some("opinion_presented") => self.heard += 1,
            Some("round_opened") => {
                self.round_began = Some(now());
                self.began = self.began.or(self.round_began);
            }
            Some("ballot_opened") => {
                let began = self.round_began.take().expect("a ballot ends a round");
                self.discussing += began.elapsed();
            }
            Some("meeting_completed") => self.ended = Some(now()),
            _ => {}
        }
    }

    async fn say(&mut self, frame: String) {
        self.socket
            .send(Message::Text(frame.into()))
            .await
            .expect("the server listens");
    }

    fn whole(&self) -> Duration {
        let times = self.began.zip(self.ended);
        times.map_or(Duration::ZERO, |(began, ended)| ended - began)
    }
}
