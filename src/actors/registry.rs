//! The registry: starts meetings, brings back those that failed, sends all of them home at the end.
//!
//! There is one way to start a meeting: take it over in the database, fold its journal, go on. A first start, a
//! restart of the server, a panic and a visit to a meeting that another server ran all go that way.
//!
//! What is deliberately absent: I/O (loading runs in tasks), and any part in a meeting's traffic.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use ractor::{Actor, ActorId, ActorProcessingErr, ActorRef, RpcReplyPort, SupervisionEvent};
use tracing::{error, info};

use super::directory::Directory;
use super::loading::{self, Purpose};
use super::meeting::{self, MeetingActor};
use super::persistence;
use super::presence::Presence;
use crate::budget::Budget;
use crate::clock::Clock;
use crate::config::Limits;
use crate::domain::MeetingId;
use crate::storage::Store;
use crate::telemetry::{Held, Metrics};

/// The actor.
pub struct Registry {
    /// Where meetings are kept.
    pub store: Arc<dyn Store>,
    /// Handed to every meeting.
    pub persistence: ActorRef<persistence::Message>,
    /// Written here, read by everyone.
    pub directory: Directory,
    /// Time.
    pub clock: Clock,
    /// Bounds.
    pub limits: Arc<Limits>,
    /// Handed to every meeting.
    pub presence: Presence,
    /// What is counted.
    pub metrics: Metrics,
    /// The memory that readers share.
    pub budget: Budget,
}

/// What can be asked.
pub enum Message {
    /// Where is this meeting? Wakes it if need be.
    Open(MeetingId, RpcReplyPort<Route>),
    /// Wake every meeting that has not ended, then answer how many there are.
    Recover(RpcReplyPort<usize>),
    /// These meetings have not ended.
    Found(Vec<MeetingId>, RpcReplyPort<usize>),
    /// A meeting was taken over and folded.
    Loaded(MeetingId, Loaded),
    /// All that [`Recover`](Message::Recover) found is awake.
    Recovered(RpcReplyPort<usize>),
    /// Look whether this server still owns the meetings that run here; those that another took over are told.
    VerifyOwnership,
    /// Let every meeting finish what is under way and send its agents away; answered when all have.
    Drain(RpcReplyPort<()>),
}

/// Where a meeting is.
#[derive(Clone, Debug)]
pub enum Route {
    /// Here.
    Awake(ActorRef<meeting::Message>),
    /// It has ended; its journal can be read.
    Over,
    /// There is none.
    Unknown,
    /// Its journal cannot be read by this server, and why.
    Unreadable(Arc<str>),
    /// The database is away.
    Unavailable,
}

/// What came of loading a meeting.
pub enum Loaded {
    /// It is ours.
    Ready(Box<meeting::Arguments>),
    /// It is not to be run.
    Not(Route),
}

/// Who runs, who is being loaded, who failed lately.
#[derive(Default)]
pub struct State {
    running: HashMap<ActorId, Running>,
    loading: HashMap<MeetingId, Vec<RpcReplyPort<Route>>>,
    failures: HashMap<MeetingId, VecDeque<DateTime<Utc>>>,
    is_draining: bool,
    /// Told when the last meeting has gone.
    drained: Option<RpcReplyPort<()>>,
}

/// A meeting that runs here.
struct Running {
    id: MeetingId,
    epoch: u64,
    _counted: Held,
}

impl Actor for Registry {
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
            Message::Open(id, reply) => self.open(&myself, state, id, reply),
            Message::Recover(reply) => self.recover(&myself, reply),
            Message::Found(ids, reply) => self.found(&myself, state, ids, reply),
            Message::Loaded(id, loaded) => self.loaded(&myself, state, id, loaded).await,
            Message::Recovered(reply) => drop(reply.send(state.running.len())),
            Message::VerifyOwnership => self.verify_ownership(state),
            Message::Drain(reply) => self.drain(state, reply),
        }
        Ok(())
    }

    /// Every event is handled here; the framework's own answer would stop the registry when a meeting ends.
    async fn handle_supervisor_evt(
        &self,
        myself: ActorRef<Message>,
        event: SupervisionEvent,
        state: &mut State,
    ) -> Result<(), ActorProcessingErr> {
        match event {
            SupervisionEvent::ActorTerminated(cell, _, _) => {
                if let Some(id) = self.forget(state, cell.get_id()) {
                    state.failures.remove(&id);
                }
            }
            SupervisionEvent::ActorFailed(cell, error) => {
                if let Some(id) = self.forget(state, cell.get_id()) {
                    error!(meeting_id = %id, %error, "a meeting failed");
                    self.restart(&myself, state, id);
                } else {
                    error!(%error, "a connection failed");
                }
            }
            SupervisionEvent::ActorStarted(_) | SupervisionEvent::ProcessGroupChanged(_) => {}
        }
        Ok(())
    }
}

impl Registry {
    fn open(
        &self,
        myself: &ActorRef<Message>,
        state: &mut State,
        id: MeetingId,
        reply: RpcReplyPort<Route>,
    ) {
        if let Some(actor) = self.directory.find(id) {
            drop(reply.send(Route::Awake(actor)));
        } else if state.is_draining {
            drop(reply.send(Route::Unavailable));
        } else if let Some(waiting) = state.loading.get_mut(&id) {
            waiting.push(reply);
        } else {
            state.loading.insert(id, vec![reply]);
            self.load(myself, id, Purpose::Visit);
        }
    }

