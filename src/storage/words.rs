//! Words, by which messages and meetings are searched: told apart and folded here, so that every database finds the same.
//!
//! A word is a run of letters and digits of any script; all other signs part words. Words are compared in lower case, and that
//! is no case folding: `STRASSE` does not find `Straße`. Accents count, and only whole words are found.

use std::collections::BTreeSet;

use super::Communication;
use crate::config::Limits;

/// Characters of a word; of a longer one only these count. PostgreSQL takes 2 046 bytes.
const WORD_MAX_CHARS: usize = 100;

/// The words of a search: at least one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Words(BTreeSet<String>);

impl Words {
    /// The words of a text; `None` if it has none.
    pub fn of(text: &str) -> Option<Self> {
        let words: BTreeSet<_> = split(text).collect();
        (!words.is_empty()).then_some(Self(words))
    }

    /// Each of them once.
    pub(super) fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }

    /// Whether all of them occur in a message.
    pub(super) fn occur_in(&self, message: &Communication) -> bool {
        self.0.is_subset(&searchable(message))
    }

    /// Whether all of them occur in a meeting's topic.
    pub(super) fn occur_in_topic(&self, topic: &str) -> bool {
        self.0.is_subset(&split(topic).collect())
    }
}

/// The words by which a message is found: those of its topic and of the beginning of its content, each once.
pub(super) fn searchable(message: &Communication) -> BTreeSet<String> {
    let content = &message.content;
    let mut places = content.char_indices();
    let end = places.nth(Limits::SEARCHABLE_CHARS);
    let content = &content[..end.map_or(content.len(), |(end, _)| end)];
    let topic = message.topic.as_deref().unwrap_or_default();
    split(topic).chain(split(content)).collect()
}

/// As [`searchable`], in one text with a blank between two words.
pub(super) fn searchable_text(message: &Communication) -> String {
    joined(searchable(message))
}

/// The words by which a meeting is found, those of its topic, each once, in one text with a blank between two words.
pub(super) fn searchable_topic(topic: &str) -> String {
    joined(split(topic).collect())
}

fn joined(words: BTreeSet<String>) -> String {
    let words: Vec<_> = words.into_iter().collect();
    words.join(" ")
}

fn split(text: &str) -> impl Iterator<Item = String> {
    let words = text.split(|sign: char| !sign.is_alphanumeric());
    words
        .filter(|word| !word.is_empty())
        .map(|word| word.to_lowercase().chars().take(WORD_MAX_CHARS).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<String> {
        let words = Words::of(text);
        words
            .iter()
            .flat_map(Words::iter)
            .map(str::to_owned)
            .collect()
    }

    #[test]
    fn a_word_is_letters_and_digits_in_lower_case() {
        assert_eq!(
            words("It's ÄPFEL-Mus: 3×a_b/c.d"),
            ["3", "a", "b", "c", "d", "it", "mus", "s", "äpfel"]
        );
    }

    #[test]
    fn lower_case_is_no_case_folding() {
        for (text, other, is_alike) in [
            ("Straße", "STRAßE", true),
            ("Straße", "STRASSE", false),
            ("İstanbul", "istanbul", false),
            ("ΟΔΟΣ", "οδος", true),
            ("ΟΔΟΣ", "οδοσ", false),
        ] {
            assert_eq!(words(text) == words(other), is_alike, "{text}, {other}");
        }
    }

    #[test]
    fn without_a_letter_or_digit_there_is_no_word() {
        for text in ["", " ", "?!", "— “”", "'\" & | ! ( ) * :"] {
            assert_eq!(Words::of(text), None, "{text:?}");
        }
    }

    #[test]
    fn a_word_without_end_is_cut() {
        let long = "ß".repeat(5_000);
        assert_eq!(words(&long), ["ß".repeat(WORD_MAX_CHARS)]);
    }
}
