//! `synod token`: agents and their tokens, straight on the database, whether the server is up or not.
//!
//! A token goes to stdout alone, so that `TOKEN=$(synod token create Ada)` works.

use std::sync::Arc;

use anyhow::{bail, ensure};
use clap::{Args, Subcommand};
use uuid::Uuid;

use crate::budget::Reservation;
use crate::clock::Clock;
use crate::config::Data;
use crate::domain::AgentId;
use crate::server;
use crate::storage::{self, Agent, PageRequest, Role, Start, Store, migrate};
use crate::transport::auth;

/// Create, list, revoke and rotate the tokens of agents, also while the server is down.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Token {
    #[command(flatten)]
    data: Data,
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand)]
enum Action {
    /// Add an agent and print its token, alone on stdout. It is shown only this once.
    Create {
        /// The agent's name, for people.
        name: String,
        /// The language model behind it.
        #[arg(long)]
        model: Option<String>,
        /// Make the token an observer's: it reads everything and says nothing.
        #[arg(long)]
        observer: bool,
    },
    /// Show all agents, newest first.
    List,
    /// Take an agent's token back; it opens nothing from now on.
    Revoke {
        /// The agent.
        id: Uuid,
    },
    /// Give an agent another token, and print it as `create` does. The old one opens nothing from now on.
    Rotate {
        /// The agent.
        id: Uuid,
    },
}

const EXAMPLES: &str = "\
Examples:
  TOKEN=$(synod token create Ada --model my-model)
  TOKEN=$(synod token create dashboard --observer)
  synod token list
  synod token revoke 0197b6a0-1c3e-7d55-9c0b-4f1d2a9e8b70
  synod token rotate 0197b6a0-1c3e-7d55-9c0b-4f1d2a9e8b70 --database-url postgres://synod@db/synod";

impl Token {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        let database = server::database(&self.data).await?;
        let migrations = migrate::status(&database).await?;
        ensure!(
            migrations.iter().all(|migration| migration.applied),
            "the database's tables are not up to date: run `synod migrate up` or start the server first"
        );
        let store = storage::connect(&database, 1).await?;
        let done = act(&store, &Clock::system(), self.action).await;
        store.close().await;
        done
    }

    #[cfg(test)]
    pub(super) fn data(&self) -> &Data {
        &self.data
    }
}

async fn act(store: &Arc<dyn Store>, clock: &Clock, action: Action) -> anyhow::Result<()> {
    match action {
        Action::Create {
            name,
            model,
            observer,
        } => {
            let role = if observer {
                Role::Observer
            } else {
                Role::Agent
            };
            create(store, clock, name, role, model).await
        }
        Action::List => list(store).await,
        Action::Revoke { id } => {
            let known = store.revoke_agent(AgentId(id), clock.now()).await?;
            ensure_known(known, id)?;
            eprintln!("revoked; a server that is up closes its open connections within seconds");
            Ok(())
        }
        Action::Rotate { id } => {
            let (token, hash) = auth::issue(clock);
            let known = store.replace_token(AgentId(id), hash, None).await?;
            ensure_known(known, id)?;
            hand_over(&token, id)
        }
    }
}

async fn create(
    store: &Arc<dyn Store>,
    clock: &Clock,
    name: String,
    role: Role,
    model: Option<String>,
) -> anyhow::Result<()> {
    for text in [Some(&name), model.as_ref()].into_iter().flatten() {
        let fits = !text.trim().is_empty() && text.chars().count() <= MAX_NAME_CHARS;
        ensure!(
            fits && !text.contains('\0'),
            "a name must have between 1 and {MAX_NAME_CHARS} characters"
        );
    }
    let (token, hash) = auth::issue(clock);
    let agent = Agent {
        id: AgentId(clock.id()),
        name,
        role,
        model,
        metadata: None,
        created_at: clock.now(),
        revoked_at: None,
    };
    store.create_agent(&agent, hash, None).await?;
    hand_over(&token, agent.id.0)
}

fn hand_over(token: &str, id: Uuid) -> anyhow::Result<()> {
    eprintln!("the token of agent {id}, shown only this once; keep it as you would a password:");
    Ok(super::tell(format_args!("{token}"))?)
}

async fn list(store: &Arc<dyn Store>) -> anyhow::Result<()> {
    let mut start = Start::Number(1);
    let mut shown = 0;
    loop {
        let page = store
            .agents(PageRequest { size: 500, start }, &Reservation::unlimited())
            .await?;
        shown += page.items.len();
        for agent in &page.items {
            super::tell(format_args!("{}", line(agent)))?;
        }
        match page.next {
            Some(next) => start = Start::After(next),
            None => break,
        }
    }
    if shown == 0 {
        eprintln!("no agents yet: `synod token create NAME` adds one");
    }
    Ok(())
}

fn line(agent: &Agent) -> String {
    let state = match agent.revoked_at {
        Some(at) => format!("revoked {}", at.format("%Y-%m-%d %H:%M")),
        None => "active".to_owned(),
    };
    let created = agent.created_at.format("%Y-%m-%d %H:%M");
    let model = agent.model.as_deref().unwrap_or("-");
    let (id, role, name) = (agent.id, agent.role.as_str(), &agent.name);
    format!("{id}  {created}  {state:<24}  {role:<8}  {model:<16}  {name}")
}

fn ensure_known(known: bool, id: Uuid) -> anyhow::Result<()> {
    if known {
        return Ok(());
    }
    bail!("there is no agent {id}: `synod token list` shows all")
}

/// As wide as REST allows.
const MAX_NAME_CHARS: usize = 200;
