//! Who is here: every open socket of every token, for what reaches an agent wherever it is connected.
//!
//! Direct messages go to all sockets of their receiver, news of meetings to its own lines, and a token that opens
//! nothing any more takes its sockets with it. The truth about each socket stays with its connection; this is a
//! list of the outboxes' ends, and an outbox that is full closes itself.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use dashmap::DashMap;
use tracing::warn;

use super::meeting::ConnectionId;
use super::outbox::Reader;
use crate::config::Limits;
use crate::domain::{AgentId, MeetingId};
use crate::storage::{Error, Store, TokenHash};
use crate::wire::{CloseCode, Frame};

/// A cheap handle on the list.
#[derive(Clone, Default)]
pub struct Presence {
    sockets: Arc<DashMap<AgentId, Vec<Present>>>,
    is_draining: Arc<AtomicBool>,
    dismissals: Arc<AtomicU64>,
}

/// Whose a socket is: the agent or observer, and the token that opened it.
#[derive(Clone, Copy)]
pub struct Holder {
    /// Who.
    pub id: AgentId,
    /// With which token.
    pub token: TokenHash,
}

/// One socket.
struct Present {
    connection: ConnectionId,
    token: TokenHash,
    /// Which meeting it is in; `None` is an agent's own line.
    meeting: Option<MeetingId>,
    reader: Arc<Reader>,
}

/// A socket's time on the list: dropping it takes the socket off.
pub(super) struct Stay {
    presence: Presence,
    agent: AgentId,
    connection: ConnectionId,
}

impl Presence {
    /// Puts a socket on the list.
    pub(super) fn enter(
        &self,
        holder: Holder,
        connection: ConnectionId,
        meeting: Option<MeetingId>,
        reader: &Arc<Reader>,
    ) -> Stay {
        let Holder { id: agent, token } = holder;
        let mut sockets = self.sockets.entry(agent).or_default();
        // Most agents have one, and there are many agents.
        sockets.reserve_exact(1);
        sockets.push(Present {
            connection,
            token,
            meeting,
            reader: Arc::clone(reader),
        });
        drop(sockets);
        // It stands on the list before it looks: either this sees the end, or the end sees the socket.
        if meeting.is_none() && self.is_draining() {
            reader.close(CloseCode::DRAINING);
        }
        Stay {
            presence: self.clone(),
            agent,
            connection,
        }
    }

    /// Puts a frame into every outbox of an agent, and says whether one took it.
    pub(super) fn deliver(&self, agent: AgentId, frame: &Frame) -> bool {
        self.push(agent, frame, |_| true)
    }

    /// Puts a frame into the outboxes of these agents' own lines.
    pub fn tell(&self, agents: &[AgentId], frame: &Frame) {
        for agent in agents {
            self.push(*agent, frame, |socket| socket.meeting.is_none());
        }
    }

    fn push(&self, agent: AgentId, frame: &Frame, goes_to: impl Fn(&Present) -> bool) -> bool {
        let Some(sockets) = self.sockets.get(&agent) else {
            return false;
        };
        let mut taken = false;
        for socket in sockets.iter().filter(|socket| goes_to(socket)) {
            taken |= socket.reader.push(frame.clone());
        }
        taken
    }

    /// Closes the other sockets of an agent in a meeting: this connection replaces them.
    pub(super) fn replace(&self, agent: AgentId, meeting: MeetingId, by: ConnectionId) {
        let Some(sockets) = self.sockets.get(&agent) else {
            return;
        };
        let others = sockets
            .iter()
            .filter(|socket| socket.meeting == Some(meeting) && socket.connection != by);
        others.for_each(|socket| socket.reader.close(CloseCode::REPLACED));
    }

    /// Closes every socket of an agent whose token was taken away.
    pub fn dismiss(&self, agent: AgentId) {
        self.dismissals.fetch_add(1, Ordering::SeqCst);
        if let Some(sockets) = self.sockets.get(&agent) {
            let readers = sockets.iter().map(|socket| &socket.reader);
            readers.for_each(|reader| reader.close(CloseCode::REVOKED));
        }
    }

    /// Closes the sockets of an agent that another token opened than the one it has now. Several may have replaced it at once, so
    /// the database is asked who was last.
    ///
    /// # Errors
    /// As the store's: then it is left to [`verify`](Self::verify).
    pub async fn dismiss_replaced(&self, store: &dyn Store, agent: AgentId) -> Result<(), Error> {
        self.dismissals.fetch_add(1, Ordering::SeqCst);
        self.verify_these(store, &[agent]).await
    }

    /// How often a token went on this server: where that has changed, whoever was known before may be known no more.
    pub fn dismissals(&self) -> u64 {
        self.dismissals.load(Ordering::SeqCst)
    }

    /// From now on whoever comes is sent away: the server is going down.
    pub fn begin_to_drain(&self) {
        self.is_draining.store(true, Ordering::SeqCst);
    }

    /// Whether the server is going down.
    pub(super) fn is_draining(&self) -> bool {
        self.is_draining.load(Ordering::SeqCst)
    }

