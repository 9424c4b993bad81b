//! Signs that JSON writes as `\u` and four digits: two of these for one beyond U+FFFF, a surrogate pair.

/// Whether any text in this JSON has half of such a pair.
pub(super) fn has_half_a_pair(json: &str) -> bool {
    let mut rest = json;
    while let Some(at) = rest.find('\\') {
        rest = &rest[at..];
        let mut run = Vec::new();
        while let Some(unit) = unit(rest) {
            run.push(unit);
            rest = &rest[UNIT.len()..];
        }
        if char::decode_utf16(run.iter().copied()).any(|sign| sign.is_err()) {
            return true;
        }
        if run.is_empty() {
            // Another escape: both of its signs are passed over.
            rest = rest.get(2..).unwrap_or_default();
        }
    }
    false
}

/// As long as every other.
const UNIT: &str = "\\u0000";

/// What the JSON begins with, if with such an escape.
fn unit(json: &str) -> Option<u16> {
    let digits = json.strip_prefix("\\u")?.get(..4)?;
    u16::from_str_radix(digits, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_pair_is_a_sign() {
        for whole in [
            "",
            "[1e999]",
            r#"["\ud83d\ude00", "\u00df\u0000"]"#,
            r#"["\\ud800", "\n\\\\udfff\"", "ud800"]"#,
        ] {
            assert!(!has_half_a_pair(whole), "{whole}");
        }
        for half in [
            r#"["\ud800"]"#,
            r#"{"\uDFFF": 1}"#,
            r#"["\ude00\ud83d"]"#,
            r#"["\ud83d \ude00"]"#,
            r#"["\\\ud83d\n"]"#,
            r#"["\ud83d\ud83d\ude00"]"#,
        ] {
            assert!(has_half_a_pair(half), "{half}");
        }
    }
}
