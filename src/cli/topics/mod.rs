//! `synod topics`: what the log suggests to meet about, and a meeting about it where a person wants one.
//!
//! It only asks a running server, and starts nothing that nobody asked for. The list goes to stdout, as does the id of a new
//! meeting, alone; what people want to know beside goes to stderr. [`list`] shows the topics.

mod list;

use std::collections::{BTreeSet, HashMap};
use std::io::{BufRead, IsTerminal, Write};
use std::str::FromStr;

use anyhow::{Context, bail, ensure};
use chrono::{DateTime, Utc};
use clap::{Args, Subcommand, ValueEnum};
use futures_util::{StreamExt, TryStreamExt, stream};
use http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};
use uuid::Uuid;

use super::remote::Remote;
use crate::client::{Client, Error};
use crate::config::Limits;
use crate::domain::settings::MAX_ROUNDS;
use crate::wire::transcript::plain;

/// See what the log suggests to meet about, and hold a meeting about it.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Topics {
    #[command(flatten)]
    remote: Remote,
    #[command(flatten)]
    search: Search,
    /// Tell what the server answers, as JSON.
    #[arg(long)]
    json: bool,
    #[command(subcommand)]
    action: Option<Action>,
}

/// Which messages are looked at, and which topics are wanted: for the list, and for the numbers in it.
#[derive(Args)]
struct Search {
    /// How many hours back to look.
    #[arg(long, global = true, value_name = "HOURS", default_value_t = HOURS_BACK, value_parser = clap::value_parser!(u32).range(1..=i64::from(Limits::SUGGEST_HOURS_MAX)))]
    hours_back: u32,
    /// Topics at most.
    #[arg(long, value_name = "N", default_value_t = Limits::SUGGEST_TOPICS.0, value_parser = clap::value_parser!(u32).range(1..=i64::from(Limits::SUGGEST_TOPICS.1)))]
    limit: u32,
    /// Leave out topics that fewer messages show.
    #[arg(long, global = true, value_name = "N", default_value_t = MESSAGES_MIN, value_parser = clap::value_parser!(u32).range(1..=i64::from(Limits::SUGGEST_MESSAGES_MAX)))]
    min_messages: u32,
    /// Only messages that this agent sent or received.
    #[arg(long, global = true, value_name = "ID")]
    agent: Option<Uuid>,
}

#[derive(Subcommand)]
enum Action {
    Meet(Meet),
}

/// Hold a meeting about a topic: its messages are the evidence, its agents are invited, and nobody else comes in.
#[derive(Args)]
#[command(after_help = MEET_EXAMPLES)]
struct Meet {
    /// Its number in the list, or the id of a message among its evidence. Numbers change as messages come, an id does not; and they are
    /// those of the list with the same --hours-back, --min-messages and --agent.
    #[arg(value_name = "TOPIC")]
    choice: Choice,
    /// Rounds of discussion at most, if not as many as the server has by default.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=i64::from(MAX_ROUNDS)))]
    rounds: Option<u32>,
    /// What begins the meeting.
    #[arg(long, value_enum, default_value_t = Start::WhenAllJoined)]
    start: Start,
    /// Hold it even if there is a meeting that deals with the topic.
    #[arg(long)]
    again: bool,
    /// Do not ask whether this is the topic that is meant.
    #[arg(long, short)]
    yes: bool,
}

/// How a topic is named.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Choice {
    /// By its place in the list, from 1 on.
    Number(usize),
    /// By one of its messages.
    Message(Uuid),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "snake_case")]
enum Start {
    /// All who are invited have joined it.
    WhenAllJoined,
    /// Somebody starts it.
    Manual,
}

const HOURS_BACK: u32 = 24;
const MESSAGES_MIN: u32 = 1;

const EXAMPLES: &str = "\
Examples:
  synod topics
  synod topics --hours-back 168 --min-messages 3
  synod topics meet 1
      The first of them. The topic is shown and you are asked before anything is done.
  synod topics meet 0197b6a0-1c3e-7d55-9c0b-4f1d2a9e8b70 --rounds 2 --yes
      The topic that has this message among its evidence: for scripts, because numbers change as messages come.

The server looks through what agents wrote to each other in these hours, and finds where they want different things, where a \
question stays without an answer, and where they wait for each other or do the same work. It counts and compares words; no \
language model is asked, and nothing leaves the server.

It only suggests: no meeting is held unless somebody asks for it, here with `meet`. The options of a list belong to `meet` as well, \
because with others the numbers mean another list.";

