//! The words by which a message shows what it does: a list for each kind of cue in each language, as plain data.
//!
//! The lists hold general words of a language, nothing of any one field. They are compared by stems, so one form stands for all
//! except where the form matters; a phrase matches where its words follow each other.

mod de;
mod en;
mod es;
mod fr;

use std::collections::HashMap;

/// What a word or a phrase may show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cue {
    /// Turns what comes after it into its opposite.
    Negation,
    /// Somebody is against something.
    Against,
    /// Something is set against something else.
    Contrast,
    /// Somebody wants something to be so.
    Propose,
    /// Somebody agrees, or something is decided.
    Agree,
    /// Something is finished, or no longer in the way.
    Done,
    /// Somebody takes a piece of work.
    Claim,
    /// Somebody cannot go on.
    Wait,
    /// Work changes hands, or has nobody.
    HandOver,
    /// Two do the same, or get into each other's way.
    Overlap,
    /// Times and order.
    Plan,
    /// It presses.
    Urgent,
    /// Somebody does not know, or leaves it open.
    Hedge,
    /// How a question begins, with or without its mark.
    Ask,
    /// Greetings, thanks, praise and small talk.
    Courtesy,
    /// Something was heard. That is no agreement (Allen and Core 1997, "DAMSL": to acknowledge is not to accept).
    Heard,
    /// Common words that are about nothing.
    Filler,
}

impl Cue {
    /// How many there are.
    pub(super) const COUNT: usize = Self::Filler as usize + 1;

    /// Whether its words show it in one form only: `noted` is a receipt, `note` is none.
    pub(super) fn is_fixed(self) -> bool {
        matches!(self, Self::Done | Self::Courtesy | Self::Heard)
    }
}

/// A language's cues: phrases with commas between them.
pub(super) struct Lists {
    negation: &'static str,
    against: &'static str,
    contrast: &'static str,
    propose: &'static str,
    agree: &'static str,
    done: &'static str,
    claim: &'static str,
    wait: &'static str,
    hand_over: &'static str,
    overlap: &'static str,
    plan: &'static str,
    urgent: &'static str,
    hedge: &'static str,
    ask: &'static str,
    courtesy: &'static str,
    heard: &'static str,
    filler: &'static str,
}

impl Lists {
    /// The lists of a language by its ISO 639-1 code, if there are any.
    pub(super) fn of(code: &str) -> Option<&'static Self> {
        match code {
            "de" => Some(&de::LISTS),
            "en" => Some(&en::LISTS),
            "es" => Some(&es::LISTS),
            "fr" => Some(&fr::LISTS),
            _ => None,
        }
    }

    /// Each phrase with what it shows.
    pub(super) fn phrases(&self) -> impl Iterator<Item = (Cue, &'static str)> {
        let lists = [
            (Cue::Negation, self.negation),
            (Cue::Against, self.against),
            (Cue::Contrast, self.contrast),
            (Cue::Propose, self.propose),
            (Cue::Agree, self.agree),
            (Cue::Done, self.done),
            (Cue::Claim, self.claim),
            (Cue::Wait, self.wait),
            (Cue::HandOver, self.hand_over),
            (Cue::Overlap, self.overlap),
            (Cue::Plan, self.plan),
            (Cue::Urgent, self.urgent),
            (Cue::Hedge, self.hedge),
            (Cue::Ask, self.ask),
            (Cue::Courtesy, self.courtesy),
            (Cue::Heard, self.heard),
            (Cue::Filler, self.filler),
        ];
        let each = |(cue, list): (Cue, &'static str)| {
            list.split(',').map(move |phrase| (cue, phrase.trim()))
        };
        lists.into_iter().flat_map(each)
    }
}

/// The phrases of a language, to be found in a row of stems.
#[derive(Default)]
pub(super) struct Phrases {
    /// By the first word; the longest first.
    by_first: HashMap<String, Vec<(Vec<String>, Cue)>>,
}

impl Phrases {
    /// Phrases as rows of stems.
    pub(super) fn new(phrases: impl Iterator<Item = (Cue, Vec<String>)>) -> Self {
        let mut by_first = HashMap::<_, Vec<_>>::new();
        for (cue, mut words) in phrases.filter(|(_, words)| !words.is_empty()) {
            let rest = words.split_off(1);
            let first = words.remove(0);
            by_first.entry(first).or_default().push((rest, cue));
        }
        for phrases in by_first.values_mut() {
            phrases.sort_by_key(|(rest, _)| std::cmp::Reverse(rest.len()));
        }
        Self { by_first }
    }

    /// Every cue in these words with where it begins, and how many words it has.
    pub(super) fn find<'a>(
        &'a self,
        words: &'a [&str],
    ) -> impl Iterator<Item = (usize, usize, Cue)> + 'a {
        words.iter().enumerate().flat_map(move |(at, first)| {
            let phrases = self.by_first.get(*first).into_iter().flatten();
            let here = phrases.filter(move |(rest, _)| {
                let after = words.get(at + 1..at + 1 + rest.len());
                after
                    .is_some_and(|after| after.iter().zip(rest).all(|(word, other)| *word == other))
            });
            here.map(move |(rest, cue)| (at, 1 + rest.len(), *cue))
        })
    }
}
