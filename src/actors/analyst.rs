//! The analyst: an actor that finds out off everyone's back what the agents should meet about.
//!
//! One question is worked on at a time, on a thread that may block, over no more rows and bytes than the limits say; who asks
//! meanwhile waits his turn, and after [`SUGGEST_TIMEOUT`](Limits::SUGGEST_TIMEOUT) is told that the server is busy. An answer is
//! kept until a newer message comes, and a minute at most: time goes on, and what is imported may be old. Whether it still holds
//! is looked up at once, whoever has the turn.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use ractor::{Actor, ActorProcessingErr, ActorRef, RpcReplyPort};
use tokio::task::spawn_blocking;
use uuid::Uuid;

use super::permit::Permit;
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
    Suggest(Asked, RpcReplyPort<Answer>, Permit),
    /// The answer that was kept holds no longer.
    Outdated(Box<Request>),
    /// The question that had the turn is answered, and its answer may be kept.
    Found(Asked, Option<Kept>),
    /// Somebody has waited for long enough.
    PatienceEnded,
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
    _permit: Permit,
}

/// An answer, and what it rests on.
#[derive(Clone)]
pub struct Kept {
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
#[derive(Default)]
pub struct State {
    kept: HashMap<Asked, Kept>,
    /// In the order in which they came. Its length is bounded by the permits of those who wait.
    waiting: VecDeque<Request>,
    is_at_work: bool,
    is_timed: bool,
}

impl Actor for Analyst {
    type Msg = Message;
    type State = State;
    type Arguments = ();

    async fn pre_start(&self, _: ActorRef<Message>, (): ()) -> Result<State, ActorProcessingErr> {
        Ok(State::default())
    }

    async fn handle(
        &self,
        myself: ActorRef<Message>,
        message: Message,
        state: &mut State,
    ) -> Result<(), ActorProcessingErr> {
        match message {
            Message::Suggest(asked, reply, permit) => {
                let request = Request {
                    asked,
                    reply,
                    since: self.clock.elapsed(),
                    _permit: permit,
                };
                self.take(&myself, state, request);
            }
            Message::Outdated(request) => {
                state.kept.remove(&request.asked);
                // It has waited already.
                state.waiting.push_front(*request);
            }
            Message::Found(asked, found) => {
                state.is_at_work = false;
                if let Some(kept) = found {
                    state.keep(asked, kept);
                }
            }
            Message::PatienceEnded => state.is_timed = false,
        }
        self.go_on(&myself, state);
        Ok(())
    }
}

impl Analyst {
    /// Looks whether the answer that is kept still holds, or lets the question wait its turn.
    fn take(&self, myself: &ActorRef<Message>, state: &mut State, request: Request) {
        let now = self.clock.now();
        let time = TimeDelta::from_std(Limits::SUGGEST_KEPT).unwrap_or(TimeDelta::MAX);
        let kept = state.kept.get(&request.asked);
        let Some(kept) = kept.filter(|kept| now - kept.at < time).cloned() else {
            state.kept.remove(&request.asked);
            state.waiting.push_back(request);
            return;
        };
        let (myself, store) = (myself.clone(), Arc::clone(&self.store));
        tokio::spawn(async move {
            let newest = store.excerpts(&request.asked.filter(now), 1).await;
            match newest {
                Ok(newest) if newest.first().map(|message| message.id.0) == kept.newest => {
                    request.answer(Ok(kept.suggestions));
                }
                Ok(_) => drop(myself.cast(Message::Outdated(Box::new(request)))),
                Err(error) => request.answer(Err(error.into())),
            }
        });
    }

    /// After every message: who has waited too long, and whose turn it is.
    fn go_on(&self, myself: &ActorRef<Message>, state: &mut State) {
        let now = self.clock.elapsed();
        // Whoever has gone needs no answer.
        state.waiting.retain(|request| !request.reply.is_closed());
        while let Some(request) = state
            .waiting
            .pop_front_if(|request| request.patience(now).is_zero())
        {
            request.answer(Err(Failure::Busy));
        }
        while !state.is_at_work
            && let Some(request) = state.waiting.pop_front()
        {
            // Whoever had the turn before may have asked the same.
            if state.kept.contains_key(&request.asked) {
                self.take(myself, state, request);
            } else {
                state.is_at_work = true;
                self.begin(myself, request);
            }
        }
        if let Some(first) = state.waiting.front().filter(|_| !state.is_timed) {
            state.is_timed = true;
            myself.send_after(first.patience(now), || Message::PatienceEnded);
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
        let now = self.clock.now();
        let most = Limits::SUGGEST_MESSAGES_MAX;
        let messages = self.store.excerpts(&asked.filter(now), most).await?;
        let newest = messages.first().map(|message| message.id.0);
        let suggestions =
            spawn_blocking(move || suggestions(&messages, asked, now, self.embeddings.as_deref()));
        let suggestions = suggestions.await.map_err(|_| Failure::Internal)?.into();
        Ok(Kept {
            newest,
            at: now,
            suggestions,
        })
    }
}

impl State {
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
mod tests {
    use futures_util::future::join_all;
    use ractor::rpc::CallResult;

