//! The tables `direct_messages` and `inboxes`.

use std::collections::{BTreeMap, BTreeSet};

use sqlx::Pool;
use uuid::Uuid;

use super::super::{DirectMessage, Error, Inbox, Received, Sent};
use super::Dialect;
use super::communications;
use super::fields::Fields;
use super::lease::Lease;
use super::statement::{Statement, Value};
use crate::domain::{AgentId, CommunicationId};

const TABLE: &str = "direct_messages";

/// Keeps messages in one transaction. Those that are there already are found first; the counters of the others'
/// receivers are locked in the order of their ids, so that two servers do not deadlock.
pub(super) async fn send<DB: Dialect>(
    pool: &Pool<DB>,
    messages: &[DirectMessage],
) -> Result<Vec<Sent>, Error> {
    let mut lease = Lease::of(pool).await?;
    lease.begin().await?;
    let answer = keep(&mut lease, messages).await;
    lease.end(answer).await
}

async fn keep<DB: Dialect>(
    lease: &mut Lease<DB>,
    messages: &[DirectMessage],
) -> Result<Vec<Sent>, Error> {
    let receivers = receivers(lease, messages).await?;
    let mut known = Known::find(lease, messages).await?;
    let mut fresh = Vec::new();
    let mut sent = Vec::with_capacity(messages.len());
    for message in messages {
        let receiver = message.communication.receiver;
        sent.push(match known.of(message) {
            Some(kept) => kept,
            None if !receivers.contains(&receiver) => Sent::NoReceiver,
            None => {
                known.add(message);
                fresh.push(message);
                // Its position is filled in below, where the counter is locked.
                Sent::Kept {
                    communication: message.communication.id,
                    position: 0,
                }
            }
        });
    }
    let positions = number(lease, &fresh).await?;
    insert(lease, &fresh, &positions).await?;
    for sent in &mut sent {
        if let Sent::Kept {
            communication,
            position,
        } = sent
            && let Some(given) = positions.get(communication)
        {
            *position = *given;
        }
    }
    Ok(sent)
}

/// Those receivers that can be written to.
async fn receivers<DB: Dialect>(
    lease: &mut Lease<DB>,
    messages: &[DirectMessage],
) -> Result<BTreeSet<AgentId>, Error> {
    let ids = messages.iter().map(|m| m.communication.receiver.0);
    let statement = Statement::new(
        "select id from agents where id in ? and role = 'agent' and revoked_at is null",
        [Value::Ids(ids.collect())],
    );
    let rows = lease.fetch(statement).await?;
    let id = |row| Fields::of("agents", row).id("id").map(AgentId);
    rows.iter().map(id).collect()
}

/// Messages that are kept already, by their id and by their frame.
#[derive(Default)]
struct Known {
    by_id: BTreeMap<Uuid, u64>,
    by_frame: BTreeMap<(Uuid, String), Uuid>,
}

impl Known {
    async fn find<DB: Dialect>(
        lease: &mut Lease<DB>,
        messages: &[DirectMessage],
    ) -> Result<Self, Error> {
        const COLUMNS: &str =
            "select communication_id, position, sender_id, frame_id from direct_messages where ";
        let ids = messages.iter().map(|m| m.communication.id.0).collect();
        let mut statement = Statement::new(COLUMNS, []);
        statement.push("communication_id in ?", [Value::Ids(ids)]);
        let mut known = Self::default();
        known.read::<DB>(&lease.fetch(statement).await?)?;
        for message in messages {
            if let Some(frame) = &message.frame_id {
                let mut statement = Statement::new(COLUMNS, []);
                let sender = message.communication.sender.0;
                let values = [sender.into(), frame.as_str().into()];
                statement.push("sender_id = ? and frame_id = ?", values);
                known.read::<DB>(&lease.fetch(statement).await?)?;
            }
        }
        Ok(known)
    }

    fn read<DB: Dialect>(&mut self, rows: &[DB::Row]) -> Result<(), Error> {
        for row in rows {
            let row = Fields::of(TABLE, row);
            let id = row.id("communication_id")?;
            self.by_id.insert(id, row.number("position")?);
            if let Some(frame) = row.maybe_text("frame_id")? {
                self.by_frame.insert((row.id("sender_id")?, frame), id);
            }
        }
        Ok(())
    }

    fn of(&self, message: &DirectMessage) -> Option<Sent> {
        let frame = message.frame_id.clone();
        let same = frame.and_then(|frame| {
            let key = (message.communication.sender.0, frame);
            self.by_frame.get(&key).copied()
        });
        let id = same.unwrap_or(message.communication.id.0);
        let position = *self.by_id.get(&id)?;
        Some(Sent::Kept {
            communication: CommunicationId(id),
            position,
        })
    }

    /// A message of this very batch, of which a later one may be the repetition.
    fn add(&mut self, message: &DirectMessage) {
        let id = message.communication.id.0;
        self.by_id.insert(id, 0);
        if let Some(frame) = message.frame_id.clone() {
            let sender = message.communication.sender.0;
            self.by_frame.insert((sender, frame), id);
        }
    }
}

