//! The table `meeting_events`, and who may write to it.

use std::collections::{BTreeMap, BTreeSet};

use sqlx::Pool;
use uuid::Uuid;

use super::super::batch::Batch;
use super::super::{Append, Appended, Error, JournalRow, Part, Taken};
use super::Dialect;
use super::fields::{Columns, Fields};
use super::kind::Measured;
use super::lease::{Kept, Lease};
use super::search::Places;
use super::statement::{Statement, Value};
use crate::budget::Reservation;
use crate::domain::MeetingId;

const TABLE: &str = "meeting_events";
const COLUMNS: &str = "meeting_id, seq, epoch, kind, version, at, payload, frame_id";

fn decode(row: &impl Columns) -> Result<JournalRow, Error> {
    let row = Fields::of(TABLE, row);
    Ok(JournalRow {
        seq: row.number("seq")?,
        epoch: row.number("epoch")?,
        kind: row.text("kind")?,
        version: row.number("version")?,
        at: row.time("at")?,
        payload: row.json("payload")?,
        frame_id: row.maybe_text("frame_id")?,
    })
}

/// The next rows with no more than `max_bytes` together, at least one. They are measured first,
/// and read once there is room for the driver's rows and ours.
pub(super) async fn after<DB: Dialect>(
    pool: &Pool<DB>,
    slow: &Places,
    meeting: MeetingId,
    seq: u64,
    part: Part,
    reservation: &Reservation,
) -> Result<Vec<JournalRow>, Error> {
    let mut measure = Statement::new("select seq, ", []);
    measure.push(DB::PAYLOAD_BYTES, []);
    measure.push(
        " as bytes from meeting_events where meeting_id = ? and seq > ? order by seq limit ?",
        [meeting.0.into(), seq.into(), part.max_rows.into()],
    );
    let sizes = slow.lease(pool).await?.fetch(measure).await?;
    let Some(measured) = Measured::of(TABLE, "seq", &sizes, part)? else {
        return Ok(Vec::new());
    };
    reservation.take(measured.kept + measured.bytes).await?;
    let mut statement = Statement::new("select ", []);
    statement.push(COLUMNS, []).push(" from meeting_events", []);
    statement.push(
        " where meeting_id = ? and seq > ? and seq <= ? order by seq",
        [meeting.0.into(), seq.into(), measured.last.into()],
    );
    let rows = slow.lease(pool).await?.fetch(statement).await?;
    let decoded = rows.iter().map(decode).collect();
    drop(rows);
    reservation.keep(reservation.bytes() - measured.bytes);
    decoded
}

pub(super) async fn kinds<DB: Dialect>(
    pool: &Pool<DB>,
    slow: &Places,
    meeting: MeetingId,
) -> Result<Vec<(String, u16)>, Error> {
    let statement = Statement::new(
        "select distinct kind, version from meeting_events where meeting_id = ?",
        [meeting.0.into()],
    );
    let rows = slow.lease(pool).await?.fetch(statement).await?;
    let kind = |row| {
        let row = Fields::of(TABLE, row);
        Ok((row.text("kind")?, row.number("version")?))
    };
    rows.iter().map(kind).collect()
}

pub(super) async fn has_frame<DB: Dialect>(
    pool: &Pool<DB>,
    meeting: MeetingId,
    frame_id: &str,
) -> Result<bool, Error> {
    let statement = Statement::new(
        "select 1 from meeting_events where meeting_id = ? and frame_id = ? limit 1",
        [meeting.0.into(), frame_id.into()],
    );
    let rows = Lease::of(pool).await?.fetch(statement).await?;
    Ok(!rows.is_empty())
}

