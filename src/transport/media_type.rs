//! Media types (RFC 9110, section 8.3.1), and how much an `Accept` wants one (section 12.5.1).

/// What a media type is, for a JSON schema: what [`is_valid`] takes.
pub(super) const PATTERN: &str = concat!(
    r"^[!#$%&'+.^_`|~0-9A-Za-z-]+/[!#$%&'+.^_`|~0-9A-Za-z-]+",
    r"( *;( *[!#$%&'*+.^_`|~0-9A-Za-z-]+=",
    r#"([!#$%&'*+.^_`|~0-9A-Za-z-]+|"([ !#-\[\]-~]|\\[ -~])*"))?)*$"#
);

/// A media type, or a range of them.
struct MediaType<'a> {
    kind: &'a str,
    subtype: &'a str,
    parameters: Vec<(&'a str, &'a str)>,
}

impl<'a> MediaType<'a> {
    fn parse(text: &'a str) -> Option<Self> {
        let mut parts = split(text, ';').map(|part| part.trim_matches(BLANKS));
        let (kind, subtype) = parts.next()?.split_once('/')?;
        let given = parts.filter(|part| !part.is_empty());
        let parameters = given.map(parameter).collect::<Option<_>>()?;
        (is_token(kind) && is_token(subtype)).then_some(Self {
            kind,
            subtype,
            parameters,
        })
    }

    /// How exactly this range names a media type, if at all: by its name, by the kind that it is of, or as any.
    fn rank(&self, wanted: &Self) -> Option<u8> {
        let is_kind = self.kind.eq_ignore_ascii_case(wanted.kind);
        let is_subtype = self.subtype.eq_ignore_ascii_case(wanted.subtype);
        match (self.kind, self.subtype) {
            ("*", "*") => Some(0),
            (_, "*") => is_kind.then_some(1),
            _ => (is_kind && is_subtype).then_some(2),
        }
    }

    /// Between 0, not acceptable, and 1; nothing if it is not understood.
    fn weight(&self) -> Option<f32> {
        let mut parameters = self.parameters.iter();
        match parameters.find(|(name, _)| name.eq_ignore_ascii_case("q")) {
            Some((_, weight)) => weight.parse().ok().filter(|q| (0.0..=1.0).contains(q)),
            None => Some(1.0),
        }
    }
}

/// Whether a text is a media type, and not a range of them, in visible ASCII.
pub(super) fn is_valid(text: &str) -> bool {
    let is_visible = text.bytes().all(|byte| (b' '..=b'~').contains(&byte));
    let is_one = |kind: &MediaType| !kind.kind.contains('*') && !kind.subtype.contains('*');
    is_visible && text == text.trim() && MediaType::parse(text).as_ref().is_some_and(is_one)
}

/// Whether a `Content-Type` is this media type, in UTF-8, which a body is in that does not say.
pub(super) fn is_in_utf8(content_type: &str, wanted: &str) -> bool {
    let is_utf8 = |(name, value): &(&str, &str)| {
        let is_other = name.eq_ignore_ascii_case("charset")
            && !value.trim_matches('"').eq_ignore_ascii_case("utf-8");
        !is_other
    };
    let (given, wanted) = (MediaType::parse(content_type), MediaType::parse(wanted));
    given.zip(wanted).is_some_and(|(given, wanted)| {
        given.rank(&wanted) == Some(2) && given.parameters.iter().all(is_utf8)
    })
}

/// How much an `Accept` wants a media type: as much as the range that names it most exactly says. What is not
/// understood of it says nothing.
pub(super) fn quality(accept: &str, wanted: &str) -> f32 {
    let Some(wanted) = MediaType::parse(wanted) else {
        return 0.0;
    };
    let ranges = split(accept, ',').filter_map(MediaType::parse);
    let ranked = ranges.filter_map(|range| Some((range.rank(&wanted)?, range.weight()?)));
    let (_, weight) = ranked.fold(
        (0, 0.0),
        |best, range| if range >= best { range } else { best },
    );
    weight
}

/// The parts between such signs, but for those in quotes.
fn split(text: &str, at: char) -> impl Iterator<Item = &str> {
    let (mut is_quoted, mut is_escaped) = (false, false);
    text.split(move |sign| {
        if is_escaped {
            is_escaped = false;
            return false;
        }
        is_quoted ^= sign == '"';
        is_escaped = is_quoted && sign == '\\';
        sign == at && !is_quoted
    })
}

fn parameter(text: &str) -> Option<(&str, &str)> {
    let (name, value) = text.split_once('=')?;
    let is_sound = is_token(name) && (is_token(value) || is_quoted(value));
    is_sound.then_some((name, value))
}

