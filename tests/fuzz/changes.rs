//! Changes to a text that was in order: to the JSON that it is, then to its bytes.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use serde_json::{Value, json};

/// One change.
#[derive(Clone, Debug)]
pub(super) enum Change {
    /// Another value in some place.
    Put(Index, Value),
    /// A value that stands elsewhere.
    Graft(Index, Index),
    /// A field or element that is not there any more.
    Drop(Index),
    /// Another byte.
    Byte(Index, u8),
    /// Fewer bytes.
    Cut(Index, usize),
    /// Some bytes once more.
    Repeat(Index, usize),
    /// More text.
    Insert(Index, String),
}

pub(super) fn changes() -> impl Strategy<Value = Vec<Change>> {
    let at = any::<Index>;
    let change = prop_oneof![
        6 => (at(), value()).prop_map(|(at, value)| Change::Put(at, value)),
        4 => (at(), at()).prop_map(|(to, from)| Change::Graft(to, from)),
        2 => at().prop_map(Change::Drop),
        1 => (at(), any::<u8>()).prop_map(|(at, byte)| Change::Byte(at, byte)),
        1 => (at(), 1..40_usize).prop_map(|(at, bytes)| Change::Cut(at, bytes)),
        1 => (at(), 1..40_usize).prop_map(|(at, bytes)| Change::Repeat(at, bytes)),
        1 => (at(), piece()).prop_map(|(at, text)| Change::Insert(at, text)),
    ];
    vec(change, 1..5)
}

/// Values that stand at some bound, or where no value of their kind does.
fn value() -> impl Strategy<Value = Value> {
    let known = [
        json!(null),
        json!(true),
        json!(false),
        json!(0),
        json!(1),
        json!(-1),
        json!(0.5),
        json!(-0.0),
        json!(1e-320),
        json!(1e308),
        json!(u32::MAX),
        json!(u64::MAX),
        json!(i64::MIN),
        json!([]),
        json!({}),
        json!([null]),
        json!(""),
        json!("\0"),
        json!("é€😀\u{202e}"),
        json!("x".repeat(130)),
        json!("x".repeat(300)),
        json!("1/3"),
        json!("4294967295/4294967295"),
        json!("0/0"),
        json!("00000000-0000-0000-0000-000000000000"),
        json!("01900000-0000-7000-8000-00000000000b"),
        json!("2026-01-02T03:04:05Z"),
        json!("0000-01-01T00:00:00Z"),
        json!("9999-12-31T23:59:60Z"),
        json!("+262142-12-31T23:59:59.999999Z"),
        json!("-262143-01-01T00:00:00Z"),
        json!("left"),
        json!("passed"),
        json!("failed"),
        json!("consensus"),
        json!("no_consensus"),
        json!("shuffle"),
        json!("supermajority"),
    ];
    prop_oneof![3 => select(known.to_vec()), 1 => any::<u64>().prop_map(Value::from), 1 => any::<String>().prop_map(Value::from)]
}

/// Text that JSON is made of, or that looks like it.
fn piece() -> impl Strategy<Value = String> {
    let known = [
        "\"",
        "\\",
        "\\u0000",
        "\\ud800",
        "{",
        "}",
        "[",
        "]",
        ",",
        ":",
        "null",
        "1e999",
        "-",
        "\u{feff}",
        "\"id\":1,",
        "\"type\":\"leave\",",
    ];
    let known = known
        .map(str::to_owned)
        .into_iter()
        .chain([200, 2_000].map(|deep| "[".repeat(deep)));
    prop_oneof![4 => select(known.collect::<Vec<_>>()), 1 => any::<String>()]
}

/// The text after its changes. What is no UTF-8 any more comes no further than the socket, so it is made UTF-8.
pub(super) fn changed(text: &str, changes: &[Change]) -> String {
    let mut text = text.to_owned();
    if let Ok(mut json) = serde_json::from_str::<Value>(&text) {
        for change in changes {
            change_json(&mut json, change);
        }
        text = json.to_string();
    }
    let mut bytes = text.into_bytes();
    for change in changes {
        change_bytes(&mut bytes, change);
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn change_json(json: &mut Value, change: &Change) {
    let count = nodes(json).len();
    match change {
        Change::Put(at, value) => *node(json, at.index(count)) = value.clone(),
        Change::Graft(to, from) => {
            let grafted = node(json, from.index(count)).clone();
            *node(json, to.index(count)) = grafted;
        }
        Change::Drop(at) => match node(json, at.index(count)) {
            Value::Object(fields) if !fields.is_empty() => {
                let name = fields.keys().nth(at.index(fields.len())).cloned();
                name.map(|name| fields.shift_remove(&name));
            }
            Value::Array(elements) if !elements.is_empty() => {
                drop(elements.remove(at.index(elements.len())));
            }
            Value::Object(_)
            | Value::Array(_)
            | Value::Null
            | Value::Bool(_)
            | Value::Number(_)
            | Value::String(_) => {}
        },
        Change::Byte(..) | Change::Cut(..) | Change::Repeat(..) | Change::Insert(..) => {}
    }
}

fn change_bytes(bytes: &mut Vec<u8>, change: &Change) {
    let end = bytes.len() + 1;
    match change {
        Change::Byte(at, byte) => {
            let at = at.index(end);
            bytes.splice(at..(at + 1).min(end - 1).max(at), [*byte]);
        }
        Change::Cut(at, count) => {
            let at = at.index(end);
            bytes.drain(at..(at + count).min(end - 1));
        }
        Change::Repeat(at, count) => {
            let at = at.index(end);
            let again = bytes[at..(at + count).min(end - 1)].to_vec();
            bytes.splice(at..at, again);
        }
        Change::Insert(at, text) => drop(bytes.splice(
            {
                let at = at.index(end);
                at..at
            },
            text.bytes(),
        )),
        Change::Put(..) | Change::Graft(..) | Change::Drop(_) => {}
    }
}

/// The way to every value in a value, itself first.
fn nodes(json: &Value) -> Vec<String> {
    let mut ways = vec![String::new()];
    let below = |name: &str, value: &Value| {
        let name = name.replace('~', "~0").replace('/', "~1");
        nodes(value)
            .into_iter()
            .map(move |way| format!("/{name}{way}"))
            .collect::<Vec<_>>()
    };
    match json {
        Value::Object(fields) => {
            ways.extend(fields.iter().flat_map(|(name, value)| below(name, value)));
        }
        Value::Array(elements) => ways.extend(
            elements
                .iter()
                .enumerate()
                .flat_map(|(at, value)| below(&at.to_string(), value)),
        ),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
    ways
}

fn node(json: &mut Value, at: usize) -> &mut Value {
    let way = nodes(json).swap_remove(at);
    json.pointer_mut(&way).expect("it was found there")
}
