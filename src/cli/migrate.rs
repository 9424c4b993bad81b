//! `synod migrate`: the database's tables, brought up to date or back.

use clap::{Args, Subcommand};

use crate::config::Data;
use crate::server;
use crate::storage::migrate::{self, Migration};

/// Bring the database's tables up to date, take migrations back, or show which it has.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Migrate {
    #[command(flatten)]
    data: Data,
    #[command(subcommand)]
    direction: Direction,
}

#[derive(Subcommand)]
enum Direction {
    /// Apply all that are pending; `serve` does the same at its start.
    Up,
    /// Take the last ones back, WITH ALL DATA that only they have room for. Stop the server first.
    Down {
        /// How many.
        #[arg(long, value_name = "N", default_value_t = 1)]
        steps: usize,
    },
    /// Show all migrations, and which of them the database has.
    Status,
}

const EXAMPLES: &str = "\
Examples:
  synod migrate status
  synod migrate up --database-url postgres://synod@db/synod
  synod migrate down --steps 2 --data-dir ./synod-data";

impl Migrate {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        let database = server::database(&self.data).await?;
        let migrations = match self.direction {
            Direction::Up => migrate::up(&database).await?,
            Direction::Down { steps } => migrate::down(&database, steps).await?,
            Direction::Status => migrate::status(&database).await?,
        };
        for migration in &migrations {
            super::tell(format_args!("{}", line(migration)))?;
        }
        let pending = migrations.iter().filter(|m| !m.applied).count();
        match pending {
            0 => eprintln!("the database is up to date"),
            n => eprintln!("{n} pending: `synod migrate up` applies them"),
        }
        Ok(())
    }
}

fn line(migration: &Migration) -> String {
    let state = if migration.applied {
        "applied"
    } else {
        "pending"
    };
    format!("{:04} {state} {}", migration.version, migration.description)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_can_be_read_by_column() {
        let migration = Migration {
            version: 3,
            description: "meetings".to_owned(),
            applied: false,
        };
        assert_eq!(line(&migration), "0003 pending meetings");
    }
}