    /// Sends every line away. Sockets in meetings are sent away by these.
    pub fn drain(&self) {
        self.begin_to_drain();
        for sockets in self.sockets.iter() {
            let lines = sockets.iter().filter(|socket| socket.meeting.is_none());
            lines.for_each(|line| line.reader.close(CloseCode::DRAINING));
        }
    }

    /// Asks the database which of the tokens here still open anything, and closes the sockets of the others: another
    /// server, or the command line, may have revoked them.
    pub async fn verify(&self, store: &dyn Store) {
        let present: Vec<_> = self.sockets.iter().map(|entry| *entry.key()).collect();
        for present in present.chunks(Limits::VERIFIED_AT_ONCE) {
            // It is asked again soon; a database that is away also lets nobody in.
            if let Err(error) = self.verify_these(store, present).await {
                warn!(%error, "tokens could not be verified");
            }
        }
    }

    /// The same for those of a few agents: a token may have gone while its socket was being opened.
    ///
    /// # Errors
    /// As the store's: then nothing is known.
    pub(super) async fn verify_these(
        &self,
        store: &dyn Store,
        agents: &[AgentId],
    ) -> Result<(), Error> {
        // Looked at before it is asked: a socket that a newer token opens meanwhile is not judged by the answer.
        let sockets: Vec<_> = agents
            .iter()
            .flat_map(|agent| self.opened(*agent))
            .collect();
        let tokens: HashMap<_, _> = store.tokens(agents).await?.into_iter().collect();
        for (agent, token, reader) in sockets {
            if tokens.get(&agent) != Some(&token) {
                reader.close(CloseCode::REVOKED);
            }
        }
        Ok(())
    }

    /// An agent's sockets, each with the token that opened it.
    fn opened(&self, agent: AgentId) -> Vec<(AgentId, TokenHash, Arc<Reader>)> {
        let sockets = self.sockets.get(&agent);
        let sockets = sockets.iter().flat_map(|sockets| sockets.iter());
        sockets
            .map(|socket| (agent, socket.token, Arc::clone(&socket.reader)))
            .collect()
    }
}

impl Drop for Stay {
    fn drop(&mut self) {
        let sockets = &self.presence.sockets;
        if let Some(mut sockets) = sockets.get_mut(&self.agent) {
            sockets.retain(|socket| socket.connection != self.connection);
        }
        sockets.remove_if(&self.agent, |_, sockets| sockets.is_empty());
    }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;

    use chrono::DateTime;
    use uuid::Uuid;

    use super::*;
    use crate::actors::outbox::{Next, outbox};
    use crate::budget::Budget;
    use crate::storage::memory::Memory;
    use crate::storage::{Agent, Role};
    use crate::telemetry::Metrics;

    fn budget() -> Budget {
        Budget::new(&Limits::default(), Metrics::new())
    }

    fn holder(token: u8) -> Holder {
        let (id, token) = (AgentId(Uuid::from_u128(1)), TokenHash([token; 32]));
        Holder { id, token }
    }

    fn connection(n: u128) -> ConnectionId {
        ConnectionId(Uuid::from_u128(n))
    }

    #[tokio::test]
    async fn a_message_reaches_every_socket_and_news_only_lines() {
        let presence = Presence::default();
        let sockets = [true, false].map(|is_line| {
            let (outbox, reader) = outbox(8, 100, &budget());
            let reader = Arc::new(reader);
            let n = u128::from(is_line);
            let meeting = (!is_line).then(|| MeetingId(Uuid::from_u128(9)));
            let stay = presence.enter(holder(1), connection(n), meeting, &reader);
            (outbox, reader, stay)
        });
        let (message, news) = (Frame::new("hello".into()), Frame::new("news".into()));
        assert!(presence.deliver(holder(1).id, &message));
        presence.tell(&[holder(1).id], &news);
        let [line, meeting] = &sockets;
        let both = VecDeque::from([message.clone(), news]);
        assert_eq!(line.1.next().await, Next::Frames(both));
        assert_eq!(
            meeting.1.next().await,
            Next::Frames([message.clone()].into())
        );
        drop(sockets);
        assert!(!presence.deliver(holder(1).id, &message));
        assert!(presence.sockets.is_empty());
    }

    #[tokio::test]
    async fn only_the_token_that_is_kept_keeps_its_sockets() {
        let (presence, store) = (Presence::default(), Memory::new());
        let agent = Agent {
            id: holder(2).id,
            name: "ada".to_owned(),
            role: Role::Agent,
            model: None,
            metadata: None,
            created_at: DateTime::UNIX_EPOCH,
            revoked_at: None,
        };
        let created = store.create_agent(&agent, holder(2).token, None).await;
        created.unwrap();
        let sockets = [1, 2].map(|token| {
            let (outbox, reader) = outbox(8, 100, &budget());
            let reader = Arc::new(reader);
            let n = u128::from(token);
            let stay = presence.enter(holder(token), connection(n), None, &reader);
            (outbox, reader, stay)
        });
        presence.verify_these(&store, &[agent.id]).await.unwrap();
        let closing = || sockets.each_ref().map(|(_, reader, _)| reader.closing());
        assert_eq!(closing(), [Some(CloseCode::REVOKED), None]);
        presence.dismiss(agent.id);
        assert_eq!(closing(), [Some(CloseCode::REVOKED); 2]);
    }
}
