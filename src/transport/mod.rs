//! The doors: HTTP and WebSocket.
//!
//! [`accept`] takes connections as far as there are places, [`door`] says what holds for all requests, [`rest`] answers requests, [`ws`] upgrades sockets and hands them to a connection
//! actor. [`auth`] says who is asking, [`fields`] what they are asking, [`api_error`] is every answer that is a no.
//!
//! What is deliberately absent: rules of meetings and any state. A request asks an actor or the
//! store, and tells what it was told.

pub mod accept;
mod answers;
pub mod api_error;
pub mod auth;
pub mod door;
pub mod fields;
pub mod idempotency;
mod media_type;
mod patient;
mod places;
pub mod rest;
pub mod ws;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use ractor::rpc::CallResult;
use ractor::{ActorRef, RpcReplyPort};
use warp::Filter;
use warp::filters::BoxedFilter;

pub use self::api_error::ApiError;
use crate::actors::connection;
use crate::actors::directory::Directory;
use crate::actors::permit::Permit;
use crate::actors::persistence::Health;
use crate::actors::registry::Route;
use crate::actors::{analyst, meeting, persistence, registry};
use crate::config::Limits;
use crate::domain::MeetingId;

/// The answer to one request.
pub type Response = warp::reply::Response;

/// What the doors lead to; cheap to clone.
#[derive(Clone)]
pub struct Api {
    /// The store, time, permits and bounds.
    pub context: connection::Context,
    /// Where meetings live.
    pub directory: Directory,
    /// Wakes meetings.
    pub registry: ActorRef<registry::Message>,
    /// Makes messages durable.
    pub persistence: ActorRef<persistence::Message>,
    /// Whether it can.
    pub health: Health,
    /// Knows what to meet about.
    pub analyst: ActorRef<analyst::Message>,
    /// Who has the run of the house.
    pub admin: auth::Admin,
    /// Browser origins that may connect.
    pub allowed_origins: Arc<[String]>,
    /// Where agents reach this server, if it is not where they ask.
    pub public_url: Option<Arc<str>>,
    /// Requests with a key that are under way.
    pub keys: idempotency::Keys,
    /// Whether all meetings are awake and the server is not going down.
    pub readiness: Readiness,
}

/// Whether the server wants traffic.
#[derive(Clone, Debug, Default)]
pub struct Readiness(Arc<AtomicBool>);

impl Readiness {
    /// Whether it does.
    pub fn get(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    /// Says whether it does.
    pub fn set(&self, is_ready: bool) {
        self.0.store(is_ready, Ordering::Relaxed);
    }
}

impl Api {
    /// Every route.
    pub fn routes(&self) -> BoxedFilter<(Response,)> {
        rest::routes(self)
            .or(ws::routes(self))
            .unify()
            .recover(api_error::recover)
            .unify()
            .boxed()
    }

    /// Where a meeting is; wakes it if need be.
    async fn locate(&self, id: MeetingId) -> Result<Route, ApiError> {
        match self.directory.find(id) {
            Some(actor) => Ok(Route::Awake(actor)),
            None => ask(&self.registry, |reply| registry::Message::Open(id, reply)).await,
        }
    }

    /// The actor that runs a meeting; `None` if the meeting is over.
    async fn awake(&self, id: MeetingId) -> Result<Option<ActorRef<meeting::Message>>, ApiError> {
        match self.locate(id).await? {
            Route::Awake(actor) => Ok(Some(actor)),
            Route::Over => Ok(None),
            Route::Unknown => Err(ApiError::not_found("no such meeting")),
            Route::Unreadable(why) => Err(ApiError::unreadable(&*why)),
            Route::Unavailable => Err(ApiError::overloaded()),
        }
    }

    /// Asks a meeting something; `None` if it is over. One that ends while it is asked is asked for again, so that the
    /// answer is what became of it. Without `patience` the answer is waited for until it is durable.
    async fn ask_meeting<T: Send + 'static>(
        &self,
        id: MeetingId,
        patience: Option<Duration>,
        message: impl Fn(RpcReplyPort<T>, Permit) -> meeting::Message,
    ) -> Result<Option<T>, ApiError> {
        for _ in 0..MEETING_TRIES {
            let Some(actor) = self.awake(id).await? else {
                return Ok(None);
            };
            let permit = self.permit(0)?;
            match actor.call(|reply| message(reply, permit), patience).await {
                Ok(CallResult::Success(answer)) => return Ok(Some(answer)),
                Ok(CallResult::Timeout) => return Err(ApiError::overloaded()),
                Ok(CallResult::SenderError) | Err(_) => {}
            }
        }
        Err(ApiError::overloaded())
    }

    /// Room for a command that holds so many bytes.
    fn permit(&self, bytes: usize) -> Result<Permit, ApiError> {
        self.context
            .permits
            .try_take(bytes)
            .ok_or_else(ApiError::overloaded)
    }

    /// More room for what `permit` holds.
    fn widen(&self, permit: &mut Permit, bytes: usize) -> Result<(), ApiError> {
        if self.context.permits.try_widen(permit, bytes) {
            Ok(())
        } else {
            Err(ApiError::overloaded())
        }
    }
}

/// Once for the actor that is found, once for what the registry knows after that one has gone.
const MEETING_TRIES: usize = 2;

/// Asks for something to be made durable, and waits until it is.
async fn ask_durably<M: ractor::Message, T: Send + 'static>(
    actor: &ActorRef<M>,
    message: impl FnOnce(RpcReplyPort<T>) -> M,
) -> Result<T, ApiError> {
    call(actor, message, None).await
}

/// Asks an actor; one that is gone or too slow is answered for as an overload, because asking again may help.
async fn ask<M: ractor::Message, T: Send + 'static>(
    actor: &ActorRef<M>,
    message: impl FnOnce(RpcReplyPort<T>) -> M,
) -> Result<T, ApiError> {
    call(actor, message, Some(Limits::CALL_TIMEOUT)).await
}

async fn call<M: ractor::Message, T: Send + 'static>(
    actor: &ActorRef<M>,
    message: impl FnOnce(RpcReplyPort<T>) -> M,
    patience: Option<Duration>,
) -> Result<T, ApiError> {
    match actor.call(message, patience).await {
        Ok(CallResult::Success(answer)) => Ok(answer),
        Ok(CallResult::Timeout | CallResult::SenderError) | Err(_) => Err(ApiError::overloaded()),
    }
}