fn is_token(text: &str) -> bool {
    let is_sign = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    !text.is_empty() && text.bytes().all(is_sign)
}

fn is_quoted(text: &str) -> bool {
    let inner = text
        .strip_prefix('"')
        .and_then(|text| text.strip_suffix('"'));
    let mut is_escaped = false;
    let is_sound = inner.is_some_and(|inner| {
        inner.bytes().all(|byte| {
            let is_end = byte == b'"' && !is_escaped;
            is_escaped = byte == b'\\' && !is_escaped;
            !is_end
        })
    });
    is_sound && !is_escaped
}

/// White space within a header.
const BLANKS: [char; 2] = [' ', '\t'];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_media_type_is_two_tokens_and_its_parameters() {
        for text in [
            "text/plain",
            "Text/Markdown;charset=UTF-8; variant=GFM",
            "application/vnd.synod+json",
            "text/plain ; charset=utf-8",
            "text/plain;",
            r#"a/b; c="d; \"e\", \\"; f=g"#,
        ] {
            assert!(is_valid(text), "{text:?}");
        }
        for text in [
            "",
            "/",
            "text",
            "text/",
            "/plain",
            "text/plain/more",
            "text /plain",
            " text/plain",
            "text/plain ",
            "text/plain\r\nX-Evil: 1",
            "text/plain;\tcharset=utf-8",
            "text/plain; charset",
            "text/plain; charset=",
            "text/plain; charset=a b",
            "text/plain; =x",
            r#"a/b; c="d"#,
            r#"a/b; c="d\"#,
            r#"a/b; c="d"e""#,
            "text/plain, text/html",
            "te\u{df}t/plain",
            "a/b; c=\"\u{df}\"",
            "*/*",
            "text/*",
        ] {
            assert!(!is_valid(text), "{text:?}");
        }
    }

    #[test]
    fn a_schema_takes_what_is_valid() {
        let schema = jsonschema::validator_for(&serde_json::json!({"pattern": PATTERN})).unwrap();
        for text in [
            "text/plain",
            "text/plain ;; charset=utf-8",
            "text/plain;",
            r#"a/b; c="d; \"e\", \\"; f=g"#,
            "text/plain; ",
            "text/*",
            "text/",
            "a/b; c",
            "a/b\n",
            r#"a/b; c="d\"#,
            r#"a/b; c="d"e""#,
        ] {
            assert_eq!(schema.is_valid(&text.into()), is_valid(text), "{text:?}");
        }
    }

    #[test]
    fn a_body_is_in_utf8() {
        for (content_type, is_taken) in [
            ("application/json", true),
            ("Application/JSON ; Charset=UTF-8", true),
            (r#"application/json; charset="utf-8"; profile=x"#, true),
            ("application/json;", true),
            ("application/json; charset=utf-16", false),
            ("application/json; charset=utf-8; charset=latin1", false),
            ("application/json; charset", false),
            ("application/*", false),
            ("text/json", false),
            ("", false),
        ] {
            let found = is_in_utf8(content_type, "application/json");
            assert_eq!(found, is_taken, "{content_type}");
        }
    }

    #[test]
    fn the_most_exact_range_says_how_much_a_media_type_is_wanted() {
        for (accept, markdown, json) in [
            ("", 0.0, 0.0),
            ("*/*", 1.0, 1.0),
            ("text/*", 1.0, 0.0),
            ("text/markdown", 1.0, 0.0),
            ("TEXT/Markdown ; variant=GFM ;Q=0.25", 0.25, 0.0),
            ("text/markdown;q=0", 0.0, 0.0),
            ("text/markdown;q=0, */*;q=0.1", 0.0, 0.1),
            ("*/*;q=0.5,application/json;q=0.1", 0.5, 0.1),
            ("text/*;q=0.3, text/markdown;q=0.7, */*", 0.7, 1.0),
            ("text/html, application/xml;q=0.9", 0.0, 0.0),
            (r#"a/b;c=",text/markdown", application/json"#, 0.0, 1.0),
            ("text/markdown;q=2, application/json;q=x", 0.0, 0.0),
            ("rubbish, */*;q=0.5", 0.5, 0.5),
        ] {
            let found = ["text/markdown", "application/json"].map(|kind| quality(accept, kind));
            let bits = [found, [markdown, json]].map(|weights| weights.map(f32::to_bits));
            assert_eq!(bits[0], bits[1], "{accept}: {found:?}");
        }
    }
}
