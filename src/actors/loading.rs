//! Loading meetings: take over, fold, report to the registry. Runs in tasks, because it asks the database.

use std::collections::HashMap;
use std::sync::Arc;

use backon::{ExponentialBuilder, Retryable};
use ractor::{ActorRef, RpcReplyPort};
use tracing::{error, warn};

use super::directory::Directory;
use super::registry::{Loaded, Message, Route};
use super::{journal, meeting};
use crate::budget::Reservation;
use crate::config::Limits;
use crate::domain::MeetingId;
use crate::storage::{Error, Store, Taken};

/// What a meeting is loaded for.
pub(super) enum Purpose {
    /// Somebody waits for it: if the database is away, that is the answer.
    Visit,
    /// It failed and must come back, however long the database is away.
    Restart,
    /// It failed too often and is to be marked so.
    GiveUp(String),
}

/// Loads one meeting, and reports it as [`Message::Loaded`].
pub(super) async fn load(
    store: Arc<dyn Store>,
    registry: ActorRef<Message>,
    id: MeetingId,
    purpose: Purpose,
) {
    let take = || take(&*store, id);
    let (taken, give_up) = match purpose {
        Purpose::Visit => (take().await, None),
        Purpose::Restart => (patiently(take).await, None),
        Purpose::GiveUp(reason) => (patiently(take).await, Some(reason)),
    };
    let loaded = match taken {
        Ok(Ok(taken)) => fold(taken, give_up),
        Ok(Err(route)) => Loaded::Not(route),
        Err(error) => {
            warn!(meeting_id = %id, %error, "a meeting could not be loaded");
            Loaded::Not(if error.is_transient() {
                Route::Unavailable
            } else {
                Route::Unreadable(error.to_string().into())
            })
        }
    };
    let _ = registry.cast(Message::Loaded(id, loaded));
}

/// Finds every meeting that has not ended, and reports them as [`Message::Found`].
pub(super) async fn find_open(
    store: Arc<dyn Store>,
    registry: ActorRef<Message>,
    reply: RpcReplyPort<usize>,
) {
    let ids = patiently(|| store.open_meetings())
        .await
        .unwrap_or_else(|error| {
            error!(%error, "the open meetings cannot be read; each wakes when an agent comes");
            Vec::new()
        });
    let _ = registry.cast(Message::Found(ids, reply));
}

/// Loads many meetings in chunks, and reports each.
pub(super) async fn load_all(
    store: Arc<dyn Store>,
    registry: ActorRef<Message>,
    ids: Vec<MeetingId>,
) {
    for chunk in ids.chunks(Limits::RECOVERY_CHUNK_MEETINGS) {
        let mut rest = chunk.to_vec();
        // One that cannot be read keeps only itself asleep: what this leaves is loaded one by one.
        let taken = patiently(|| store.take_over(chunk))
            .await
            .unwrap_or_default();
        for taken in taken {
            let id = taken.meeting;
            rest.retain(|waiting| *waiting != id);
            let _ = registry.cast(Message::Loaded(id, fold(taken, None)));
        }
        for id in rest {
            load(Arc::clone(&store), registry.clone(), id, Purpose::Restart).await;
        }
    }
}

/// Tells those meetings that another server owns by now, which they would else learn only from their next write.
pub(super) async fn tell_overtaken(
    store: Arc<dyn Store>,
    directory: Directory,
    owned: HashMap<MeetingId, u64>,
) {
    let ids: Vec<_> = owned.keys().copied().collect();
    for chunk in ids.chunks(Limits::RECOVERY_CHUNK_MEETINGS) {
        // A database that is away tells nothing, and takes no writes either.
        let epochs = store.epochs(chunk).await.unwrap_or_default();
        for (id, epoch) in epochs {
            if owned.get(&id).is_some_and(|own| *own < epoch)
                && let Some(actor) = directory.find(id)
            {
                let _ = actor.cast(meeting::Message::Overtaken(epoch));
            }
        }
    }
}

/// Takes one meeting over, or says why it is not to be run.
async fn take(store: &dyn Store, id: MeetingId) -> Result<Result<Taken, Route>, Error> {
    if let Some(taken) = store.take_over(&[id]).await?.pop() {
        return Ok(Ok(taken));
    }
    let is_known = store
        .meeting(id, &Reservation::unlimited())
        .await?
        .is_some();
    Ok(Err(if is_known {
        Route::Over
    } else {
        Route::Unknown
    }))
}

fn fold(taken: Taken, give_up: Option<String>) -> Loaded {
    let epoch = taken.epoch;
    match journal::load(taken.journal) {
        Ok((meeting, answered)) => Loaded::Ready(Box::new(meeting::Arguments {
            meeting,
            epoch,
            answered,
            give_up,
        })),
        Err(error) => {
            error!(meeting_id = %taken.meeting, %error, "a meeting's journal cannot be read; it stays closed");
            Loaded::Not(Route::Unreadable(error.to_string().into()))
        }
    }
}

/// Repeats a question until the database answers it one way or the other.
async fn patiently<T, F>(ask: impl Fn() -> F) -> Result<T, Error>
where
    F: Future<Output = Result<T, Error>>,
{
    ask.retry(pauses()).when(Error::is_transient).await
}

/// The pauses between tries of what must not be given up.
pub(super) fn pauses() -> ExponentialBuilder {
    ExponentialBuilder::default()
        .with_min_delay(Limits::COMMIT_RETRY_MIN)
        .with_max_delay(Limits::COMMIT_RETRY_MAX)
        .without_max_times()
}
