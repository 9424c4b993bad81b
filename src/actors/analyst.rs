//! The analyst: an actor that finds out off everyone's back what the agents should meet about.
//!
//! One question is worked on at a time, on a thread that may block, over no more rows and bytes than the limits say; who asks
//! meanwhile waits his turn, and after [`SUGGEST_TIMEOUT`](Limits::SUGGEST_TIMEOUT) is told that the server is busy; so is at once
//! who comes when [`SUGGEST_WAITING_MAX`](Limits::SUGGEST_WAITING_MAX) are there. Whoever had asked the same before the log was read
//! is answered the same. Beyond that an answer is kept until a newer message comes, and a minute at most: time goes on, and what is
//! imported may be old. Whether it still holds is looked up at once, whoever has the turn.

use std::collections::{HashMap, VecDeque};
use std::mem;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use ractor::{Actor, ActorProcessingErr, ActorRef, RpcReplyPort};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::spawn_blocking;
use uuid::Uuid;

use crate::clock::Clock;
use crate::config::Limits;
use crate::domain::AgentId;
use crate::storage::{CommunicationFilter, Error, Excerpt, Store};
use crate::topics::{self, Embeddings, Message as Said, Question, Suggestion};

/// The actor.
#[derive(Clone)]
pub struct Analyst {
    /// Where it looks.
    pub store: Arc<dyn Store>,
    /// Time.
    pub clock: Clock,
    /// Words of near meaning, if it knows any.
    pub embeddings: Option<Arc<Embeddings>>,
}

/// What can be asked.
pub enum Message {
    /// Which topics need a meeting?
    Suggest(Asked, RpcReplyPort<Answer>),
    /// The answer that was kept, by a work which began then, holds no longer.
    Outdated(Box<Request>, Duration),
    /// The question that had the turn is answered, and its answer may be kept.
    Found(Asked, Option<Kept>),
    /// Whoever has waited since then has waited for long enough.
    PatienceEnded(Duration),
}

/// The topics that need a meeting, most urgent first.
pub type Answer = Result<Arc<[Suggestion]>, Failure>;

/// What is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Asked {
    /// How many hours back to look.
    pub hours_back: u32,
    /// Topics with fewer messages are left out.
    pub messages_min: usize,
    /// Topics at most.
    pub topics_max: usize,
    /// Only messages that this agent sent or received.
    pub agent: Option<AgentId>,
    /// Only messages that this one may see.
    pub visible_to: Option<AgentId>,
}

/// A question and who waits for its answer.
pub struct Request {
    asked: Asked,
    reply: RpcReplyPort<Answer>,
    /// On the server's clock.
    since: Duration,
    _place: OwnedSemaphorePermit,
}

/// An answer, and what it rests on.
#[derive(Clone)]
pub struct Kept {
    /// Before the log was read, on the server's clock.
    began: Duration,
    newest: Option<Uuid>,
    at: DateTime<Utc>,
    suggestions: Arc<[Suggestion]>,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// Others are being answered.
    #[error("too many ask at once")]
    Busy,
    /// The database's fault.
    #[error(transparent)]
    Storage(#[from] Error),
    /// Ours.
    #[error("the messages could not be looked through")]
    Internal,
}

/// Answers that are kept, and who waits for one.
pub struct State {
    kept: HashMap<Asked, Kept>,
    /// For questions whose answers are not kept, in the order in which they came.
    waiting: VecDeque<Request>,
    /// Of all who are not answered yet.
    places: Arc<Semaphore>,
    is_at_work: bool,
    /// Since when he has waited whose patience is timed.
    timed: Option<Duration>,
}

impl Actor for Analyst {
    type Msg = Message;
    type State = State;
    type Arguments = ();

    async fn pre_start(&self, _: ActorRef<Message>, (): ()) -> Result<State, ActorProcessingErr> {
        Ok(State::new())
    }

    async fn handle(
        &self,
        myself: ActorRef<Message>,
        message: Message,
        state: &mut State,
    ) -> Result<(), ActorProcessingErr> {
        // Whoever has gone needs no answer.
        state.waiting.retain(|request| !request.reply.is_closed());
        match message {
            Message::Suggest(asked, reply) => match Arc::clone(&state.places).try_acquire_owned() {
                Ok(place) => {
                    let request = Request {
                        asked,
                        reply,
                        since: self.clock.elapsed(),
                        _place: place,
                    };
                    self.take(&myself, state, request);
                }
                Err(_) => drop(reply.send(Err(Failure::Busy))),
            },
            Message::Outdated(request, began) => {
                state.forget(request.asked, began);
                self.take(&myself, state, *request);
            }
            Message::Found(asked, found) => {
                state.is_at_work = false;
                if let Some(kept) = found {
                    state.keep(asked, kept);
                    for request in state.who_asks(asked) {
                        self.take(&myself, state, request);
                    }
                }
            }
            Message::PatienceEnded(since) if state.timed == Some(since) => state.timed = None,
            Message::PatienceEnded(_) => {}
        }
        self.go_on(&myself, state);
        Ok(())
    }
}

impl Analyst {
    /// Answers the question if the log was read since it was asked, looks whether the answer that is kept still holds, or lets it
    /// wait its turn.
    fn take(&self, myself: &ActorRef<Message>, state: &mut State, request: Request) {
        let now = self.clock.now();
        let time = TimeDelta::from_std(Limits::SUGGEST_KEPT).unwrap_or(TimeDelta::MAX);
        let kept = state.kept.get(&request.asked);
        let Some(kept) = kept.filter(|kept| now - kept.at < time).cloned() else {
            state.kept.remove(&request.asked);
            state.queue(request);
            return;
        };
        if request.since < kept.began {
            request.answer(Ok(kept.suggestions));
            return;
        }
        let (myself, store) = (myself.clone(), Arc::clone(&self.store));
        tokio::spawn(async move {
            let newest = store.excerpts(&request.asked.filter(now), 1).await;
            match newest {
                Ok(newest) if newest.first().map(|message| message.id.0) == kept.newest => {
                    request.answer(Ok(kept.suggestions));
                }
                Ok(_) => drop(myself.cast(Message::Outdated(Box::new(request), kept.began))),
                Err(error) => request.answer(Err(error.into())),
            }
        });
    }

