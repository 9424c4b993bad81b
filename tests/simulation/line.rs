//! An agent's own line: every direct message to it, once.

use std::collections::BTreeSet;
use std::time::Duration;

use rand::rngs::StdRng;
use synod::budget::Reservation;
use synod::client::{Client, ServerFrame, Socket};
use synod::domain::AgentId;
use synod::storage::Part;
use synod::storage::Store;
use tokio::time::{sleep, timeout};
use uuid::Uuid;

use super::plan::between;
use super::world::{Simulated, World};

/// One connection after another of an agent's line.
pub(crate) struct Line {
    pub(crate) world: World,
    pub(crate) name: String,
    pub(crate) agent: Uuid,
    pub(crate) token: String,
    pub(crate) dice: StdRng,
    pub(crate) cursor: String,
    pub(crate) told: BTreeSet<Uuid>,
}

impl Line {
    /// Listens until every meeting is over and every message to the agent was told.
    pub(crate) async fn listen(mut self) {
        while !self.is_complete().await {
            let url = self.world.any_server(&mut self.dice);
            let client = Client::over(Simulated, &url, &self.token).unwrap();
            let opening = client.line(Some(&self.cursor));
            match timeout(PATIENCE, opening).await {
                Ok(Ok(socket)) => self.hear(socket).await,
                Ok(Err(error)) => self.note(error),
                Err(_) => self.note("no answer to the handshake"),
            }
            sleep(between(&mut self.dice, 50..=1_500)).await;
        }
    }

    /// Hears for a while. A message to an agent at another server is told on the next connect.
    async fn hear(&mut self, mut socket: Socket) {
        let patience = between(&mut self.dice, 500..=6_000);
        let hearing = async {
            while let Ok(frame) = socket.next().await {
                let ServerFrame::DirectMessage(message) = frame else {
                    continue;
                };
                let id = message.communication_id;
                self.note(format!("told {id}"));
                assert!(self.told.insert(id), "{}: {id} was told twice", self.name);
                self.cursor = message.cursor;
            }
        };
        let _ = timeout(patience, hearing).await;
    }

    fn note(&self, what: impl std::fmt::Display) {
        self.world.chronicle.note(&self.name, what);
    }

    async fn is_complete(&self) -> bool {
        if !self.world.all_left() {
            return false;
        }
        let store = self.world.database.beside();
        let mail = store
            .received(
                AgentId(self.agent),
                0,
                Part::of_answer(u32::MAX),
                &Reservation::unlimited(),
            )
            .await
            .unwrap();
        let sent: BTreeSet<_> = mail
            .into_iter()
            .filter_map(|sent| sent.communication)
            .map(|sent| sent.id.0)
            .collect();
        assert!(
            self.told.is_subset(&sent),
            "{}: told what is not kept",
            self.name
        );
        sent == self.told
    }
}

/// Longer than a handshake takes that goes well.
const PATIENCE: Duration = Duration::from_secs(12);
