//! Direct messages on their way: kept first, then delivered to whoever of the receivers is here, then answered.

use std::collections::HashSet;

use super::permit::Permit;
use super::persistence::{Health, until_available};
use super::presence::Presence;
use crate::domain::CommunicationId;
use crate::storage::{Communication, DirectMessage, Error, Received, Sent, Store, Told};
use crate::wire::{Frame, outbound};

/// A direct message, and who waits for it to be kept.
pub struct Post {
    /// The message.
    pub message: DirectMessage,
    /// Told once it is durable and was delivered to whoever is here, or why it cannot be kept.
    pub reply: Box<dyn FnOnce(Result<Posted, Error>) + Send>,
    /// Held until then.
    pub permit: Permit,
}

/// What became of a direct message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Posted {
    /// It is durable.
    Kept {
        /// Its row in the log.
        communication: CommunicationId,
        /// Whether a socket of the receiver had it put into its outbox.
        delivered: bool,
    },
    /// The sender's frame of this id was another message.
    FrameReused,
    /// There is no such agent, or none that can read.
    NoReceiver,
}

/// What waits for the mail lane's next commit.
#[derive(Default)]
pub(super) struct Bag {
    pub(super) posts: Vec<Post>,
    /// What agents were told.
    pub(super) told: Vec<Told>,
}

impl Bag {
    pub(super) fn is_empty(&self) -> bool {
        self.posts.is_empty() && self.told.is_empty()
    }

    /// Notes a stretch of a line, as one with what it touches.
    pub(super) fn note(&mut self, new: Told) {
        let touches = |old: &&mut Told| {
            old.agent == new.agent && old.after <= new.up_to && new.after <= old.up_to
        };
        match self.told.iter_mut().find(touches) {
            Some(old) => {
                old.after = old.after.min(new.after);
                old.up_to = old.up_to.max(new.up_to);
            }
            None => self.told.push(new),
        }
    }
}

/// Makes messages durable, delivers them in the order of their positions, notes which of them somebody took, and then
/// answers: so a frame that comes again is answered the same.
pub(super) async fn deliver(store: &dyn Store, health: &Health, presence: &Presence, bag: Bag) {
    let Bag { posts, told } = bag;
    let messages: Vec<_> = posts.iter().map(|post| post.message.clone()).collect();
    let sent = keep(store, health, &messages).await;
    let mut delivered = Vec::new();
    for (message, sent) in messages.iter().zip(&sent) {
        let message = &message.communication;
        if let Ok(Sent::Kept { position }) = sent
            && presence.deliver(message.receiver, &frame(*position, message))
        {
            delivered.push(message.id);
        }
    }
    if !delivered.is_empty() {
        // A database that does not take this will say of a repeated frame that nobody was there.
        let _ = until_available(health, || store.note_mail(&delivered, &told)).await;
    } else if !told.is_empty() {
        // What is lost here is told once more.
        let _ = store.note_mail(&[], &told).await;
    }
    let delivered: HashSet<_> = delivered.into_iter().collect();
    for (post, sent) in posts.into_iter().zip(sent) {
        let posted = sent.map(|sent| posted(post.message.communication.id, sent, &delivered));
        (post.reply)(posted);
    }
}

async fn keep(
    store: &dyn Store,
    health: &Health,
    messages: &[DirectMessage],
) -> Vec<Result<Sent, Error>> {
    if messages.is_empty() {
        return Vec::new();
    }
    if let Ok(sent) = until_available(health, || store.send(messages)).await {
        return sent.into_iter().map(Ok).collect();
    }
    // Something among them cannot be kept: one at a time, so that it stops itself only.
    let mut all = Vec::with_capacity(messages.len());
    for message in messages.chunks(1) {
        let sent = until_available(health, || store.send(message)).await;
        all.push(sent.map(|sent| sent[0]));
    }
    all
}

/// The answer to the message `id`, when those of its batch that somebody took are known.
fn posted(id: CommunicationId, sent: Sent, taken: &HashSet<CommunicationId>) -> Posted {
    match sent {
        Sent::Kept { .. } => Posted::Kept {
            communication: id,
            delivered: taken.contains(&id),
        },
        Sent::Repeated {
            communication,
            delivered,
        } => Posted::Kept {
            communication,
            // The first may be of this very batch.
            delivered: delivered || taken.contains(&communication),
        },
        Sent::FrameReused => Posted::FrameReused,
        Sent::NoReceiver => Posted::NoReceiver,
    }
}

/// A message as its receiver reads it.
pub(super) fn frame(position: u64, message: &Communication) -> Frame {
    outbound::direct_message(&outbound::DirectMessage {
        position,
        communication: message.id,
        sender: message.sender,
        at: message.timestamp,
        content: &message.content,
        topic: message.topic.as_deref(),
    })
}

/// The messages of a line that are still there, as frames.
pub(super) fn frames(received: &[Received]) -> impl Iterator<Item = Frame> + '_ {
    received.iter().filter_map(|place| {
        let message = place.communication.as_ref()?;
        Some(frame(place.position, message))
    })
}
