//! One connection in the hands of a test: every frame is kept, every wait has an end.

use std::collections::VecDeque;

use serde_json::{Value, json};
use synod::client::frame::{ConsensusRequest, MeetingEvent, OpinionRequest, Refusal};
use synod::client::{Client, Ended, Error, ServerFrame, Socket};
use synod::wire::FrameId;
use uuid::Uuid;

use super::log::Log;
use super::patience::within;

/// A connection, what it has heard, and what of that the test has not asked for yet.
pub(crate) struct Talk {
    socket: Socket,
    pub(crate) log: Log,
    unread: VecDeque<ServerFrame>,
    sent: u32,
}

/// The answer to a frame.
pub(crate) type Answer = Result<u64, Refusal>;

impl Talk {
    /// An agent's connection.
    pub(crate) async fn of(
        client: &Client,
        meeting: Uuid,
        agent: Uuid,
        after: Option<u64>,
    ) -> Result<Self, Error> {
        let socket = client.attend(meeting, agent, after).await?;
        Ok(Self::over(socket, Log::new(Some(agent), after)).await)
    }

    /// A connection that only watches.
    pub(crate) async fn watch(client: &Client, meeting: Uuid, after: Option<u64>) -> Self {
        let socket = client.watch(meeting, after).await.expect("an observer");
        Self::over(socket, Log::new(None, after)).await
    }

    async fn over(socket: Socket, log: Log) -> Self {
        let mut talk = Self {
            socket,
            log,
            unread: VecDeque::new(),
            sent: 0,
        };
        talk.until("the meeting greets", |frame| {
            matches!(frame, ServerFrame::Connected(_)).then_some(())
        })
        .await;
        talk
    }

    /// The first frame, heard already or still to come, that `pick` takes; the others stay.
    pub(crate) async fn until<T>(
        &mut self,
        what: &str,
        pick: impl Fn(&ServerFrame) -> Option<T>,
    ) -> T {
        let mut heard = self.unread.iter().enumerate();
        let found = heard.find_map(|(place, frame)| Some((place, pick(frame)?)));
        if let Some((place, picked)) = found {
            self.unread.remove(place);
            return picked;
        }
        loop {
            let frame = self.hear(what).await;
            let frame = frame.unwrap_or_else(|ended| panic!("waited until {what}, but {ended}"));
            match pick(&frame) {
                Some(picked) => return picked,
                None => self.unread.push_back(frame),
            }
        }
    }

    async fn hear(&mut self, what: &str) -> Result<ServerFrame, Ended> {
        match within(what, self.socket.next_text()).await {
            Ok(text) => Ok(self.log.hear(&text)),
            Err(ended) => {
                self.log.endings.push(ended.clone());
                Err(ended)
            }
        }
    }

    /// The next event of a kind.
    pub(crate) async fn event(&mut self, kind: &str) -> MeetingEvent {
        self.until(kind, |frame| match frame {
            ServerFrame::MeetingEvent(event) if event.event == kind => Some(event.clone()),
            _ => None,
        })
        .await
    }

    /// Waits until event `seq` was told.
    pub(crate) async fn told(&mut self, seq: u64) {
        while self.log.last_seq() < Some(seq) {
            let frame = self.hear("an event is told").await;
            self.unread
                .push_back(frame.expect("the event is told first"));
        }
    }

    /// The next request to speak.
    pub(crate) async fn turn(&mut self) -> OpinionRequest {
        self.until("it is asked to speak", |frame| match frame {
            ServerFrame::OpinionRequest(request) => Some(request.clone()),
            _ => None,
        })
        .await
    }

    /// The next request to vote.
    pub(crate) async fn ballot(&mut self) -> ConsensusRequest {
        self.until("it is asked to vote", |frame| match frame {
            ServerFrame::ConsensusRequest(request) => Some(request.clone()),
            _ => None,
        })
        .await
    }

    /// Sends a frame under an id of its own and waits for the answer.
    pub(crate) async fn tell(&mut self, frame: Value) -> Answer {
        self.sent += 1;
        // The agent's other connections must not have used it.
        let connection = self.log.connected[0].last_seq;
        let id = format!("frame {} of connection {connection}", self.sent);
        self.tell_as(&id, frame).await
    }

    /// Sends a frame under this id and waits for the answer.
    pub(crate) async fn tell_as(&mut self, id: &str, mut frame: Value) -> Answer {
        frame["id"] = id.into();
        self.send(frame.to_string()).await;
        self.answer(Some(id)).await
    }

    /// Sends any text, and waits for nothing.
    pub(crate) async fn send(&mut self, text: String) {
        self.log.said.push(text.clone());
        let sent = self.socket.send_text(text).await;
        sent.expect("the connection takes a frame");
    }

    /// The answer to the frame with this id.
    pub(crate) async fn answer(&mut self, id: Option<&str>) -> Answer {
        let id = id.map(|id| FrameId::Text(id.to_owned()));
        self.until("the frame is answered", |frame| match frame {
            ServerFrame::Ack(ack) if ack.id == id => Some(Ok(ack.seq.unwrap_or_default())),
            ServerFrame::Error(refusal) if refusal.id == id => Some(Err(refusal.clone())),
            _ => None,
        })
        .await
    }

    /// The code with which a frame is refused.
    pub(crate) async fn refused(&mut self, frame: Value) -> String {
        let shown = frame.to_string();
        match self.tell(frame).await {
            Ok(seq) => panic!("{shown} became event {seq}"),
            Err(refusal) => refusal.code,
        }
    }

    /// Takes the turn, which must be its own.
    pub(crate) async fn speak(&mut self, content: &str) -> u64 {
        let spoken = self.tell(opinion(content)).await;
        spoken.expect("the turn is its own")
    }

    /// Votes, which must be due.
    pub(crate) async fn vote(&mut self, agrees: Option<bool>) -> u64 {
        let voted = self.tell(vote(agrees, "its reason")).await;
        voted.expect("the vote is due")
    }

    /// Hears all that is said until the connection ends.
    pub(crate) async fn ended(&mut self) -> Ended {
        loop {
            match self.hear("the connection ends").await {
                Ok(frame) => self.unread.push_back(frame),
                Err(ended) => return ended,
            }
        }
    }

    /// Goes, in good order.
    pub(crate) async fn close(self) -> Log {
        within("the goodbye is answered", self.socket.close()).await;
        self.log
    }
}

/// An opinion, as a frame without an id.
pub(crate) fn opinion(content: &str) -> Value {
    json!({"type": "opinion", "content": content})
}

/// A vote, as a frame without an id.
pub(crate) fn vote(agrees: Option<bool>, rationale: &str) -> Value {
    json!({"type": "consensus_vote", "agrees": agrees, "rationale": rationale})
}
