//! The tables `direct_messages` and `inboxes`.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use sqlx::Pool;
use uuid::Uuid;

use super::super::{Communication, DirectMessage, Error, Inbox, Part, Received, Sent, Told};
use super::Dialect;
use super::communications;
use super::fields::{Columns, Fields};
use super::kind::Measured;
use super::lease::Lease;
use super::statement::{Statement, Value};
use crate::budget::Reservation;
use crate::domain::{AgentId, CommunicationId};

const TABLE: &str = "direct_messages";

/// Keeps messages in one transaction, in a few statements however many they are. Whoever writes to an agent locks its
/// inbox first, in the order of ids, so that two servers do not deadlock and each sees what the other has kept.
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
    let last = lock_inboxes(lease, &receivers).await?;
    let known = Known::find(lease, messages).await?;
    let mut lines = Lines {
        known,
        last,
        fresh: Vec::new(),
    };
    let sent = messages.iter().map(|message| lines.add(message)).collect();
    lines.insert(lease).await?;
    Ok(sent)
}

/// Those receivers that can be written to.
async fn receivers<DB: Dialect>(
    lease: &mut Lease<DB>,
    messages: &[DirectMessage],
) -> Result<BTreeSet<Uuid>, Error> {
    let ids = messages.iter().map(|m| m.communication.receiver.0);
    let statement = Statement::new(
        "select id from agents where id in ? and role = 'agent' and revoked_at is null",
        [Value::Ids(ids.collect())],
    );
    let rows = lease.fetch(statement).await?;
    let id = |row| Fields::of("agents", row).id("id");
    rows.iter().map(id).collect()
}

/// The last position in the line of each, which stays so until the transaction ends.
async fn lock_inboxes<DB: Dialect>(
    lease: &mut Lease<DB>,
    receivers: &BTreeSet<Uuid>,
) -> Result<BTreeMap<Uuid, u64>, Error> {
    let positions = receivers.iter().map(|receiver| (*receiver, 0));
    let positions = positions.collect::<BTreeMap<_, _>>();
    set_last(lease, &positions, "inboxes.last_position").await
}

/// Sets the last positions of lines, or to `known` where there is one already; answers what they are then.
async fn set_last<DB: Dialect>(
    lease: &mut Lease<DB>,
    positions: &BTreeMap<Uuid, u64>,
    known: &'static str,
) -> Result<BTreeMap<Uuid, u64>, Error> {
    if positions.is_empty() {
        return Ok(BTreeMap::new());
    }
    let rows = positions
        .iter()
        .map(|(id, last)| [(*id).into(), (*last).into()]);
    let mut statement = Statement::new("insert into inboxes (agent_id, last_position) values ", []);
    statement.push_rows(rows);
    statement.push(" on conflict (agent_id) do update set last_position = ", []);
    statement.push(known, []);
    statement.push(" returning agent_id, last_position", []);
    let rows = lease.fetch(statement).await?;
    let last = |row| {
        let row = Fields::of("inboxes", row);
        Ok((row.id("agent_id")?, row.number("last_position")?))
    };
    rows.iter().map(last).collect()
}

/// The receivers' lines while messages are put behind them.
struct Lines<'m> {
    known: Known,
    /// The last position of each.
    last: BTreeMap<Uuid, u64>,
    /// What is to be kept, each with its position.
    fresh: Vec<(&'m DirectMessage, u64)>,
}

impl<'m> Lines<'m> {
    fn add(&mut self, message: &'m DirectMessage) -> Sent {
        if let Some(sent) = self.known.of(message) {
            return sent;
        }
        let Some(last) = self.last.get_mut(&message.communication.receiver.0) else {
            return Sent::NoReceiver;
        };
        *last += 1;
        let position = *last;
        self.known.add(message, position);
        self.fresh.push((message, position));
        Sent::Kept { position }
    }

