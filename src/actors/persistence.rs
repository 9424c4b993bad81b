//! The persistence actor: everything that has to be durable passes here, in batches.
//!
//! Three lanes: for journals, for the communication log, and for direct messages. While a lane's commit is under way,
//! what arrives waits; the next commit takes all of it. That is the whole group commit: no timer, no
//! delay when there is little to do, large batches when there is much.
//!
//! A commit that fails because the database is away is repeated until it is back. What waits is bounded
//! by the permits of those who wait, so nothing is lost and nothing grows.

use std::cmp;
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use backon::Retryable;
use ractor::{Actor, ActorProcessingErr, ActorRef};
use tracing::{error, warn};

use super::loading::pauses;
use super::log::{LogRequest, log_all, log_bytes};
use super::mail::{self, Bag, Post};
use super::meeting;
use super::presence::Presence;
use crate::budget::Budget;
use crate::clock::Clock;
use crate::config::Limits;
use crate::domain::MeetingId;
use crate::storage::{Append, Appended, Error, Store, Told};
use crate::telemetry::{Lane, Metrics};

/// The actor; its state holds the lanes.
pub struct Persistence {
    /// Where things are kept.
    pub store: Arc<dyn Store>,
    /// Told whether commits succeed.
    pub health: Health,
    /// Who is here to be told what was kept for them.
    pub presence: Presence,
    /// Time, to measure them.
    pub clock: Clock,
    /// The memory that readers share.
    pub budget: Budget,
}

/// Whether the last try to commit reached the database.
#[derive(Clone, Debug)]
pub struct Health {
    available: Arc<AtomicBool>,
    metrics: Metrics,
}

/// What can be asked.
pub enum Message {
    /// Make a meeting's next events durable, then tell it.
    Append(Box<Append>, ActorRef<meeting::Message>),
    /// Make messages of the log durable, all or none, then answer.
    Log(Box<LogRequest>),
    /// Make a direct message durable, deliver it, then answer.
    Post(Box<Post>),
    /// An agent was told direct messages.
    Told(Told),
    /// All that was ready to happen when events came has happened: those that wait may be committed.
    AppendsDue,
    /// The journal lane's commit is done.
    AppendsCommitted(Vec<Outcome>),
    /// The log lane's commit is done.
    LogCommitted,
    /// The mail lane's commit is done.
    MailCommitted,
}

/// What became of one meeting's events.
#[derive(Clone, Copy, Debug)]
pub struct Outcome {
    meeting: MeetingId,
    epoch: u64,
    up_to: u64,
    appended: Result<Appended, Unkept>,
}

/// The database answers, but does not take these events.
#[derive(Clone, Copy, Debug)]
struct Unkept;

/// The lanes.
#[derive(Default)]
pub struct State {
    appends: Vec<Append>,
    /// Whom to tell: those with events waiting or on the way.
    writers: HashMap<(MeetingId, u64), ActorRef<meeting::Message>>,
    is_appending: bool,
    log: Vec<LogRequest>,
    is_logging: bool,
    mail: Bag,
    is_mailing: bool,
}

impl Health {
    /// Well, until a commit fails.
    pub fn new(metrics: Metrics) -> Self {
        Self {
            available: Arc::new(AtomicBool::new(true)),
            metrics,
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
            Message::Append(append, writer) => state.queue(*append, writer),
            Message::Log(request) => state.log.push(*request),
            Message::AppendsDue => self.commit_appends(&myself, state),
            Message::AppendsCommitted(outcomes) => {
                state.is_appending = false;
                for outcome in outcomes {
                    state.report(outcome);
                }
            }
            Message::LogCommitted => state.is_logging = false,
            Message::Post(post) => state.mail.posts.push(*post),
            Message::Told(told) => state.mail.note(told),
            Message::MailCommitted => state.is_mailing = false,
        }
        state.gather(&myself);
        self.commit_log(&myself, state);
        self.commit_mail(&myself, state);
        Ok(())
    }

    /// Nobody waits for anything any more; what agents were told is all that may be left.
    async fn post_stop(
        &self,
        _: ActorRef<Message>,
        state: &mut State,
    ) -> Result<(), ActorProcessingErr> {
        while !state.mail.is_empty() {
            let left = state.mail.take();
            mail::deliver(
                &*self.store,
                &self.health,
                &self.presence,
                &self.budget,
                left,
            )
            .await;
        }
        Ok(())
    }
}

impl State {
    /// Puts events behind those that the same meeting has waiting: a batch holds each meeting once. Where two
    /// owners of one meeting meet here, the older is fenced without asking the database.
    fn queue(&mut self, append: Append, writer: ActorRef<meeting::Message>) {
        let same = |waiting: &&mut Append| waiting.meeting == append.meeting;
        match self.appends.iter_mut().find(same) {
            None => {
                self.writers.insert((append.meeting, append.epoch), writer);
                self.appends.push(append);
            }
            Some(waiting) => match append.epoch.cmp(&waiting.epoch) {
                cmp::Ordering::Less => fence(&writer),
                cmp::Ordering::Equal => {
                    waiting.entries.extend(append.entries);
                    waiting.header = append.header;
                }
                cmp::Ordering::Greater => {
                    let older = self.writers.remove(&(waiting.meeting, waiting.epoch));
                    older.iter().for_each(fence);
                    self.writers.insert((append.meeting, append.epoch), writer);
                    *waiting = append;
                }
            },
        }
    }