    /// Loads one meeting in a task, which reports back as [`Message::Loaded`]. The meeting must stand in
    /// `loading`: two loads of one meeting never cross, so what is loaded last has the highest epoch.
    fn load(&self, myself: &ActorRef<Message>, id: MeetingId, purpose: Purpose) {
        tokio::spawn(loading::load(
            Arc::clone(&self.store),
            myself.clone(),
            id,
            purpose,
        ));
    }

    fn recover(&self, myself: &ActorRef<Message>, reply: RpcReplyPort<usize>) {
        tokio::spawn(loading::find_open(
            Arc::clone(&self.store),
            myself.clone(),
            reply,
        ));
    }

    /// Loads many meetings. Each is marked first, so that an agent that comes meanwhile waits for this load and
    /// does not begin another, which would send away those that are back already.
    fn found(
        &self,
        myself: &ActorRef<Message>,
        state: &mut State,
        mut ids: Vec<MeetingId>,
        reply: RpcReplyPort<usize>,
    ) {
        ids.retain(|id| self.directory.find(*id).is_none() && !state.loading.contains_key(id));
        state.loading.extend(ids.iter().map(|id| (*id, Vec::new())));
        let (store, myself) = (Arc::clone(&self.store), myself.clone());
        tokio::spawn(async move {
            loading::load_all(store, myself.clone(), ids).await;
            let _ = myself.cast(Message::Recovered(reply));
        });
    }

    async fn loaded(
        &self,
        myself: &ActorRef<Message>,
        state: &mut State,
        id: MeetingId,
        loaded: Loaded,
    ) {
        let route = match loaded {
            Loaded::Ready(_) if state.is_draining => Route::Unavailable,
            Loaded::Ready(arguments) => self.spawn(myself, state, id, *arguments).await,
            Loaded::Not(route) => route,
        };
        for reply in state.loading.remove(&id).unwrap_or_default() {
            drop(reply.send(route.clone()));
        }
    }

    async fn spawn(
        &self,
        myself: &ActorRef<Message>,
        state: &mut State,
        id: MeetingId,
        arguments: meeting::Arguments,
    ) -> Route {
        let actor = MeetingActor {
            clock: self.clock.clone(),
            persistence: self.persistence.clone(),
            store: Arc::clone(&self.store),
            limits: Arc::clone(&self.limits),
            presence: self.presence.clone(),
            budget: self.budget.clone(),
            metrics: self.metrics.clone(),
        };
        let epoch = arguments.epoch;
        match Actor::spawn_linked(None, actor, arguments, myself.get_cell()).await {
            Ok((actor, _)) => {
                let running = Running {
                    id,
                    epoch,
                    _counted: self.metrics.meeting_running(),
                };
                state.running.insert(actor.get_id(), running);
                self.directory.insert(id, actor.clone());
                Route::Awake(actor)
            }
            Err(error) => {
                error!(meeting_id = %id, %error, "a meeting could not be started");
                Route::Unavailable
            }
        }
    }

    fn forget(&self, state: &mut State, actor: ActorId) -> Option<MeetingId> {
        let id = state.running.remove(&actor).map(|running| running.id);
        if let Some(id) = id {
            self.directory.remove(id, actor);
        }
        if state.running.is_empty()
            && let Some(reply) = state.drained.take()
        {
            drop(reply.send(()));
        }
        id
    }

    /// Brings a failed meeting back, but not for ever: beyond its bound it is marked failed, and where even that fails it
    /// is left asleep.
    fn restart(&self, myself: &ActorRef<Message>, state: &mut State, id: MeetingId) {
        let now = self.clock.now();
        let window = TimeDelta::from_std(Limits::ms(self.limits.meeting_restart_window_ms))
            .unwrap_or(TimeDelta::MAX);
        let failures = state.failures.entry(id).or_default();
        failures.push_back(now);
        failures.retain(|at| now - *at <= window);
        let (times, restarts_max) = (failures.len(), self.limits.meeting_restarts_max);
        let purpose = if times <= restarts_max {
            Purpose::Restart
        } else if times == restarts_max + 1 {
            Purpose::GiveUp(format!("it failed {times} times in a row on the server"))
        } else {
            error!(meeting_id = %id, "a meeting failed even as it was given up; it sleeps until somebody comes");
            state.failures.remove(&id);
            return;
        };
        state.loading.entry(id).or_default();
        self.load(myself, id, purpose);
    }

    fn verify_ownership(&self, state: &State) {
        let owned = state
            .running
            .values()
            .map(|running| (running.id, running.epoch));
        let owned: HashMap<_, _> = owned.collect();
        let (store, directory) = (Arc::clone(&self.store), self.directory.clone());
        tokio::spawn(loading::tell_overtaken(store, directory, owned));
    }

    fn drain(&self, state: &mut State, reply: RpcReplyPort<()>) {
        info!(meetings = state.running.len(), "draining");
        state.is_draining = true;
        if state.running.is_empty() {
            drop(reply.send(()));
            return;
        }
        state.drained = Some(reply);
        let meetings = self.directory.all();
        let clock = self.clock.clone();
        tokio::spawn(async move {
            // In jittered batches, so that agents do not come back all at once.
            for batch in meetings.chunks(DRAIN_BATCH_MEETINGS) {
                for actor in batch {
                    let _ = actor.cast(meeting::Message::Drain);
                }
                let [jitter] = clock.bytes();
                tokio::time::sleep(Duration::from_millis(u64::from(jitter) / 16)).await;
            }
        });
    }
}

/// Meetings that say goodbye at once.
const DRAIN_BATCH_MEETINGS: usize = 64;
