//! What is wrong with JSON, in words of JSON: the reader's own messages name the types of this program.

/// What is wrong with a text that has half of a surrogate pair: it is no Unicode, and few programs read it.
pub const HALF_A_PAIR: &str = "must not contain half of a surrogate pair: \\ud800 to \\udfff stand for a sign only two and two";

/// What is wrong, without its place.
pub fn reason(error: &serde_json::Error) -> String {
    let place = format!(" at line {} column {}", error.line(), error.column());
    let reason = error.to_string();
    let reason = reason.strip_suffix(&place).unwrap_or(&reason);
    if error.is_syntax() && (reason.contains("hex escape") || reason.contains("surrogate")) {
        return HALF_A_PAIR.to_owned();
    }
    let Some((found, expected)) = reason.rsplit_once("expected ") else {
        return reason.to_owned();
    };
    let expected = match expected {
        "f64" => "a number",
        "u8" => "a whole number between 0 and 255",
        "u32" => "a whole number between 0 and 4294967295",
        "a sequence" => "a list",
        "a map" => "an object",
        _ if expected.starts_with("struct ") => "an object",
        _ => expected,
    };
    let found = found.replace("unknown variant", "unknown word");
    format!("{found}expected {expected}")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde::de::DeserializeOwned;

    use super::*;
    use crate::wire::shape::{DecisionRule, TurnOrder};

    fn reason_for<T: DeserializeOwned>(json: &str) -> String {
        reason(&serde_json::from_str::<T>(json).err().expect("a fault"))
    }

    #[test]
    fn no_type_of_this_program_is_named() {
        for (reason, expected) in [
            (
                reason_for::<f64>(r#""half""#),
                r#"invalid type: string "half", expected a number"#,
            ),
            (
                reason_for::<u32>("-1"),
                "invalid value: integer `-1`, expected a whole number between 0 and 4294967295",
            ),
            (
                reason_for::<Vec<String>>("{}"),
                "invalid type: map, expected a list",
            ),
            (
                reason_for::<BTreeMap<String, String>>("7"),
                "invalid type: integer `7`, expected an object",
            ),
            (
                reason_for::<DecisionRule>("true"),
                "invalid type: boolean `true`, expected an object",
            ),
            (
                reason_for::<TurnOrder>(r#""dance""#),
                "unknown word `dance`, expected one of `fixed`, `rotate`, `shuffle`",
            ),
            (reason_for::<String>(r#""\ud800""#), HALF_A_PAIR),
            (reason_for::<String>(r#""\udc00""#), HALF_A_PAIR),
            (reason_for::<String>(r#""\ud800\u0041""#), HALF_A_PAIR),
        ] {
            assert_eq!(reason, expected);
        }
    }
}
