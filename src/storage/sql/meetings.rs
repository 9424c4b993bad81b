//! The tables `meetings`, `meeting_participants`, `meeting_messages` and `meeting_communications`.
//!
//! A meeting is created here; from then on only appends write to these tables.

use std::sync::LazyLock;

use sqlx::Pool;

use super::super::projection::{Place, places};
use super::super::rows::MESSAGE_TYPES;
use super::super::words::searchable_topic;
use super::super::{
    Error, Header, Keyset, Meeting, MeetingFilter, Message, NewMeeting, Page, PageRequest,
    ParticipantRow,
};
use super::fields::{Columns, Fields, existing};
use super::kind::{Kind, short_columns};
use super::lease::Lease;
use super::list::List;
use super::search::Places;
use super::statement::{Condition, Statement, Value};
use super::{Dialect, agents};
use crate::budget::Reservation;
use crate::config::Limits;
use crate::domain::{AgentId, CommunicationId, MeetingId, MeetingType, Outcome, Status};

const COLUMNS: &str = "id, topic, meeting_type, status, outcome, max_discussion_rounds, current_round, settings, \
                       summary, created_at, started_at, completed_at, epoch, last_seq";

/// By its short columns: everything but a long summary and long settings.
static SHORT: LazyLock<String> =
    LazyLock::new(|| short_columns(COLUMNS, &["topic", "settings", "summary"]));

fn kind<DB: Dialect>() -> Kind<DB, Meeting> {
    Kind {
        table: "meetings",
        columns: COLUMNS,
        short: &SHORT,
        decode: decode::<DB::Row>,
        place: |meeting| Keyset {
            at: meeting.created_at,
            id: meeting.id.0,
        },
    }
}

fn decode<R: Columns>(row: &R) -> Result<Meeting, Error> {
    let row = Fields::of("meetings", row);
    Ok(Meeting {
        id: MeetingId(row.id("id")?),
        topic: row.text("topic")?,
        meeting_type: row.word("meeting_type", MeetingType::parse)?,
        created_at: row.time("created_at")?,
        max_discussion_rounds: row.number("max_discussion_rounds")?,
        settings: row.json("settings")?,
        header: Header {
            status: row.word("status", Status::parse)?,
            outcome: row.maybe_word("outcome", Outcome::parse)?,
            current_round: row.number("current_round")?,
            started_at: row.maybe_time("started_at")?,
            completed_at: row.maybe_time("completed_at")?,
            summary: row.maybe_text("summary")?,
        },
        epoch: row.number("epoch")?,
        last_seq: row.number("last_seq")?,
    })
}

pub(super) async fn create<DB: Dialect>(
    pool: &Pool<DB>,
    meeting: &NewMeeting,
) -> Result<(), Error> {
    let mut lease = Lease::of(pool).await?;
    lease.begin().await?;
    let answer = insert(&mut lease, meeting).await;
    lease.end(answer).await
}

async fn insert<DB: Dialect>(lease: &mut Lease<DB>, meeting: &NewMeeting) -> Result<(), Error> {
    let created = meeting.created();
    let places = places(created);
    let agents = places.iter().map(|place| place.agent.0).collect();
    let unknown = agents::unknown(lease, agents).await?;
    if !unknown.is_empty() {
        return Err(Error::UnknownAgent(unknown));
    }
    insert_row(lease, meeting).await?;
    insert_event(lease, meeting).await?;
    insert_words(lease, meeting).await?;
    insert_places(lease, meeting, &places).await?;
    insert_links(lease, meeting).await
}

async fn insert_row<DB: Dialect>(lease: &mut Lease<DB>, meeting: &NewMeeting) -> Result<(), Error> {
    let created = meeting.created();
    let statement = Statement::new(
        "insert into meetings (id, topic, meeting_type, status, moderator_id,
                               max_discussion_rounds, settings, created_at, last_seq)
         values (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [
            created.meeting.0.into(),
            created.topic.clone().into(),
            created.meeting_type.as_str().into(),
            Status::Pending.as_str().into(),
            created.moderator.map(|agent| agent.0).into(),
            created.settings.max_discussion_rounds.into(),
            Value::Json(Some(meeting.settings.clone())),
            meeting.first.recorded.at.into(),
            meeting.first.recorded.seq.into(),
        ],
    );
    let answer = lease.fetch_raw(statement).await;
    answer.map(|_| ()).map_err(existing("meeting"))
}

