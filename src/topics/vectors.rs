//! What messages share, as sparse vectors, so that likeness is a dot product.

use std::collections::{BTreeMap, HashMap, VecDeque};

use uuid::Uuid;

use super::Message;
use super::reading::Reading;

/// Features with their weights, in the order of their numbers.
pub(super) type Vector = Vec<(u32, f32)>;

/// The vectors of messages, each of length one.
pub(super) struct Vectors {
    /// Of its words alone.
    pub(super) words: Vec<Vector>,
    /// Of all that may show which messages belong together.
    pub(super) all: Vec<Vector>,
    /// The message that each seems to answer or to go on from.
    pub(super) before: Vec<Option<usize>>,
}

/// What a topic column counts beside a word: as much. It is often right, sometimes missing and sometimes wrong.
const TOPIC_WEIGHT: f32 = 1.0;
/// What each of the two agents counts beside a word. In a large log they are common, and so count for little.
const AGENT_WEIGHT: f32 = 1.0;
/// What a word counts that no other message has: it joins nothing, and only tells that there is something else in the message.
const LONE_WEIGHT: f32 = 0.3;
/// A shorter log is weighed as if it were part of one of so many messages: what all of its messages share is still what they are about.
pub(super) const COMPARED_MIN: usize = 20;
/// The share of a message's vector that goes on into what follows it: short answers are about what was said.
const CONTEXT_SHARE: f32 = 0.2;
/// A message follows one that is at least so like it, after the bonus for who wrote to whom.
const CONTEXT_MIN: f32 = 0.1;
/// The bonus of an answer to what the sender was told.
const REPLY_BONUS: f32 = 0.2;
/// The bonus of what goes on from the sender's own words to the same receiver.
const SEQUEL_BONUS: f32 = 0.1;
/// What an hour between two messages takes from it.
const LOSS_PER_HOUR: f32 = 0.02;
/// Messages from or to one agent among which the one before is looked for: the latest.
const RECENT_MAX: usize = 8;

impl Vectors {
    /// The vectors of these messages, which are in order of time. A term that has a meaning counts as that.
    pub(super) fn new(
        messages: &[&Message<'_>],
        readings: &[Reading],
        meanings: &HashMap<u32, u32>,
    ) -> Self {
        let mut features = Features::default();
        let each = messages.iter().zip(readings);
        let raw: Vec<_> = each
            .map(|(message, reading)| features.of(message, reading, meanings))
            .collect();
        let weighed = weighed(raw, features.numbers.len());
        let word = |feature: u32| features.is_word[feature as usize];
        let words = weighed
            .iter()
            .map(|vector| vector.iter().copied().filter(|(feature, _)| word(*feature)));
        let words = words.map(|vector| unit(vector.collect())).collect();
        let mut all: Vec<_> = weighed.into_iter().map(unit).collect();
        let before = chained(messages, readings, &mut all);
        Self { words, all, before }
    }
}

#[derive(PartialEq, Eq, Hash)]
enum Feature {
    Word(u32),
    Topic(String),
    Agent(Uuid),
}

/// Numbers features as they come.
#[derive(Default)]
struct Features {
    numbers: HashMap<Feature, u32>,
    is_word: Vec<bool>,
}

impl Features {
    fn of(
        &mut self,
        message: &Message<'_>,
        reading: &Reading,
        meanings: &HashMap<u32, u32>,
    ) -> Vector {
        let mut counts = BTreeMap::<u32, f32>::new();
        for term in &reading.terms {
            let word = Feature::Word(*meanings.get(term).unwrap_or(term));
            *counts.entry(self.number(word)).or_default() += 1.0;
        }
        let mut weights: BTreeMap<_, _> = counts
            .into_iter()
            .map(|(word, count)| (word, 1.0 + count.ln()))
            .collect();
        let label = super::label(message.topic.unwrap_or_default());
        if !label.is_empty() {
            weights.insert(self.number(Feature::Topic(label)), TOPIC_WEIGHT);
        }
        let (sender, receiver) = (message.sender, message.receiver);
        weights.insert(self.number(Feature::Agent(sender)), AGENT_WEIGHT);
        weights.insert(self.number(Feature::Agent(receiver)), AGENT_WEIGHT);
        weights.into_iter().collect()
    }

