//! An agent's own line: its direct messages, each once and in order, and news of its meetings.
//!
//! Messages have positions without gaps. What is kept beyond the client's cursor is read first; a live message
//! that is not the next one makes the line read what lies between, so whatever the order in which
//! servers deliver, the client has all before it has the next.

use std::collections::VecDeque;
use std::sync::Arc;

use serde_json::Value;
use tokio::sync::OwnedSemaphorePermit;

use super::exchange::{End, Exchange, Heard};
use crate::actors::mail;
use crate::budget::Reservation;
use crate::config::Limits;
use crate::domain::AgentId;
use crate::storage::{Error, Meeting, MeetingFilter, PageRequest, Part, Store, Told};
use crate::wire::inbound::{Request, Sender};
use crate::wire::{CloseCode, Frame, outbound};

/// Serves a line until its conversation ends, and says with what.
pub(super) async fn run(exchange: &mut Exchange, agent: AgentId, after: Option<u64>) -> End {
    let mut line = Line {
        exchange,
        agent,
        told: 0,
        noted: 0,
    };
    line.serve(after).await.err().flatten()
}

struct Line<'a> {
    exchange: &'a mut Exchange,
    agent: AgentId,
    /// The client has everything up to this position.
    told: u64,
    /// Up to here that is noted.
    noted: u64,
}

impl Line<'_> {
    async fn serve(&mut self, after: Option<u64>) -> Result<(), End> {
        let store = Arc::clone(&self.exchange.context.store);
        let inbox = match store.inbox(self.agent).await {
            Ok(inbox) => inbox,
            Err(error) => return Err(self.exchange.fail(&error).await),
        };
        if after.is_some_and(|after| after > inbox.last) {
            let message = "after is beyond the last message: connect without it";
            let error = outbound::error(None, "invalid_frame", message);
            self.exchange.write([error].into()).await?;
            return Err(Some(CloseCode::BAD_FRAME));
        }
        self.told = after.unwrap_or(inbox.told);
        let reservation = self.exchange.reservation();
        let meetings = match open_meetings(&*store, self.agent, &reservation).await {
            Ok(meetings) => meetings,
            Err(error) => return Err(self.exchange.fail(&error).await),
        };
        let connected = outbound::line_connected(self.agent, self.told, &meetings);
        drop(meetings);
        let connected = connected.held_with(reservation);
        self.exchange.write([connected].into()).await?;
        self.catch_up(inbox.last).await?;
        loop {
            match self.exchange.next().await? {
                Heard::Frames(frames) => self.tell(frames).await?,
                Heard::Text(text, place) => self.submit(text.as_str(), place),
            }
        }
    }

    /// Tells what is kept behind the last message that the client has, up to a position.
    async fn catch_up(&mut self, up_to: u64) -> Result<(), End> {
        while self.told < up_to {
            let store = Arc::clone(&self.exchange.context.store);
            // Held until it is written.
            let reservation = self.exchange.reservation();
            let received = store.received(self.agent, self.told, Part::RESUME, &reservation);
            let received = match received.await {
                Ok(received) => received,
                Err(error) => return Err(self.exchange.fail(&error).await),
            };
            let frames: VecDeque<_> = mail::frames(&received).collect();
            // Places that retention has taken whole are passed over.
            self.told = received.last().map_or(up_to, |place| place.position);
            drop(received);
            self.write(frames).await?;
        }
        Ok(())
    }

    /// Writes frames, after which the client has all up to `told`.
    async fn write(&mut self, frames: VecDeque<Frame>) -> Result<(), End> {
        self.exchange.write(frames).await?;
        if self.told > self.noted {
            self.noted = self.told;
            self.exchange.note(Told {
                agent: self.agent,
                after: 0,
                up_to: self.told,
            });
        }
        Ok(())
    }

    /// Tells live frames: messages in the order of their positions, none twice.
    async fn tell(&mut self, frames: VecDeque<Frame>) -> Result<(), End> {
        let mut ready = VecDeque::with_capacity(frames.len());
        for frame in frames {
            match frame.position() {
                None => ready.push_back(frame),
                Some(position) if position <= self.told => {}
                Some(position) => {
                    if position > self.told + 1 {
                        self.write(std::mem::take(&mut ready)).await?;
                        // Boxed: few live messages come before those that they follow.
                        Box::pin(self.catch_up(position - 1)).await?;
                    }
                    if position > self.told {
                        self.told = position;
                        ready.push_back(frame);
                    }
                }
            }
        }
        self.write(ready).await
    }

    fn submit(&self, text: &str, place: OwnedSemaphorePermit) {
        let sender = Sender {
            agent: Some(self.agent),
            meeting: None,
        };
        let Some((inbound, permit)) = self.exchange.understand(text, sender, place) else {
            return;
        };
        match inbound.request {
            Request::Direct(direct) => self.exchange.post(self.agent, inbound.id, direct, permit),
            Request::Meeting(_) => unreachable!("a line's frames are for no meeting"),
        }
    }
}

/// The newest meetings that an agent is in and that have not ended.
async fn open_meetings(
    store: &dyn Store,
    agent: AgentId,
    reservation: &Reservation,
) -> Result<Vec<Value>, Error> {
    let filter = MeetingFilter {
        agent: Some(agent),
        is_open: true,
        ..MeetingFilter::default()
    };
    let page = PageRequest::newest(Limits::LINE_MEETINGS_MAX);
    let open = store.meetings(&filter, page, reservation).await?.items;
    let listed = |meeting: &Meeting| {
        let (topic, status) = (&meeting.topic, meeting.header.status);
        outbound::line_meeting(meeting.id, topic, status, meeting.last_seq)
    };
    Ok(open.iter().map(listed).collect())
}