async fn insert_event<DB: Dialect>(
    lease: &mut Lease<DB>,
    meeting: &NewMeeting,
) -> Result<(), Error> {
    let first = &meeting.first;
    let statement = Statement::new(
        "insert into meeting_events (meeting_id, seq, epoch, kind, version, at, payload, frame_id)
         values (?, ?, 0, ?, ?, ?, ?, ?)",
        [
            meeting.created().meeting.0.into(),
            first.recorded.seq.into(),
            first.kind.into(),
            u32::from(first.version).into(),
            first.recorded.at.into(),
            Value::Json(Some(first.payload.clone())),
            first.frame_id.clone().into(),
        ],
    );
    lease.fetch(statement).await.map(|_| ())
}

async fn insert_words<DB: Dialect>(
    lease: &mut Lease<DB>,
    meeting: &NewMeeting,
) -> Result<(), Error> {
    let created = meeting.created();
    let statement = Statement::new(
        "insert into meeting_words (meeting_id, words) values (?, ?)",
        [
            created.meeting.0.into(),
            Value::Words(searchable_topic(&created.topic)),
        ],
    );
    lease.fetch(statement).await.map(|_| ())
}

async fn insert_places<DB: Dialect>(
    lease: &mut Lease<DB>,
    meeting: &NewMeeting,
    places: &[Place],
) -> Result<(), Error> {
    if places.is_empty() {
        return Ok(());
    }
    let (id, at) = (meeting.created().meeting.0, meeting.first.recorded.at);
    let mut statement = Statement::new(
        "insert into meeting_participants
             (meeting_id, meeting_created_at, agent_id, joined_at, role, speaking_order) values ",
        [],
    );
    statement.push_rows(places.iter().map(|place| {
        let role = if place.is_moderator {
            "moderator"
        } else {
            "participant"
        };
        let order = place.speaking_order.map(i64::from);
        let agent = place.agent.0;
        [
            id.into(),
            at.into(),
            agent.into(),
            at.into(),
            role.into(),
            Value::Number(order),
        ]
    }));
    lease.fetch(statement).await.map(|_| ())
}

async fn insert_links<DB: Dialect>(
    lease: &mut Lease<DB>,
    meeting: &NewMeeting,
) -> Result<(), Error> {
    let created = meeting.created();
    let related: Vec<_> = created.related.iter().map(|id| id.0).collect();
    // Locked, so that the log's upkeep cannot let one go that is being linked.
    let mut statement = Statement::new(
        "insert into meeting_communications (meeting_id, communication_id)
         select ?, id from communications where id in ? ",
        [created.meeting.0.into(), Value::Ids(related.clone())],
    );
    statement.push(DB::FOR_KEY_SHARE, []);
    statement.push(
        " on conflict do nothing returning communication_id as id",
        [],
    );
    let unknown = agents::absent(lease, "meeting_communications", statement, related).await?;
    if unknown.is_empty() {
        Ok(())
    } else {
        Err(Error::UnknownCommunication(unknown))
    }
}

pub(super) async fn with_id<DB: Dialect>(
    pool: &Pool<DB>,
    id: MeetingId,
    reservation: &Reservation,
) -> Result<Option<Meeting>, Error> {
    let mut found = kind().with_ids(pool, vec![id.0], reservation).await?;
    Ok(found.pop())
}

/// As the index of open meetings has it.
const IS_OPEN: &str = "status in ('pending', 'in_progress')";

pub(super) async fn open<DB: Dialect>(pool: &Pool<DB>) -> Result<Vec<MeetingId>, Error> {
    let mut statement = Statement::new("select id from meetings where ", []);
    statement.push(IS_OPEN, []);
    statement.push(" order by created_at, id", []);
    let rows = Lease::of(pool).await?.fetch(statement).await?;
    let id = |row| Fields::of("meetings", row).id("id").map(MeetingId);
    rows.iter().map(id).collect()
}

