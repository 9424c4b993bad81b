//! What the suggestions must beat: two plain ways that look at neither disagreement nor questions.

use std::collections::BTreeMap;

use synod::topics::Message;
use uuid::Uuid;

use super::score::{Named, Suggested};

/// Groups by the topic column, the largest first.
pub(super) fn by_topic_column(messages: &[Message<'_>]) -> Suggested {
    let mut groups = BTreeMap::<_, Vec<_>>::new();
    for message in messages {
        let label = message.topic.unwrap_or_default().trim().to_lowercase();
        if !label.is_empty() {
            groups.entry(label).or_default().push(message.id);
        }
    }
    largest_first(groups.into_values().collect())
}

/// Words with their weights: TF-IDF, of length one.
type Vector = BTreeMap<String, f64>;

/// The least cosine between a message and a cluster to which it is added.
const COSINE_MIN: f64 = 0.2;

/// Clusters by the cosine of TF-IDF vectors: each message goes to the cluster most like it. The largest first.
pub(super) fn by_tf_idf(messages: &[Message<'_>]) -> Suggested {
    let mut clusters = Vec::<(Vector, Vec<_>)>::new();
    for (message, vector) in messages.iter().zip(vectors(messages)) {
        let like = |(sum, _): &(Vector, Vec<_>)| dot(sum, &vector) / dot(sum, sum).sqrt();
        let likes = clusters.iter().map(like).enumerate();
        let best = likes.max_by(|one, other| one.1.total_cmp(&other.1));
        let place = match best {
            Some((place, like)) if like >= COSINE_MIN => place,
            _ => {
                clusters.push((Vector::new(), Vec::new()));
                clusters.len() - 1
            }
        };
        let (sum, ids) = &mut clusters[place];
        for (word, weight) in vector {
            *sum.entry(word).or_default() += weight;
        }
        ids.push(message.id);
    }
    largest_first(clusters.into_iter().map(|(_, ids)| ids).collect())
}

fn vectors(messages: &[Message<'_>]) -> Vec<Vector> {
    let counts: Vec<_> = messages
        .iter()
        .map(|message| counts(message.text))
        .collect();
    let mut having = BTreeMap::<&String, f64>::new();
    for word in counts.iter().flat_map(Vector::keys) {
        *having.entry(word).or_default() += 1.0;
    }
    let all = messages.len() as f64;
    let weigh = |counts: &Vector| {
        let weigh =
            |(word, count): (&String, &f64)| (word.clone(), count * (all / having[word]).ln());
        let vector: Vector = counts.iter().map(weigh).collect();
        let length = dot(&vector, &vector).sqrt().max(f64::MIN_POSITIVE);
        vector
            .into_iter()
            .map(|(word, weight)| (word, weight / length))
            .collect()
    };
    counts.iter().map(weigh).collect()
}

fn counts(text: &str) -> Vector {
    let text = text.to_lowercase();
    let mut counts = Vector::new();
    for word in text
        .split(|sign: char| !sign.is_alphanumeric())
        .filter(|word| word.len() > 2)
    {
        *counts.entry(word.to_owned()).or_default() += 1.0;
    }
    counts
}

fn dot(one: &Vector, other: &Vector) -> f64 {
    let common = one
        .iter()
        .filter_map(|(word, weight)| Some(weight * other.get(word)?));
    common.sum()
}

fn largest_first(mut groups: Vec<Vec<Uuid>>) -> Suggested {
    groups.retain(|group| group.len() > 1);
    groups.sort_by_key(|group| std::cmp::Reverse(group.len()));
    let named = |messages| Named {
        messages,
        kind: None,
    };
    groups.into_iter().map(named).collect()
}
