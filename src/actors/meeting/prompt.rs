//! The messages that prompted a meeting, as those who are asked to speak are shown them.
//!
//! They are read from the log when the first agent comes, beside the meeting, which goes on without what cannot be read. A request to speak
//! waits for them, the turn's time does not. So a meeting comes back without a look at the log, and one that nobody is in holds nothing of it.

use std::sync::Arc;

use backon::Retryable;
use ractor::ActorRef;
use tracing::{Instrument, Span, warn};

use super::Message;
use crate::actors::loading::pauses;
use crate::config::Limits;
use crate::domain::CommunicationId;
use crate::storage::{Error, Excerpt, Store};
use crate::wire::Evidence;
use crate::wire::evidence::Exhibit;

/// How far the meeting is with reading them.
pub(super) enum Prompt {
    /// Nobody needs them yet.
    Unread,
    /// Whoever is to speak is asked when they are there.
    Reading,
    /// What is shown of them.
    Read(Evidence),
}

impl Prompt {
    pub(super) fn of(related: &[CommunicationId]) -> Self {
        if related.is_empty() {
            Self::Read(Evidence::default())
        } else {
            Self::Unread
        }
    }

    /// Begins to read them, unless somebody has; the answer comes as [`Message::Prompt`].
    pub(super) fn read(
        &mut self,
        store: &Arc<dyn Store>,
        related: &[CommunicationId],
        myself: &ActorRef<Message>,
    ) {
        if !matches!(self, Self::Unread) {
            return;
        }
        *self = Self::Reading;
        let (store, related, myself) = (Arc::clone(store), related.to_vec(), myself.clone());
        let reading = async move {
            let evidence = evidence(&*store, &related).await;
            // A meeting that is gone needs none.
            let _ = myself.cast(Message::Prompt(Box::new(evidence)));
        };
        tokio::spawn(reading.instrument(Span::current()));
    }
}

/// As they were named when the meeting was created, the strongest first. The log never lets go of them.
async fn evidence(store: &dyn Store, related: &[CommunicationId]) -> Evidence {
    let read = &related[..related.len().min(Limits::EVIDENCE_MESSAGES_MAX)];
    let excerpts = async || store.excerpts_by_id(read).await;
    let excerpts = excerpts
        .retry(pauses().with_max_times(Limits::EVIDENCE_RETRIES))
        .when(Error::is_transient)
        .await
        .unwrap_or_else(|error| {
            warn!(%error, "the messages that prompted a meeting cannot be read; it goes on without them");
            Vec::new()
        });
    let in_order = read
        .iter()
        .filter_map(|id| excerpts.iter().find(|excerpt| excerpt.id == *id));
    Evidence::of(
        in_order.map(exhibit),
        related.len(),
        Limits::EVIDENCE_MAX_BYTES,
    )
}

fn exhibit(excerpt: &Excerpt) -> Exhibit<'_> {
    let whole = Exhibit {
        id: excerpt.id.0,
        timestamp: excerpt.timestamp,
        sender_id: excerpt.sender.0,
        receiver_id: excerpt.receiver.0,
        content: &excerpt.beginning,
        cut: false,
    };
    whole.cut_to(Limits::EVIDENCE_MESSAGE_MAX_BYTES)
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::storage::memory::{Course, Fault, Memory};

    #[tokio::test(start_paused = true)]
    async fn a_meeting_goes_on_without_a_log_that_cannot_be_read() {
        let store = Memory::new();
        store.faults().follow(|| Course {
            fault: Some(Fault::FailBeforeCommit),
            ..Course::default()
        });
        let related = [1, 2, 3].map(|n| CommunicationId(Uuid::from_u128(n)));
        let evidence = evidence(&store, &related).await;
        assert_eq!((evidence.messages.len(), evidence.left_out), (0, 3));
    }
}
