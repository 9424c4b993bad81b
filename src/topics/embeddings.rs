//! Words of near meaning, by static word embeddings: words that are used alike have vectors that point the same way (Mikolov et al. 2013,
//! "Efficient estimation of word representations in vector space"; Pennington et al. 2014, "`GloVe`").

use std::collections::HashMap;

use super::reading::{Reading, Written};

/// Word embeddings as a file gives them.
pub struct Embeddings {
    numbers: HashMap<Box<str>, u32>,
    /// One after the other, each of length one.
    vectors: Vec<f32>,
    dimensions: usize,
}

/// Why a text is none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Malformed {
    /// The line, from 1.
    pub line: usize,
    /// What is wrong with it.
    pub why: &'static str,
}

/// Numbers of a vector at most: more than any file in use has.
const DIMENSIONS_MAX: usize = 4_096;
/// The least cosine of two words that count as one. Below it are words of one field that do not mean the same.
const NEAR_MIN: f32 = 0.6;
/// Words of a log that are compared, the most used first: each with each.
const COMPARED_MAX: usize = 4_096;

impl Embeddings {
    /// Takes the text format of `word2vec` and `GloVe`: a word and its numbers on each line, with blanks between them; perhaps a line before
    /// that says how many.
    ///
    /// # Errors
    /// With the first line that is not so.
    pub fn parse(text: &str) -> Result<Self, Malformed> {
        let mut embeddings = Self {
            numbers: HashMap::new(),
            vectors: Vec::new(),
            dimensions: 0,
        };
        for (line, text) in (1..).zip(text.lines()) {
            let is_count = line == 1 && text.split_whitespace().count() == 2;
            if !is_count && !text.trim().is_empty() {
                let added = embeddings.add(text);
                added.map_err(|why| Malformed { line, why })?;
            }
        }
        if embeddings.numbers.is_empty() {
            return Err(Malformed {
                line: 1,
                why: "there are no words",
            });
        }
        Ok(embeddings)
    }

    fn add(&mut self, line: &str) -> Result<(), &'static str> {
        let mut fields = line.split_whitespace();
        let word = fields.next().unwrap_or_default().to_lowercase();
        let vector: Result<Vec<f32>, _> = fields.map(str::parse).collect();
        let mut vector = vector.map_err(|_| "a word must be followed by numbers only")?;
        if self.dimensions == 0 {
            self.dimensions = vector.len();
        }
        if vector.is_empty() || vector.len() > DIMENSIONS_MAX {
            return Err("a word must have from 1 to 4096 numbers");
        }
        if vector.len() != self.dimensions {
            return Err("every word must have as many numbers as the first");
        }
        let length = dot(&vector, &vector).sqrt();
        if !length.is_normal() {
            return Err("the numbers must be finite, and one of them must not be 0");
        }
        for number in &mut vector {
            *number /= length;
        }
        let next = u32::try_from(self.numbers.len()).map_err(|_| "there are too many words")?;
        // The first spelling of a word in lower case is the most used.
        if let std::collections::hash_map::Entry::Vacant(free) = self.numbers.entry(word.into()) {
            free.insert(next);
            self.vectors.extend(vector);
        }
        Ok(())
    }

    fn vector(&self, word: &str) -> Option<&[f32]> {
        let begin = *self.numbers.get(word.to_lowercase().as_str())? as usize * self.dimensions;
        self.vectors.get(begin..begin + self.dimensions)
    }

    /// For each term that it knows and that means nearly the same as one more used, that one.
    pub(super) fn meanings(&self, readings: &[Reading], written: &Written) -> HashMap<u32, u32> {
        let mut uses = HashMap::<u32, usize>::new();
        for term in readings.iter().flat_map(|reading| &reading.terms) {
            *uses.entry(*term).or_default() += 1;
        }
        let mut terms: Vec<_> = uses.into_iter().collect();
        terms.sort_unstable_by_key(|(term, uses)| (std::cmp::Reverse(*uses), *term));
        let known = terms
            .iter()
            .filter_map(|(term, _)| Some((*term, self.vector(written.run(&[*term]).as_str())?)));
        let (mut leaders, mut meanings) = (Vec::<(u32, &[f32])>::new(), HashMap::new());
        for (term, vector) in known.take(COMPARED_MAX) {
            let near = leaders
                .iter()
                .map(|(leader, other)| (dot(vector, other), *leader));
            let nearest = near.max_by(|one, other| one.0.total_cmp(&other.0));
            match nearest {
                Some((like, leader)) if like >= NEAR_MIN => drop(meanings.insert(term, leader)),
                _ => leaders.push((term, vector)),
            }
        }
        meanings
    }
}

fn dot(one: &[f32], other: &[f32]) -> f32 {
    one.iter().zip(other).map(|(one, other)| one * other).sum()
}

#[cfg(test)]
mod tests {
    use chrono::{DateTime, TimeDelta};
    use uuid::Uuid;

    use super::*;
    use crate::topics::{Message, Question, suggest, suggest_by_meaning};

    const FILE: &str = "6 2\nvehicle 1 0.1\nautomobile 0.9 0.1\nleak 0.1 2\ndripping 0.1 1\n\
        garage -1 0.2\nworkshop -2 0.3\n";

    fn why(text: &str) -> (usize, &'static str) {
        let malformed = Embeddings::parse(text).err().unwrap();
        (malformed.line, malformed.why)
    }

    #[test]
    fn words_of_near_meaning_join_messages_that_share_no_word() {
        let texts = [
            "We must not drive the vehicle until the garage has found the leak.",
            "I wait for the automobile, the workshop has not stopped the dripping yet.",
        ];
        let now = DateTime::UNIX_EPOCH + TimeDelta::days(400);
        let message = |(number, text): (u128, &'static str)| Message {
            id: Uuid::from_u128(number),
            at: now - TimeDelta::hours(if number == 0 { 3 } else { 1 }),
            sender: Uuid::from_u128(10 + number),
            receiver: Uuid::from_u128(20 + number),
            topic: None,
            text,
            is_json: false,
        };
        let messages: Vec<_> = (0..).zip(texts).map(message).collect();
        let question = Question {
            now,
            hours_back: 24,
            messages_max: 10,
            messages_min: 2,
            topics_max: 5,
            related_max: 5,
        };
        let embeddings = Embeddings::parse(FILE).unwrap();
        let topics = suggest_by_meaning(&messages, &question, Some(&embeddings));
        assert_eq!(topics.len(), 1);
        assert_eq!(topics[0].messages, 2);
        assert_eq!(suggest(&messages, &question), []);
    }

    #[test]
    fn the_first_malformed_line_is_told() {
        assert_eq!(why("").0, 1);
        assert_eq!(why("1 2\n").0, 1);
        assert_eq!(why("a 1 2\n\nb 1\n").0, 3);
        assert_eq!(why("a 1 2\nb 1 x\n").0, 2);
        assert_eq!(why("a 1 2\nb 0 0\n").0, 2);
        assert_eq!(why("a 1 2 3\nb 1 inf 2\n").0, 2);
    }
}
