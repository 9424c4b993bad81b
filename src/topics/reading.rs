//! What one message says, as far as it matters here: what it may be about, and what it does.

use std::collections::{BTreeMap, HashMap};
use std::rc::Rc;

use uuid::Uuid;
use whatlang::Lang;

use super::cues::Cue;
use super::language::{Language, Tongues, Word};
use super::{Message, text};

/// One message, read.
#[derive(Debug, Default)]
pub(super) struct Reading {
    /// What it may be about, in its order: numbers of stems.
    pub(super) terms: Vec<u32>,
    /// Where terms begin that do not stand right beside the one before.
    breaks: Vec<usize>,
    /// Which cues are in it.
    cues: [bool; Cue::COUNT],
    /// Its sentences that ask about something.
    pub(super) questions: usize,
    /// All its words.
    pub(super) words: usize,
}

/// Cues of something to settle.
const NEEDS: [Cue; 11] = [
    Cue::Negation,
    Cue::Against,
    Cue::Contrast,
    Cue::Propose,
    Cue::Claim,
    Cue::Wait,
    Cue::HandOver,
    Cue::Overlap,
    Cue::Plan,
    Cue::Urgent,
    Cue::Hedge,
];

impl Reading {
    /// Whether this cue is in it.
    pub(super) fn has(&self, cue: Cue) -> bool {
        self.cues[cue as usize]
    }

    /// Whether each cue is in it.
    pub(super) fn has_each(&self) -> [bool; Cue::COUNT] {
        self.cues
    }

    /// Whether it only says that something was heard: thanks, a greeting, a word or two.
    pub(super) fn is_receipt(&self) -> bool {
        let friendly = [Cue::Courtesy, Cue::Heard, Cue::Agree, Cue::Done]
            .iter()
            .any(|cue| self.has(*cue));
        let short = self.terms.len() <= 1 || self.words <= 4 || friendly && self.terms.len() <= 4;
        short && self.questions == 0
    }

    /// Whether it shows that there may be something to settle.
    pub(super) fn needs(&self) -> bool {
        self.questions > 0 || NEEDS.iter().any(|cue| self.has(*cue))
    }

    /// Whether it gives way, or is glad of what was said: no mere receipt, and no doubt left.
    pub(super) fn accepts(&self) -> bool {
        let is_glad = self.is_receipt() && self.has(Cue::Courtesy) && !self.has(Cue::Heard);
        let doubts = [Cue::Contrast, Cue::Against, Cue::Hedge];
        (self.has(Cue::Agree) || is_glad)
            && self.questions == 0
            && !doubts.iter().any(|cue| self.has(*cue))
    }

    /// Whether it may answer a question: it tells something, and does not leave it open.
    pub(super) fn may_answer(&self) -> bool {
        self.questions == 0 && !self.is_receipt() && !self.has(Cue::Hedge)
    }

    /// Runs of up to so many terms that stand side by side.
    pub(super) fn runs(&self, most: usize) -> impl Iterator<Item = &[u32]> {
        let ends = self
            .breaks
            .iter()
            .skip(1)
            .copied()
            .chain([self.terms.len()]);
        let clauses = self
            .breaks
            .iter()
            .zip(ends)
            .map(|(begin, end)| &self.terms[*begin..end]);
        clauses.flat_map(move |clause| (1..=most).flat_map(|length| clause.windows(length)))
    }
}

/// Signs of a word at most.
const WORD_CHARS_MAX: usize = 40;

/// Stems as they were written, by their numbers.
#[derive(Default)]
pub(super) struct Written(Vec<String>);

impl Written {
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether it is a word that people can read, not a number or what a machine made.
    pub(super) fn is_word(&self, term: u32) -> bool {
        let written = &self.0[term as usize];
        written.contains(char::is_alphabetic) && written.chars().nth(WORD_CHARS_MAX).is_none()
    }

    /// These, side by side.
    pub(super) fn run(&self, terms: &[u32]) -> String {
        let words: Vec<_> = terms
            .iter()
            .map(|term| self.0[*term as usize].as_str())
            .collect();
        words.join(" ")
    }
}

