//! Messages on their way into the log: kept together, and told apart again where one of them cannot be.

use ractor::RpcReplyPort;
use uuid::Uuid;

use super::permit::Permit;
use super::persistence::{Health, until_available};
use crate::storage::{Communication, Error, Store};

/// Messages for the log, and who waits for them.
pub struct LogRequest {
    /// The messages.
    pub messages: Vec<Communication>,
    /// Told once they are durable, or why they cannot be.
    pub reply: RpcReplyPort<Result<(), Error>>,
    /// Held until then.
    pub permit: Permit,
}

/// What a message weighs beside its content: its words and its places in the indexes. So a batch of the shortest messages is
/// bounded in rows, too.
const ROW_BYTES: usize = 512;

/// What messages weigh.
pub fn log_bytes(messages: &[Communication]) -> usize {
    let bytes = messages
        .iter()
        .map(|message| message.content.len() + ROW_BYTES);
    bytes.sum()
}

/// Makes requests durable, all at once if that can be, and answers each.
pub(super) async fn log_all(store: &dyn Store, health: &Health, mut batch: Vec<LogRequest>) {
    while !batch.is_empty() {
        let messages: Vec<_> = batch
            .iter()
            .flat_map(|request| request.messages.iter().cloned())
            .collect();
        match until_available(health, || store.log(&messages)).await {
            Ok(()) => {
                for request in batch.drain(..) {
                    answer(request, Ok(()));
                }
            }
            Err(Error::UnknownAgent(ids)) if batch.iter().any(|r| !r.named(&ids).is_empty()) => {
                // Only they are at fault; the rest is tried again without them.
                let faulty = batch.extract_if(.., |request| !request.named(&ids).is_empty());
                for request in faulty {
                    let named = request.named(&ids);
                    answer(request, Err(Error::UnknownAgent(named)));
                }
            }
            // Something in the batch cannot be kept. One at a time, so that it hinders nobody else.
            Err(_) => {
                for request in batch.drain(..) {
                    let result = until_available(health, || store.log(&request.messages)).await;
                    answer(request, result);
                }
            }
        }
    }
}

impl LogRequest {
    /// Those of these agents that its messages come from or go to.
    fn named(&self, agents: &[Uuid]) -> Vec<Uuid> {
        let is_named = |agent: &&Uuid| {
            let mut messages = self.messages.iter();
            messages.any(|message| [message.sender.0, message.receiver.0].contains(agent))
        };
        agents.iter().filter(is_named).copied().collect()
    }
}

fn answer(request: LogRequest, result: Result<(), Error>) {
    // Whoever no longer waits is answered by the log itself.
    let _ = request.reply.send(result);
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;
    use tokio::sync::oneshot;

    use super::super::permit::Permits;
    use super::*;
    use crate::budget::Reservation;
    use crate::domain::{AgentId, CommunicationId};
    use crate::storage::memory::Memory;
    use crate::storage::{Agent, Role, TokenHash};
    use crate::telemetry::Metrics;

    fn message(n: u128, receiver: Uuid) -> Communication {
        let at = DateTime::UNIX_EPOCH;
        Communication {
            id: CommunicationId(Uuid::from_u128(n)),
            timestamp: at,
            sender: AgentId(KNOWN),
            receiver: AgentId(receiver),
            content: String::new(),
            topic: None,
            content_type: String::new(),
            is_json: false,
            created_at: at,
        }
    }

    const KNOWN: Uuid = Uuid::from_u128(1);
    const STRANGERS: [Uuid; 2] = [Uuid::from_u128(8), Uuid::from_u128(9)];

    #[tokio::test]
    async fn an_unknown_agent_fails_the_requests_that_name_it_and_no_other() {
        let store = Memory::new();
        let known = Agent {
            id: AgentId(KNOWN),
            name: String::new(),
            role: Role::Agent,
            model: None,
            metadata: None,
            created_at: DateTime::UNIX_EPOCH,
            revoked_at: None,
        };
        store
            .create_agent(&known, TokenHash([0; 32]), None)
            .await
            .unwrap();
        let permits = Permits::new(8, Metrics::new());
        let (mut batch, mut replies) = (Vec::new(), Vec::new());
        for (n, receivers) in [
            (10, vec![KNOWN]),
            (20, vec![KNOWN, STRANGERS[0]]),
            (30, vec![STRANGERS[1], STRANGERS[0]]),
            (40, vec![KNOWN, KNOWN]),
        ] {
            let messages = (n..).zip(receivers);
            let (reply, told) = oneshot::channel();
            replies.push(told);
            batch.push(LogRequest {
                messages: messages.map(|(n, to)| message(n, to)).collect(),
                reply: reply.into(),
                permit: permits.try_take(0).expect("room"),
            });
        }
        log_all(&store, &Health::new(Metrics::new()), batch).await;
        let mut told = Vec::new();
        for reply in replies {
            told.push(match reply.await.unwrap() {
                Err(Error::UnknownAgent(ids)) => ids,
                answer => answer.map(|()| Vec::new()).unwrap(),
            });
        }
        assert_eq!(
            told,
            [vec![], vec![STRANGERS[0]], STRANGERS.to_vec(), vec![]]
        );
        for (n, is_kept) in [
            (10, true),
            (20, false),
            (21, false),
            (30, false),
            (40, true),
            (41, true),
        ] {
            let id = CommunicationId(Uuid::from_u128(n));
            assert_eq!(
                store
                    .communication(id, &Reservation::unlimited())
                    .await
                    .unwrap()
                    .is_some(),
                is_kept,
                "{n}"
            );
        }
    }
}
