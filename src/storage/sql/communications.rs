//! The table `communications`.

use std::sync::LazyLock;

use sqlx::Pool;

use super::super::{Communication, CommunicationFilter, Error, Excerpt, Keyset, Page, PageRequest};
use super::fields::{Columns, Fields};
use super::kind::{Kind, short_columns};
use super::lease::Lease;
use super::list::{List, Unresolved};
use super::statement::{Condition, Statement, Value};
use super::{Dialect, agents};
use crate::budget::Reservation;
use crate::config::Limits;
use crate::domain::{AgentId, CommunicationId, MeetingId};

pub(super) const COLUMNS: &str = "id, timestamp, sender_id, receiver_id, message_content, topic, content_type, content_is_json, \
                       created_at";

/// By its short columns: everything but long content.
static SHORT: LazyLock<String> = LazyLock::new(|| short_columns(COLUMNS, &["message_content"]));

fn kind<DB: Dialect>() -> Kind<DB, Communication> {
    Kind {
        table: "communications",
        columns: COLUMNS,
        short: &SHORT,
        decode: decode::<DB::Row>,
        place: |message| Keyset {
            at: message.timestamp,
            id: message.id.0,
        },
    }
}

pub(super) fn decode<R: Columns>(row: &R) -> Result<Communication, Error> {
    let row = Fields::of("communications", row);
    Ok(Communication {
        id: CommunicationId(row.id("id")?),
        timestamp: row.time("timestamp")?,
        sender: AgentId(row.id("sender_id")?),
        receiver: AgentId(row.id("receiver_id")?),
        content: row.text("message_content")?,
        topic: row.maybe_text("topic")?,
        content_type: row.text("content_type")?,
        is_json: row.flag("content_is_json")?,
        created_at: row.time("created_at")?,
    })
}

pub(super) async fn log<DB: Dialect>(
    pool: &Pool<DB>,
    messages: &[Communication],
) -> Result<(), Error> {
    let mut lease = Lease::of(pool).await?;
    let answer = DB::log(&mut lease, messages).await;
    let Err(Error::Damaged { table, why }) = answer else {
        return answer;
    };
    // An agent that is not there is the one thing that callers get wrong; agents never go, so it can be asked now.
    let sides = messages.iter().flat_map(|m| [m.sender.0, m.receiver.0]);
    let unknown = agents::unknown(&mut lease, sides.collect()).await?;
    if unknown.is_empty() {
        return Err(Error::Damaged { table, why });
    }
    Err(Error::UnknownAgent(unknown))
}

pub(super) async fn with_ids<DB: Dialect>(
    pool: &Pool<DB>,
    ids: &[CommunicationId],
    reservation: &Reservation,
) -> Result<Vec<Communication>, Error> {
    let ids = ids.iter().map(|id| id.0).collect();
    kind().with_ids(pool, ids, reservation).await
}

pub(super) async fn excerpts_with_ids<DB: Dialect>(
    pool: &Pool<DB>,
    ids: &[CommunicationId],
) -> Result<Vec<Excerpt>, Error> {
    let ids = ids.iter().map(|id| id.0).collect();
    let mut statement = Statement::new("select ", []);
    statement.push(&EXCERPT, []);
    statement.push(" from communications where id in ?", [Value::Ids(ids)]);
    let rows = Lease::of(pool).await?.fetch_bounded(statement).await?;
    rows.iter().map(decode_excerpt).collect()
}

pub(super) async fn of_meeting<DB: Dialect>(
    pool: &Pool<DB>,
    meeting: MeetingId,
    reservation: &Reservation,
) -> Result<Vec<Communication>, Error> {
    let is_linked = Condition::new(
        "id in (select communication_id from meeting_communications where meeting_id = ?)",
        [meeting.0.into()],
    );
    let order = " order by timestamp desc, id desc";
    kind().with(pool, &[is_linked], order, reservation).await
}

