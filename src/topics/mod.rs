//! Words to topics: what the agents should meet about, and why.
//!
//! [`suggest`] reads messages as people would skim them. Each is stripped to its language (`text`), its words are reduced to stems and its
//! cues are found (`reading`, with what is known of languages in `language` and `cues`). What shares rare words, a topic column or
//! agents becomes one subject (`subjects`); with `embeddings`, words of near meaning count as one. What the messages of a subject show
//! together (`signals`) says whether there is something to settle, and how urgent it is (`rank`), also beside how much was said of it
//! in the days `before`; `phrase` puts that into words. The same messages at the same time give the same answer, in whatever order
//! they come.
//!
//! What is deliberately absent: the log itself, time, and meetings: nothing here starts one. Messages are only counted and compared: what
//! they demand of their reader moves nothing.

mod before;
mod cues;
mod embeddings;
mod language;
mod phrase;
mod rank;
mod reading;
mod signals;
mod subjects;
#[cfg(test)]
mod tests;
mod text;
mod vectors;

use std::collections::BTreeSet;

use chrono::{DateTime, TimeDelta, Utc};
use uuid::Uuid;

pub use embeddings::{Embeddings, Malformed};

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
    /// What it says.
    pub text: &'a str,
    /// Whether that is JSON; its strings count as text.
    pub is_json: bool,
}

/// What is asked, and how much is looked at and answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Question {
    /// Now.
    pub now: DateTime<Utc>,
    /// Older messages do not count.
    pub hours_back: u32,
    /// Messages looked at: the newest.
    pub messages_max: usize,
    /// Topics with fewer messages are left out.
    pub messages_min: usize,
    /// Topics in the answer: the most urgent.
    pub topics_max: usize,
    /// Messages named with one topic: the strongest evidence.
    pub related_max: usize,
}

/// Why a topic may deserve a meeting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Agents want different things.
    Conflict,
    /// Something was asked, and not answered.
    OpenQuestion,
    /// Several wait for each other, do the same work, or leave it to each other.
    Coordination,
}

/// What makes a topic urgent, in shares of one: their sum is its priority.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Priority {
    /// Agents speak against each other.
    pub disagreement: f64,
    /// Questions stay open.
    pub open_questions: f64,
    /// Work is waited for, claimed or passed on.
    pub coordination: f64,
    /// How many messages there are.
    pub frequency: f64,
    /// How much more is said of it than in the days before.
    pub growth: f64,
    /// How many agents it touches.
    pub breadth: f64,
    /// Words that say that it presses.
    pub urgency: f64,
    /// How new the last message is.
    pub recency: f64,
}

/// A topic that may deserve a meeting.
#[derive(Clone, Debug, PartialEq)]
pub struct Suggestion {
    /// What to do, in a few words: a meeting's topic.
    pub topic: String,
    /// Why.
    pub kind: Kind,
    /// From 0 to 1.
    pub priority: f64,
    /// What the priority is made of.
    pub parts: Priority,
    /// Why, for people.
    pub reason: String,
    /// The messages that show it, the strongest evidence first.
    pub related: Vec<Uuid>,
    /// Everyone who wrote or was written to in these, in the order of their ids: whom to invite.
    pub agents: Vec<Uuid>,
    /// How many messages show it, named or not.
    pub messages: usize,
    /// When the last of them was logged.
    pub last_at: DateTime<Utc>,
}

impl Suggestion {
    /// The meeting that deals, or has dealt, with this: the first whose related messages are at least half of those named here.
    pub fn meeting(&self, meetings: &[Known]) -> Option<Uuid> {
        let deals = |known: &&Known| {
            let common = self
                .related
                .iter()
                .filter(|id| known.related.contains(id))
                .count();
            common > 0 && 2 * common >= self.related.len()
        };
        meetings.iter().find(deals).map(|known| known.meeting)
    }
}

/// A meeting, and the messages that prompted it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Known {
    /// The meeting.
    pub meeting: Uuid,
    /// The messages.
    pub related: BTreeSet<Uuid>,
}

/// The least time before the window with which it is compared: one weekend does not make everything new.
const BEFORE_MIN: TimeDelta = TimeDelta::days(3);

impl Question {
    fn window(&self) -> TimeDelta {
        TimeDelta::hours(i64::from(self.hours_back.max(1)))
    }

    /// The time before the window with which it is compared: as long, or a few days.
    fn before(&self) -> TimeDelta {
        self.window().max(BEFORE_MIN)
    }

    /// How many windows that is.
    fn windows_before(&self) -> f64 {
        self.before().num_seconds() as f64 / self.window().num_seconds() as f64
    }

    /// So much before now.
    fn ago(&self, time: TimeDelta) -> DateTime<Utc> {
        let then = self.now.checked_sub_signed(time);
        then.unwrap_or(DateTime::<Utc>::MIN_UTC)
    }

    /// Messages that are older are not looked at. Those before the window only tell how much is said of a subject as a rule.
    pub fn oldest(&self) -> DateTime<Utc> {
        self.ago(self.window() + self.before())
    }
}

/// The topics of these messages that need a meeting, most urgent first. Small talk, reports and what was settled are none.
pub fn suggest(messages: &[Message<'_>], question: &Question) -> Vec<Suggestion> {
    suggest_by_meaning(messages, question, None)
}

/// The same, where words of near meaning count as one when messages are put together.
pub fn suggest_by_meaning(
    messages: &[Message<'_>],
    question: &Question,
    embeddings: Option<&Embeddings>,
) -> Vec<Suggestion> {
    let all = looked_at(messages, question);
    let begin = question.ago(TimeDelta::hours(i64::from(question.hours_back)));
    let older = all.partition_point(|message| message.at < begin);
    let log = &all[older..];
    let (readings, written) = reading::read(&all);
    let (before, readings) = readings.split_at(older);
    let before = before::Before::new(before, question.windows_before());
    let meanings = embeddings.map(|embeddings| embeddings.meanings(readings, &written));
    let vectors = vectors::Vectors::new(log, readings, &meanings.unwrap_or_default());
    let course = signals::Course::of(log, readings);
    let subjects = subjects::subjects(log, readings, &vectors, &course.announced);
    let signals = subjects.iter().filter_map(|group| {
        let links = subjects::links(group, &vectors.words);
        let signals = signals::Signals::of(group, &links, log, readings, &course);
        if signals.evidence.len() > 1 {
            return Some(signals);
        }
        signals::Signals::of_lone_question(group, log, readings, &course)
    });
    let usual = |signals: &signals::Signals| {
        let subject: Vec<_> = signals.evidence.iter().map(|at| &readings[*at]).collect();
        before.usual(&subject)
    };
    let ranked = rank::ranked(signals.collect(), usual, log, question);
    let phrases = phrase::Phrases::new(readings, written);
    let suggestion = |ranked: &rank::Ranked| ranked.suggestion(log, &phrases, question);
    ranked.iter().map(suggestion).collect()
}

/// The newest messages of the time asked for and of that before, oldest first.
fn looked_at<'a, 'b>(messages: &'a [Message<'b>], question: &Question) -> Vec<&'a Message<'b>> {
    let oldest = question.oldest();
    let mut recent: Vec<_> = messages
        .iter()
        .filter(|message| message.at >= oldest)
        .collect();
    recent.sort_by_key(|message| (message.at, message.id));
    let surplus = recent.len().saturating_sub(question.messages_max);
    recent.split_off(surplus)
}

/// What makes two spellings of a topic column one: neither case nor blanks matter.
fn label(topic: &str) -> String {
    let words: Vec<_> = topic.split_whitespace().map(str::to_lowercase).collect();
    words.join(" ")
}
