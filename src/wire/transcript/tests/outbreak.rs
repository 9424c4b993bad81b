//! What a reader of Markdown makes of a page whose words try to be more than words.

use proptest::prelude::{Strategy, any, prop_oneof};
use proptest::{collection, proptest, sample};
use pulldown_cmark::{Event as Piece, Options, Parser, Tag, TagEnd};

use super::{ADA, BEN, Play};
use crate::domain::{Command, DecisionRule};

/// What a reader of Markdown makes of a page: its blocks outside of quotes, and the words of each quote.
#[derive(Debug, Default, PartialEq)]
struct Seen {
    blocks: Vec<String>,
    quotes: Vec<String>,
}

fn see(page: &str) -> Seen {
    let mut seen = Seen::default();
    let mut depth = 0;
    for piece in Parser::new_ext(page, Options::all() - Options::ENABLE_SMART_PUNCTUATION) {
        match piece {
            Piece::Start(Tag::BlockQuote(_)) => {
                depth += 1;
                assert_eq!(depth, 1, "a quote in a quote:\n{page}");
                seen.quotes.push(String::new());
                seen.blocks.push("quote".to_owned());
            }
            Piece::End(TagEnd::BlockQuote(_)) => depth -= 1,
            Piece::Text(words) if depth == 1 => seen.quotes.last_mut().unwrap().push_str(&words),
            Piece::HardBreak | Piece::Start(Tag::Paragraph) if depth == 1 => {}
            Piece::End(TagEnd::Paragraph) if depth == 1 => {}
            other if depth == 1 => panic!("{other:?} in a quote:\n{page}"),
            Piece::Text(_) => {}
            other => seen.blocks.push(format!("{other:?}")),
        }
    }
    seen
}

/// Letters and signs, without what only separates them or is shown as a picture.
fn substance(words: &str) -> String {
    let is_substance = |c: &char| {
        let is_picture = matches!(c, '\u{2400}'..='\u{2421}' | '\u{fffd}');
        !c.is_whitespace() && !c.is_control() && !is_picture
    };
    words.chars().filter(is_substance).collect()
}

fn meeting_with(topic: &str, name: &str, words: [&str; 4]) -> Seen {
    let [content, proposal, rationale, reason] = words;
    let play = Play::of(topic, [name, "Ben"], DecisionRule::majority())
        .connects(ADA)
        .does(ADA, Command::Start)
        .says(ADA, content, Some(proposal))
        .says(BEN, content, None)
        .votes(ADA, Some(true), Some(&format!(".{rationale}")))
        .does(
            ADA,
            Command::Cancel {
                reason: Some(reason.to_owned()),
            },
        );
    see(&play.told().to_markdown())
}

/// What means something to a reader of Markdown, of HTML or of scripts that run from right to left, and some words.
const NASTY: &[&str] = &[
    "\n",
    "\n\n",
    "\r",
    "\r\n",
    "\u{2028}",
    "\u{b}",
    "    ",
    "\t",
    " ",
    "```",
    "~~~",
    "`",
    "# ",
    "## ",
    "> ",
    ">",
    "- ",
    "* ",
    "+ ",
    "1. ",
    "2) ",
    "---",
    "===",
    ":--",
    "<!-- ",
    "-->",
    "<b>",
    "</blockquote>",
    "<script>",
    "<http://x.y>",
    "[a]: /x",
    "[^1]: x",
    "![",
    "](",
    "[x]",
    "[ ] ",
    "&lt;",
    "&#10;",
    "\\",
    "|",
    "| a |",
    "$",
    "$$",
    "^",
    "~~",
    "**",
    "__",
    "_",
    "*",
    ": ",
    ":::",
    "{#id}",
    "{",
    "+++",
    "http://x.y",
    "\u{202e}",
    "\u{2069}",
    "שלום",
    "a",
    "word",
    "é",
    "🧭",
    "\u{1b}[2J",
    "\u{7f}",
    "%",
    "\"",
    "'",
];

fn nasty_words() -> impl Strategy<Value = String> {
    let tokens = sample::select(NASTY);
    let token = prop_oneof![4 => tokens.prop_map(|token| (*token).to_owned()), 1 => any::<char>().prop_map(String::from)];
    collection::vec(token, 0..24).prop_map(|tokens| tokens.concat())
}

proptest! {
    #[test]
    fn words_stay_in_their_quotes_and_stay_whole(
        content in nasty_words(), proposal in nasty_words(), rationale in nasty_words(), reason in nasty_words(),
    ) {
        let words = [&content, &proposal, &rationale, &reason].map(String::as_str);
        let seen = meeting_with("Tea?", "Ada", words);
        let plain = meeting_with("Tea?", "Ada", ["a"; 4]);
        assert_eq!(seen.blocks, plain.blocks);
        let kept: Vec<_> = seen.quotes.iter().map(|words| substance(words)).collect();
        let given = [&content, &proposal, &content, &proposal, &format!(".{rationale}"), &reason];
        assert_eq!(kept, given.map(|words| substance(words)));
    }

    #[test]
    fn names_and_topics_stay_within_their_line(topic in nasty_words(), name in nasty_words()) {
        assert_eq!(meeting_with(&topic, &name, ["a"; 4]), meeting_with("Tea?", "Ada", ["a"; 4]));
    }
}

#[test]
fn a_very_long_line_and_one_that_turns_around_stay_in_their_quotes() {
    let long = "long ".repeat(100_000);
    let turned = "a\u{202e}b\nc";
    let seen = meeting_with("Tea?", "\u{202e}Ada", [&long, turned, "r", "r"]);
    assert_eq!(substance(&seen.quotes[0]), "long".repeat(100_000));
    assert_eq!(seen.quotes[1], "a\u{202e}bc");
    let page = Play::of("Tea?", ["\u{202e}Ada", "שלום"], DecisionRule::majority());
    let page = page.told().to_markdown();
    assert!(
        !page.contains('\u{202e}'),
        "a name does not turn our own words around"
    );
    assert!(page.contains("\u{2068}שלום\u{2069}"), "{page}");
}