    async fn insert<DB: Dialect>(&self, lease: &mut Lease<DB>) -> Result<(), Error> {
        if self.fresh.is_empty() {
            return Ok(());
        }
        let log = self.fresh.iter().map(|(message, _)| &message.communication);
        DB::log(lease, &log.cloned().collect::<Vec<_>>()).await?;
        let receivers = self.fresh.iter().map(|(m, _)| m.communication.receiver.0);
        let written: BTreeSet<_> = receivers.collect();
        let last = self.last.iter().filter(|(id, _)| written.contains(id));
        let last = last.map(|(id, last)| (*id, *last)).collect();
        set_last(lease, &last, "excluded.last_position").await?;
        let mut statement = Statement::new(
            "insert into direct_messages (receiver_id, position, communication_id, sent_at, sender_id, frame_id) values ",
            [],
        );
        statement.push_rows(self.fresh.iter().map(|(message, position)| {
            let kept = &message.communication;
            [
                kept.receiver.0.into(),
                (*position).into(),
                kept.id.0.into(),
                kept.timestamp.into(),
                kept.sender.0.into(),
                message.frame_id.clone().into(),
            ]
        }));
        // Another server may have kept another message under the same frame meanwhile; the next try finds it.
        let again = |error: sqlx::Error| match error.as_database_error() {
            Some(refusal) if refusal.is_unique_violation() => Error::Unavailable(Box::new(error)),
            _ => error.into(),
        };
        lease.fetch_raw(statement).await.map(|_| ()).map_err(again)
    }
}