pub(super) async fn participants<DB: Dialect>(
    pool: &Pool<DB>,
    id: MeetingId,
) -> Result<Vec<ParticipantRow>, Error> {
    let statement = Statement::new(
        "select p.agent_id, a.name, p.role, p.joined_at, p.left_at, p.speaking_order
           from meeting_participants p
           join agents a on a.id = p.agent_id
          where p.meeting_id = ?
          order by p.speaking_order nulls last, p.agent_id",
        [id.0.into()],
    );
    let rows = Lease::of(pool).await?.fetch(statement).await?;
    rows.iter().map(decode_participant).collect()
}

fn decode_participant(row: &impl Columns) -> Result<ParticipantRow, Error> {
    let row = Fields::of("meeting_participants", row);
    Ok(ParticipantRow {
        agent: AgentId(row.id("agent_id")?),
        name: row.text("name")?,
        is_moderator: row.text("role")? == "moderator",
        joined_at: row.time("joined_at")?,
        left_at: row.maybe_time("left_at")?,
        speaking_order: row.maybe_number("speaking_order")?,
    })
}

pub(super) async fn messages<DB: Dialect>(
    pool: &Pool<DB>,
    slow: &Places,
    id: MeetingId,
    reservation: &Reservation,
) -> Result<Vec<Message>, Error> {
    let size = Statement::new(
        "select count(*) as total, cast(coalesce(sum(octet_length(message_content)), 0) as bigint)
                as bytes
           from meeting_messages
          where meeting_id = ?",
        [id.0.into()],
    );
    let rows = slow.lease(pool).await?.fetch(size).await?;
    let Some(size) = rows.first() else {
        return Ok(Vec::new());
    };
    let size = Fields::of("meeting_messages", size);
    let (rows, bytes): (usize, usize) = (size.number("total")?, size.number("bytes")?);
    if bytes > Limits::ANSWER_MAX_BYTES {
        return Err(Error::TooMuch);
    }
    let kept = bytes + rows * Limits::ROW_OVERHEAD_BYTES;
    // The driver's rows and ours are there at the same time, then ours.
    reservation.take(kept + bytes).await?;
    let statement = Statement::new(
        "select agent_id, message_content, sequence_number, message_type, round, timestamp
           from meeting_messages
          where meeting_id = ?
          order by sequence_number",
        [id.0.into()],
    );
    let rows = slow.lease(pool).await?.fetch_bounded(statement).await?;
    let messages = rows.iter().map(decode_message).collect();
    drop(rows);
    reservation.keep(reservation.bytes() - bytes);
    messages
}

/// What was said in the last round of a meeting, each text up to so many characters.
pub(super) async fn last_opinions<DB: Dialect>(
    pool: &Pool<DB>,
    id: MeetingId,
    round: u32,
    chars: usize,
) -> Result<Vec<Message>, Error> {
    let chars = u64::try_from(chars).unwrap_or(u64::MAX);
    let statement = Statement::new(
        "select agent_id, substr(message_content, 1, cast(? as integer)) as message_content,
                sequence_number, message_type, round, timestamp
           from meeting_messages
          where meeting_id = ? and round = ? and message_type = 'opinion'
          order by sequence_number",
        [chars.into(), id.0.into(), round.into()],
    );
    let rows = Lease::of(pool).await?.fetch_bounded(statement).await?;
    rows.iter().map(decode_message).collect()
}

fn decode_message<R: Columns>(row: &R) -> Result<Message, Error> {
    let row = Fields::of("meeting_messages", row);
    let message_type = |word: &str| MESSAGE_TYPES.into_iter().find(|known| *known == word);
    Ok(Message {
        agent: row.maybe_id("agent_id")?.map(AgentId),
        content: row.text("message_content")?,
        sequence_number: row.number("sequence_number")?,
        message_type: row.word("message_type", message_type)?,
        round: row.number("round")?,
        timestamp: row.time("timestamp")?,
    })
}

/// All meetings.
const ALL: List = List::by_creation("meetings", COLUMNS, "meetings on id = found_id");

