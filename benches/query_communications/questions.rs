//! What is asked: each filter alone and the common pairs, of agents, topics and words of every frequency.

use chrono::{DateTime, TimeDelta, Utc};
use synod::domain::AgentId;
use synod::storage::{CommunicationFilter, Words};

use crate::ASKED;
use crate::generated::{AGENTS, TOPICS, WORDS, YEAR, agent};

/// A kind of question.
pub(crate) struct Question {
    /// As the table names it.
    pub(crate) name: &'static str,
    filters: &'static [Filter],
}

#[derive(Clone, Copy)]
enum Filter {
    Sender,
    Receiver,
    Topic,
    Agent,
    /// Asked by an agent, who sees what it sent or received.
    VisibleTo,
    StartDate,
    EndDate,
    Q,
}

use Filter::{Agent, EndDate, Q, Receiver, Sender, StartDate, Topic, VisibleTo};

/// All that are asked.
pub(crate) const QUESTIONS: &[Question] = &[
    Question::new("all", &[]),
    Question::new("sender_id", &[Sender]),
    Question::new("receiver_id", &[Receiver]),
    Question::new("topic", &[Topic]),
    Question::new("agent_id", &[Agent]),
    Question::new("an agent's own", &[VisibleTo]),
    Question::new("start_date", &[StartDate]),
    Question::new("end_date", &[EndDate]),
    Question::new("both dates", &[StartDate, EndDate]),
    Question::new("q", &[Q]),
    Question::new("sender_id, dates", &[Sender, StartDate, EndDate]),
    Question::new("receiver_id, dates", &[Receiver, StartDate, EndDate]),
    Question::new("topic, dates", &[Topic, StartDate, EndDate]),
    Question::new("sender_id, receiver_id", &[Sender, Receiver]),
    Question::new("sender_id, topic", &[Sender, Topic]),
    Question::new("agent_id, topic", &[Agent, Topic]),
    Question::new("q, sender_id", &[Q, Sender]),
    Question::new("q, dates", &[Q, StartDate, EndDate]),
    Question::new("q, topic", &[Q, Topic]),
];

/// The `nth` of what there are so many of; neighbours are far apart, so that a pair is rarely of two that are common.
fn pick(nth: u32, step: u32, of: u32) -> u32 {
    (nth * step) % of
}

impl Filter {
    fn asked(self, nth: u32) -> Option<(&'static str, String)> {
        let asked = match self {
            Sender => ("sender_id", agent(1 + pick(nth, 5, AGENTS)).to_string()),
            Receiver => ("receiver_id", agent(1 + pick(nth, 35, AGENTS)).to_string()),
            Agent => ("agent_id", agent(1 + pick(nth, 5, AGENTS)).to_string()),
            Topic => ("topic", format!("topic%20{}", pick(nth, 55, TOPICS))),
            VisibleTo => return None,
            StartDate => ("start_date", day(nth).format("%Y-%m-%d").to_string()),
            EndDate => ("end_date", end(nth).format("%Y-%m-%d").to_string()),
            // As often as they are written: a person looks for any word of a message.
            Q => {
                let share = f64::from(pick(nth, 7, ASKED)) / f64::from(ASKED);
                (
                    "q",
                    format!("word{:.0}", (f64::from(WORDS) * share.powi(4)).floor()),
                )
            }
        };
        Some(asked)
    }
}

fn day(nth: u32) -> DateTime<Utc> {
    let first: DateTime<Utc> = YEAR.0.parse().expect("a day");
    first + TimeDelta::days(i64::from(pick(nth, 11, 320)))
}

/// Some weeks later.
fn end(nth: u32) -> DateTime<Utc> {
    day(nth) + TimeDelta::days(40)
}

impl Question {
    const fn new(name: &'static str, filters: &'static [Filter]) -> Self {
        Self { name, filters }
    }

    /// The query of the `nth` question.
    pub(crate) fn query(&self, nth: u32) -> String {
        let asked = self.filters.iter().filter_map(|filter| filter.asked(nth));
        let pairs: Vec<_> = asked
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        pairs.join("&")
    }

    /// The token of the agent that asks; `None` is the operator.
    pub(crate) fn reader(&self, nth: u32) -> Option<String> {
        let is_agent = self
            .filters
            .iter()
            .any(|filter| matches!(filter, VisibleTo));
        is_agent.then(|| (1 + pick(nth, 5, AGENTS)).to_string())
    }

    /// What the server makes of it.
    pub(crate) fn filter(&self, nth: u32) -> CommunicationFilter {
        let mut filter = CommunicationFilter::default();
        for part in self.filters {
            let text = part.asked(nth).map(|(_, value)| value.replace("%20", " "));
            let id = || {
                text.as_deref()
                    .and_then(|text| Some(AgentId(text.parse().ok()?)))
            };
            match part {
                Sender => filter.sender = id(),
                Receiver => filter.receiver = id(),
                Agent => filter.agent = id(),
                VisibleTo => filter.visible_to = Some(AgentId(agent(1 + pick(nth, 5, AGENTS)))),
                Topic => filter.topic.clone_from(&text),
                StartDate => filter.from = Some(day(nth)),
                EndDate => filter.until = Some(end(nth) + TimeDelta::days(1)),
                Q => filter.words = text.as_deref().and_then(Words::of),
            }
        }
        filter
    }
}
