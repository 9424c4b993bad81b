//! Messages to subjects: which messages belong together.
//!
//! Groups are joined while the mean likeness between their messages is high enough (average linkage: Sokal and Michener 1958), along edges
//! from an inverted index: no two messages are compared that share nothing rare, and of what many share only the latest are. A group
//! is taken apart again where nothing that was said holds it together.

use std::collections::BTreeMap;

use uuid::Uuid;

use super::Message;
use super::reading::Reading;
use super::vectors::{Vector, Vectors, dot, sum};

/// The least mean likeness between two groups that are one subject.
const LIKENESS_MIN: f32 = 0.1;
/// The least likeness of two messages along which groups may be joined.
const EDGE_MIN: f32 = 0.15;
/// Edges from one message to earlier ones: those most like it.
const EDGES_MAX: usize = 8;
/// Earlier messages with one feature that are compared: the latest.
const POSTINGS_MAX: usize = 16;
/// Features that are kept of a group: the heaviest. A subject has fewer words.
const FEATURES_MAX: usize = 128;
/// Rounds of joining: the second finds little, a third next to nothing.
const ROUNDS_MAX: usize = 2;

/// The subjects of these messages, each as the numbers of its messages in order.
pub(super) fn subjects(
    log: &[&Message<'_>],
    readings: &[Reading],
    vectors: &Vectors,
    is_announced: &[bool],
) -> Vec<Vec<usize>> {
    let mut forest = Forest::new(&vectors.all);
    let joins = |at: usize| !readings[at].is_receipt() && !is_announced[at];
    let edges = edges(joins, &vectors.all);
    for _ in 0..ROUNDS_MAX {
        let mut joined = false;
        for (_, one, other) in &edges {
            joined |= forest.join(*one, *other);
        }
        if !joined {
            break;
        }
    }
    // A receipt says nothing of its own: it goes where that goes which it is for.
    for (at, before) in vectors.before.iter().enumerate() {
        if let Some(before) = before
            && readings[at].is_receipt()
            && between(log[at]) == between(log[*before])
        {
            forest.above[at] = root(&mut forest.above, *before);
        }
    }
    groups(&mut forest.above)
        .iter()
        .flat_map(|group| parts(group, log, vectors))
        .collect()
}

/// The parts of a group that hang together by more than who wrote to whom: by a word, or as an answer.
fn parts(group: &[usize], log: &[&Message<'_>], vectors: &Vectors) -> Vec<Vec<usize>> {
    let mut above: Vec<_> = (0..group.len()).collect();
    let mut having = BTreeMap::<u32, usize>::new();
    for (place, at) in group.iter().enumerate() {
        let goes_on = |before: &usize| between(log[*at]) == between(log[*before]);
        let answered = vectors.before[*at].filter(goes_on);
        let answered = answered.and_then(|before| group.binary_search(&before).ok());
        let words = vectors.words[*at].iter();
        let sharing: Vec<_> = words
            .filter_map(|(word, _)| having.insert(*word, place))
            .chain(answered)
            .collect();
        for other in sharing {
            let (one, other) = (root(&mut above, place), root(&mut above, other));
            above[one.max(other)] = one.min(other);
        }
    }
    groups(&mut above)
        .into_iter()
        .map(|part| part.into_iter().map(|place| group[place]).collect())
        .collect()
}

/// The two agents of a message.
fn between(message: &Message<'_>) -> (Uuid, Uuid) {
    let (sender, receiver) = (message.sender, message.receiver);
    (sender.min(receiver), sender.max(receiver))
}

/// The root of the tree in which this stands.
fn root(above: &mut [usize], mut at: usize) -> usize {
    while above[at] != at {
        above[at] = above[above[at]];
        at = above[at];
    }
    at
}

/// The trees, each in order.
fn groups(above: &mut [usize]) -> Vec<Vec<usize>> {
    let mut groups = BTreeMap::<_, Vec<_>>::new();
    for at in 0..above.len() {
        groups.entry(root(above, at)).or_default().push(at);
    }
    groups.into_values().collect()
}

/// Pairs of messages that are alike, the most alike first.
fn edges(joins: impl Fn(usize) -> bool, vectors: &[Vector]) -> Vec<(f32, usize, usize)> {
    let features = vectors.iter().filter_map(|vector| vector.last());
    let features = features.map(|(last, _)| *last as usize + 1).max();
    let mut postings = vec![Vec::<(usize, f32)>::new(); features.unwrap_or_default()];
    let mut likeness = vec![0.0f32; vectors.len()];
    let mut edges = Vec::new();
    let telling = vectors.iter().enumerate().filter(|(at, _)| joins(*at));
    for (at, vector) in telling {
        let mut touched = Vec::new();
        for (feature, weight) in vector {
            let having = &mut postings[*feature as usize];
            for (earlier, other) in having.iter().rev().take(POSTINGS_MAX) {
                if likeness[*earlier] == 0.0 {
                    touched.push(*earlier);
                }
                likeness[*earlier] += weight * other;
            }
            having.push((at, *weight));
        }
        let mut near: Vec<_> = touched
            .iter()
            .map(|earlier| (std::mem::take(&mut likeness[*earlier]), at, *earlier))
            .filter(|(like, _, _)| *like > EDGE_MIN)
            .collect();
        near.sort_unstable_by(nearest_first);
        near.truncate(EDGES_MAX);
        edges.extend(near);
    }
    edges.sort_unstable_by(nearest_first);
    edges
}

fn nearest_first(one: &(f32, usize, usize), other: &(f32, usize, usize)) -> std::cmp::Ordering {
    other
        .0
        .total_cmp(&one.0)
        .then((one.1, one.2).cmp(&(other.1, other.2)))
}

/// Groups as they are joined: a disjoint-set forest that knows the sum of each group's vectors.
struct Forest {
    above: Vec<usize>,
    sums: Vec<Vector>,
    sizes: Vec<f32>,
}

impl Forest {
    fn new(vectors: &[Vector]) -> Self {
        Self {
            above: (0..vectors.len()).collect(),
            sums: vectors.to_vec(),
            sizes: vec![1.0; vectors.len()],
        }
    }

    /// Joins the groups of these two, if they are alike. The mean of all likenesses between them is a product of their sums.
    fn join(&mut self, one: usize, other: usize) -> bool {
        let (one, other) = (root(&mut self.above, one), root(&mut self.above, other));
        let (root, child) = (one.min(other), one.max(other));
        let pairs = self.sizes[root] * self.sizes[child];
        if root == child || dot(&self.sums[root], &self.sums[child]) < LIKENESS_MIN * pairs {
            return false;
        }
        let gone = std::mem::take(&mut self.sums[child]);
        self.sums[root] = heaviest(sum(&self.sums[root], &gone, 1.0));
        self.sizes[root] += self.sizes[child];
        self.above[child] = root;
        true
    }
}

fn heaviest(mut vector: Vector) -> Vector {
    if vector.len() > 2 * FEATURES_MAX {
        vector.sort_unstable_by(|one, other| other.1.total_cmp(&one.1).then(one.0.cmp(&other.0)));
        vector.truncate(FEATURES_MAX);
        vector.sort_unstable_by_key(|(feature, _)| *feature);
    }
    vector
}

/// How much each message of a group shares with the others in words alone.
pub(super) fn links(group: &[usize], words: &[Vector]) -> Vec<f32> {
    let mut all = BTreeMap::<u32, f32>::new();
    for (word, weight) in group.iter().flat_map(|at| &words[*at]) {
        *all.entry(*word).or_default() += weight;
    }
    let others = |(word, weight): &(u32, f32)| weight * (all[word] - weight);
    group
        .iter()
        .map(|at| words[*at].iter().map(others).sum())
        .collect()
}
