//! Which language a text is in, and what is known of that language: its stems, its stop words, its cues.

use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

use rust_stemmers::{Algorithm, Stemmer};
use unicode_segmentation::UnicodeSegmentation;
use whatlang::{Detector, Lang};

use super::cues::{Cue, Lists, Phrases};

/// What is known of a language.
pub(super) struct Language {
    stemmer: Option<Stemmer>,
    /// Neither of these is about anything: its stop words as written, the words of its cues as stems.
    stops: HashSet<String>,
    /// Its cues; none of a language without lists.
    pub(super) cues: Phrases,
    /// Words such as `l'accord` are two.
    elides: bool,
}

/// The languages of which there is more to know than where a word ends.
static KNOWN: LazyLock<HashMap<Lang, Language>> = LazyLock::new(|| {
    let languages = NAMES.iter();
    languages
        .map(|(lang, code, stems)| (*lang, Language::new(code, *stems)))
        .collect()
});

/// Any other language.
static UNKNOWN: LazyLock<Language> = LazyLock::new(|| Language::new("", None));

/// The languages with cues: a text is taken for one of these first.
const CUED: [Lang; 4] = [Lang::Eng, Lang::Deu, Lang::Spa, Lang::Fra];

/// Each with its ISO 639-1 code and its stems.
const NAMES: [(Lang, &str, Option<Algorithm>); 20] = [
    (Lang::Ara, "ar", Some(Algorithm::Arabic)),
    (Lang::Dan, "da", Some(Algorithm::Danish)),
    (Lang::Nld, "nl", Some(Algorithm::Dutch)),
    (Lang::Eng, "en", Some(Algorithm::English)),
    (Lang::Fin, "fi", Some(Algorithm::Finnish)),
    (Lang::Fra, "fr", Some(Algorithm::French)),
    (Lang::Deu, "de", Some(Algorithm::German)),
    (Lang::Ell, "el", Some(Algorithm::Greek)),
    (Lang::Hun, "hu", Some(Algorithm::Hungarian)),
    (Lang::Ita, "it", Some(Algorithm::Italian)),
    (Lang::Nob, "no", Some(Algorithm::Norwegian)),
    (Lang::Por, "pt", Some(Algorithm::Portuguese)),
    (Lang::Ron, "ro", Some(Algorithm::Romanian)),
    (Lang::Rus, "ru", Some(Algorithm::Russian)),
    (Lang::Spa, "es", Some(Algorithm::Spanish)),
    (Lang::Swe, "sv", Some(Algorithm::Swedish)),
    (Lang::Tam, "ta", Some(Algorithm::Tamil)),
    (Lang::Tur, "tr", Some(Algorithm::Turkish)),
    (Lang::Cat, "ca", None),
    (Lang::Slv, "sl", None),
];

impl Language {
    /// What is known of this language.
    pub(super) fn of(lang: Lang) -> &'static Self {
        KNOWN.get(&lang).unwrap_or(&UNKNOWN)
    }

    fn new(code: &str, stems: Option<Algorithm>) -> Self {
        let mut language = Self {
            stemmer: stems.map(Stemmer::create),
            stops: HashSet::new(),
            cues: Phrases::default(),
            elides: matches!(code, "fr" | "it" | "ca"),
        };
        let stops = stop_words::lookup(code).unwrap_or_default();
        language.stops.extend(stops.iter().map(|stop| (*stop).to_owned()));
        let lists = Lists::of(code).into_iter().flat_map(Lists::phrases);
        let phrases: Vec<_> = lists.map(|(cue, phrase)| (cue, language.stems(phrase))).collect();
        // The words of a phrase may be about something; what stands alone is not.
        let alone = phrases.iter().filter(|(_, words)| words.len() == 1);
        language.stops.extend(alone.map(|(_, words)| words[0].clone()));
        let cues = phrases.into_iter().filter(|(cue, _)| *cue != Cue::Filler);
        language.cues = Phrases::new(cues);
        language
    }

    /// The words of a text.
    pub(super) fn words(&self, text: &str) -> Vec<String> {
        let mut words = Vec::new();
        for word in text.unicode_words() {
            let word = word.replace('\u{2019}', "'");
            if self.elides && word.contains('\'') {
                words.extend(word.split('\'').filter(|part| !part.is_empty()).map(str::to_owned));
            } else {
                words.push(word);
            }
        }
        words
    }

    /// The stem of a word in lower case.
    pub(super) fn stem(&self, word: &str) -> String {
        match &self.stemmer {
            Some(stemmer) => stemmer.stem(word).into_owned(),
            None => word.to_owned(),
        }
    }

    fn stems(&self, text: &str) -> Vec<String> {
        let words = self.words(text);
        words.iter().map(|word| self.stem(&word.to_lowercase())).collect()
    }

    /// Whether a word may be what a text is about.
    pub(super) fn is_content(&self, word: &str, stem: &str) -> bool {
        let long = word.chars().nth(1).is_some() || word.chars().all(|sign| sign > '\u{2e80}');
        let numeric = word.chars().all(|sign| sign.is_numeric() || ".,:'".contains(sign));
        long && !numeric && !self.stops.contains(word) && !self.stops.contains(stem)
    }
}

/// Tells languages apart. Short texts say little, so whoever wrote one is taken to go on in the language of all its texts.
pub(super) struct Tongues {
    cued: Detector,
}

/// Words that a text needs to speak for itself.
const WORDS_MIN: usize = 4;

impl Tongues {
    pub(super) fn new() -> Self {
        let cued = Detector::with_allowlist(CUED.to_vec());
        Self { cued }
    }

    /// The language of this text, if it is long enough to tell.
    pub(super) fn of_text(&self, text: &str) -> Option<Lang> {
        if text.unicode_words().nth(WORDS_MIN - 1).is_none() {
            return whatlang::detect_script(text)
                .filter(|script| script.langs().len() == 1)
                .and_then(|_| whatlang::detect_lang(text));
        }
        let told = self.cued.detect(text).or_else(|| whatlang::detect(text))?;
        told.is_reliable().then(|| told.lang())
    }

    /// The language of all that somebody wrote.
    pub(super) fn of_texts(texts: &str) -> Option<Lang> {
        let told = whatlang::detect(texts)?;
        told.is_reliable().then(|| told.lang())
    }
}
