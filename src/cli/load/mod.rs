//! `synod load`: puts a server under load, and checks that it loses, doubles and reorders nothing.
//!
//! A scenario makes its agents, lets them do what agents do, and holds every answer and every event against what must be. What it
//! sees it writes into one [`Record`], of which the [`Report`] is made; whoever checks nothing measures nothing.

mod churn;
mod connections;
mod log;
mod meetings;
mod memory;
mod mixed;
mod plot;
mod record;
mod report;
mod sitting;
mod turnover;
mod witness;

use std::io::IsTerminal;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, anyhow, bail};
use clap::{Args, Subcommand};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use tokio::task::JoinSet;

use self::memory::Memory;
use self::record::{Flaw, Record};
use self::report::Report;
use super::remote::Remote;
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
    #[command(flatten)]
    remote: Remote,
    /// Start a server for this, with an embedded database, and stop it afterwards. It is a process of its own, whose memory is told.
    #[arg(long, conflicts_with = "url", global = true)]
    spawn: bool,
    /// Where the server that is started keeps things, if not in an embedded database.
    #[arg(long, value_name = "URL", requires = "spawn", global = true)]
    database_url: Option<String>,
    /// Tell the result as JSON.
    #[arg(long, global = true)]
    json: bool,
    /// Write the result into a file as CSV, too.
    #[arg(long, value_name = "FILE", global = true)]
    csv: Option<PathBuf>,
    /// Draw the result into a file, too: times by percentile, and how many there were over time.
    #[arg(long, value_name = "FILE.svg", global = true, value_parser = plot::file)]
    plot: Option<PathBuf>,
}

#[derive(Subcommand)]
enum Scenario {
    Meetings(meetings::Meetings),
    Churn(churn::Churn),
    Log(log::Log),
    Connections(connections::Connections),
    Turnover(turnover::Turnover),
    Mixed(mixed::Mixed),
}

const EXAMPLES: &str = "\
Examples:
  synod load --spawn meetings
  synod load --spawn meetings --meetings 5 --agents 20 --rounds 10
  synod load --spawn churn --drop-percent 30
  synod load --spawn connections --agents 5000
  synod load --spawn turnover --meetings 100000
  synod load --spawn mixed --minutes 10 --plot mixed.svg
  SYNOD_ADMIN_TOKEN=… synod load --url http://10.0.0.7:8080 log --rate 500 --seconds 60
  synod load --spawn --database-url postgres://synod@127.0.0.1/synod --json log

The exit code is 1 if anything was lost, doubled, out of order or refused.";

/// What a scenario works with; cheap to clone.
#[derive(Clone)]
struct Bench {
    admin: Client,
    clock: Clock,
    bar: ProgressBar,
    record: Record,
    memory: Arc<Memory>,
}

impl Load {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        telemetry::start(false, "error")?;
        let asked_to_stop = stop::asked()?;
        tokio::pin!(asked_to_stop);
        let Self { target, scenario } = self;
        let clock = Clock::system();
        let mut stage = None;
        let admin = if target.spawn {
            let opened = Stage::open(&clock, target.database_url.as_deref(), &WIDE_OPEN).await?;
            stage.insert(opened).admin.clone()
        } else {
            target.remote.client()?
        };
        let bar = progress();
        let bench = Bench {
            admin,
            record: Record::new(clock.clone(), bar.clone()),
            clock,
            bar,
            memory: Arc::new(Memory::of(stage.as_ref().and_then(Stage::process))),
        };
        let ended_early = async {
            match &mut stage {
                Some(stage) => stage.failure().await,
                None => std::future::pending().await,
            }
        };
        let name = scenario.name();
        let played = tokio::select! {
            played = scenario.play(&bench) => played,
            failure = ended_early => Err(failure),
            () = &mut asked_to_stop => Err(anyhow!("stopped before the load was over")),
        };
        if let Err(error) = &played {
            bench.record.flaw(Flaw::Error, format_args!("{error:#}"));
        }
        bench.bar.finish_and_clear();
        let report = Report::of(name, &bench.record, bench.memory.usage());
        let told = target.tell(&report);
        if let Some(stage) = stage {
            let closed = stage.close().await;
            return played.and(told).and(closed);
        }
        played.and(told)
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
        if let Some(path) = &self.csv {
            report.write_csv(path)?;
        }
        if let Some(path) = &self.plot {
            plot::draw(report, path)?;
        }
        if report.is_flawless() {
            return Ok(());
        }
        bail!("the server did not do all that it must: see the report")
    }
}

impl Scenario {
    fn name(&self) -> &'static str {
        match self {
            Self::Meetings(_) => "meetings",
            Self::Churn(_) => "churn",
            Self::Log(_) => "log",
            Self::Connections(_) => "connections",
            Self::Turnover(_) => "turnover",
            Self::Mixed(_) => "mixed",
        }
    }

    async fn play(self, bench: &Bench) -> anyhow::Result<()> {
        match self {
            Self::Meetings(meetings) => meetings.play(bench).await,
            Self::Churn(churn) => churn.play(bench).await,
            Self::Log(log) => log.play(bench).await,
            Self::Connections(connections) => connections.play(bench).await,
            Self::Turnover(turnover) => turnover.play(bench).await,
            Self::Mixed(mixed) => mixed.play(bench).await,
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

    /// Lets the bar count the seconds of a load that has an end in time, and looks at the server's memory on the way.
    async fn count_seconds(&self, length: Duration) -> anyhow::Result<()> {
        self.bar.set_length(length.as_secs());
        let mut every_second = tokio::time::interval(Duration::from_secs(1));
        for second in 0..=length.as_secs() {
            every_second.tick().await;
            self.bar.set_position(second);
            self.bar.set_message(self.record.seen().to_string());
            if second > 0 && second % length.as_secs().div_ceil(memory::MARKS) == 0 {
                self.memory.mark(second);
            }
        }
        Ok(())
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
    let style = ProgressStyle::with_template("{wide_bar} {pos}/{len} {per_sec} {elapsed} {msg}");
    bar.with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}

/// Enough to be quick, few enough not to be the load.
const HIRED_AT_ONCE: usize = 32;
/// What a server that is started for a load is told: all of it comes from one address, which may take the whole house here.
const WIDE_OPEN: [&str; 7] = [
    "--log=error",
    "--connections-max=65536",
    "--connections-per-address-max=65536",
    "--rate-per-address-per-s=1000000",
    "--burst-per-address=1000000",
    "--rate-per-token-per-s=1000000",
    "--burst-per-token=1000000",
];