/// The rows are locked in the order of their ids: two servers that take over the same meetings do
/// not deadlock. An append under way is waited for, so the journal read afterwards is complete.
pub(super) async fn take_over<DB: Dialect>(
    pool: &Pool<DB>,
    ids: &[MeetingId],
) -> Result<Vec<Taken>, Error> {
    let ids: Vec<Uuid> = ids.iter().map(|id| id.0).collect();
    let mut take = Statement::new(
        "update meetings
            set epoch = epoch + 1
          where id in (select id
                         from meetings
                        where id in ? and status in ('pending', 'in_progress')
                        order by id ",
        [Value::Ids(ids)],
    );
    take.push(DB::FOR_UPDATE, []);
    take.push(") returning id, epoch", []);
    let mut lease = Lease::of(pool).await?;
    let mut epochs = BTreeMap::new();
    for row in lease.fetch(take).await? {
        let row = Fields::of("meetings", &row);
        epochs.insert(row.id("id")?, row.number("epoch")?);
    }
    let mut journals = whole(&mut lease, epochs.keys().copied().collect()).await?;
    let taken = |(id, epoch)| Taken {
        meeting: MeetingId(id),
        epoch,
        journal: journals.remove(&id).unwrap_or_default(),
    };
    Ok(epochs.into_iter().map(taken).collect())
}

async fn whole<DB: Dialect>(
    lease: &mut Lease<DB>,
    ids: Vec<Uuid>,
) -> Result<BTreeMap<Uuid, Vec<JournalRow>>, Error> {
    let mut statement = Statement::new("select ", []);
    statement.push(COLUMNS, []).push(" from meeting_events", []);
    statement.push(
        " where meeting_id in ? order by meeting_id, seq",
        [Value::Ids(ids)],
    );
    let mut journals: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for row in lease.fetch(statement).await? {
        let meeting = Fields::of(TABLE, &row).id("meeting_id")?;
        journals.entry(meeting).or_default().push(decode(&row)?);
    }
    Ok(journals)
}

pub(super) async fn append<DB: Dialect>(
    pool: &Pool<DB>,
    kept: &Kept<DB>,
    appends: &[Append],
) -> Result<Vec<Appended>, Error> {
    if appends.is_empty() {
        return Ok(Vec::new());
    }
    let mut lease = kept.take(pool).await?;
    let written = DB::append(&mut lease, &Batch::of(appends)).await?;
    let written: BTreeSet<_> = written.into_iter().collect();
    let left = appends.iter().filter(|a| !written.contains(&a.meeting));
    let left = left.map(|a| a.meeting.0).collect();
    let standing = standing(&mut lease, left).await?;
    kept.put(lease);
    let answer = |append: &Append| {
        let is_there = standing
            .get(&append.meeting.0)
            .is_some_and(|&(epoch, last_seq)| {
                epoch == append.epoch && last_seq >= append.last_seq()
            });
        if is_there || written.contains(&append.meeting) {
            Appended::Committed
        } else {
            Appended::Fenced
        }
    };
    Ok(appends.iter().map(answer).collect())
}

/// The epoch of each of these meetings.
pub(super) async fn epochs<DB: Dialect>(
    pool: &Pool<DB>,
    ids: &[MeetingId],
) -> Result<Vec<(MeetingId, u64)>, Error> {
    let ids = ids.iter().map(|id| id.0).collect();
    let standing = standing(&mut Lease::of(pool).await?, ids).await?;
    let epoch = |(id, (epoch, _))| (MeetingId(id), epoch);
    Ok(standing.into_iter().map(epoch).collect())
}

/// Epoch and last event of meetings that did not take an append: is it because they had it already?
async fn standing<DB: Dialect>(
    lease: &mut Lease<DB>,
    ids: Vec<Uuid>,
) -> Result<BTreeMap<Uuid, (u64, u64)>, Error> {
    if ids.is_empty() {
        return Ok(BTreeMap::new());
    }
    let statement = Statement::new(
        "select id, epoch, last_seq from meetings where id in ?",
        [Value::Ids(ids)],
    );
    let rows = lease.fetch(statement).await?;
    let standing = |row| {
        let row = Fields::of("meetings", row);
        Ok((
            row.id("id")?,
            (row.number("epoch")?, row.number("last_seq")?),
        ))
    };
    rows.iter().map(standing).collect()
}
