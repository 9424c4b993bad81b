//! Words to topics: what the agents seem to be talking about, and how much it deserves a meeting.
//!
//! [`suggest`] groups messages by the topic that their senders gave them and ranks the groups. The same
//! messages at the same time give the same answer, in whatever order they come.
//!
//! What is deliberately absent: the log itself, time, any look at what messages say (those without a topic are left out),
//! and meetings: nothing here starts one.

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, TimeDelta, Utc};
use uuid::Uuid;

/// A message of the log, as far as it is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Message<'a> {
    /// Its id.
    pub id: Uuid,
    /// When it was logged.
    pub at: DateTime<Utc>,
    /// From whom.
    pub sender: Uuid,
    /// To whom.
    pub receiver: Uuid,
    /// What its sender said that it is about.
    pub topic: Option<&'a str>,
}

/// What is asked, and how much is looked at and answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Question {
    /// Now.
    pub now: DateTime<Utc>,
    /// Older messages do not count.
    pub hours_back: u32,
    /// Messages looked at: the newest.
    pub messages_max: usize,
    /// Topics in the answer: the most urgent.
    pub topics_max: usize,
    /// Messages named with one topic: the newest.
    pub related_max: usize,
}

/// A topic that may deserve a meeting.
#[derive(Clone, Debug, PartialEq)]
pub struct Suggestion {
    /// In the words of its latest message.
    pub topic: String,
    /// From 0 to 1.
    pub priority: f64,
    /// Why, for people.
    pub reason: String,
    /// The messages about it, newest first.
    pub related: Vec<Uuid>,
    /// Everyone who wrote or was written to, in the order of their ids.
    pub agents: Vec<Uuid>,
    /// How many messages there were, named or not.
    pub messages: usize,
    /// When the latest was logged.
    pub last_at: DateTime<Utc>,
}

/// The topics of these messages, most urgent first. One message, or an agent that writes to itself, is no topic yet.
pub fn suggest(messages: &[Message<'_>], question: Question) -> Vec<Suggestion> {
    let mut groups = BTreeMap::<String, Group<'_>>::new();
    for message in looked_at(messages, question) {
        let topic = message.topic.unwrap_or_default();
        let label = label(topic);
        if !label.is_empty() {
            groups.entry(label).or_default().add(message, topic.trim());
        }
    }
    let groups = groups.into_values();
    let mut suggestions: Vec<_> = groups
        .filter_map(|group| group.suggestion(question))
        .collect();
    // The sort is stable: what is equal stays in the order of the labels.
    suggestions.sort_by(|one, other| {
        let by_priority = other.priority.total_cmp(&one.priority);
        by_priority.then(other.last_at.cmp(&one.last_at))
    });
    suggestions.truncate(question.topics_max);
    suggestions
}

/// The newest messages of the time asked for, oldest first.
fn looked_at<'a, 'b>(messages: &'a [Message<'b>], question: Question) -> Vec<&'a Message<'b>> {
    let window = TimeDelta::hours(i64::from(question.hours_back));
    let begin = question.now.checked_sub_signed(window);
    let begin = begin.unwrap_or(DateTime::<Utc>::MIN_UTC);
    let mut recent: Vec<_> = messages
        .iter()
        .filter(|message| message.at >= begin)
        .collect();
    recent.sort_by_key(|message| (message.at, message.id));
    let surplus = recent.len().saturating_sub(question.messages_max);
    recent.split_off(surplus)
}

/// What makes two spellings one topic: neither case nor blanks matter.
fn label(topic: &str) -> String {
    let words: Vec<_> = topic.split_whitespace().map(str::to_lowercase).collect();
    words.join(" ")
}

/// The messages about one topic, as they are added, oldest first.
#[derive(Default)]
struct Group<'a> {
    topic: &'a str,
    messages: Vec<Uuid>,
    agents: BTreeSet<Uuid>,
    last_at: DateTime<Utc>,
    /// Who wrote last between two agents, the smaller id first.
    last_sender: BTreeMap<(Uuid, Uuid), Uuid>,
    answers: usize,
}

impl<'a> Group<'a> {
    fn add(&mut self, message: &Message<'_>, topic: &'a str) {
        let (sender, receiver) = (message.sender, message.receiver);
        let pair = (sender.min(receiver), sender.max(receiver));
        let before = self.last_sender.insert(pair, sender);
        self.answers += usize::from(before.is_some_and(|before| before != sender));
        self.agents.extend([sender, receiver]);
        self.messages.push(message.id);
        self.topic = topic;
        self.last_at = message.at;
    }

    fn suggestion(self, question: Question) -> Option<Suggestion> {
        if self.messages.len() < 2 || self.agents.len() < 2 {
            return None;
        }
        let related = self.messages.iter().rev().take(question.related_max);
        Some(Suggestion {
            topic: self.topic.to_owned(),
            priority: self.priority(question),
            reason: self.reason(question),
            related: related.copied().collect(),
            messages: self.messages.len(),
            last_at: self.last_at,
            agents: self.agents.into_iter().collect(),
        })
    }

    /// A weighted mean of four shares, each of which grows with one more message or stays: how many there are, between how many agents,
    /// how recent the last is, how often one answered another. In thousandths: more would only look exact.
    fn priority(&self, question: Question) -> f64 {
        let of = |count: usize, half_way: f64| count as f64 / (count as f64 + half_way);
        let volume = of(self.messages.len(), MESSAGES_HALF_WAY);
        let breadth = of(self.agents.len() - 2, AGENTS_HALF_WAY);
        let exchange = of(self.answers, ANSWERS_HALF_WAY);
        let window_ms = f64::from(question.hours_back.max(1)) * 3_600_000.0;
        let recency = 1.0 - (self.age(question).num_milliseconds() as f64 / window_ms).min(1.0);
        let mean = 0.35 * volume + 0.2 * breadth + 0.2 * exchange + 0.25 * recency;
        (mean * 1_000.0).round() / 1_000.0
    }

    fn reason(&self, question: Question) -> String {
        let (messages, agents) = (self.messages.len(), self.agents.len());
        let hours = counted(i64::from(question.hours_back), "hour");
        let answers = match self.answers {
            0 => "none of them an answer".to_owned(),
            1 => "1 of them an answer".to_owned(),
            answers => format!("{answers} of them answers"),
        };
        let ago = ago(self.age(question));
        format!(
            "{messages} messages between {agents} agents in the last {hours}, {answers}, the last {ago}"
        )
    }

    /// Clocks differ: a message from the future is from now.
    fn age(&self, question: Question) -> TimeDelta {
        (question.now - self.last_at).max(TimeDelta::zero())
    }
}

/// So many messages make half of the weight of volume: a handful is a conversation, dozens are a need.
const MESSAGES_HALF_WAY: f64 = 8.0;
/// So many agents beyond two make half of the weight of breadth.
const AGENTS_HALF_WAY: f64 = 2.0;
/// So many answers make half of the weight of exchange.
const ANSWERS_HALF_WAY: f64 = 4.0;

fn ago(age: TimeDelta) -> String {
    match (age.num_minutes(), age.num_hours(), age.num_days()) {
        (0, _, _) => "just now".to_owned(),
        (minutes, 0, _) => counted(minutes, "minute") + " ago",
        (_, hours, 0..=1) => counted(hours, "hour") + " ago",
        (_, _, days) => counted(days, "day") + " ago",
    }
}

fn counted(count: i64, what: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {what}{plural}")
}
