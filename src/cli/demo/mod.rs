//! `synod demo`: a server, some agents and one meeting, told live in the terminal.
//!
//! Everything in it is real: the server of `synod serve`, WebSockets, and an observer that tells what it is
//! told. Only the words come from a [`script`] instead of a language model.

mod agent;
mod script;

use std::io::{IsTerminal, Write};

use anyhow::{Context, anyhow};
use clap::Args;
use serde_json::{Value, json};
use tokio::task::JoinSet;
use uuid::Uuid;

use self::agent::{Agent, Pace};
use self::script::Script;
use super::stage::Stage;
use super::stop;
use super::teller::Teller;
use crate::client::{Client, Credentials, ServerFrame, Socket};
use crate::clock::Clock;
use crate::telemetry;
use crate::wire::CloseCode;

/// See a meeting: a server with built-in agents, who disagree before they agree. Nothing to set up, nothing left behind.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Demo {
    /// How many agents meet.
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = clap::value_parser!(u8).range(script::AGENTS))]
    agents: u8,
    /// Rounds of discussion at most.
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u8).range(1..=50))]
    rounds: u8,
    /// Chooses topic, names and who objects: the same seed, the same words. Drawn when left out.
    #[arg(long, value_name = "NUMBER")]
    seed: Option<u64>,
    /// No pauses. Nobody needs them where the output is no terminal, so there are none either.
    #[arg(long)]
    fast: bool,
    /// Leave the server up after the meeting, until ctrl-c.
    #[arg(long)]
    keep: bool,
}

const EXAMPLES: &str = "\
Examples:
  synod demo
  synod demo --agents 7 --seed 3
  synod demo --fast --keep
      Straight to the end, and then time to look at what the server kept.";

impl Demo {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        telemetry::start(false, "warn")?;
        let asked_to_stop = stop::asked()?;
        tokio::pin!(asked_to_stop);
        let clock = Clock::system();
        let drawn = u64::from(u16::from_le_bytes(clock.bytes()));
        let seed = self.seed.unwrap_or(drawn);
        let script = Script::new(seed, self.agents.into(), self.rounds.into())?;
        let mut stage = Stage::open(&clock, None, &["--log=warn"]).await?;
        let admin = stage.admin.clone();
        let mut shown = tokio::select! {
            shown = self.show(&admin, script, seed) => shown,
            failure = stage.failure() => return Err(failure),
            () = &mut asked_to_stop => Err(anyhow!("stopped before the meeting was over")),
        };
        if let Ok(meeting) = shown
            && self.keep
        {
            invite(&admin, &stage.token, meeting)?;
            tokio::select! {
                failure = stage.failure() => return Err(failure),
                () = asked_to_stop => shown = Ok(meeting),
            }
        }
        let closed = stage.close().await;
        shown.and(closed)
    }

    /// Shows a meeting, from the first agent's token to the decision in the database.
    async fn show(&self, admin: &Client, script: Script, seed: u64) -> anyhow::Result<Uuid> {
        let topic = script.topic.clone();
        let cast = hire(admin, script, self.pace()).await?;
        let meeting = admin.create_meeting(&self.meeting(&topic, &cast)).await?;
        let manners = cast.iter().map(|a| (a.id, a.part.manner.clone()));
        let width = textwrap::termwidth();
        let mut teller = Teller::new(anstream::stdout(), width, manners.collect());
        let server = admin.address();
        let until = if self.keep {
            "until ctrl-c"
        } else {
            "gone when the demo is over"
        };
        teller.fact("Server", &format!("{server}, {until}"))?;
        // The observer is there first: the meeting begins when the last agent comes.
        let observer = admin.watch(meeting, Some(0)).await?;
        tokio::try_join!(tell(observer, &mut teller), perform(cast, meeting))?;
        let decision = admin.decision_of(meeting).await?;
        let decision = decision.context("no decision stands in the database")?;
        let id = decision["id"].as_str().unwrap_or_default();
        let kept = format!("{id}, for good: the database refuses to change it");
        teller.fact("Decision", &kept)?;
        let Self { agents, rounds, .. } = self;
        let again = format!("synod demo --seed {seed} --agents {agents} --rounds {rounds}");
        teller.fact("Again", &again)?;
        teller.fact("Dashboard", &super::dashboard(server, meeting))?;
        if !self.keep {
            teller.fact("", "With --keep the server stays up, to look around in.")?;
        }
        Ok(meeting)
    }

    fn pace(&self) -> Pace {
        if self.fast || !std::io::stdout().is_terminal() {
            Pace::Fast
        } else {
            Pace::Reading
        }
    }

    fn meeting(&self, topic: &str, cast: &[Agent]) -> Value {
        let participants: Vec<Uuid> = cast.iter().map(|agent| agent.id).collect();
        json!({
            "topic": topic,
            "participant_ids": participants,
            "max_discussion_rounds": self.rounds,
            "admission": "invited",
            "start": "when_all_joined",
        })
    }
}

/// Makes an agent of every part, with a token of its own.
async fn hire(admin: &Client, script: Script, pace: Pace) -> anyhow::Result<Vec<Agent>> {
    let mut cast = Vec::new();
    for (seat, part) in (0..).zip(script.cast) {
        let metadata = json!({"manner": part.manner});
        let agent = json!({"name": part.name, "model": "built in", "metadata": metadata});
        let Credentials { id, token } = admin.post("/api/v1/agents", &agent).await?;
        let client = admin.with_token(&token)?;
        cast.push(Agent {
            seat,
            id,
            client,
            part,
            pace,
        });
    }
    Ok(cast)
}

/// Tells what the observer sees, until the meeting is over.
async fn tell<W: Write>(mut observer: Socket, teller: &mut Teller<W>) -> anyhow::Result<()> {
    loop {
        match observer.next().await {
            Ok(ServerFrame::MeetingEvent(event)) => teller.tell(&event)?,
            Ok(_) => {}
            Err(ended) if ended.code == CloseCode::MEETING_OVER.code => return Ok(()),
            Err(ended) => return Err(anyhow!(ended).context("the observer lost the meeting")),
        }
    }
}

/// Lets one agent in after the other, and waits until all have stayed to the end, or for the first that fails.
async fn perform(cast: Vec<Agent>, meeting: Uuid) -> anyhow::Result<()> {
    let mut seated = JoinSet::new();
    for agent in cast {
        seated.spawn(agent.enter(meeting).await?.stay());
    }
    while let Some(stayed) = seated.join_next().await {
        stayed.context("an agent crashed")??;
    }
    Ok(())
}

/// Says how to look at a server that stays.
fn invite(admin: &Client, token: &str, meeting: Uuid) -> std::io::Result<()> {
    let dashboard = super::dashboard(admin.address(), meeting);
    super::tell(format_args!(
        "
The server stays up until ctrl-c. Look at the meeting on its dashboard, with the admin token:

  {dashboard}
  {token}
"
    ))
}
