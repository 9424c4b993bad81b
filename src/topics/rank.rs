//! Signals to priorities: what needs a meeting at all, of which kind it is, and how urgent.

use chrono::{DateTime, TimeDelta, Utc};

use super::cues::Cue;
use super::phrase::{self, Phrases};
use super::signals::Signals;
use super::{Kind, Message, Priority, Question, Suggestion};

/// A subject needs a meeting from this much on: a false alarm costs everybody's time.
const NEED_MIN: f64 = 0.68;

/// A subject that needs a meeting.
pub(super) struct Ranked {
    signals: Signals,
    parts: Priority,
    last_at: DateTime<Utc>,
}

/// The subjects that need a meeting, the most urgent first.
pub(super) fn ranked(
    subjects: Vec<Signals>,
    usual: impl Fn(&Signals) -> Option<f64>,
    log: &[&Message<'_>],
    question: &Question,
) -> Vec<Ranked> {
    let enough = |signals: &Signals| signals.evidence.len() >= question.messages_min;
    let mut ranked: Vec<_> = subjects
        .into_iter()
        .map(|signals| (need(&signals), signals))
        .filter(|(need, signals)| *need >= NEED_MIN && enough(signals))
        .map(|(need, signals)| {
            let usual = usual(&signals);
            Ranked::of(signals, need, usual, log, question)
        })
        .collect();
    // The sort is stable: what is equal stays in the order of its first messages.
    ranked.sort_by(|one, other| {
        let by_priority = other.parts.sum().total_cmp(&one.parts.sum());
        by_priority.then(other.last_at.cmp(&one.last_at))
    });
    ranked.truncate(question.topics_max);
    ranked
}

/// How much speaks for a meeting, from 0 to 1: a logistic model with a handful of weights. They were fitted to labelled logs (logistic
/// regression with an L2 penalty) and rounded; which signals are in it was chosen by how well logs are told that were not fitted to. What
/// sides and open questions count was set by hand: two who quarrel within a minute are few in those logs.
fn need(signals: &Signals) -> f64 {
    let told = signals.told.max(1) as f64;
    let messages = signals.evidence.len().max(1) as f64;
    let share = |part: usize, whole: f64| part as f64 / whole;
    let yes = |is: bool| f64::from(u8::from(is));
    let evidence = -7.6
        // A subject that is taken to others, goes on for a while in more than a few words each, and is called by a name ...
        + 2.6 * rising(signals.pairs.len().saturating_sub(1), 1.0)
        + 1.7 * rising(signals.minutes, 60.0)
        + 3.5 * saturation(share(signals.words, messages), 10.0)
        + 2.1 * saturation(share(signals.terms, told), 5.0)
        + 3.2 * signals.named
        // ... in which somebody waits, wants something, says no or does not know, sides are taken or a question is open ...
        + 0.9 * rising(signals.count(Cue::Wait), 1.0)
        + 0.9 * rising(signals.count(Cue::Propose), 1.0)
        + 0.9 * share(signals.count(Cue::Negation), told)
        + 4.0 * rising(signals.opposed(), 1.0)
        + 1.6 * yes(signals.is_open) * rising(signals.questions, 1.0)
        + 0.8 * rising(signals.count(Cue::Hedge), 1.0)
        + 2.5 * yes(signals.evidence.len() == 1)
        // ... and that was not answered, agreed upon or closed.
        - 0.9 * share(signals.settled, told)
        - 1.3 * yes(signals.is_closed);
    1.0 / (1.0 + (-evidence).exp())
}

impl Ranked {
    fn of(
        signals: Signals,
        need: f64,
        usual: Option<f64>,
        log: &[&Message<'_>],
        question: &Question,
    ) -> Self {
        let times: Vec<_> = signals.evidence.iter().map(|at| log[*at].at).collect();
        let last_at = times.last().copied().unwrap_or(question.now);
        let parts = parts(&signals, need, usual, &times, question);
        Self {
            signals,
            parts,
            last_at,
        }
    }

    /// The same in words.
    pub(super) fn suggestion(
        &self,
        log: &[&Message<'_>],
        phrases: &Phrases<'_>,
        question: &Question,
    ) -> Suggestion {
        let Self {
            signals,
            parts,
            last_at,
        } = self;
        let kind = parts.kind();
        let related = strongest(signals, question.related_max);
        Suggestion {
            topic: phrase::title(kind, &phrases.key(&signals.evidence)),
            kind,
            priority: parts.sum(),
            parts: *parts,
            reason: phrase::reason(signals, question, *last_at),
            related: related.map(|at| log[at].id).collect(),
            agents: signals.agents.iter().copied().collect(),
            messages: signals.evidence.len(),
            last_at: *last_at,
        }
    }
}

/// The evidence, the strongest first; of what is equal the newer.
fn strongest(signals: &Signals, most: usize) -> impl Iterator<Item = usize> {
    let mut evidence: Vec<_> = signals
        .evidence
        .iter()
        .copied()
        .zip(&signals.strength)
        .collect();
    evidence.sort_by(|one, other| other.1.total_cmp(one.1).then(other.0.cmp(&one.0)));
    evidence.into_iter().map(|(at, _)| at).take(most)
}

impl Priority {
    /// The priority itself, from 0 to 1.
    pub fn sum(&self) -> f64 {
        let needs = self.disagreement + self.open_questions + self.coordination;
        let sum = needs + self.frequency + self.growth + self.breadth + self.urgency + self.recency;
        thousandths(sum.min(1.0))
    }

    fn kind(&self) -> Kind {
        if self.disagreement >= self.open_questions && self.disagreement >= self.coordination {
            Kind::Conflict
        } else if self.open_questions >= self.coordination {
            Kind::OpenQuestion
        } else {
            Kind::Coordination
        }
    }
}

/// What a need for a meeting counts in the priority: more where agents are at odds, which nobody settles by answering or by waiting.
const KIND_WEIGHTS: [f64; 3] = [0.6, 0.5, 0.5];

/// The shares of what makes a topic urgent. What there is to settle makes most of it.
fn parts(
    signals: &Signals,
    need: f64,
    usual: Option<f64>,
    times: &[DateTime<Utc>],
    question: &Question,
) -> Priority {
    let window = question.window();
    let growth = match usual {
        Some(usual) => rise(times.len() as f64, usual),
        None => late_rise(times, question.now, window),
    };
    let kinds = kinds(signals);
    let [disagreement, open_questions, coordination] =
        [0, 1, 2].map(|kind| thousandths(KIND_WEIGHTS[kind] * need * kinds[kind]));
    let age = times
        .last()
        .map_or(TimeDelta::zero(), |last| question.now - *last)
        .max(TimeDelta::zero());
    let recency = 1.0 - (age.num_seconds() as f64 / window.num_seconds() as f64).min(1.0);
    Priority {
        disagreement,
        open_questions,
        coordination,
        frequency: thousandths(0.1 * rising(signals.evidence.len(), 6.0)),
        growth: thousandths(0.05 * growth),
        breadth: thousandths(0.05 * rising(signals.agents.len().saturating_sub(2), 2.0)),
        urgency: thousandths(0.1 * rising(signals.count(Cue::Urgent), 1.0)),
        recency: thousandths(0.1 * recency),
    }
}

/// How much speaks for a conflict, an open question, and a need to coordinate, in shares of one: a multinomial logistic model, whose
/// weights were found as those of [`need`].
fn kinds(signals: &Signals) -> [f64; 3] {
    let told = signals.told.max(1) as f64;
    let yes = |is: bool| f64::from(u8::from(is));
    let some = |cue: Cue| rising(signals.count(cue), 1.0);
    let asking = signals.questions as f64 / told;
    let asked = signals.count(Cue::Ask) as f64 / told;
    let is_open = yes(signals.is_open);
    let breadth = rising(signals.agents.len().saturating_sub(2), 2.0);
    let words = saturation(
        signals.words as f64 / signals.evidence.len().max(1) as f64,
        10.0,
    );
    let conflict = 0.2 - 1.9 * asking - 1.1 * is_open - breadth
        + 0.9 * words
        + some(Cue::Contrast)
        + some(Cue::Propose)
        + some(Cue::Against);
    let open = -1.4 + 2.4 * asking + 1.7 * asked + is_open + 0.3 * words + 0.8 * some(Cue::Hedge);
    let coordination = 1.2 - 0.5 * asking - 1.6 * asked + 0.9 * breadth - 1.2 * words
        + some(Cue::Claim)
        + some(Cue::HandOver)
        + 0.5 * some(Cue::Wait)
        + 0.5 * some(Cue::Overlap);
    let each = [conflict, open, coordination].map(f64::exp);
    let all = each.iter().sum::<f64>();
    each.map(|kind| kind / all)
}

/// How many more messages there are than usual, from 0 (no more) to 1 (there were none).
fn rise(messages: f64, usual: f64) -> f64 {
    ((messages - usual) / (messages + usual).max(1.0)).max(0.0)
}

/// The same for a log that begins with the window: the last quarter of it beside the rest.
fn late_rise(times: &[DateTime<Utc>], now: DateTime<Utc>, window: TimeDelta) -> f64 {
    let late = times.iter().filter(|time| **time > now - window / 4);
    let late = late.count() as f64;
    rise(late, (times.len() as f64 - late) / 3.0)
}

/// From 0 towards 1, half of it at `half_way`.
fn rising(count: usize, half_way: f64) -> f64 {
    saturation(count as f64, half_way)
}

fn saturation(amount: f64, half_way: f64) -> f64 {
    amount / (amount + half_way)
}

/// More digits would only look exact.
fn thousandths(share: f64) -> f64 {
    (share * 1_000.0).round() / 1_000.0
}
