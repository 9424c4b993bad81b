//! The table `decisions`; its rows are written by an append.

use sqlx::Pool;

use super::super::{Decision, DecisionFilter, Error, Keyset, Page, PageRequest};
use super::Dialect;
use super::fields::{Columns, Fields};
use super::lease::Lease;
use super::list::List;
use super::statement::{Condition, Statement, Value};
use crate::domain::{AgentId, CommunicationId, DecisionId, MeetingId};

const COLUMNS: &str = "id, meeting_id, decision_content, rationale, related_communication_ids, \
                       participant_agreement, created_at";

fn decode(row: &impl Columns) -> Result<Decision, Error> {
    let row = Fields::of("decisions", row);
    let related = row.ids("related_communication_ids")?;
    Ok(Decision {
        id: DecisionId(row.id("id")?),
        meeting: MeetingId(row.id("meeting_id")?),
        content: row.text("decision_content")?,
        rationale: row.text("rationale")?,
        related: related.into_iter().map(CommunicationId).collect(),
        agreement: row.document("participant_agreement")?,
        created_at: row.time("created_at")?,
    })
}

pub(super) async fn with_id<DB: Dialect>(
    pool: &Pool<DB>,
    id: DecisionId,
) -> Result<Option<Decision>, Error> {
    let mut statement = Statement::new("select ", []);
    statement.push(COLUMNS, []);
    statement.push(" from decisions where id = ?", [id.0.into()]);
    let rows = Lease::of(pool).await?.fetch(statement).await?;
    rows.first().map(decode).transpose()
}

pub(super) async fn list<DB: Dialect>(
    pool: &Pool<DB>,
    filter: &DecisionFilter,
    page: PageRequest,
) -> Result<Page<Decision>, Error> {
    let list = List {
        columns: COLUMNS,
        table: "decisions",
        at: "created_at",
        behind: "(created_at, id) < (?, ?)",
        since: "created_at >= ?",
        from: None,
        until: None,
        branches: vec![conditions(filter)],
    };
    let place = |decision: &Decision| Keyset {
        at: decision.created_at,
        id: decision.id.0,
    };
    list.page(pool, page, decode, place).await
}

pub(super) async fn of_communication<DB: Dialect>(
    pool: &Pool<DB>,
    communication: CommunicationId,
    visible_to: Option<AgentId>,
) -> Result<Vec<Decision>, Error> {
    let mut conditions = conditions(&DecisionFilter {
        visible_to,
        ..DecisionFilter::default()
    });
    conditions.push(Condition::new(
        "meeting_id in (select meeting_id from meeting_communications where communication_id = ?)",
        [communication.0.into()],
    ));
    let mut statement = Statement::new("select ", []);
    statement.push(COLUMNS, []).push(" from decisions", []);
    statement.push_where(&conditions);
    statement.push(" order by created_at desc, id desc", []);
    let rows = Lease::of(pool).await?.fetch_bounded(statement).await?;
    rows.iter().map(decode).collect()
}

fn conditions(filter: &DecisionFilter) -> Vec<Condition> {
    let mut conditions = Vec::new();
    let mut require = |sql, value: Option<Value>| {
        conditions.extend(value.map(|value| Condition::new(sql, [value])));
    };
    require("created_at >= ?", filter.from.map(Value::from));
    require("created_at < ?", filter.until.map(Value::from));
    require("meeting_id = ?", filter.meeting.map(|id| id.0.into()));
    require(
        "exists (select 1 from meeting_participants p
                  where p.meeting_id = decisions.meeting_id and p.agent_id = ?)",
        filter.visible_to.map(|id| id.0.into()),
    );
    conditions
}
