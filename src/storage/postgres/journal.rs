//! The fenced append: one statement, many meetings.
//!
//! `fenced` is the fence, the check for gaps and the lock in one: whoever owns a meeting no longer, or comes with
//! events that do not fit behind the last, finds no row. Everything else joins `fenced`, so that nothing
//! of such a meeting is written, and nothing of the others is held up. An UPDATE, not a SELECT: a paused owner
//! would otherwise commit after another has taken over.

use sqlx::postgres::Postgres;

use super::super::Error;
use super::super::batch::Batch;
use super::super::sql::fields::Fields;
use super::super::sql::lease::Lease;
use super::super::sql::statement::{Statement, bigint};
use super::arrays::Arrays;
use crate::domain::{MeetingId, Outcome};

/// What nearly every append is: the meeting's row, its journal, and what was said.
macro_rules! said {
    () => {
        "
with fenced as (
    update meetings m
       set last_seq      = x.last_seq,
           status        = x.status,
           outcome       = x.outcome,
           current_round = x.current_round,
           started_at    = x.started_at,
           completed_at  = x.completed_at,
           summary       = x.summary
      from unnest($1::uuid[], $2::bigint[], $3::bigint[], $4::bigint[], $5::text[], $6::text[], $7::bigint[],
                  $8::timestamptz[], $9::timestamptz[], $10::text[])
           as x (meeting_id, epoch, first_seq, last_seq, status, outcome, current_round,
                 started_at, completed_at, summary)
     where m.id = x.meeting_id
       and m.epoch = x.epoch
       and m.last_seq = x.first_seq - 1
    returning m.id, m.epoch, m.created_at
),
event as (
    insert into meeting_events (meeting_id, seq, epoch, kind, version, at, payload, frame_id)
    select x.meeting_id, x.seq, fenced.epoch, x.kind, x.version, x.at, x.payload::json, x.frame_id
      from unnest($11::uuid[], $12::bigint[], $13::text[], $14::bigint[], $15::timestamptz[], $16::text[], $17::text[])
           as x (meeting_id, seq, kind, version, at, payload, frame_id)
      join fenced on fenced.id = x.meeting_id
),
message as (
    insert into meeting_messages (meeting_id, agent_id, message_content, sequence_number, message_type, round, timestamp)
    select x.*
      from unnest($18::uuid[], $19::uuid[], $20::text[], $21::bigint[], $22::text[], $23::bigint[], $24::timestamptz[])
           as x (meeting_id, agent_id, message_content, sequence_number, message_type, round, timestamp)
      join fenced on fenced.id = x.meeting_id
"
    };
}

/// Nobody came or left for good, nothing was decided. A turn is one such append with two events in it, and for so
/// few rows a third less statement is worth a tenth of the time.
const APPEND_SAID: &str = concat!(said!(), ")\nselect id from fenced");

const APPEND: &str = concat!(
    said!(),
    "),
-- A participant that is there keeps its place; one that is not, or moderated only, gets the next.
participant as (
    insert into meeting_participants (meeting_id, meeting_created_at, agent_id, joined_at, left_at, role, speaking_order)
    select x.meeting_id, fenced.created_at, x.agent_id, x.joined_at, x.left_at, coalesce(known.role, 'participant'),
           case when x.is_added and known.speaking_order is null
                then coalesce((select max(p.speaking_order) from meeting_participants p
                                where p.meeting_id = x.meeting_id), 0)
                     + row_number() over (partition by x.meeting_id, x.is_added and known.speaking_order is null
                                          order by x.nth)
                else known.speaking_order
            end
      from unnest($25::uuid[], $26::uuid[], $27::boolean[], $28::timestamptz[], $29::timestamptz[])
           with ordinality as x (meeting_id, agent_id, is_added, joined_at, left_at, nth)
      join fenced on fenced.id = x.meeting_id
      left join meeting_participants known on known.meeting_id = x.meeting_id and known.agent_id = x.agent_id
     where x.is_added or known.agent_id is not null
        on conflict (meeting_id, agent_id) do update
       set left_at        = excluded.left_at,
           speaking_order = excluded.speaking_order
),
decision as (
    insert into decisions (id, meeting_id, decision_content, rationale, related_communication_ids,
                           participant_agreement, created_at)
    select x.id, x.meeting_id, x.content, x.rationale, x.related::uuid[], x.agreement::jsonb, x.created_at
      from unnest($30::uuid[], $31::uuid[], $32::text[], $33::text[], $34::text[], $35::text[], $36::timestamptz[])
           as x (id, meeting_id, content, rationale, related, agreement, created_at)
      join fenced on fenced.id = x.meeting_id
)
select id from fenced"
);

pub(super) async fn append(
    lease: &mut Lease<Postgres>,
    batch: &Batch<'_>,
) -> Result<Vec<MeetingId>, Error> {
    let mut arrays = Arrays::default();
    add_heads(&mut arrays, batch)?;
    add_events(&mut arrays, batch)?;
    add_messages(&mut arrays, batch)?;
    let is_said_only = batch.seats.is_empty() && batch.decisions.is_empty();
    let sql = if is_said_only {
        APPEND_SAID
    } else {
        add_seats(&mut arrays, batch)?;
        add_decisions(&mut arrays, batch)?;
        APPEND
    };
    let statement = Statement::native(sql, arrays.into_arguments());
    let rows = lease.fetch(statement).await?;
    let id = |row| Fields::of("meetings", row).id("id").map(MeetingId);
    rows.iter().map(id).collect()
}

fn add_heads(arrays: &mut Arrays, batch: &Batch<'_>) -> Result<(), Error> {
    let heads = &batch.heads;
    arrays.add(heads, |h| h.meeting.0)?;
    arrays.add(heads, |h| bigint(h.epoch))?;
    arrays.add(heads, |h| bigint(h.first_seq))?;
    arrays.add(heads, |h| bigint(h.last_seq))?;
    arrays.add(heads, |h| h.header.status.as_str())?;
    arrays.add(heads, |h| h.header.outcome.map(Outcome::as_str))?;
    arrays.add(heads, |h| i64::from(h.header.current_round))?;
    arrays.add(heads, |h| h.header.started_at)?;
    arrays.add(heads, |h| h.header.completed_at)?;
    arrays.add(heads, |h| h.header.summary.as_deref())
}

fn add_events(arrays: &mut Arrays, batch: &Batch<'_>) -> Result<(), Error> {
    let events = &batch.events;
    arrays.add(events, |e| e.meeting.0)?;
    arrays.add(events, |e| bigint(e.row.recorded.seq))?;
    arrays.add(events, |e| e.row.kind)?;
    arrays.add(events, |e| i64::from(e.row.version))?;
    arrays.add(events, |e| e.row.recorded.at)?;
    arrays.add(events, |e| e.row.payload.as_str())?;
    arrays.add(events, |e| e.row.frame_id.as_deref())
}

fn add_messages(arrays: &mut Arrays, batch: &Batch<'_>) -> Result<(), Error> {
    let messages = &batch.messages;
    arrays.add(messages, |m| m.meeting.0)?;
    arrays.add(messages, |m| m.row.agent.map(|agent| agent.0))?;
    arrays.add(messages, |m| m.row.content.as_str())?;
    arrays.add(messages, |m| bigint(m.row.sequence_number))?;
    arrays.add(messages, |m| m.row.message_type)?;
    arrays.add(messages, |m| i64::from(m.row.round))?;
    arrays.add(messages, |m| m.row.timestamp)
}

fn add_seats(arrays: &mut Arrays, batch: &Batch<'_>) -> Result<(), Error> {
    let seats = &batch.seats;
    arrays.add(seats, |s| s.meeting.0)?;
    arrays.add(seats, |s| s.row.agent.0)?;
    arrays.add(seats, |s| s.row.is_added)?;
    arrays.add(seats, |s| s.row.joined_at)?;
    arrays.add(seats, |s| s.row.left_at)
}

fn add_decisions(arrays: &mut Arrays, batch: &Batch<'_>) -> Result<(), Error> {
    let decisions = &batch.decisions;
    arrays.add(decisions, |d| d.row.id.0)?;
    arrays.add(decisions, |d| d.meeting.0)?;
    arrays.add(decisions, |d| d.row.content.as_str())?;
    arrays.add(decisions, |d| d.row.rationale.as_str())?;
    // `unnest` would take an array of arrays apart to the last id, so each travels as its literal.
    arrays.add(decisions, |d| {
        let ids: Vec<_> = d.row.related.iter().map(ToString::to_string).collect();
        format!("{{{}}}", ids.join(","))
    })?;
    arrays.add(decisions, |d| d.row.agreement.as_str())?;
    arrays.add(decisions, |d| d.row.at)
}