const MEET_EXAMPLES: &str = "\
Examples:
  synod topics meet 1
  synod topics meet 2 --rounds 2 --start manual
  synod topics meet 3 --hours-back 168 --min-messages 3
      The third of what `synod topics --hours-back 168 --min-messages 3` shows.
  MEETING=$(synod topics meet 0197b6a0-1c3e-7d55-9c0b-4f1d2a9e8b70 --yes)";

const UNKNOWN_TOKEN: &str =
    "the server does not know the token: give one that it knows as --token or in SYNOD_ADMIN_TOKEN";

#[derive(Deserialize)]
struct Suggested {
    suggested_topics: Vec<Suggestion>,
}

/// A topic as the server tells it.
#[derive(Deserialize)]
struct Suggestion {
    topic: String,
    kind: String,
    priority: f64,
    reason: String,
    related_communications: Vec<Uuid>,
    agents: Vec<Uuid>,
    message_count: usize,
    last_at: DateTime<Utc>,
    meeting: Option<Uuid>,
}

#[derive(Deserialize)]
struct Agent {
    id: Uuid,
    name: String,
    role: String,
    revoked_at: Option<DateTime<Utc>>,
}

/// Agents by their ids.
type Agents = HashMap<Uuid, Agent>;

impl Topics {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        let server = self.remote.client()?;
        let done = match &self.action {
            None => self.list(&server).await,
            Some(Action::Meet(meet)) => self.meet(&server, meet).await,
        };
        let is_unknown = |error: &anyhow::Error| {
            let refusal = error.downcast_ref::<Error>();
            refusal.and_then(Error::status) == Some(StatusCode::UNAUTHORIZED)
        };
        done.map_err(|error| {
            if is_unknown(&error) {
                error.context(UNKNOWN_TOKEN)
            } else {
                error
            }
        })
    }

    async fn list(&self, server: &Client) -> anyhow::Result<()> {
        let answer = self.search.ask(server, self.search.limit).await?;
        if self.json {
            return Ok(super::tell(format_args!("{answer:#}"))?);
        }
        let topics = Suggested::deserialize(&answer)?.suggested_topics;
        let hours = self.search.hours_back;
        if topics.is_empty() {
            eprintln!(
                "nothing to meet about: the messages of the last {hours} h show nothing to settle; --hours-back looks further back"
            );
            return Ok(());
        }
        let agents = agents(server, &topics).await?;
        let width = textwrap::termwidth();
        list::show(&mut anstream::stdout(), width, &topics, &agents)?;
        let given = self.remote.given() + &self.search.given();
        eprintln!("this holds a meeting about one of them:\n  synod topics meet NUMBER{given}");
        Ok(())
    }

    async fn meet(&self, server: &Client, meet: &Meet) -> anyhow::Result<()> {
        // The number may be one of a longer list than this command would show.
        let answer = self.search.ask(server, Limits::SUGGEST_TOPICS.1).await?;
        let topics = Suggested::deserialize(&answer)?.suggested_topics;
        let topic = meet.choice.among(&topics)?;
        if let Some(meeting) = topic.meeting.filter(|_| !meet.again) {
            bail!("meeting {meeting} deals with it already: --again holds another");
        }
        let mut agents = agents(server, std::slice::from_ref(topic)).await?;
        agents.retain(|_, agent| agent.role == "agent" && agent.revoked_at.is_none());
        let invited = topic.agents.iter().filter(|id| agents.contains_key(id));
        let invited: Vec<_> = invited.copied().collect();
        ensure!(
            !invited.is_empty(),
            "none of its agents can be invited: their tokens were taken back"
        );
        if !meet.yes {
            confirm(topic, &list::names(&invited, &agents))?;
        }
        let meeting: Value = server
            .post("/api/v1/meetings", &meet.request(topic, &invited))
            .await?;
        let id = meeting["id"].as_str().context("the meeting has no id")?;
        if self.json {
            super::tell(format_args!("{meeting:#}"))?;
        } else {
            super::tell(format_args!("{id}"))?;
        }
        meet.tell_what_next(server, id);
        Ok(())
    }
}

impl Search {
    /// The options that make this list another than the usual, but for its length, as they are given. A number means the same in a list
    /// of any length.
    fn given(&self) -> String {
        let hours =
            (self.hours_back != HOURS_BACK).then(|| format!(" --hours-back {}", self.hours_back));
        let messages = (self.min_messages != MESSAGES_MIN)
            .then(|| format!(" --min-messages {}", self.min_messages));
        let agent = self.agent.map(|id| format!(" --agent {id}"));
        [hours, messages, agent].into_iter().flatten().collect()
    }

