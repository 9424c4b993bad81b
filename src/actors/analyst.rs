//! The analyst: finds out off everyone's back what the agents should meet about.
//!
//! One question is worked on at a time, on a thread that may block, over no more rows and bytes than the limits say; who asks
//! meanwhile waits his turn, and after [`SUGGEST_TIMEOUT`](Limits::SUGGEST_TIMEOUT) is told that the server is busy. An answer is
//! kept until a newer message comes, and a minute at most: time goes on, and what is imported may be old.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use chrono::{DateTime, TimeDelta, Utc};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::spawn_blocking;
use tokio::time::timeout;
use uuid::Uuid;

use crate::clock::Clock;
use crate::config::Limits;
use crate::domain::AgentId;
use crate::storage::{CommunicationFilter, Error, Excerpt, Store};
use crate::topics::{self, Message, Question, Suggestion};

/// Answers what to meet about; cheap to clone.
#[derive(Clone)]
pub struct Analyst {
    store: Arc<dyn Store>,
    clock: Clock,
    kept: Arc<Mutex<HashMap<Asked, Kept>>>,
    turn: Arc<Semaphore>,
}

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

/// An answer, and what it rests on.
#[derive(Clone)]
struct Kept {
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

impl Analyst {
    /// Looks into this store.
    pub fn new(store: Arc<dyn Store>, clock: Clock) -> Self {
        let (kept, turn) = (Arc::default(), Arc::new(Semaphore::new(1)));
        Self {
            store,
            clock,
            kept,
            turn,
        }
    }

    /// The topics that need a meeting, most urgent first.
    ///
    /// # Errors
    /// If others are being answered for too long, or the database does not answer.
    pub async fn suggest(&self, asked: Asked) -> Result<Arc<[Suggestion]>, Failure> {
        if let Some(suggestions) = self.kept(asked).await? {
            return Ok(suggestions);
        }
        let turn = timeout(
            Limits::SUGGEST_TIMEOUT,
            Arc::clone(&self.turn).acquire_owned(),
        )
        .await;
        let Ok(Ok(turn)) = turn else {
            return Err(Failure::Busy);
        };
        // Whoever had the turn before may have asked the same.
        if let Some(suggestions) = self.kept(asked).await? {
            return Ok(suggestions);
        }
        self.work(asked, turn).await
    }

    /// The answer that is kept, if it still holds.
    async fn kept(&self, asked: Asked) -> Result<Option<Arc<[Suggestion]>>, Error> {
        let Some(kept) = self.answers().get(&asked).cloned() else {
            return Ok(None);
        };
        let now = self.clock.now();
        if now - kept.at >= TimeDelta::from_std(Limits::SUGGEST_KEPT).unwrap_or(TimeDelta::MAX) {
            return Ok(None);
        }
        let newest = self.store.excerpts(&asked.filter(now), 1).await?;
        let is_same = newest.first().map(|message| message.id.0) == kept.newest;
        Ok(is_same.then_some(kept.suggestions))
    }

    async fn work(
        &self,
        asked: Asked,
        turn: OwnedSemaphorePermit,
    ) -> Result<Arc<[Suggestion]>, Failure> {
        let now = self.clock.now();
        let most = Limits::SUGGEST_MESSAGES_MAX;
        let messages = self.store.excerpts(&asked.filter(now), most).await?;
        let newest = messages.first().map(|message| message.id.0);
        // The turn goes with the work: it is not over when nobody waits for it any more.
        let suggestions = spawn_blocking(move || {
            let _turn = turn;
            suggestions(&messages, asked, now)
        });
        let suggestions: Arc<[_]> = suggestions.await.map_err(|_| Failure::Internal)?.into();
        let kept = Kept {
            newest,
            at: now,
            suggestions: Arc::clone(&suggestions),
        };
        let mut answers = self.answers();
        if answers.len() >= Limits::SUGGEST_KEPT_MAX {
            answers.clear();
        }
        answers.insert(asked, kept);
        Ok(suggestions)
    }

    fn answers(&self) -> std::sync::MutexGuard<'_, HashMap<Asked, Kept>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
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

fn suggestions(excerpts: &[Excerpt], asked: Asked, now: DateTime<Utc>) -> Vec<Suggestion> {
    let messages: Vec<_> = excerpts.iter().map(message).collect();
    topics::suggest(&messages, &asked.question(now))
}

fn message(excerpt: &Excerpt) -> Message<'_> {
    Message {
        id: excerpt.id.0,
        at: excerpt.timestamp,
        sender: excerpt.sender.0,
        receiver: excerpt.receiver.0,
        topic: excerpt.topic.as_deref(),
        text: &excerpt.beginning,
        is_json: excerpt.is_json,
    }
}
