//! Words of others inside Markdown: as they are, and never as anything but words.

use std::fmt::Write;

/// Words in a block quote: each of their lines on a line of its own behind `indent` and `>`.
///
/// Lines stay lines, words stay words. Blanks at the ends of a line go, but for those it begins with, which become no-break spaces, so
/// that code keeps its shape. Control characters are shown as pictures, so that nothing acts on a terminal.
pub(super) fn quote(words: &str, indent: &str) -> String {
    let mut text = String::with_capacity(words.len() + words.len() / 8);
    let mut lines = lines(words).map(str::trim_end).peekable();
    while let Some(line) = lines.next() {
        text.push_str(indent);
        text.push('>');
        if !line.is_empty() {
            text.push(' ');
            push_line(&mut text, line);
            let goes_on = lines.peek().is_some_and(|next| !next.is_empty());
            text.push_str(if goes_on { "\\" } else { "" });
        }
        text.push('\n');
    }
    text
}

/// Words within a line of ours, such as a name: one line, which does not change in which direction the rest is read.
pub(super) fn inline(words: &str) -> String {
    let plain = plain(words);
    let mut text = String::with_capacity(words.len());
    push_escaped(&mut text, plain.trim(), |c| {
        SPECIAL.contains(c) || "#{}".contains(c)
    });
    if text.is_empty() {
        "(without a name)".clone_into(&mut text);
    }
    if text.contains(is_right_to_left) {
        text = format!("\u{2068}{text}\u{2069}");
    }
    text
}

fn lines(words: &str) -> impl Iterator<Item = &str> {
    // What Windows ends a line with is one end, not two.
    words.split("\r\n").flat_map(|part| part.split(is_line_end))
}

/// Words on one line, as a terminal may have them: without what commands it or changes in which direction the rest is read. What
/// means something to a Markdown reader stays.
pub fn plain(words: &str) -> String {
    let shown = |c| match c {
        c if is_line_end(c) => ' ',
        c if is_embedding(c) => '\u{fffd}',
        c => picture(c),
    };
    words.chars().map(shown).collect()
}

/// What a Markdown reader, a terminal or a browser takes for the end of a line.
fn is_line_end(c: char) -> bool {
    matches!(c, '\n'..='\r' | '\u{85}' | '\u{2028}' | '\u{2029}')
}

/// Starts a run of its own direction (Unicode Standard Annex 9, section 2), or ends somebody else's.
fn is_embedding(c: char) -> bool {
    matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

fn is_right_to_left(c: char) -> bool {
    matches!(c, '\u{590}'..='\u{8ff}' | '\u{fb1d}'..='\u{fdff}' | '\u{fe70}'..='\u{fefe}'
        | '\u{10800}'..='\u{10fff}' | '\u{1e800}'..='\u{1efff}')
}

/// What means something to a Markdown reader wherever it stands (`CommonMark` 0.31, and common additions: tables,
/// strikethrough, formulas, superscript). A backslash before any of these makes it itself.
const SPECIAL: &str = r"\`*_[]<&~|$^";
/// What means something only where a line begins.
const SPECIAL_FIRST: &str = "#+-=:>";

fn push_line(text: &mut String, line: &str) {
    let words = line.trim_start_matches([' ', '\t']);
    for blank in line[..line.len() - words.len()].chars() {
        text.push_str(if blank == '\t' {
            "\u{a0}\u{a0}\u{a0}\u{a0}"
        } else {
            "\u{a0}"
        });
    }
    let number = words.chars().take_while(char::is_ascii_digit).count();
    let (number, rest) = words.split_at(number);
    let _ = write!(text, "{number}");
    let begins_list = !number.is_empty() && rest.starts_with(['.', ')']);
    let begins_block = number.is_empty() && rest.starts_with(|c| SPECIAL_FIRST.contains(c));
    if begins_list || begins_block {
        text.push('\\');
    }
    push_escaped(text, rest, |c| SPECIAL.contains(c));
}

fn push_escaped(text: &mut String, words: &str, is_special: impl Fn(char) -> bool) {
    let mut before = text.chars().next_back().unwrap_or(' ');
    let mut chars = words.chars().peekable();
    while let Some(c) = chars.next() {
        let after = chars.peek().copied().unwrap_or(' ');
        let joins_words = c == '_' && before.is_alphanumeric() && after.is_alphanumeric();
        if is_special(c) && !joins_words {
            text.push('\\');
        }
        text.push(picture(c));
        before = c;
    }
}

/// A control character's picture; any other character itself.
fn picture(c: char) -> char {
    match c {
        '\t' => ' ',
        '\0'..='\x1f' => char::from_u32(0x2400 + u32::from(c)).unwrap_or('\u{fffd}'),
        '\x7f' => '\u{2421}',
        c if c.is_control() => '\u{fffd}',
        c => c,
    }
}