    fn number(&mut self, feature: Feature) -> u32 {
        let next = u32::try_from(self.is_word.len()).expect("fewer features than bytes of memory");
        let is_word = matches!(feature, Feature::Word(_));
        let number = *self.numbers.entry(feature).or_insert(next);
        if number == next {
            self.is_word.push(is_word);
        }
        number
    }
}

/// Each weight times how rare its feature is: TF-IDF (Spärck Jones 1972).
fn weighed(mut vectors: Vec<Vector>, features: usize) -> Vec<Vector> {
    let all = vectors.len().max(COMPARED_MIN) as f32;
    let mut having = vec![0.0f32; features];
    for (feature, _) in vectors.iter().flatten() {
        having[*feature as usize] += 1.0;
    }
    for (feature, weight) in vectors.iter_mut().flatten() {
        let having = having[*feature as usize];
        let lone = if having < 2.0 { LONE_WEIGHT } else { 1.0 };
        *weight *= lone * ((1.0 + all) / having).ln();
    }
    vectors
}

/// Finds what each message goes on from, and adds a share of that to it.
fn chained(
    messages: &[&Message<'_>],
    readings: &[Reading],
    vectors: &mut [Vector],
) -> Vec<Option<usize>> {
    let mut recent = HashMap::<Uuid, VecDeque<usize>>::new();
    let mut before = Vec::with_capacity(messages.len());
    let own = vectors.to_vec();
    for (at, message) in messages.iter().enumerate() {
        let near = [message.sender, message.receiver];
        let candidates = near.iter().filter_map(|agent| recent.get(agent)).flatten();
        let follows =
            |earlier: usize| dot(&own[at], &own[earlier]) + bonus(message, messages[earlier]);
        let best = candidates.map(|earlier| (follows(*earlier), *earlier));
        let best = best.max_by(|one, other| one.0.total_cmp(&other.0).then(one.1.cmp(&other.1)));
        // A receipt is for something, however unlike it.
        let is_receipt = readings[at].is_receipt();
        let best = best.filter(|(follows, _)| *follows > CONTEXT_MIN || is_receipt);
        before.push(best.map(|(_, earlier)| earlier));
        if is_receipt {
            continue;
        }
        if let Some((_, earlier)) = best {
            vectors[at] = unit(sum(&vectors[at], &vectors[earlier], CONTEXT_SHARE));
        }
        for agent in near {
            let recent = recent.entry(agent).or_default();
            recent.push_back(at);
            if recent.len() > RECENT_MAX {
                recent.pop_front();
            }
        }
    }
    before
}

/// How much speaks for one message following another by who wrote to whom, and when.
fn bonus(message: &Message<'_>, earlier: &Message<'_>) -> f32 {
    let hours = (message.at - earlier.at).num_minutes() as f32 / 60.0;
    let bonus = if (earlier.sender, earlier.receiver) == (message.receiver, message.sender) {
        REPLY_BONUS
    } else if (earlier.sender, earlier.receiver) == (message.sender, message.receiver) {
        SEQUEL_BONUS
    } else {
        0.0
    };
    bonus - LOSS_PER_HOUR * hours
}

/// The likeness of two vectors of length one.
pub(super) fn dot(one: &[(u32, f32)], other: &[(u32, f32)]) -> f32 {
    let (mut one, mut other) = (one.iter().peekable(), other.iter().peekable());
    let mut product = 0.0;
    while let (Some((a, x)), Some((b, y))) = (one.peek(), other.peek()) {
        if a == b {
            product += x * y;
        }
        if a <= b {
            one.next();
        }
        if b <= a {
            other.next();
        }
    }
    product
}

/// One vector and a share of another.
pub(super) fn sum(one: &[(u32, f32)], other: &[(u32, f32)], share: f32) -> Vector {
    let mut sum = Vec::with_capacity(one.len() + other.len());
    let (mut one, mut other) = (one.iter().peekable(), other.iter().peekable());
    loop {
        match (one.peek(), other.peek()) {
            (None, None) => return sum,
            (Some((a, x)), Some((b, y))) if a == b => {
                sum.push((*a, x + share * y));
                one.next();
                other.next();
            }
            (Some((a, x)), next) if next.is_none_or(|(b, _)| a < b) => {
                sum.push((*a, *x));
                one.next();
            }
            (_, Some((b, y))) => {
                sum.push((*b, share * y));
                other.next();
            }
            (Some(_), None) => unreachable!("what comes alone was taken above"),
        }
    }
}

fn unit(mut vector: Vector) -> Vector {
    let length = vector
        .iter()
        .map(|(_, weight)| weight * weight)
        .sum::<f32>()
        .sqrt();
    if length > 0.0 {
        for (_, weight) in &mut vector {
            *weight /= length;
        }
    }
    vector
}