/// Reads messages, in their order.
pub(super) fn read(log: &[&Message<'_>]) -> (Vec<Reading>, Written) {
    let texts: Vec<_> = log
        .iter()
        .map(|message| text::language_of(message.text, message.is_json))
        .collect();
    let voices = voices(log, &texts);
    let common = most_common(log.iter().filter_map(|message| voices[&message.sender]));
    let mut reader = Reader {
        tongues: Tongues::new(),
        met: HashMap::new(),
        numbers: HashMap::new(),
        written: Written::default(),
    };
    let each = log.iter().zip(&texts);
    let each = each.map(|(message, text)| {
        let voice = voices[&message.sender].or(common).unwrap_or(Lang::Eng);
        reader.reading(text, voice)
    });
    (each.collect(), reader.written)
}

/// Bytes of what somebody wrote from which its language is told.
const VOICE_MAX_BYTES: usize = 2_048;

/// The language of each sender, from the beginning of what it wrote.
fn voices(log: &[&Message<'_>], texts: &[String]) -> BTreeMap<Uuid, Option<Lang>> {
    let mut voices = BTreeMap::<_, String>::new();
    for (message, text) in log.iter().zip(texts) {
        let voice = voices.entry(message.sender).or_default();
        if voice.len() < VOICE_MAX_BYTES {
            voice.push_str(&text[..text.floor_char_boundary(VOICE_MAX_BYTES)]);
        }
    }
    let told = |(sender, voice): (Uuid, String)| (sender, Tongues::of_texts(&voice));
    voices.into_iter().map(told).collect()
}

/// The language of most of these; of two the first.
fn most_common(langs: impl Iterator<Item = Lang>) -> Option<Lang> {
    let mut counts = Vec::<(Lang, usize)>::new();
    for lang in langs {
        match counts.iter_mut().find(|(other, _)| *other == lang) {
            Some((_, count)) => *count += 1,
            None => counts.push((lang, 1)),
        }
    }
    let most = counts.into_iter().rev().max_by_key(|(_, count)| *count);
    most.map(|(lang, _)| lang)
}

/// A negation turns what follows it within so many words.
const NEGATION_REACH: usize = 3;
/// A sentence that begins as a question does, but has no mark, is one only if it is longer than this.
const UNMARKED_QUESTION_WORDS: usize = 3;

/// Reads, and numbers the stems that messages share.
struct Reader {
    tongues: Tongues,
    /// By language, each word that was met.
    met: HashMap<*const Language, HashMap<String, Rc<Word>>>,
    numbers: HashMap<String, u32>,
    written: Written,
}

impl Reader {
    fn reading(&mut self, text: &str, voice: Lang) -> Reading {
        let language = Language::of(self.tongues.of_text(text, voice));
        let mut reading = Reading::default();
        for sentence in text::sentences(text) {
            self.sentence(sentence, language, &mut reading);
        }
        reading
    }

    fn sentence(&mut self, sentence: &str, language: &'static Language, reading: &mut Reading) {
        let written: Vec<_> = language.words(sentence).collect();
        let met = self.met.entry(std::ptr::from_ref(language)).or_default();
        let words: Vec<_> = written
            .iter()
            .map(|word| met_before(met, word, language))
            .collect();
        let terms_before = reading.terms.len();
        let mut beside = false;
        for (word, written) in words.iter().zip(&written) {
            if word.is_content {
                if !beside {
                    reading.breaks.push(reading.terms.len());
                }
                reading.terms.push(self.number(&word.stem, written));
            }
            beside = word.is_content;
        }
        reading.words += words.len();
        let tells = reading.terms.len() > terms_before;
        let found = language.cues(&words);
        let asks = found
            .iter()
            .any(|(at, _, cue)| *cue == Cue::Ask && *at == 0);
        let asks = asks && words.len() > UNMARKED_QUESTION_WORDS;
        let is_question = tells && (asks || text::ends_in_question(sentence));
        reading.questions += usize::from(is_question);
        for (at, _, cue) in &found {
            let negates = |(before, length, other): &(usize, usize, Cue)| {
                *other == Cue::Negation && before + length <= *at && at - before <= NEGATION_REACH
            };
            if let Some(cue) = meant(*cue, found.iter().any(negates), is_question) {
                reading.cues[cue as usize] = true;
            }
        }
    }

    fn number(&mut self, stem: &str, word: &str) -> u32 {
        if let Some(number) = self.numbers.get(stem) {
            // A word that is ever written small is no name.
            let written = &mut self.written.0[*number as usize];
            if written.starts_with(char::is_uppercase) && word.starts_with(char::is_lowercase) {
                word.clone_into(written);
            }
            return *number;
        }
        let number = u32::try_from(self.written.len()).expect("fewer stems than bytes of memory");
        self.numbers.insert(stem.to_owned(), number);
        self.written.0.push(word.to_owned());
        number
    }
}

/// A word, which is looked up only once.
fn met_before(met: &mut HashMap<String, Rc<Word>>, written: &str, language: &Language) -> Rc<Word> {
    if let Some(word) = met.get(written) {
        return Rc::clone(word);
    }
    let word = Rc::new(language.word(written));
    met.insert(written.to_owned(), Rc::clone(&word));
    word
}

/// What a cue shows where it stands: a negation turns it, and a question takes no side.
fn meant(cue: Cue, is_negated: bool, is_question: bool) -> Option<Cue> {
    match (cue, is_negated) {
        (Cue::Propose | Cue::Contrast | Cue::Agree | Cue::Against | Cue::Done, _)
            if is_question =>
        {
            None
        }
        (Cue::Propose | Cue::Agree, true) => Some(Cue::Against),
        (Cue::Against, true) => Some(Cue::Agree),
        (Cue::Wait, true) => Some(Cue::Done),
        (Cue::Done, true) => Some(Cue::Wait),
        (Cue::Claim | Cue::Urgent | Cue::Overlap, true) => None,
        _ => Some(cue),
    }
}