/// The messages that these senders' frames were. That a frame has an id is said once more, for SQLite: only so it uses the index,
/// which has those alone.
pub(in crate::storage) fn of_frames<DB: Dialect>(frames: &[(Uuid, &str)]) -> Statement<DB> {
    let mut statement = Statement::new(
        "select d.communication_id, d.delivered, d.receiver_id, d.sender_id, d.frame_id, c.topic, c.message_content
           from direct_messages d
           left join communications c on c.id = d.communication_id and c.timestamp = d.sent_at
          where d.frame_id is not null and (d.sender_id, d.frame_id) in (values ",
        [],
    );
    let rows = frames
        .iter()
        .map(|&(sender, frame)| [sender.into(), frame.into()]);
    statement.push_rows(rows).push(")", []);
    statement
}

/// Messages that are kept already, by their id and by their frame.
#[derive(Default)]
struct Known {
    by_id: HashMap<Uuid, u64>,
    by_frame: HashMap<(Uuid, String), Framed>,
}

/// The message that a frame was.
struct Framed {
    communication: CommunicationId,
    delivered: bool,
    receiver: AgentId,
    /// Topic and content; `None` where retention has taken them.
    words: Option<(Option<String>, String)>,
}

impl Framed {
    fn is(&self, message: &Communication) -> bool {
        let has_words = |(topic, content): &(Option<String>, String)| {
            *topic == message.topic && *content == message.content
        };
        self.receiver == message.receiver && self.words.as_ref().is_none_or(has_words)
    }
}

impl Known {
    async fn find<DB: Dialect>(
        lease: &mut Lease<DB>,
        messages: &[DirectMessage],
    ) -> Result<Self, Error> {
        let mut known = Self::default();
        let ids = messages.iter().map(|m| m.communication.id.0).collect();
        let statement = Statement::new(
            "select communication_id, position from direct_messages where communication_id in ?",
            [Value::Ids(ids)],
        );
        for row in &lease.fetch(statement).await? {
            let row = Fields::of(TABLE, row);
            let id = row.id("communication_id")?;
            known.by_id.insert(id, row.number("position")?);
        }
        let frames = messages.iter().filter_map(|message| {
            let frame = message.frame_id.as_deref()?;
            Some((message.communication.sender.0, frame))
        });
        let frames: Vec<_> = frames.collect();
        if !frames.is_empty() {
            for row in &lease.fetch(of_frames(&frames)).await? {
                known.read(row)?;
            }
        }
        Ok(known)
    }

    fn read(&mut self, row: &impl Columns) -> Result<(), Error> {
        let row = Fields::of(TABLE, row);
        let content = row.maybe_text("message_content")?;
        let topic = row.maybe_text("topic")?;
        let framed = Framed {
            communication: CommunicationId(row.id("communication_id")?),
            delivered: row.flag("delivered")?,
            receiver: AgentId(row.id("receiver_id")?),
            words: content.map(|content| (topic, content)),
        };
        let frame = (row.id("sender_id")?, row.text("frame_id")?);
        self.by_frame.insert(frame, framed);
        Ok(())
    }

    fn of(&self, message: &DirectMessage) -> Option<Sent> {
        let kept = &message.communication;
        if let Some(position) = self.by_id.get(&kept.id.0) {
            return Some(Sent::Kept {
                position: *position,
            });
        }
        let frame = message.frame_id.clone()?;
        let framed = self.by_frame.get(&(kept.sender.0, frame))?;
        Some(if framed.is(kept) {
            Sent::Repeated {
                communication: framed.communication,
                delivered: framed.delivered,
            }
        } else {
            Sent::FrameReused
        })
    }

    /// A message of this very batch, of which a later one may be the repetition.
    fn add(&mut self, message: &DirectMessage, position: u64) {
        let kept = &message.communication;
        self.by_id.insert(kept.id.0, position);
        if let Some(frame) = message.frame_id.clone() {
            let framed = Framed {
                communication: kept.id,
                delivered: false,
                receiver: kept.receiver,
                words: Some((kept.topic.clone(), kept.content.clone())),
            };
            self.by_frame.insert((kept.sender.0, frame), framed);
        }
    }
}

pub(super) async fn received<DB: Dialect>(
    pool: &Pool<DB>,
    agent: AgentId,
    after: u64,
    part: Part,
    reservation: &Reservation,
) -> Result<Vec<Received>, Error> {
    let measure = Statement::new(
        "select position, coalesce(octet_length(message_content), 0) as bytes
           from (select position, communication_id, sent_at
                   from direct_messages
                  where receiver_id = ? and position > ?
                  order by position
                  limit ?) as line
           left join communications on id = communication_id and timestamp = sent_at
          order by position",
        [agent.0.into(), after.into(), part.max_rows.into()],
    );
    let sizes = Lease::of(pool).await?.fetch(measure).await?;
    let Some(measured) = Measured::of(TABLE, "position", &sizes, part)? else {
        return Ok(Vec::new());
    };
    reservation.take(measured.kept + measured.bytes).await?;
    let mut statement = Statement::new("select position, ", []);
    statement.push(communications::COLUMNS, []);
    statement.push(
        " from (select position, communication_id, sent_at
                   from direct_messages
                  where receiver_id = ? and position > ? and position <= ?
                  order by position) as line
           left join communications on id = communication_id and timestamp = sent_at
          order by position",
        [agent.0.into(), after.into(), measured.last.into()],
    );
    let rows = Lease::of(pool).await?.fetch(statement).await?;
    let received = |row| {
        let place = Fields::of(TABLE, row);
        let is_there = place.maybe_id("id")?.is_some();
        Ok(Received {
            position: place.number("position")?,
            communication: is_there.then(|| communications::decode(row)).transpose()?,
        })
    };
    let received = rows.iter().map(received).collect();
    drop(rows);
    reservation.keep(reservation.bytes() - measured.bytes);
    received
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

pub(super) async fn note<DB: Dialect>(
    pool: &Pool<DB>,
    delivered: &[CommunicationId],
    told: &[Told],
) -> Result<(), Error> {
    let mut lease = Lease::of(pool).await?;
    lease.begin().await?;
    let answer = note_both(&mut lease, delivered, told).await;
    lease.end(answer).await
}

async fn note_both<DB: Dialect>(
    lease: &mut Lease<DB>,
    delivered: &[CommunicationId],
    told: &[Told],
) -> Result<(), Error> {
    if !delivered.is_empty() {
        let ids = delivered.iter().map(|id| id.0).collect();
        let statement = Statement::new(
            "update direct_messages set delivered = true where communication_id in ?",
            [Value::Ids(ids)],
        );
        lease.fetch(statement).await?;
    }
    if told.is_empty() {
        return Ok(());
    }
    let stretches = joined(told);
    // In the order of ids, as `lock_inboxes` takes them.
    let agents = stretches.iter().map(|told| told.agent.0).collect();
    let mut lock = Statement::new(
        "select agent_id from inboxes where agent_id in ? order by agent_id ",
        [Value::Ids(agents)],
    );
    lock.push(DB::FOR_UPDATE, []);
    lease.fetch(lock).await?;
    let mut statement = Statement::new(
        "update inboxes set told_position = told.column3 from (values ",
        [],
    );
    let row = |told: &Told| [told.agent.0.into(), told.after.into(), told.up_to.into()];
    statement.push_rows(stretches.iter().map(row));
    statement.push(
        ") as told
          where agent_id = told.column1 and told_position >= told.column2 and told_position < told.column3",
        [],
    );
    lease.fetch(statement).await.map(|_| ())
}

/// Stretches of which none touches another: at most one of them goes on from where its line is.
fn joined(told: &[Told]) -> Vec<Told> {
    let mut joined = told.to_vec();
    joined.sort_unstable_by_key(|told| (told.agent, told.after));
    joined.dedup_by(|next, before| {
        let touches = next.agent == before.agent && next.after <= before.up_to;
        if touches {
            before.up_to = before.up_to.max(next.up_to);
        }
        touches
    });
    joined
}
