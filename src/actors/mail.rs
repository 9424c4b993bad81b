//! Direct messages on their way: kept first, then delivered to whoever of the receivers is here, then answered.

use std::collections::{BTreeMap, HashSet};

use super::permit::Permit;
use super::persistence::{Health, take_batch, until_available};
use super::presence::Presence;
use crate::budget::Budget;
use crate::config::Limits;
use crate::domain::{AgentId, CommunicationId};
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
    /// What agents were told: of each, stretches of its line that do not touch.
    told: BTreeMap<AgentId, Vec<Told>>,
}

/// What one commit of the mail lane takes.
pub(super) struct Batch {
    pub(super) posts: Vec<Post>,
    told: Vec<Told>,
}

impl Bag {
    pub(super) fn is_empty(&self) -> bool {
        self.posts.is_empty() && self.told.is_empty()
    }

    /// Notes a stretch of a line, as one with what it touches.
    pub(super) fn note(&mut self, mut new: Told) {
        let stretches = self.told.entry(new.agent).or_default();
        stretches.retain(|old| {
            let touches = old.after <= new.up_to && new.after <= old.up_to;
            if touches {
                new.after = new.after.min(old.after);
                new.up_to = new.up_to.max(old.up_to);
            }
            !touches
        });
        stretches.push(new);
    }

    /// Takes the next batch: the oldest messages, and what some of the agents were told.
    pub(super) fn take(&mut self) -> Batch {
        let posts = take_batch(&mut self.posts, |post| {
            post.message.communication.content.len()
        });
        let mut told = Vec::new();
        while told.len() < Limits::BATCH_MAX_TOLD
            && let Some((_, stretches)) = self.told.pop_first()
        {
            told.extend(stretches);
        }
        Batch { posts, told }
    }
}

/// Makes messages durable, delivers them in the order of their positions, notes which of them somebody took, and then
/// answers: so a frame that comes again is answered the same.
pub(super) async fn deliver(
    store: &dyn Store,
    health: &Health,
    presence: &Presence,
    budget: &Budget,
    batch: Batch,
) {
    let Batch { posts, told } = batch;
    let messages: Vec<_> = posts.iter().map(|post| post.message.clone()).collect();
    let sent = keep(store, health, &messages).await;
    let mut delivered = Vec::new();
    for (message, sent) in messages.iter().zip(&sent) {
        let message = &message.communication;
        let Ok(Sent::Kept { position }) = sent else {
            continue;
        };
        let frame = frame(*position, message);
        let charge = budget.charge(frame.len());
        if presence.deliver(message.receiver, &frame.held_with(charge)) {
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

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn told(agent: usize, after: u64, up_to: u64) -> Told {
        Told {
            agent: AgentId(Uuid::from_u128(agent as u128)),
            after,
            up_to,
        }
    }

    fn taken(bag: &mut Bag) -> Vec<(u64, u64)> {
        let told = bag.take().told;
        told.iter().map(|told| (told.after, told.up_to)).collect()
    }

    #[test]
    fn stretches_that_touch_are_one() {
        let mut bag = Bag::default();
        for (after, up_to) in [(0, 1), (4, 5), (2, 3), (7, 9), (3, 4)] {
            bag.note(told(1, after, up_to));
        }
        bag.note(told(2, 1, 2));
        assert_eq!(taken(&mut bag), [(0, 1), (7, 9), (2, 5), (1, 2)]);
        assert!(bag.is_empty());
    }

    #[test]
    fn a_batch_notes_what_some_were_told_and_the_next_one_goes_on() {
        let mut bag = Bag::default();
        let most = Limits::BATCH_MAX_TOLD;
        for round in 1..=2 {
            for agent in 0..=most {
                bag.note(told(agent, 0, round));
            }
        }
        assert_eq!(taken(&mut bag), vec![(0, 2); most]);
        assert_eq!(taken(&mut bag), [(0, 2)]);
        assert!(bag.is_empty());
    }
}
