//! What of a message is language: its text without code, quotes and addresses, in sentences.

use unicode_segmentation::UnicodeSegmentation;

/// Bytes of a message whose words are looked at: ten pages. What a message is about is said sooner, and the rest is kept words.
const LOOKED_AT_MAX_BYTES: usize = 16_384;

/// The language in a message: of JSON its strings, of other text the lines outside of code and quotes.
pub(super) fn language_of(text: &str, is_json: bool) -> String {
    let mut language = String::new();
    if is_json || looks_like_json(text) {
        strings(text, &mut language);
    } else {
        prose(text, &mut language);
    }
    language
}

/// The sentences of a text; a line break ends one, too.
pub(super) fn sentences(text: &str) -> impl Iterator<Item = &str> {
    let lines = text
        .lines()
        .flat_map(UnicodeSegmentation::unicode_sentences);
    lines.map(str::trim).filter(|sentence| !sentence.is_empty())
}

/// Whether a sentence ends as a question does, in any script.
pub(super) fn ends_in_question(sentence: &str) -> bool {
    let end = sentence
        .trim_end_matches(|sign: char| !sign.is_alphanumeric() && !QUESTION_MARKS.contains(&sign));
    end.ends_with(QUESTION_MARKS)
}

const QUESTION_MARKS: [char; 5] = ['?', '？', '؟', '¿', '՞'];

fn looks_like_json(text: &str) -> bool {
    let text = text.trim();
    text.starts_with('{') && text.ends_with('}') || text.starts_with("[{") && text.ends_with("}]")
}

fn prose(text: &str, language: &mut String) {
    let mut fence = None;
    for line in text.lines() {
        let begin = line.trim_start();
        let mark = ["```", "~~~"]
            .into_iter()
            .find(|mark| begin.starts_with(mark));
        match (fence, mark) {
            (None, Some(_)) => fence = mark,
            (Some(open), Some(mark)) if open == mark => fence = None,
            (None, None) if !begin.starts_with('>') => words_of_line(begin, language),
            _ => {}
        }
        if language.len() >= LOOKED_AT_MAX_BYTES {
            break;
        }
    }
    cut(language);
}

/// Adds a line without addresses; an identifier is the words that it is made of.
fn words_of_line(line: &str, language: &mut String) {
    for word in line.split_whitespace().filter(|word| !word.contains("://")) {
        if language.len() >= LOOKED_AT_MAX_BYTES {
            return;
        }
        language.extend(word.chars().map(|sign| match sign {
            '_' | '`' | '*' | '#' => ' ',
            '\u{2019}' => '\'',
            other => other,
        }));
        language.push(' ');
    }
    language.push('\n');
}

/// Adds the strings of JSON, names and values, each as a line. What was cut off in the middle is as good as what is whole.
fn strings(json: &str, language: &mut String) {
    let mut rest = json;
    while let Some(begin) = rest.find('"')
        && language.len() < LOOKED_AT_MAX_BYTES
    {
        let (string, after) = string(&rest[begin + 1..]);
        prose(&string, language);
        rest = after;
    }
    cut(language);
}

/// The string that begins here, after its quotation mark, and what comes after it.
fn string(json: &str) -> (String, &str) {
    let mut value = String::new();
    let mut signs = json.char_indices();
    while let Some((at, sign)) = signs.next() {
        match sign {
            '"' => return (value, &json[at + 1..]),
            '\\' => match signs.next() {
                Some((_, 'n' | 'r' | 't')) => value.push('\n'),
                Some((at, 'u')) => {
                    let code = json.get(at + 1..at + 5);
                    let code = code.and_then(|code| u32::from_str_radix(code, 16).ok());
                    value.push(code.and_then(char::from_u32).unwrap_or(' '));
                    signs.by_ref().take(4).for_each(drop);
                }
                Some((_, escaped)) => value.push(escaped),
                None => break,
            },
            _ => value.push(sign),
        }
    }
    (value, "")
}

fn cut(language: &mut String) {
    language.truncate(language.floor_char_boundary(LOOKED_AT_MAX_BYTES));
}
