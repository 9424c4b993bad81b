//! Direct messages on their way: kept first, then delivered to whoever of the receivers is here.

use std::collections::HashMap;

use ractor::ActorRef;

use super::permit::Permit;
use super::persistence::{self, Health, until_available};
use super::presence::Presence;
use crate::domain::{AgentId, CommunicationId};
use crate::storage::{Communication, DirectMessage, Error, Received, Sent, Store};
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
    /// There is no such agent, or none that can read.
    NoReceiver,
}

/// What waits for the mail lane's next commit.
#[derive(Default)]
pub(super) struct Bag {
    pub(super) posts: Vec<Post>,
    /// Up to where agents were told.
    pub(super) told: HashMap<AgentId, u64>,
}

impl Bag {
    pub(super) fn is_empty(&self) -> bool {
        self.posts.is_empty() && self.told.is_empty()
    }

    pub(super) fn note(&mut self, agent: AgentId, position: u64) {
        let told = self.told.entry(agent).or_default();
        *told = position.max(*told);
    }
}

/// Makes messages durable, then delivers and answers them in the order of their positions.
pub(super) async fn deliver(store: &dyn Store, health: &Health, presence: &Presence, bag: Bag) {
    let Bag { posts, told } = bag;
    if !posts.is_empty() {
        let messages: Vec<_> = posts.iter().map(|post| post.message.clone()).collect();
        match until_available(health, || store.send(&messages)).await {
            Ok(sent) => {
                for (post, sent) in posts.into_iter().zip(sent) {
                    settle(store, presence, post, sent).await;
                }
            }
            Err(_) => send_one_by_one(store, health, presence, posts).await,
        }
    }
    let told: Vec<_> = told.into_iter().collect();
    if !told.is_empty() {
        // What is lost here is told once more.
        let _ = store.told(&told).await;
    }
}

/// Something among them cannot be kept: one at a time, so that it stops itself only.
async fn send_one_by_one(
    store: &dyn Store,
    health: &Health,
    presence: &Presence,
    posts: Vec<Post>,
) {
    for post in posts {
        let message = std::slice::from_ref(&post.message);
        match until_available(health, || store.send(message)).await {
            Ok(sent) => {
                let sent = sent.first().copied().unwrap_or(Sent::NoReceiver);
                settle(store, presence, post, sent).await;
            }
            Err(error) => (post.reply)(Err(error)),
        }
    }
}

async fn settle(store: &dyn Store, presence: &Presence, post: Post, sent: Sent) {
    let message = &post.message.communication;
    let posted = match sent {
        Sent::NoReceiver => Posted::NoReceiver,
        Sent::Kept {
            communication,
            position,
        } => {
            let delivered = if communication == message.id {
                presence.deliver(message.receiver, &frame(position, message))
            } else {
                // It came before, under the same frame id, and was delivered then.
                let inbox = store.inbox(message.receiver).await.unwrap_or_default();
                inbox.told >= position
            };
            Posted::Kept {
                communication,
                delivered,
            }
        }
    };
    (post.reply)(Ok(posted));
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

/// The messages of a line, as frames.
pub(super) fn frames(received: &[Received]) -> impl Iterator<Item = Frame> + '_ {
    let frame = |message: &Received| frame(message.position, &message.communication);
    received.iter().map(frame)
}

/// Notes that an agent was told its messages up to this one.
pub(super) fn note(persistence: &ActorRef<persistence::Message>, agent: AgentId, position: u64) {
    let _ = persistence.cast(persistence::Message::Told(agent, position));
}