/// An agent's meetings, read in order from its rows among the participants. A left join, so that a meeting's own row is looked up
/// only where something of it is asked for.
fn of_an_agent() -> List {
    List {
        table: "(select agent_id, meeting_id as id, meeting_created_at from meeting_participants) as seats
                left join meetings using (id)",
        at: "meeting_created_at",
        behind: "(meeting_created_at, id) < (?, ?)",
        since: "meeting_created_at >= ?",
        before: "meeting_created_at < ?",
        ..ALL
    }
}

const IS_IN: &str = "exists (select 1 from meeting_participants p
                              where p.meeting_id = meetings.id and p.agent_id = ?)";

pub(super) async fn list<DB: Dialect>(
    pool: &Pool<DB>,
    filter: &MeetingFilter,
    page: PageRequest,
    reservation: &Reservation,
) -> Result<Page<Meeting>, Error> {
    let list = of_filter::<DB>(filter);
    list.page(pool, page, &kind(), reservation).await
}

/// The list that a filter lets through.
pub(in crate::storage) fn of_filter<DB: Dialect>(filter: &MeetingFilter) -> List {
    let visible_to = filter.visible_to.filter(|&id| filter.agent != Some(id));
    let mut agents = filter.agent.into_iter().chain(visible_to);
    // Few meetings have not ended, and an agent may have been in very many.
    let is_of_few =
        filter.is_open || matches!(filter.status, Some(Status::Pending | Status::InProgress));
    let first = if is_of_few { None } else { agents.next() };
    let list = first.map_or(ALL, |_| of_an_agent());
    let mine = |agent: AgentId| Condition::new("agent_id = ?", [agent.0.into()]);
    let mut conditions: Vec<_> = first.map(mine).into_iter().collect();
    conditions.extend(agents.map(|agent| Condition::new(IS_IN, [agent.0.into()])));
    let is = |sql, word: &str| Condition::new(sql, [word.into()]);
    conditions.extend(
        filter
            .status
            .map(|status| is("status = ?", status.as_str())),
    );
    conditions.extend(filter.is_open.then(|| Condition::new(IS_OPEN, [])));
    conditions.extend(
        filter
            .outcome
            .map(|outcome| is("outcome = ?", outcome.as_str())),
    );
    let has = |words| Condition::of_words(DB::MEETINGS_WITH, DB::search(words));
    conditions.extend(filter.words.as_ref().map(has));
    let branches = vec![conditions];
    List { branches, ..list }.between(filter.from, filter.until)
}

pub(super) async fn of_communication<DB: Dialect>(
    pool: &Pool<DB>,
    communication: CommunicationId,
    visible_to: Option<AgentId>,
    reservation: &Reservation,
) -> Result<Vec<Meeting>, Error> {
    let mut conditions = vec![Condition::new(
        "id in (select meeting_id from meeting_communications where communication_id = ?)",
        [communication.0.into()],
    )];
    conditions.extend(visible_to.map(|agent| Condition::new(IS_IN, [agent.0.into()])));
    let order = " order by created_at desc, id desc";
    kind().with(pool, &conditions, order, reservation).await
}

pub(super) async fn links<DB: Dialect>(
    pool: &Pool<DB>,
    communications: &[CommunicationId],
    visible_to: Option<AgentId>,
) -> Result<Vec<(MeetingId, CommunicationId)>, Error> {
    let ids = communications.iter().map(|id| id.0).collect();
    let mut conditions = vec![Condition::new("communication_id in ?", [Value::Ids(ids)])];
    conditions.extend(visible_to.map(|agent| Condition::new(IS_IN, [agent.0.into()])));
    let mut statement = Statement::new("select meeting_id, communication_id ", []);
    statement.push(
        "from meeting_communications join meetings on id = meeting_id",
        [],
    );
    statement.push_where(&conditions);
    statement.push(" order by created_at desc, id desc", []);
    let rows = Lease::of(pool).await?.fetch_bounded(statement).await?;
    let link = |row: &DB::Row| {
        let row = Fields::of("meeting_communications", row);
        Ok((
            MeetingId(row.id("meeting_id")?),
            CommunicationId(row.id("communication_id")?),
        ))
    };
    rows.iter().map(link).collect()
}
