//! What the messages of one subject show together: who is against what, what stays open, who waits for whom, and what is settled.

use std::collections::{BTreeSet, HashMap};
use std::hash::{BuildHasher, RandomState};

use chrono::TimeDelta;
use uuid::Uuid;

use super::Message;
use super::cues::Cue;
use super::reading::Reading;

/// What one subject shows.
#[derive(Clone, Debug, Default)]
pub(super) struct Signals {
    /// The numbers of its messages, except those that share no word with the others and those that are mere receipts.
    pub(super) evidence: Vec<usize>,
    /// How strongly each of those is linked to the others.
    pub(super) strength: Vec<f32>,
    /// Words of the evidence.
    pub(super) words: usize,
    /// The share of the evidence that has a topic column; the usual one where nobody fills it in.
    pub(super) named: f64,
    /// Minutes from the first of the evidence to the last; as many as usual in a log that is too short to tell.
    pub(super) minutes: usize,
    /// Messages of the evidence that no machine sends again and again.
    pub(super) told: usize,
    /// Their terms.
    pub(super) terms: usize,
    /// How many of them were answered or agreed upon.
    pub(super) settled: usize,
    /// Who wrote them.
    pub(super) senders: BTreeSet<Uuid>,
    /// Who wrote or was written to.
    pub(super) agents: BTreeSet<Uuid>,
    /// Between whom they went.
    pub(super) pairs: BTreeSet<(Uuid, Uuid)>,
    /// Messages in which their senders take a side.
    stances: usize,
    /// Who takes one.
    sides: BTreeSet<Uuid>,
    /// Messages with each cue.
    cues: [usize; Cue::COUNT],
    /// Messages that ask.
    pub(super) questions: usize,
    /// The last message closes the subject.
    pub(super) is_closed: bool,
    /// Nobody has answered the last question.
    pub(super) is_open: bool,
}

/// What each message shows with those around it, of whatever subject.
pub(super) struct Course {
    /// Messages that others repeat but for their numbers: what machines report.
    routine: Vec<bool>,
    /// Messages that were received, and questions with an answer that was.
    settled: Vec<bool>,
    /// Messages that tell whoever cares: nobody is to act on them.
    pub(super) announced: Vec<bool>,
    /// Messages with a topic column; nothing where hardly anybody fills it in.
    named: Option<Vec<bool>>,
    /// All was said within an hour.
    is_brief: bool,
}

/// A word that a message and others share makes it evidence from this much on.
const LINK_MIN: f32 = 0.15;

/// And from this share of the strongest link on.
const LINK_SHARE_MIN: f32 = 0.25;

