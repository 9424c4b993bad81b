//! The persistence actor: everything that has to be durable passes here, in batches.
//!
//! Two lanes, one for journals and one for the communication log. While a lane's commit is under way,
//! what arrives waits; the next commit takes all of it. That is the whole group commit: no timer, no
//! delay when there is little to do, large batches when there is much.
//!
//! A commit that fails because the database is away is repeated until it is back. What waits is bounded
//! by the permits of those who wait, so nothing is lost and nothing grows.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use backon::{ExponentialBuilder, Retryable};
use ractor::{Actor, ActorProcessingErr, ActorRef, RpcReplyPort};
use tracing::{error, warn};

use super::meeting;
use super::permit::Permit;
use crate::config::Limits;
use crate::domain::MeetingId;
use crate::storage::{Append, Appended, Communication, Error, Store};

/// The actor; its state holds the lanes.
pub struct Persistence {
    /// Where things are kept.
    pub store: Arc<dyn Store>,
    /// Told whether commits succeed.
    pub health: Health,
}

/// Whether the last try to commit reached the database.
#[derive(Clone, Debug)]
pub struct Health {
    available: Arc<AtomicBool>,
}

/// What can be asked.
pub enum Message {
    /// Make a meeting's next events durable, then tell it.
    Append(Box<Append>, ActorRef<meeting::Message>),
    /// Make messages of the log durable, all or none, then answer.
    Log(Box<LogRequest>),
    /// The journal lane's commit is done.
    AppendsCommitted(Vec<Outcome>),
    /// The log lane's commit is done.
    LogCommitted,
}

/// Messages for the log, and who waits for them.
pub struct LogRequest {
    /// The messages.
    pub messages: Vec<Communication>,
    /// Told once they are durable, or why they cannot be.
    pub reply: RpcReplyPort<Result<(), Error>>,
    /// Held until then.
    pub permit: Permit,
}

/// What became of one meeting's events.
#[derive(Clone, Copy, Debug)]
pub struct Outcome {
    meeting: MeetingId,
    epoch: u64,
    up_to: u64,
    appended: Appended,
}

/// The lanes.
#[derive(Default)]
pub struct State {
    appends: Vec<Append>,
    /// Whom to tell: those with events waiting or on the way.
    writers: HashMap<(MeetingId, u64), ActorRef<meeting::Message>>,
    is_appending: bool,
    log: Vec<LogRequest>,
    is_logging: bool,
}

impl Health {
    /// Well, until a commit fails.
    pub fn new() -> Self {
        Self {
            available: Arc::new(AtomicBool::new(true)),
        }
    }

    /// Whether the last try to commit reached the database.
    pub fn is_available(&self) -> bool {
        self.available.load(Ordering::Relaxed)
    }

    fn set(&self, available: bool) {
        if self.available.swap(available, Ordering::Relaxed) != available && available {
            warn!("the database is back");
        }
    }
}

impl Default for Health {
    fn default() -> Self {
        Self::new()
    }
}

impl Actor for Persistence {
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
            Message::Append(append, writer) => {
                let key = (append.meeting, append.epoch);
                state.writers.insert(key, writer);
                state.queue(*append);
            }
            Message::Log(request) => state.log.push(*request),
            Message::AppendsCommitted(outcomes) => {
                state.is_appending = false;
                for outcome in outcomes {
                    state.report(outcome);
                }
            }
            Message::LogCommitted => state.is_logging = false,
        }
        self.commit_appends(&myself, state);
        self.commit_log(&myself, state);
        Ok(())
    }
}

impl State {
    /// Puts events behind those that the same meeting has waiting: a batch holds each meeting once.
    fn queue(&mut self, append: Append) {
        match self
            .appends
            .iter_mut()
            .find(|waiting| waiting.meeting == append.meeting)
        {
            Some(waiting) if waiting.epoch == append.epoch => {
                waiting.entries.extend(append.entries);
                waiting.header = append.header;
            }
            Some(waiting) => *waiting = append,
            None => self.appends.push(append),
        }
    }