pub(super) async fn list<DB: Dialect>(
    pool: &Pool<DB>,
    filter: &CommunicationFilter,
    page: PageRequest,
    reservation: &Reservation,
) -> Result<Page<Communication>, Error> {
    let list = of_filter::<DB>(filter);
    list.page(pool, page, &kind(), reservation).await
}

/// What is read of a message that is only looked through.
static EXCERPT: LazyLock<String> = LazyLock::new(|| {
    format!(
        "id, timestamp, sender_id, receiver_id, topic, substr(message_content, 1, {}) as beginning, content_is_json",
        Limits::EXCERPT_CHARS
    )
});

pub(super) async fn excerpts<DB: Dialect>(
    pool: &Pool<DB>,
    filter: &CommunicationFilter,
    limit: u32,
) -> Result<Vec<Excerpt>, Error> {
    let list = List {
        columns: &EXCERPT,
        ..of_filter::<DB>(filter)
    };
    let Unresolved { rows, .. } = list.read_page(pool, PageRequest::newest(limit)).await?;
    rows.iter().map(decode_excerpt).collect()
}

fn decode_excerpt<R: Columns>(row: &R) -> Result<Excerpt, Error> {
    let row = Fields::of("communications", row);
    Ok(Excerpt {
        id: CommunicationId(row.id("id")?),
        timestamp: row.time("timestamp")?,
        sender: AgentId(row.id("sender_id")?),
        receiver: AgentId(row.id("receiver_id")?),
        topic: row.maybe_text("topic")?,
        beginning: row.text("beginning")?,
        is_json: row.flag("content_is_json")?,
    })
}

/// The list that a filter lets through.
pub(in crate::storage) fn of_filter<DB: Dialect>(filter: &CommunicationFilter) -> List {
    List {
        columns: COLUMNS,
        table: "communications",
        found: "communications on id = found_id and timestamp = found_at",
        at: "timestamp",
        behind: "(timestamp, id) < (?, ?)",
        since: "timestamp >= ?",
        before: "timestamp < ?",
        from: None,
        until: None,
        branches: branches::<DB>(filter),
    }
    .between(filter.from, filter.until)
}

fn branches<DB: Dialect>(filter: &CommunicationFilter) -> Vec<Vec<Condition>> {
    let mut common = Vec::new();
    common.extend(filter.sender.map(sent_by));
    common.extend(filter.receiver.map(received_by));
    let about = |topic: &String| {
        Condition::new("topic = ?", [topic.clone().into()])
            .laid_as("array[topic::text] @> array[?]")
    };
    common.extend(filter.topic.as_ref().map(about));
    let search = DB::MESSAGES_WITH;
    let has = |words| Condition::of_words(search, DB::search(words)).laid_as(search.has);
    common.extend(filter.words.as_ref().map(has));

    let mut branches = vec![common];
    let visible_to = filter.visible_to.filter(|&id| filter.agent != Some(id));
    for agent in filter.agent.into_iter().chain(visible_to) {
        branches = branches
            .iter()
            .flat_map(|b| on_either_side(b, agent))
            .collect();
    }
    branches
}

/// What an agent sent, and what it received from others.
fn on_either_side(branch: &[Condition], AgentId(agent): AgentId) -> [Vec<Condition>; 2] {
    let other = Condition::new("sender_id <> ?", [agent.into()]);
    let sides = [
        vec![sent_by(AgentId(agent))],
        vec![received_by(AgentId(agent)), other],
    ];
    sides.map(|side| [branch, &side].concat())
}

fn sent_by(AgentId(agent): AgentId) -> Condition {
    Condition::new("sender_id = ?", [agent.into()]).laid_as("array[sender_id] @> array[?]")
}

fn received_by(AgentId(agent): AgentId) -> Condition {
    Condition::new("receiver_id = ?", [agent.into()]).laid_as("array[receiver_id] @> array[?]")
}
