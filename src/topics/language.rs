//! Which language a text is in, and what is known of that language: its stems, its stop words, its cues.

use std::collections::{HashMap, HashSet};
use std::rc::Rc;
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
    /// Its cues as stems; none of a language without lists.
    cues: Phrases,
    /// Cues whose form matters, as they are written: `closed` is done, `close` is not, and both have one stem.
    fixed: Phrases,
    /// Words such as `l'accord` are two.
    elides: bool,
}

/// A word as it is compared.
pub(super) struct Word {
    /// In lower case.
    written: String,
    /// Its stem.
    pub(super) stem: String,
    /// Whether it may be what a text is about.
    pub(super) is_content: bool,
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
            fixed: Phrases::default(),
            elides: matches!(code, "fr" | "it" | "ca"),
        };
        let stops = stop_words::lookup(code).unwrap_or_default();
        language
            .stops
            .extend(stops.iter().map(|stop| (*stop).to_owned()));
        let lists: Vec<_> = Lists::of(code)
            .into_iter()
            .flat_map(Lists::phrases)
            .collect();
        let (fixed, cues): (Vec<_>, Vec<_>) =
            lists.into_iter().partition(|(cue, _)| cue.is_fixed());
        let fixed: Vec<_> = fixed
            .iter()
            .map(|(cue, phrase)| (*cue, language.written(phrase)))
            .collect();
        let cues: Vec<_> = cues
            .iter()
            .map(|(cue, phrase)| (*cue, language.stems(phrase)))
            .collect();
        // The words of a phrase may be about something; what stands alone is not.
        let alone = cues
            .iter()
            .chain(&fixed)
            .filter(|(_, words)| words.len() == 1);
        language
            .stops
            .extend(alone.map(|(_, words)| words[0].clone()));
        language.cues = Phrases::new(cues.into_iter().filter(|(cue, _)| *cue != Cue::Filler));
        language.fixed = Phrases::new(fixed.into_iter());
        language
    }

    /// The words of a text.
    pub(super) fn words<'a>(&self, text: &'a str) -> impl Iterator<Item = &'a str> {
        let elides = self.elides;
        let parts = move |word: &'a str| word.split(move |sign| elides && sign == '\'');
        text.unicode_words()
            .flat_map(parts)
            .filter(|word| !word.is_empty())
    }

    /// Every cue in a sentence with the number of the word where it begins, and how many words it has.
    pub(super) fn cues(&self, sentence: &[Rc<Word>]) -> Vec<(usize, usize, Cue)> {
        let stems: Vec<_> = sentence.iter().map(|word| word.stem.as_str()).collect();
        let written: Vec<_> = sentence.iter().map(|word| word.written.as_str()).collect();
        self.cues
            .find(&stems)
            .chain(self.fixed.find(&written))
            .collect()
    }

    /// The stem of a word in lower case.
    fn stem(&self, word: &str) -> String {
        match &self.stemmer {
            Some(stemmer) => stemmer.stem(word).into_owned(),
            None => word.to_owned(),
        }
    }

    fn written(&self, text: &str) -> Vec<String> {
        self.words(text).map(str::to_lowercase).collect()
    }

    fn stems(&self, text: &str) -> Vec<String> {
        self.written(text)
            .iter()
            .map(|word| self.stem(word))
            .collect()
    }

    /// A word as it is compared.
    pub(super) fn word(&self, written: &str) -> Word {
        let written = written.to_lowercase();
        let stem = self.stem(&written);
        Word {
            is_content: self.is_content(&written, &stem),
            stem,
            written,
        }
    }

    /// Whether a word may be what a text is about.
    fn is_content(&self, word: &str, stem: &str) -> bool {
        let long = word.chars().nth(1).is_some() || word.chars().all(|sign| sign > '\u{2e80}');
        let numeric = word
            .chars()
            .all(|sign| sign.is_numeric() || ".,:'".contains(sign));
        long && !numeric && !self.stops.contains(word) && !self.stops.contains(stem)
    }
}

/// Tells languages apart. Short texts say little, so whoever wrote one is taken to go on in the language of all its texts.
pub(super) struct Tongues {
    cued: Detector,
}

/// Words that a text needs to speak for itself.
const WORDS_MIN: usize = 4;
/// Words by which it is seen whether a text is in the language that was expected.
const WORDS_LOOKED_AT: usize = 24;
/// One in how many of them is then a stop word of that language.
const COMMON_ONE_IN: usize = 4;

impl Tongues {
    pub(super) fn new() -> Self {
        let cued = Detector::with_allowlist(CUED.to_vec());
        Self { cued }
    }

    /// The language of this text, from one whose language is mostly `voice`.
    pub(super) fn of_text(&self, text: &str, voice: Lang) -> Lang {
        let words: Vec<_> = text.unicode_words().take(WORDS_LOOKED_AT).collect();
        if words.len() < WORDS_MIN {
            let script = whatlang::detect_script(text);
            let only = script.filter(|script| script.langs().len() == 1);
            return only.map_or(voice, |script| script.langs()[0]);
        }
        // Telling languages apart takes longer than all else, and is needless where the common words are those that were expected.
        let expected = Language::of(voice);
        let common = words
            .iter()
            .filter(|word| expected.stops.contains(**word))
            .count();
        if COMMON_ONE_IN * common >= words.len() {
            return voice;
        }
        let told = self.cued.detect(text).or_else(|| whatlang::detect(text));
        told.filter(whatlang::Info::is_reliable)
            .map_or(voice, |told| told.lang())
    }

    /// The language of all that somebody wrote.
    pub(super) fn of_texts(texts: &str) -> Option<Lang> {
        let told = whatlang::detect(texts)?;
        told.is_reliable().then(|| told.lang())
    }
}