    /// Lets what is ready come first: where the machine is busy, other meetings' events are among it, and one commit
    /// takes them all; where it is not, this takes no time.
    fn gather(&mut self, myself: &ActorRef<Message>) {
        if self.is_appending || self.appends.is_empty() {
            return;
        }
        self.is_appending = true;
        let myself = myself.clone();
        tokio::spawn(async move {
            tokio::task::yield_now().await;
            let _ = myself.cast(Message::AppendsDue);
        });
    }

    fn report(&mut self, outcome: Outcome) {
        let key = (outcome.meeting, outcome.epoch);
        let Some(writer) = self.writers.get(&key) else {
            return;
        };
        // A meeting that has ended meanwhile needs no telling.
        let _ = match outcome.appended {
            Ok(Appended::Committed) => writer.cast(meeting::Message::Committed(outcome.up_to)),
            Ok(Appended::Fenced) => writer.cast(meeting::Message::Fenced),
            Err(Unkept) => writer.cast(meeting::Message::Unkept),
        };
        let is_waiting = |waiting: &Append| (waiting.meeting, waiting.epoch) == key;
        if !self.appends.iter().any(is_waiting) {
            self.writers.remove(&key);
        }
    }
}

impl Persistence {
    fn commit_appends(&self, myself: &ActorRef<Message>, state: &mut State) {
        let batch = take_batch(&mut state.appends, append_bytes);
        let rows = batch.iter().map(|append| append.entries.len()).sum();
        let (store, health, myself) =
            (Arc::clone(&self.store), self.health.clone(), myself.clone());
        let (clock, begun) = (self.clock.clone(), self.clock.elapsed());
        tokio::spawn(async move {
            let appended = append_all(&*store, &health, &batch).await;
            let took = clock.elapsed().saturating_sub(begun);
            health.metrics.committed(Lane::Journal, rows, took);
            let outcome = |(append, appended): (&Append, Result<Appended, Unkept>)| Outcome {
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
        let batch = take_batch(&mut state.log, |request| log_bytes(&request.messages));
        let rows = batch.iter().map(|request| request.messages.len()).sum();
        let (store, health, myself) =
            (Arc::clone(&self.store), self.health.clone(), myself.clone());
        let (clock, begun) = (self.clock.clone(), self.clock.elapsed());
        tokio::spawn(async move {
            log_all(&*store, &health, batch).await;
            let took = clock.elapsed().saturating_sub(begun);
            health.metrics.committed(Lane::Log, rows, took);
            let _ = myself.cast(Message::LogCommitted);
        });
    }

    fn commit_mail(&self, myself: &ActorRef<Message>, state: &mut State) {
        if state.is_mailing || state.mail.is_empty() {
            return;
        }
        state.is_mailing = true;
        let batch = state.mail.take();
        let (store, health) = (Arc::clone(&self.store), self.health.clone());
        let (presence, myself) = (self.presence.clone(), myself.clone());
        let rows = batch.posts.len();
        let budget = self.budget.clone();
        let (clock, begun) = (self.clock.clone(), self.clock.elapsed());
        tokio::spawn(async move {
            mail::deliver(&*store, &health, &presence, &budget, batch).await;
            let took = clock.elapsed().saturating_sub(begun);
            health.metrics.committed(Lane::Mail, rows, took);
            let _ = myself.cast(Message::MailCommitted);
        });
    }
}

/// The next batch: the oldest that wait, bounded in number and bytes, but at least one.
pub(super) fn take_batch<T>(waiting: &mut Vec<T>, bytes: impl Fn(&T) -> usize) -> Vec<T> {
    let mut room = Limits::BATCH_MAX_BYTES;
    let fits = |one: &T| {
        let bytes = bytes(one);
        let fits = bytes <= room;
        room = room.saturating_sub(bytes);
        fits
    };
    let fitting = waiting.iter().take(Limits::BATCH_MAX_APPENDS).map(fits);
    let taken = fitting.take_while(|fits| *fits).count().max(1);
    waiting.drain(..taken.min(waiting.len())).collect()
}

fn append_bytes(append: &Append) -> usize {
    append.entries.iter().map(|entry| entry.payload.len()).sum()
}

/// Tells a meeting that another owner has overtaken it; one that is gone knows.
fn fence(writer: &ActorRef<meeting::Message>) {
    let _ = writer.cast(meeting::Message::Fenced);
}

async fn append_all(
    store: &dyn Store,
    health: &Health,
    batch: &[Append],
) -> Vec<Result<Appended, Unkept>> {
    match until_available(health, || store.append(batch)).await {
        Ok(appended) => appended.into_iter().map(Ok).collect(),
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
            error!(meeting_id, %error, "events cannot be kept, so their meeting fails");
            vec![Err(Unkept); batch.len()]
        }
    }
}

/// Repeats a write until the database has answered it one way or the other.
pub(super) async fn until_available<T, F>(
    health: &Health,
    write: impl Fn() -> F,
) -> Result<T, Error>
where
    F: Future<Output = Result<T, Error>>,
{
    let result = write
        .retry(pauses())
        .when(Error::is_transient)
        .notify(|error, pause| {
            health.set(false);
            health.metrics.database_retry();
            warn!(%error, pause_ms = pause.as_millis(), "the database is away; nothing is answered until it is back");
        })
        .await;
    if result.is_err() {
        health.metrics.database_error();
    }
    health.set(true);
    result
}
