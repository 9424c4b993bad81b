//! The table `decisions`; its rows are written by an append.

use std::sync::LazyLock;

use sqlx::Pool;
use uuid::Uuid;

use super::super::{Decision, DecisionFilter, Error, Keyset, Page, PageRequest};
use super::Dialect;
use super::fields::{Columns, Fields};
use super::kind::{Kind, short_columns};
use super::list::List;
use super::statement::Condition;
use crate::budget::Reservation;
use crate::domain::{AgentId, CommunicationId, DecisionId, MeetingId};

const COLUMNS: &str = "id, meeting_id, decision_content, rationale, related_communication_ids, \
                       participant_agreement, created_at";

/// By its short columns: everything but a long motion and long reasons.
static SHORT: LazyLock<String> = LazyLock::new(|| {
    let long = ["decision_content", "rationale", "participant_agreement"];
    short_columns(COLUMNS, &long)
});

fn kind<DB: Dialect>() -> Kind<DB, Decision> {
    Kind {
        table: "decisions",
        columns: COLUMNS,
        short: &SHORT,
        decode: decode::<DB::Row>,
        place: |decision| Keyset {
            at: decision.created_at,
            id: decision.id.0,
        },
    }
}

fn decode<R: Columns>(row: &R) -> Result<Decision, Error> {
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
    reservation: &Reservation,
) -> Result<Option<Decision>, Error> {
    let mut found = kind().with_ids(pool, vec![id.0], reservation).await?;
    Ok(found.pop())
}

/// All decisions.
const ALL: List = List::by_creation("decisions", COLUMNS, "decisions on id = found_id");

/// The decisions that an agent sees, read in order from what is listed for it. A left join, so that a decision's own row is looked
/// up only where it is shown.
fn of_an_agent() -> List {
    List {
        table: "(select agent_id, decided_at, decision_id as id from agent_decisions) as seen
                left join decisions using (id)",
        at: "decided_at",
        behind: "(decided_at, id) < (?, ?)",
        since: "decided_at >= ?",
        before: "decided_at < ?",
        ..ALL
    }
}

const IS_VISIBLE: &str = "exists (select 1 from meeting_participants p
                                   where p.meeting_id = decisions.meeting_id and p.agent_id = ?)";

pub(super) async fn list<DB: Dialect>(
    pool: &Pool<DB>,
    filter: &DecisionFilter,
    page: PageRequest,
    reservation: &Reservation,
) -> Result<Page<Decision>, Error> {
    of_filter(filter)
        .page(pool, page, &kind(), reservation)
        .await
}

/// The list that a filter lets through.
pub(in crate::storage) fn of_filter(filter: &DecisionFilter) -> List {
    let of = |sql, id: Uuid| Condition::new(sql, [id.into()]);
    let (list, conditions) = match (filter.meeting, filter.visible_to) {
        (None, None) => (ALL, Vec::new()),
        (None, Some(agent)) => (of_an_agent(), vec![of("agent_id = ?", agent.0)]),
        // One decision at most, whoever asks.
        (Some(meeting), agent) => {
            let mut conditions = vec![of("meeting_id = ?", meeting.0)];
            conditions.extend(agent.map(|agent| of(IS_VISIBLE, agent.0)));
            (ALL, conditions)
        }
    };
    let branches = vec![conditions];
    List { branches, ..list }.between(filter.from, filter.until)
}

pub(super) async fn of_communication<DB: Dialect>(
    pool: &Pool<DB>,
    communication: CommunicationId,
    visible_to: Option<AgentId>,
    reservation: &Reservation,
) -> Result<Vec<Decision>, Error> {
    let mut conditions = vec![Condition::new(
        "meeting_id in (select meeting_id from meeting_communications where communication_id = ?)",
        [communication.0.into()],
    )];
    conditions.extend(visible_to.map(|agent| Condition::new(IS_VISIBLE, [agent.0.into()])));
    let order = " order by created_at desc, id desc";
    kind().with(pool, &conditions, order, reservation).await
}