    use super::*;
    use crate::actors::permit::Permits;
    use crate::storage::memory::{Course, Memory};
    use crate::telemetry::Metrics;

    /// An analyst whose every look into the log takes so many seconds.
    async fn analyst(seconds: u64) -> ActorRef<Message> {
        let store = Memory::new();
        store.faults().follow(move || Course {
            before: Duration::from_secs(seconds),
            ..Course::default()
        });
        let (store, clock) = (Arc::new(store), Clock::system());
        let analyst = Analyst {
            store,
            clock,
            embeddings: None,
        };
        Actor::spawn(None, analyst, ()).await.unwrap().0
    }

    fn asked(hours_back: u32) -> Asked {
        Asked {
            hours_back,
            messages_min: 1,
            topics_max: 10,
            agent: None,
            visible_to: None,
        }
    }

    async fn ask(analyst: &ActorRef<Message>, hours_back: u32) -> Answer {
        let permit = Permits::new(1, Metrics::new()).try_take(0).unwrap();
        let message = |reply| Message::Suggest(asked(hours_back), reply, permit);
        match analyst.call(message, None).await.unwrap() {
            CallResult::Success(answer) => answer,
            unanswered => panic!("{unanswered:?}"),
        }
    }

    #[tokio::test(start_paused = true)]
    async fn one_question_is_worked_on_and_nobody_waits_for_longer_than_he_must() {
        let analyst = analyst(8).await;
        // After 0 and after 8 seconds these begin; the third would have to wait for 16.
        let answers = join_all([1, 2, 3].map(|hours| ask(&analyst, hours))).await;
        let is_busy = |answer: &Answer| matches!(answer, Err(Failure::Busy));
        assert_eq!(
            answers.iter().map(is_busy).collect::<Vec<_>>(),
            [false, false, true]
        );
        assert!(answers[0].is_ok() && answers[1].is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_has_gone_takes_no_turn() {
        let analyst = analyst(8).await;
        let (first, gone, third) = (ask(&analyst, 1), ask(&analyst, 2), ask(&analyst, 3));
        let gone = tokio::time::timeout(Duration::from_secs(1), gone);
        let (first, gone, third) = tokio::join!(first, gone, third);
        assert!(first.is_ok() && gone.is_err() && third.is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn the_same_question_is_worked_on_once_and_its_answer_is_looked_up_beside_others() {
        let analyst = analyst(8).await;
        let (first, same) = tokio::join!(ask(&analyst, 1), ask(&analyst, 1));
        let (first, same) = (first.unwrap(), same.unwrap());
        assert!(Arc::ptr_eq(&first, &same));
        let (other, again) = tokio::join!(ask(&analyst, 2), ask(&analyst, 1));
        assert!(other.is_ok() && Arc::ptr_eq(&first, &again.unwrap()));
        tokio::time::advance(Limits::SUGGEST_KEPT).await;
        let later = ask(&analyst, 1).await.unwrap();
        assert!(!Arc::ptr_eq(&first, &later), "time goes on");
    }

    #[tokio::test(start_paused = true)]
    async fn a_failure_is_told_and_the_next_question_is_answered() {
        let store = Memory::new();
        store
            .faults()
            .push(crate::storage::memory::Fault::FailBeforeCommit);
        let (store, clock) = (Arc::new(store), Clock::system());
        let (analyst, _) = Actor::spawn(
            None,
            Analyst {
                store,
                clock,
                embeddings: None,
            },
            (),
        )
        .await
        .unwrap();
        assert!(matches!(ask(&analyst, 1).await, Err(Failure::Storage(_))));
        assert!(ask(&analyst, 1).await.is_ok());
    }
}
