//! `synod load`: puts a server under load, and checks that it loses, doubles and reorders nothing.
//!
//! A scenario makes its agents, lets them do what agents do, and holds every answer and every event against what must be. What it
//! found stands in one [`Report`]; whoever checks nothing measures nothing.

mod connections;
mod log;
mod meetings;
mod report;
mod witness;

use std::io::IsTerminal;
use std::time::Duration;

use anyhow::{Context, anyhow, bail};
use clap::{Args, Subcommand};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use tokio::task::JoinSet;

use self::report::Report;
use super::stage::Stage;
use super::stop;
use crate::client::{Client, Credentials};
use crate::clock::Clock;
use crate::telemetry;

/// Put a server under load, and check that nothing is lost, doubled or out of order.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Load {
    #[command(flatten)]
    target: Target,
    #[command(subcommand)]
    scenario: Scenario,
}

/// Which server, and how its answers are told.
#[derive(Args)]
struct Target {
    /// The server under load.
    #[arg(
        long,
        value_name = "URL",
        default_value = "http://127.0.0.1:8080",
        global = true
    )]
    url: String,
    /// Its admin token.
    #[arg(
        long,
        value_name = "TOKEN",
        env = "SYNOD_ADMIN_TOKEN",
        hide_env_values = true,
        default_value = "",
        global = true
    )]
    admin_token: String,
    /// Start a server for this, with an embedded database, and stop it afterwards.
    #[arg(long, conflicts_with = "url", global = true)]
    spawn: bool,
    /// Where the server that is started keeps things, if not in an embedded database.
    #[arg(long, value_name = "URL", requires = "spawn", global = true)]
    database_url: Option<String>,
    /// Tell the result as JSON.
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Subcommand)]
enum Scenario {
    Meetings(meetings::Meetings),
    Churn(meetings::Churn),
    Log(log::Log),
    Connections(connections::Connections),
}

const EXAMPLES: &str = "\
Examples:
  synod load --spawn meetings
  synod load --spawn meetings --meetings 5 --agents 20 --rounds 10
  synod load --spawn churn --drop-percent 30
  synod load --spawn connections --agents 5000
  SYNOD_ADMIN_TOKEN=… synod load --url http://10.0.0.7:8080 log --rate 500 --seconds 60
  synod load --spawn --database-url postgres://synod@127.0.0.1/synod --json log

The exit code is 1 if anything was lost, doubled, out of order or refused.";

/// What a scenario works with.
struct Bench {
    admin: Client,
    clock: Clock,
    progress: ProgressBar,
}

impl Load {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        telemetry::start(false, "error")?;
        let asked_to_stop = stop::asked()?;
        tokio::pin!(asked_to_stop);
        let clock = Clock::system();
        let target = &self.target;
        let mut stage = None;
        let admin = if target.spawn {
            let opened = Stage::open(&clock, target.database_url.as_deref()).await?;
            stage.insert(opened).admin.clone()
        } else {
            Client::new(&target.url, &target.admin_token)?
        };
        let bench = Bench {
            admin,
            clock,
            progress: progress(),
        };
        let ended_early = async {
            match &mut stage {
                Some(stage) => stage.failure().await,
                None => std::future::pending().await,
            }
        };
        let report = tokio::select! {
            report = self.scenario.play(&bench) => report,
            failure = ended_early => return Err(failure),
            () = &mut asked_to_stop => Err(anyhow!("stopped before the load was over")),
        };
        bench.progress.finish_and_clear();
        if let Some(stage) = stage {
            stage.close().await?;
        }
        self.target.tell(&report?)
    }
}

impl Target {
    /// Tells the report, and fails if something in it is wrong.
    fn tell(&self, report: &Report) -> anyhow::Result<()> {
        if self.json {
            super::tell(format_args!("{}", report.to_json()))?;
        } else {
            super::tell(format_args!("{report}"))?;
        }
        if report.is_flawless() {
            return Ok(());
        }
        bail!("the server did not do all that it must: see the report")
    }
}

impl Scenario {
    async fn play(&self, bench: &Bench) -> anyhow::Result<Report> {
        match self {
            Self::Meetings(meetings) => meetings.play(bench, 0).await,
            Self::Churn(churn) => churn.play(bench).await,
            Self::Log(log) => log.play(bench).await,
            Self::Connections(connections) => connections.play(bench).await,
        }
    }
}

impl Bench {
    /// Makes agents.
    async fn agents(&self, count: usize) -> anyhow::Result<Vec<Credentials>> {
        let mut agents = Vec::with_capacity(count);
        while agents.len() < count {
            let mut hiring = JoinSet::new();
            for nth in agents.len()..count.min(agents.len() + HIRED_AT_ONCE) {
                let admin = self.admin.clone();
                hiring.spawn(async move { admin.create_agent(&format!("load {nth}")).await });
            }
            while let Some(hired) = hiring.join_next().await {
                let hired =
                    hired?.context("an agent could not be made: is the admin token right?")?;
                agents.push(hired);
            }
        }
        Ok(agents)
    }

    /// How long it has been since a moment of the same clock.
    fn since(&self, then: Duration) -> Duration {
        self.clock.elapsed().saturating_sub(then)
    }
}

/// Drawn on a terminal only.
fn progress() -> ProgressBar {
    let bar = ProgressBar::new(0);
    bar.set_draw_target(if std::io::stderr().is_terminal() {
        ProgressDrawTarget::stderr()
    } else {
        ProgressDrawTarget::hidden()
    });
    let style = ProgressStyle::with_template("{wide_bar} {pos}/{len} {per_sec} {elapsed}");
    bar.with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}

/// Enough to be quick, few enough not to be the load.
const HIRED_AT_ONCE: usize = 32;