impl Signals {
    /// The signals of a group of messages that are linked this strongly.
    pub(super) fn of(
        group: &[usize],
        links: &[f32],
        log: &[&Message<'_>],
        readings: &[Reading],
        course: &Course,
    ) -> Self {
        let mut signals = Self::default();
        let is_settled = settled_within(group, log, readings, &course.settled);
        let strongest = links.iter().copied().fold(0.0, f32::max);
        let least = LINK_MIN.max(LINK_SHARE_MIN * strongest);
        for ((at, link), is_settled) in group.iter().zip(links).zip(is_settled) {
            let reading = &readings[*at];
            if reading.is_receipt() || *link < least {
                continue;
            }
            signals.evidence.push(*at);
            signals.strength.push(*link);
            signals.words += reading.words;
            signals.agents.extend([log[*at].sender, log[*at].receiver]);
            if !course.routine[*at] {
                signals.add(log[*at], reading);
                signals.settled += usize::from(is_settled);
            }
        }
        signals.named = course.named(&signals.evidence);
        signals.minutes = course.minutes(&signals.evidence, log);
        signals.end(group, log, readings);
        signals
    }

    /// The signals of a question that stands alone, if nobody has written to who asked it since.
    pub(super) fn of_lone_question(
        group: &[usize],
        log: &[&Message<'_>],
        readings: &[Reading],
        course: &Course,
    ) -> Option<Self> {
        let mut telling = group.iter().filter(|at| !readings[**at].is_receipt());
        let (at, None) = (*telling.next()?, telling.next()) else {
            return None;
        };
        let was_heard = log[at + 1..]
            .iter()
            .any(|later| later.receiver == log[at].sender);
        if readings[at].questions == 0 || was_heard {
            return None;
        }
        let mut signals = Self {
            evidence: vec![at],
            strength: vec![1.0],
            words: readings[at].words,
            named: course.named(&[at]),
            agents: [log[at].sender, log[at].receiver].into(),
            is_open: true,
            ..Self::default()
        };
        signals.add(log[at], &readings[at]);
        Some(signals)
    }

    /// How many messages answer a side that was taken with another one.
    pub(super) fn opposed(&self) -> usize {
        match self.sides.len() {
            0 | 1 => 0,
            _ => self.stances - 1,
        }
    }

    /// How many messages show this.
    pub(super) fn count(&self, cue: Cue) -> usize {
        self.cues[cue as usize]
    }

    fn add(&mut self, message: &Message<'_>, reading: &Reading) {
        let (sender, receiver) = (message.sender, message.receiver);
        self.told += 1;
        self.terms += reading.terms.len();
        self.senders.insert(sender);
        self.pairs
            .insert((sender.min(receiver), sender.max(receiver)));
        self.questions += usize::from(reading.questions > 0);
        if [Cue::Against, Cue::Contrast, Cue::Propose]
            .iter()
            .any(|cue| reading.has(*cue))
        {
            self.stances += 1;
            self.sides.insert(sender);
        }
        for (count, has) in self.cues.iter_mut().zip(reading.has_each()) {
            *count += usize::from(has);
        }
    }

    fn end(&mut self, group: &[usize], log: &[&Message<'_>], readings: &[Reading]) {
        let last = group.last().map(|at| &readings[*at]);
        let closes = |last: &Reading| {
            let says_so = last.is_receipt()
                || [Cue::Agree, Cue::Done, Cue::Courtesy]
                    .iter()
                    .any(|cue| last.has(*cue));
            says_so && last.questions == 0 && !last.has(Cue::Against)
        };
        self.is_closed = last.is_some_and(closes);
        let question = group.iter().rposition(|at| readings[*at].questions > 0);
        self.is_open = question.is_some_and(|question| {
            let asker = log[group[question]].sender;
            !group[question + 1..]
                .iter()
                .any(|at| log[*at].sender != asker && readings[*at].may_answer())
        });
    }
}

impl Course {
    /// The course of a whole log.
    pub(super) fn of(log: &[&Message<'_>], readings: &[Reading]) -> Self {
        Self {
            routine: routine(log),
            settled: settled(log, readings),
            announced: announced(log, readings),
            named: named(log),
            is_brief: is_brief(log),
        }
    }

    /// Minutes from the first of these to the last.
    fn minutes(&self, messages: &[usize], log: &[&Message<'_>]) -> usize {
        let [first, .., last] = messages else {
            return 0;
        };
        if self.is_brief {
            return MINUTES_USUALLY;
        }
        let minutes = (log[*last].at - log[*first].at).num_minutes();
        usize::try_from(minutes).unwrap_or_default()
    }

    /// The share of these that have a topic column.
    fn named(&self, messages: &[usize]) -> f64 {
        let Some(is_named) = &self.named else {
            return NAMED_USUALLY;
        };
        messages.iter().filter(|at| is_named[**at]).count() as f64 / messages.len().max(1) as f64
    }
}

/// Minutes for which a subject is talked about.
const MINUTES_USUALLY: usize = 150;

fn is_brief(log: &[&Message<'_>]) -> bool {
    let (first, last) = (log.first(), log.last());
    first
        .zip(last)
        .is_some_and(|(first, last)| last.at - first.at < TimeDelta::hours(1))
}

/// The share of messages about a subject that have a topic column.
const NAMED_USUALLY: f64 = 0.7;
/// The column says nothing in a log where not one in so many messages has it.
const NAMED_ONE_IN: usize = 10;

fn named(log: &[&Message<'_>]) -> Option<Vec<bool>> {
    let is_named =
        |message: &&Message<'_>| message.topic.is_some_and(|topic| !topic.trim().is_empty());
    let is_named: Vec<_> = log.iter().map(is_named).collect();
    let count = is_named.iter().filter(|is| **is).count();
    (NAMED_ONE_IN * count > log.len()).then_some(is_named)
}

/// What tells of no need and is from somebody who only ever does that and to whom nobody writes, or is to somebody who never writes:
/// feeds and boards.
fn announced(log: &[&Message<'_>], readings: &[Reading]) -> Vec<bool> {
    let mut sent = HashMap::<Uuid, (usize, usize)>::new();
    let mut received = HashMap::<Uuid, usize>::new();
    for (message, reading) in log.iter().zip(readings) {
        let (all, needs) = sent.entry(message.sender).or_default();
        *all += 1;
        *needs += usize::from(reading.needs());
        *received.entry(message.receiver).or_default() += 1;
    }
    let is_feed = |agent: &Uuid| !received.contains_key(agent) && matches!(sent[agent], (2.., 0));
    let each = log.iter().zip(readings);
    let is_announced = |(message, reading): (&&Message<'_>, &Reading)| {
        !reading.needs() && (is_feed(&message.sender) || !sent.contains_key(&message.receiver))
    };
    each.map(is_announced).collect()
}

/// Hours in which a receipt follows what it is for.
const RECEIPT_HOURS: i64 = 6;

fn settled(log: &[&Message<'_>], readings: &[Reading]) -> Vec<bool> {
    let mut is_settled = vec![false; log.len()];
    // From whom to whom, the last message that told something.
    let mut last = HashMap::<(Uuid, Uuid), usize>::new();
    for (at, (message, reading)) in log.iter().zip(readings).enumerate() {
        let (there, back) = (
            (message.sender, message.receiver),
            (message.receiver, message.sender),
        );
        let thanks = reading.has(Cue::Courtesy) && reading.questions == 0;
        if let Some(heard) = last.get(&back)
            && (reading.is_receipt() && !reading.has(Cue::Heard)
                || reading.has(Cue::Agree)
                || thanks)
            && readings[*heard].questions == 0
            && (message.at - log[*heard].at).num_hours() < RECEIPT_HOURS
        {
            is_settled[*heard] = true;
            if let Some(own) = last.get(&there) {
                is_settled[*own] |= own < heard && readings[*own].questions > 0;
            }
        }
        if !reading.is_receipt() {
            last.insert(there, at);
        }
    }
    is_settled
}

/// What a group settles itself: by an answer after which nobody asks again, and by an agreement all that went before between the two.
fn settled_within(
    group: &[usize],
    log: &[&Message<'_>],
    readings: &[Reading],
    is_settled: &[bool],
) -> Vec<bool> {
    let mut is_settled: Vec<_> = group.iter().map(|at| is_settled[*at]).collect();
    for (place, at) in group.iter().enumerate() {
        let (message, reading) = (log[*at], &readings[*at]);
        if reading.accepts() {
            let between = |other: &Message<'_>| {
                let two = [message.sender, message.receiver];
                two.contains(&other.sender) && two.contains(&other.receiver)
            };
            for (before, other) in group[..place].iter().enumerate() {
                is_settled[before] |= between(log[*other]);
            }
            is_settled[place] = true;
        }
        let after = &group[place + 1..];
        let answers =
            |at: &usize| log[*at].receiver == message.sender && readings[*at].may_answer();
        let asks_on = |at: &usize| {
            readings[*at].questions > 0
                || log[*at].sender == message.sender && !readings[*at].is_receipt()
        };
        if let Some(answer) = after.iter().position(answers)
            && reading.questions > 0
            && !after.iter().any(asks_on)
        {
            is_settled[place] = true;
            is_settled[place + 1 + answer] = true;
        }
    }
    is_settled
}

/// Words of a message by which it is told whether others say the same but for their numbers.
const PATTERN_WORDS: usize = 64;

fn routine(log: &[&Message<'_>]) -> Vec<bool> {
    let hasher = RandomState::new();
    let pattern = |message: &&Message<'_>| {
        let words = message
            .text
            .split(|sign: char| !sign.is_alphanumeric())
            .filter(|word| !word.is_empty());
        let patterns = words.take(PATTERN_WORDS).map(|word| {
            if word.contains(char::is_numeric) {
                "0"
            } else {
                word
            }
        });
        hasher.hash_one(patterns.collect::<Vec<_>>())
    };
    let patterns: Vec<_> = log.iter().map(pattern).collect();
    let mut counts = HashMap::<u64, usize>::new();
    for pattern in &patterns {
        *counts.entry(*pattern).or_default() += 1;
    }
    patterns.iter().map(|pattern| counts[pattern] > 1).collect()
}