/// Gives each message the next position in its receiver's line.
async fn number<DB: Dialect>(
    lease: &mut Lease<DB>,
    messages: &[&DirectMessage],
) -> Result<BTreeMap<CommunicationId, u64>, Error> {
    let mut by_receiver: BTreeMap<AgentId, Vec<CommunicationId>> = BTreeMap::new();
    for message in messages {
        let message = &message.communication;
        by_receiver
            .entry(message.receiver)
            .or_default()
            .push(message.id);
    }
    let mut positions = BTreeMap::new();
    for (receiver, ids) in by_receiver {
        let count = u64::try_from(ids.len()).unwrap_or(u64::MAX);
        let statement = Statement::new(
            "insert into inboxes (agent_id, last_position) values (?, ?)
                 on conflict (agent_id) do update
                set last_position = inboxes.last_position + excluded.last_position
             returning last_position",
            [receiver.0.into(), count.into()],
        );
        let rows = lease.fetch(statement).await?;
        let last: u64 = match rows.first() {
            Some(row) => Fields::of("inboxes", row).number("last_position")?,
            None => count,
        };
        positions.extend(ids.into_iter().zip(last - count + 1..));
    }
    Ok(positions)
}

async fn insert<DB: Dialect>(
    lease: &mut Lease<DB>,
    messages: &[&DirectMessage],
    positions: &BTreeMap<CommunicationId, u64>,
) -> Result<(), Error> {
    if messages.is_empty() {
        return Ok(());
    }
    let log: Vec<_> = messages.iter().map(|m| m.communication.clone()).collect();
    DB::log(lease, &log).await?;
    for message in messages {
        let kept = &message.communication;
        let statement = Statement::new(
            "insert into direct_messages (receiver_id, position, communication_id, sent_at, sender_id, frame_id)
             values (?, ?, ?, ?, ?, ?)",
            [
                kept.receiver.0.into(),
                positions.get(&kept.id).copied().unwrap_or_default().into(),
                kept.id.0.into(),
                kept.timestamp.into(),
                kept.sender.0.into(),
                message.frame_id.clone().into(),
            ],
        );
        // Another server may have kept the same frame meanwhile; the next try finds it.
        let again = |error: sqlx::Error| match error.as_database_error() {
            Some(refusal) if refusal.is_unique_violation() => Error::Unavailable(Box::new(error)),
            _ => error.into(),
        };
        lease.fetch_raw(statement).await.map_err(again)?;
    }
    Ok(())
}

/// A message whose row retention has taken is left out.
pub(super) async fn received<DB: Dialect>(
    pool: &Pool<DB>,
    agent: AgentId,
    after: u64,
    limit: u32,
) -> Result<Vec<Received>, Error> {
    let mut statement = Statement::new("select position, ", []);
    statement.push(communications::COLUMNS, []);
    statement.push(
        " from (select position, communication_id, sent_at
                   from direct_messages
                  where receiver_id = ? and position > ?
                  order by position
                  limit ?) as line
           join communications on id = communication_id and timestamp = sent_at
          order by position",
        [agent.0.into(), after.into(), limit.into()],
    );
    let rows = Lease::of(pool).await?.fetch(statement).await?;
    let received = |row| {
        Ok(Received {
            position: Fields::of(TABLE, row).number("position")?,
            communication: communications::decode(row)?,
        })
    };
    rows.iter().map(received).collect()
}

pub(super) async fn inbox<DB: Dialect>(pool: &Pool<DB>, agent: AgentId) -> Result<Inbox, Error> {
    let statement = Statement::new(
        "select last_position, told_position from inboxes where agent_id = ?",
        [agent.0.into()],
    );
    let rows = Lease::of(pool).await?.fetch(statement).await?;
    let Some(row) = rows.first() else {
        return Ok(Inbox::default());
    };
    let row = Fields::of("inboxes", row);
    Ok(Inbox {
        last: row.number("last_position")?,
        told: row.number("told_position")?,
    })
}

pub(super) async fn told<DB: Dialect>(
    pool: &Pool<DB>,
    told: &[(AgentId, u64)],
) -> Result<(), Error> {
    let mut lease = Lease::of(pool).await?;
    lease.begin().await?;
    let answer = move_on(&mut lease, told).await;
    lease.end(answer).await
}

/// In the order of their ids, as [`number`] locks them.
async fn move_on<DB: Dialect>(lease: &mut Lease<DB>, told: &[(AgentId, u64)]) -> Result<(), Error> {
    let mut told = told.to_vec();
    told.sort_unstable();
    for (agent, position) in told {
        let statement = Statement::new(
            "update inboxes set told_position = ? where agent_id = ? and told_position < ?",
            [position.into(), agent.0.into(), position.into()],
        );
        lease.fetch(statement).await?;
    }
    Ok(())
}