    /// After every message: who has waited too long, and whose turn it is.
    fn go_on(&self, myself: &ActorRef<Message>, state: &mut State) {
        let now = self.clock.elapsed();
        while let Some(request) = state
            .waiting
            .pop_front_if(|request| request.patience(now).is_zero())
        {
            request.answer(Err(Failure::Busy));
        }
        if !state.is_at_work
            && let Some(request) = state.waiting.pop_front()
        {
            state.is_at_work = true;
            self.begin(myself, request);
        }
        if let Some(first) = state.waiting.front()
            && state.timed.is_none_or(|timed| first.since < timed)
        {
            let since = first.since;
            state.timed = Some(since);
            myself.send_after(first.patience(now), move || Message::PatienceEnded(since));
        }
    }

    /// Answers a question, in a task. The turn is over when it is done, also where nobody waits for it any more.
    fn begin(&self, myself: &ActorRef<Message>, request: Request) {
        let (analyst, myself) = (self.clone(), myself.clone());
        tokio::spawn(async move {
            let asked = request.asked;
            // In a task of its own, so that a panic there is an answer, too.
            let found = tokio::spawn(analyst.work(asked)).await;
            let found = found.unwrap_or(Err(Failure::Internal));
            let kept = found.as_ref().ok().cloned();
            // Kept first: whoever asks the same upon this answer is answered the same.
            drop(myself.cast(Message::Found(asked, kept)));
            request.answer(found.map(|kept| kept.suggestions));
        });
    }

    async fn work(self, asked: Asked) -> Result<Kept, Failure> {
        let (began, now) = (self.clock.elapsed(), self.clock.now());
        let most = Limits::SUGGEST_MESSAGES_MAX;
        let messages = self.store.excerpts(&asked.filter(now), most).await?;
        let newest = messages.first().map(|message| message.id.0);
        let suggestions =
            spawn_blocking(move || suggestions(&messages, asked, now, self.embeddings.as_deref()));
        let suggestions = suggestions.await.map_err(|_| Failure::Internal)?.into();
        Ok(Kept {
            began,
            newest,
            at: now,
            suggestions,
        })
    }
}

impl State {
    fn new() -> Self {
        Self {
            kept: HashMap::new(),
            waiting: VecDeque::new(),
            places: Arc::new(Semaphore::new(Limits::SUGGEST_WAITING_MAX)),
            is_at_work: false,
            timed: None,
        }
    }

    /// Lets a question wait behind those that came before it, also where it was looked up meanwhile.
    fn queue(&mut self, request: Request) {
        let earlier = |other: &Request| other.since <= request.since;
        let place = self.waiting.partition_point(earlier);
        self.waiting.insert(place, request);
    }

    /// Takes from the queue who waits for this.
    fn who_asks(&mut self, asked: Asked) -> VecDeque<Request> {
        let waiting = mem::take(&mut self.waiting).into_iter();
        let (same, other) = waiting.partition(|request| request.asked == asked);
        self.waiting = other;
        same
    }

    /// Forgets an answer, unless a newer one is kept by now.
    fn forget(&mut self, asked: Asked, began: Duration) {
        if self
            .kept
            .get(&asked)
            .is_some_and(|kept| kept.began == began)
        {
            self.kept.remove(&asked);
        }
    }

    fn keep(&mut self, asked: Asked, kept: Kept) {
        if self.kept.len() >= Limits::SUGGEST_KEPT_MAX {
            self.kept.clear();
        }
        self.kept.insert(asked, kept);
    }
}

impl Request {
    /// How long it still waits.
    fn patience(&self, now: Duration) -> Duration {
        Limits::SUGGEST_TIMEOUT.saturating_sub(now.saturating_sub(self.since))
    }

    fn answer(self, answer: Answer) {
        // Whoever asked may have gone.
        let _ = self.reply.send(answer);
    }
}

impl Asked {
    fn question(&self, now: DateTime<Utc>) -> Question {
        Question {
            now,
            hours_back: self.hours_back,
            messages_max: Limits::SUGGEST_MESSAGES_MAX as usize,
            messages_min: self.messages_min,
            topics_max: self.topics_max,
            related_max: Limits::SUGGEST_RELATED_MAX,
        }
    }

    /// The messages that are looked at.
    fn filter(&self, now: DateTime<Utc>) -> CommunicationFilter {
        CommunicationFilter {
            from: Some(self.question(now).oldest()),
            agent: self.agent,
            visible_to: self.visible_to,
            ..CommunicationFilter::default()
        }
    }
}

fn suggestions(
    excerpts: &[Excerpt],
    asked: Asked,
    now: DateTime<Utc>,
    embeddings: Option<&Embeddings>,
) -> Vec<Suggestion> {
    let messages: Vec<_> = excerpts.iter().map(message).collect();
    topics::suggest_by_meaning(&messages, &asked.question(now), embeddings)
}

fn message(excerpt: &Excerpt) -> Said<'_> {
    Said {
        id: excerpt.id.0,
        at: excerpt.timestamp,
        sender: excerpt.sender.0,
        receiver: excerpt.receiver.0,
        topic: excerpt.topic.as_deref(),
        text: &excerpt.beginning,
        is_json: excerpt.is_json,
    }
}

#[cfg(test)]
mod tests;
