//! The table `agents`.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use chrono::{DateTime, Utc};
use sqlx::Pool;
use uuid::Uuid;

use super::super::{Agent, Error, KeptAnswer, Keyset, Page, PageRequest, Role, TokenHash};
use super::fields::{Columns, Fields, existing};
use super::kind::{Kind, short_columns};
use super::lease::Lease;
use super::list::List;
use super::statement::{Statement, Value};
use super::{Dialect, idempotency};
use crate::budget::Reservation;
use crate::domain::AgentId;

const COLUMNS: &str = "id, name, role, model, metadata, created_at, revoked_at";

/// By its short columns: everything but long metadata.
static SHORT: LazyLock<String> = LazyLock::new(|| short_columns(COLUMNS, &["metadata"]));

fn kind<DB: Dialect>() -> Kind<DB, Agent> {
    Kind {
        table: "agents",
        columns: COLUMNS,
        short: &SHORT,
        decode: decode::<DB::Row>,
        place: |agent| Keyset {
            at: agent.created_at,
            id: agent.id.0,
        },
    }
}

fn decode<R: Columns>(row: &R) -> Result<Agent, Error> {
    let row = Fields::of("agents", row);
    Ok(Agent {
        id: AgentId(row.id("id")?),
        name: row.text("name")?,
        role: row.word("role", Role::parse)?,
        model: row.maybe_text("model")?,
        metadata: row.maybe_json("metadata")?,
        created_at: row.time("created_at")?,
        revoked_at: row.maybe_time("revoked_at")?,
    })
}

impl From<TokenHash> for Value {
    fn from(token: TokenHash) -> Self {
        Self::Bytes(token.0.to_vec())
    }
}

pub(super) async fn create<DB: Dialect>(
    pool: &Pool<DB>,
    agent: &Agent,
    token: TokenHash,
    once: Option<&KeptAnswer>,
) -> Result<(), Error> {
    let statement = Statement::new(
        "insert into agents (id, name, role, token_hash, model, metadata, created_at, revoked_at)
         values (?, ?, ?, ?, ?, ?, ?, ?)
         returning id",
        [
            agent.id.0.into(),
            agent.name.clone().into(),
            agent.role.as_str().into(),
            token.into(),
            agent.model.clone().into(),
            Value::Json(agent.metadata.clone()),
            agent.created_at.into(),
            agent.revoked_at.into(),
        ],
    );
    change(pool, statement, "agent", once).await.map(|_| ())
}

/// Changes an agent, with the answer that tells of it; what is there already is `taken`. Answers whether there was one.
async fn change<DB: Dialect>(
    pool: &Pool<DB>,
    statement: Statement<DB>,
    taken: &'static str,
    once: Option<&KeptAnswer>,
) -> Result<bool, Error> {
    let mut lease = Lease::of(pool).await?;
    lease.begin().await?;
    let answer = change_and_keep(&mut lease, statement, taken, once).await;
    lease.end(answer).await
}

async fn change_and_keep<DB: Dialect>(
    lease: &mut Lease<DB>,
    statement: Statement<DB>,
    taken: &'static str,
    once: Option<&KeptAnswer>,
) -> Result<bool, Error> {
    let rows = lease.fetch_raw(statement).await.map_err(existing(taken))?;
    let is_there = !rows.is_empty();
    if is_there && let Some(kept) = once {
        idempotency::keep(lease, kept).await?;
    }
    Ok(is_there)
}

pub(super) async fn with_ids<DB: Dialect>(
    pool: &Pool<DB>,
    ids: &[AgentId],
    reservation: &Reservation,
) -> Result<Vec<Agent>, Error> {
    let ids = ids.iter().map(|id| id.0).collect();
    kind().with_ids(pool, ids, reservation).await
}

/// Without its metadata, which nobody asks for by a token.
pub(super) async fn with_token<DB: Dialect>(
    pool: &Pool<DB>,
    token: TokenHash,
) -> Result<Option<Agent>, Error> {
    let statement = Statement::new(
        "select id, name, role, model, null as metadata, created_at, revoked_at
           from agents
          where token_hash = ? and revoked_at is null",
        [token.into()],
    );
    let rows = Lease::of(pool).await?.fetch(statement).await?;
    rows.first().map(decode).transpose()
}

pub(super) async fn list<DB: Dialect>(
    pool: &Pool<DB>,
    page: PageRequest,
    reservation: &Reservation,
) -> Result<Page<Agent>, Error> {
    let list = List {
        branches: vec![Vec::new()],
        ..List::by_creation("agents", COLUMNS, "agents on id = found_id")
    };
    list.page(pool, page, &kind(), reservation).await
}

pub(super) async fn replace_token<DB: Dialect>(
    pool: &Pool<DB>,
    id: AgentId,
    token: TokenHash,
    once: Option<&KeptAnswer>,
) -> Result<bool, Error> {
    let statement = Statement::new(
        "update agents
            set token_hash = ?,
                revoked_at = null
          where id = ?
         returning id",
        [token.into(), id.0.into()],
    );
    change(pool, statement, "token", once).await
}

pub(super) async fn revoke<DB: Dialect>(
    pool: &Pool<DB>,
    id: AgentId,
    at: DateTime<Utc>,
) -> Result<bool, Error> {
    let statement = Statement::new(
        "update agents
            set revoked_at = coalesce(revoked_at, ?)
          where id = ?
         returning id",
        [at.into(), id.0.into()],
    );
    let rows = Lease::of(pool).await?.fetch(statement).await?;
    Ok(!rows.is_empty())
}

pub(super) async fn tokens<DB: Dialect>(
    pool: &Pool<DB>,
    agents: &[AgentId],
) -> Result<Vec<(AgentId, TokenHash)>, Error> {
    let ids = agents.iter().map(|agent| agent.0).collect();
    let statement = Statement::new(
        "select id, token_hash from agents where id in ? and revoked_at is null",
        [Value::Ids(ids)],
    );
    let rows = Lease::of(pool).await?.fetch(statement).await?;
    let token = |row| {
        let row = Fields::of("agents", row);
        let hash = row.bytes("token_hash")?.try_into().unwrap_or_default();
        Ok((AgentId(row.id("id")?), TokenHash(hash)))
    };
    rows.iter().map(token).collect()
}

/// Those of `ids` that no agent has, sorted.
pub(super) async fn unknown<DB: Dialect>(
    lease: &mut Lease<DB>,
    ids: Vec<Uuid>,
) -> Result<Vec<Uuid>, Error> {
    let statement = Statement::new(
        "select id from agents where id in ?",
        [Value::Ids(ids.clone())],
    );
    absent(lease, "agents", statement, ids).await
}

/// Those of `ids` that `statement` does not find, sorted.
pub(super) async fn absent<DB: Dialect>(
    lease: &mut Lease<DB>,
    table: &'static str,
    statement: Statement<DB>,
    mut ids: Vec<Uuid>,
) -> Result<Vec<Uuid>, Error> {
    let rows = lease.fetch(statement).await?;
    let found = rows.iter().map(|row| Fields::of(table, row).id("id"));
    let found = found.collect::<Result<BTreeSet<_>, _>>()?;
    ids.sort_unstable();
    ids.dedup();
    ids.retain(|id| !found.contains(id));
    Ok(ids)
}