    fn report(&mut self, outcome: Outcome) {
        let key = (outcome.meeting, outcome.epoch);
        let Some(writer) = self.writers.get(&key) else {
            return;
        };
        // A meeting that has ended meanwhile needs no telling.
        let _ = match outcome.appended {
            Appended::Committed => writer.cast(meeting::Message::Committed(outcome.up_to)),
            Appended::Fenced => writer.cast(meeting::Message::Fenced),
        };
        if !self
            .appends
            .iter()
            .any(|waiting| waiting.meeting == outcome.meeting)
        {
            self.writers.remove(&key);
        }
    }
}

impl Persistence {
    fn commit_appends(&self, myself: &ActorRef<Message>, state: &mut State) {
        if state.is_appending || state.appends.is_empty() {
            return;
        }
        state.is_appending = true;
        let taken = state.appends.len().min(Limits::BATCH_MAX_APPENDS);
        let batch: Vec<_> = state.appends.drain(..taken).collect();
        let (store, health, myself) =
            (Arc::clone(&self.store), self.health.clone(), myself.clone());
        tokio::spawn(async move {
            let appended = append_all(&*store, &health, &batch).await;
            let outcome = |(append, appended): (&Append, Appended)| Outcome {
                meeting: append.meeting,
                epoch: append.epoch,
                up_to: append.entries.last().map_or(0, |entry| entry.recorded.seq),
                appended,
            };
            let outcomes = batch.iter().zip(appended).map(outcome).collect();
            let _ = myself.cast(Message::AppendsCommitted(outcomes));
        });
    }

    fn commit_log(&self, myself: &ActorRef<Message>, state: &mut State) {
        if state.is_logging || state.log.is_empty() {
            return;
        }
        state.is_logging = true;
        let batch = std::mem::take(&mut state.log);
        let (store, health, myself) =
            (Arc::clone(&self.store), self.health.clone(), myself.clone());
        tokio::spawn(async move {
            log_all(&*store, &health, batch).await;
            let _ = myself.cast(Message::LogCommitted);
        });
    }
}

async fn append_all(store: &dyn Store, health: &Health, batch: &[Append]) -> Vec<Appended> {
    match until_available(health, || store.append(batch)).await {
        Ok(appended) => appended,
        Err(_) if batch.len() > 1 => {
            // Something in the batch cannot be kept. One at a time, so that it stops its own meeting only.
            let mut appended = Vec::with_capacity(batch.len());
            for append in batch {
                appended.extend(
                    Box::pin(append_all(store, health, std::slice::from_ref(append))).await,
                );
            }
            appended
        }
        Err(error) => {
            let meeting_id = batch.first().map(|append| append.meeting.to_string());
            error!(meeting_id, %error, "events cannot be kept, so their meeting stops");
            vec![Appended::Fenced; batch.len()]
        }
    }
}

async fn log_all(store: &dyn Store, health: &Health, batch: Vec<LogRequest>) {
    let messages: Vec<_> = batch
        .iter()
        .flat_map(|request| request.messages.iter().cloned())
        .collect();
    let is_kept = until_available(health, || store.log(&messages))
        .await
        .is_ok();
    for request in batch {
        let result = if is_kept {
            Ok(())
        } else {
            until_available(health, || store.log(&request.messages)).await
        };
        // Whoever no longer waits is answered by the log itself.
        let _ = request.reply.send(result);
    }
}

/// Repeats a write until the database has answered it one way or the other.
async fn until_available<T, F>(health: &Health, write: impl Fn() -> F) -> Result<T, Error>
where
    F: Future<Output = Result<T, Error>>,
{
    let pauses = ExponentialBuilder::default()
        .with_min_delay(Limits::COMMIT_RETRY_MIN)
        .with_max_delay(Limits::COMMIT_RETRY_MAX)
        .without_max_times();
    let result = write
        .retry(pauses)
        .when(Error::is_transient)
        .notify(|error, pause| {
            health.set(false);
            warn!(%error, pause_ms = pause.as_millis(), "the database is away; nothing is answered until it is back");
        })
        .await;
    health.set(true);
    result
}