    async fn ask(&self, server: &Client, limit: u32) -> Result<Value, Error> {
        let Self {
            hours_back,
            min_messages,
            agent,
            ..
        } = self;
        let agent = agent.map(|id| format!("&agent_id={id}"));
        let agent = agent.unwrap_or_default();
        let path = format!(
            "/api/v1/meetings/suggest-topics?hours_back={hours_back}&limit={limit}&min_messages={min_messages}{agent}"
        );
        server.get(&path).await
    }
}

impl Meet {
    fn request(&self, topic: &Suggestion, invited: &[Uuid]) -> Value {
        let mut request = json!({
            "topic": topic.topic,
            "meeting_type": "auto_generated",
            "participant_ids": invited,
            "related_communication_ids": topic.related_communications,
            // Whoever is in the meeting may read its evidence.
            "admission": "invited",
            "start": self.start.to_possible_value().map(|start| start.get_name().to_owned()),
        });
        if let Some(rounds) = self.rounds {
            request["max_discussion_rounds"] = rounds.into();
        }
        request
    }

    fn tell_what_next(&self, server: &Client, id: &str) {
        let meeting = format!("{}/api/v1/meetings/{id}", server.address());
        let header = "-H \"Authorization: Bearer $SYNOD_ADMIN_TOKEN\"";
        match self.start {
            Start::WhenAllJoined => {
                eprintln!(
                    "the meeting begins when all its agents have joined; they are told of it on their own lines"
                );
            }
            Start::Manual => {
                eprintln!(
                    "the meeting waits; this starts it:\n  curl {header} -X POST {meeting}/start"
                );
            }
        }
        let dashboard = super::dashboard(server.address(), id);
        eprintln!("it can be read, from now on:\n  {dashboard}");
        eprintln!("  curl {header} -H 'Accept: text/markdown' {meeting}/transcript");
    }
}

impl Choice {
    fn among(self, topics: &[Suggestion]) -> anyhow::Result<&Suggestion> {
        let count = topics.len();
        match self {
            Self::Number(number) => topics
                .get(number - 1)
                .with_context(|| format!("there is no topic {number}: {count} are suggested now, and `synod topics` shows them")),
            Self::Message(id) => topics
                .iter()
                .find(|topic| topic.related_communications.contains(&id))
                .with_context(|| format!("message {id} is no evidence of the {count} topics that are suggested now, which `synod topics` shows")),
        }
    }
}

impl FromStr for Choice {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match (text.parse(), text.parse()) {
            (Ok(number @ 1..), _) => Ok(Self::Number(number)),
            (_, Ok(id)) => Ok(Self::Message(id)),
            _ => Err("it is neither a number, from 1 on, nor the id of a message"),
        }
    }
}

/// The agents that these topics touch.
async fn agents(server: &Client, topics: &[Suggestion]) -> Result<Agents, Error> {
    let ids = topics.iter().flat_map(|topic| topic.agents.iter().copied());
    let ids: BTreeSet<Uuid> = ids.collect();
    let found = stream::iter(ids)
        .map(|id| async move { server.get(&format!("/api/v1/agents/{id}")).await })
        .buffer_unordered(QUESTIONS_AT_ONCE);
    found
        .map_ok(|agent: Agent| (agent.id, agent))
        .try_collect()
        .await
}

/// As many as a browser would ask at once.
const QUESTIONS_AT_ONCE: usize = 6;

/// Asks the person at the terminal.
///
/// # Errors
/// If it is not meant, or nobody is there to be asked.
fn confirm(topic: &Suggestion, names: &str) -> anyhow::Result<()> {
    let input = std::io::stdin();
    ensure!(
        input.is_terminal(),
        "nobody is here to be asked whether {:?} is meant: --yes goes on without asking",
        plain(&topic.topic)
    );
    let messages = topic.related_communications.len();
    let title = plain(&topic.topic);
    anstream::eprint!(
        "{}\n  with {names}\n  on the evidence of {messages} {}\nHold this meeting? [y/N] ",
        owo_colors::OwoColorize::bold(&title),
        if messages == 1 { "message" } else { "messages" },
    );
    std::io::stderr().flush()?;
    let mut answer = String::new();
    input.lock().read_line(&mut answer)?;
    let is_meant = ["y", "yes"].contains(&answer.trim().to_lowercase().as_str());
    ensure!(is_meant, "nothing was done");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_topic_is_named_by_a_number_or_by_a_message() {
        assert_eq!("2".parse(), Ok(Choice::Number(2)));
        let id = Uuid::from_u128(7);
        assert_eq!(id.to_string().parse(), Ok(Choice::Message(id)));
        for wrong in ["0", "-1", "first", ""] {
            assert!(wrong.parse::<Choice>().is_err(), "{wrong}");
        }
    }
}
