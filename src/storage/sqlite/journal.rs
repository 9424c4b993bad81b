//! The fenced append: one transaction, many meetings, one statement for each table.
//!
//! The first statement is the fence and the check for gaps: whoever owns a meeting no longer, or comes with events
//! that do not fit behind the last, finds no row. Only rows of meetings that it found follow.

use std::collections::BTreeSet;

use serde_json::json;
use sqlx::sqlite::Sqlite;

use super::super::Error;
use super::super::batch::{Batch, Head, Of, Seat};
use super::super::projection::Decided;
use super::super::sql::fields::Fields;
use super::super::sql::lease::Lease;
use super::super::sql::statement::Statement;
use super::super::{Entry, Message};
use super::dialect::{hex, micros};
use crate::domain::{MeetingId, Outcome};

const FENCE: &str = "
update meetings
   set last_seq      = x.value ->> 3,
       status        = x.value ->> 4,
       outcome       = x.value ->> 5,
       current_round = x.value ->> 6,
       started_at    = x.value ->> 7,
       completed_at  = x.value ->> 8,
       summary       = x.value ->> 9
  from json_each(?) x
 where meetings.id = unhex(x.value ->> 0)
   and meetings.epoch = x.value ->> 1
   and meetings.last_seq = (x.value ->> 2) - 1
returning id";

const EVENTS: &str = "
insert into meeting_events (meeting_id, seq, epoch, kind, version, at, payload, frame_id)
select m.id, x.value ->> 1, m.epoch, x.value ->> 2, x.value ->> 3, x.value ->> 4, x.value ->> 5, x.value ->> 6
  from json_each(?) x
  join meetings m on m.id = unhex(x.value ->> 0)";

const MESSAGES: &str = "
insert into meeting_messages (meeting_id, agent_id, message_content, sequence_number, message_type, round, timestamp)
select unhex(value ->> 0), unhex(value ->> 1), value ->> 2, value ->> 3, value ->> 4, value ->> 5, value ->> 6
  from json_each(?)";

/// A participant that is there keeps its place; one that is not, or moderated only, gets the next.
const PARTICIPANTS: &str = "
insert into meeting_participants (meeting_id, meeting_created_at, agent_id, joined_at, left_at, role, speaking_order)
select x.meeting_id, m.created_at, x.agent_id, x.joined_at, x.left_at, coalesce(known.role, 'participant'),
       case when x.is_added and known.speaking_order is null
            then coalesce((select max(p.speaking_order) from meeting_participants p
                            where p.meeting_id = x.meeting_id), 0)
                 + row_number() over (partition by x.meeting_id, x.is_added and known.speaking_order is null
                                      order by x.nth)
            else known.speaking_order
        end
  from (select unhex(value ->> 0) as meeting_id, unhex(value ->> 1) as agent_id, value ->> 2 as is_added,
               value ->> 3 as joined_at, value ->> 4 as left_at, key as nth
          from json_each(?)) x
  join meetings m on m.id = x.meeting_id
  left join meeting_participants known on known.meeting_id = x.meeting_id and known.agent_id = x.agent_id
 where x.is_added or known.agent_id is not null
    on conflict (meeting_id, agent_id) do update
   set left_at        = excluded.left_at,
       speaking_order = excluded.speaking_order";

const DECISIONS: &str = "
insert into decisions (id, meeting_id, decision_content, rationale, related_communication_ids,
                       participant_agreement, created_at)
select unhex(value ->> 0), unhex(value ->> 1), value ->> 2, value ->> 3, value ->> 4, value ->> 5, value ->> 6
  from json_each(?)";

/// Writes the batch inside the transaction that `lease` is in.
pub(super) async fn append(
    lease: &mut Lease<Sqlite>,
    batch: &Batch<'_>,
) -> Result<Vec<MeetingId>, Error> {
    let heads = batch.heads.iter().map(head).collect();
    let fenced = insert(lease, FENCE, heads).await?;
    let id = |row| Fields::of("meetings", row).id("id").map(MeetingId);
    let fenced = fenced.iter().map(id).collect::<Result<BTreeSet<_>, _>>()?;
    insert(lease, EVENTS, of(&fenced, &batch.events, event)).await?;
    insert(lease, MESSAGES, of(&fenced, &batch.messages, message)).await?;
    insert(lease, PARTICIPANTS, of(&fenced, &batch.seats, seat)).await?;
    insert(lease, DECISIONS, of(&fenced, &batch.decisions, decision)).await?;
    Ok(fenced.into_iter().collect())
}

async fn insert(
    lease: &mut Lease<Sqlite>,
    sql: &'static str,
    rows: Vec<serde_json::Value>,
) -> Result<Vec<sqlx::sqlite::SqliteRow>, Error> {
    if rows.is_empty() {
        return Ok(Vec::new());
    }
    let rows = serde_json::Value::Array(rows).to_string();
    lease.fetch(Statement::new(sql, [rows.into()])).await
}

/// The rows of those meetings that passed the fence.
fn of<T>(
    fenced: &BTreeSet<MeetingId>,
    rows: &[Of<T>],
    json: fn(&Of<T>) -> serde_json::Value,
) -> Vec<serde_json::Value> {
    let passed = rows.iter().filter(|row| fenced.contains(&row.meeting));
    passed.map(json).collect()
}

fn head(head: &Head<'_>) -> serde_json::Value {
    let header = head.header;
    json!([
        hex(head.meeting.0),
        head.epoch,
        head.first_seq,
        head.last_seq,
        header.status.as_str(),
        header.outcome.map(Outcome::as_str),
        header.current_round,
        header.started_at.map(micros),
        header.completed_at.map(micros),
        header.summary,
    ])
}

fn event(event: &Of<&Entry>) -> serde_json::Value {
    let (meeting, event) = (event.meeting, event.row);
    let (seq, at) = (event.recorded.seq, micros(event.recorded.at));
    let (kind, version) = (event.kind, event.version);
    json!([
        hex(meeting.0),
        seq,
        kind,
        version,
        at,
        event.payload,
        event.frame_id
    ])
}

fn message(message: &Of<Message>) -> serde_json::Value {
    let (meeting, message) = (message.meeting, &message.row);
    json!([
        hex(meeting.0),
        message.agent.map(|agent| hex(agent.0)),
        message.content,
        message.sequence_number,
        message.message_type,
        message.round,
        micros(message.timestamp),
    ])
}

fn seat(seat: &Of<Seat>) -> serde_json::Value {
    let (meeting, seat) = (hex(seat.meeting.0), &seat.row);
    let (joined_at, left_at) = (micros(seat.joined_at), seat.left_at.map(micros));
    json!([
        meeting,
        hex(seat.agent.0),
        seat.is_added,
        joined_at,
        left_at
    ])
}

fn decision(decision: &Of<Decided>) -> serde_json::Value {
    let (meeting, decision) = (hex(decision.meeting.0), &decision.row);
    let related: Vec<_> = decision.related.iter().map(|id| id.0).collect();
    json!([
        hex(decision.id.0),
        meeting,
        decision.content,
        decision.rationale,
        json!(related).to_string(),
        decision.agreement,
        micros(decision.at),
    ])
}
