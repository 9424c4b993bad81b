//! The fields of a request, from its query or its JSON body: read one by one, and all that is wrong with
//! them told at once.

mod cursor;
mod escapes;
mod instant;

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::fmt;

use chrono::{DateTime, Utc};
use serde::de::{DeserializeOwned, Error, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::{RawValue, to_raw_value};
use serde_json::{Map, Value, json};
use uuid::Uuid;

pub(super) use self::cursor::List;
use super::ApiError;
use crate::config::Limits;
use crate::storage::{PageRequest, Start, Words};
use crate::wire::fault;

/// Fields not read yet, and what was wrong with those that were.
#[derive(Debug)]
pub struct Fields {
    /// Each as the JSON text that it came as.
    values: BTreeMap<String, Box<RawValue>>,
    faults: Map<String, Value>,
}

impl Fields {
    /// From a query string.
    ///
    /// # Errors
    /// 400 if it is none.
    pub fn from_query(query: &str) -> Result<Self, ApiError> {
        let pairs: Vec<(String, String)> = serde_urlencoded::from_str(query)
            .map_err(|e| ApiError::invalid("query", e.to_string()))?;
        let texts = pairs.into_iter().map(|(name, value)| {
            let text = to_raw_value(&value).map_err(|e| ApiError::invalid(&name, e.to_string()))?;
            Ok((name, text))
        });
        Ok(Self::new(texts.collect::<Result<_, ApiError>>()?))
    }

    /// From a JSON body.
    ///
    /// # Errors
    /// 400 if it is no JSON object.
    pub fn from_json(body: &[u8]) -> Result<Self, ApiError> {
        let body = if body.is_empty() { b"{}" } else { body };
        let Given(pairs) = serde_json::from_slice(body).map_err(|e| {
            ApiError::invalid(
                "body",
                format!("must be a JSON object: {}", fault::reason(&e)),
            )
        })?;
        Ok(Self::new(pairs))
    }

    fn new(pairs: Vec<(String, Box<RawValue>)>) -> Self {
        let mut fields = Self {
            values: BTreeMap::new(),
            faults: Map::new(),
        };
        for (name, value) in pairs {
            match fields.values.entry(name) {
                Entry::Vacant(place) => drop(place.insert(value)),
                Entry::Occupied(place) => {
                    let name = place.key().clone();
                    fields.fault(&name, "is given twice");
                }
            }
        }
        fields
    }

    /// Notes what is wrong with a field.
    pub fn fault(&mut self, field: &str, reason: impl Into<String>) {
        let reasons = self.faults.entry(field).or_insert_with(|| json!([]));
        if let Value::Array(reasons) = reasons {
            reasons.push(Value::String(reason.into()));
        }
    }

    /// Ends the reading.
    ///
    /// # Errors
    /// 400 with everything that was wrong, unknown fields among it.
    pub fn finish(self) -> Result<(), ApiError> {
        let faults = self.into_faults();
        if faults.is_empty() {
            Ok(())
        } else {
            Err(ApiError::validation(faults))
        }
    }

    /// Ends the reading with everything that was wrong, by field; unknown fields are among it, as far as they help.
    pub fn into_faults(mut self) -> Map<String, Value> {
        let room = Limits::FAULTS_MAX.saturating_sub(self.faults.len());
        let unknown: Vec<_> = self.values.keys().take(room).cloned().collect();
        for name in unknown {
            self.fault(&name, "unknown field");
        }
        self.faults
    }

    /// Notes a field that is not there.
    pub fn require(&mut self, field: &str) {
        if !self.has(field) {
            self.fault(field, "is required");
        }
    }

    /// A field of any shape; null is as good as absent.
    pub fn take<T: DeserializeOwned>(&mut self, field: &str) -> Option<T> {
        let text = self.values.remove(field).filter(|text| !is_null(text))?;
        let mut text = serde_json::Deserializer::from_str(text.get());
        match serde_path_to_error::deserialize(&mut text) {
            Ok(value) => Some(value),
            Err(error) => {
                let path = error.path().to_string();
                let name = if path == "." {
                    field.to_owned()
                } else {
                    format!("{field}.{path}")
                };
                self.fault(&name, fault::reason(error.inner()));
                None
            }
        }
    }

    /// JSON of any shape, as the text that it came as, if it is not nested deeper than databases can check.
    pub fn json(&mut self, field: &str) -> Option<Box<RawValue>> {
        let json: Box<RawValue> = self.take(field)?;
        let most = Limits::JSON_MAX_DEPTH;
        if depth(json.get()) > most {
            self.fault(field, format!("must be nested at most {most} deep"));
            return None;
        }
        Some(json)
    }

    /// As [`json`](Self::json), with nothing in it but what a text may have as well.
    pub fn readable_json(&mut self, field: &str) -> Option<Box<RawValue>> {
        let json = self.json(field)?;
        if escapes::has_half_a_pair(json.get()) {
            self.fault(field, fault::HALF_A_PAIR);
            return None;
        }
        Some(json)
    }

    /// Whether a field's JSON begins with one of these signs.
    pub fn starts(&self, field: &str, signs: [char; 2]) -> bool {
        let text = self.values.get(field);
        text.is_some_and(|text| text.get().starts_with(signs))
    }

    /// A text of at most `max_chars` characters, without NUL, which a database cannot keep.
    pub fn text(&mut self, field: &str, max_chars: usize) -> Option<String> {
        let text: String = self.take(field)?;
        if text.chars().count() > max_chars {
            self.fault(field, format!("must have at most {max_chars} characters"));
            return None;
        }
        if text.contains('\0') {
            self.fault(field, "must not contain U+0000");
            return None;
        }
        Some(text)
    }

    /// A text that must be there and not be empty.
    pub fn required_text(&mut self, field: &str, max_chars: usize) -> Option<String> {
        self.require(field);
        let text = self.text(field, max_chars)?;
        if text.is_empty() {
            self.fault(field, "must not be empty");
            return None;
        }
        Some(text)
    }

    /// An id.
    pub fn id(&mut self, field: &str) -> Option<Uuid> {
        let text: String = self.take(field)?;
        let id = Uuid::parse_str(&text).ok();
        if id.is_none() {
            self.fault(field, "must be a UUID");
        }
        id
    }

    /// An id that must be there.
    pub fn required_id(&mut self, field: &str) -> Option<Uuid> {
        self.require(field);
        self.id(field)
    }

    /// A list of ids, none of them twice.
    pub fn ids(&mut self, field: &str, max: usize) -> Vec<Uuid> {
        let texts: Vec<String> = self.take(field).unwrap_or_default();
        if texts.len() > max {
            self.fault(field, format!("must have at most {max} entries"));
            return Vec::new();
        }
        let mut ids = Vec::with_capacity(texts.len());
        for text in texts {
            match Uuid::parse_str(&text) {
                Ok(id) if ids.contains(&id) => self.fault(field, format!("names {id} twice")),
                Ok(id) => ids.push(id),
                Err(_) => self.fault(field, format!("must be UUIDs; {text:?} is none")),
            }
        }
        ids
    }

    /// One of a set of words.
    pub fn word<T>(
        &mut self,
        field: &str,
        parse: impl Fn(&str) -> Option<T>,
        words: &str,
    ) -> Option<T> {
        let text: String = self.take(field)?;
        let word = parse(&text);
        if word.is_none() {
            self.fault(field, format!("must be one of {words}"));
        }
        word
    }

    /// Words to search for; at least one, if the field is there at all.
    pub fn words(&mut self, field: &str) -> Option<Words> {
        let text = self.text(field, Limits::SEARCH_MAX_CHARS)?;
        let words = Words::of(&text);
        if words.is_none() {
            self.fault(field, "must have a word in it: letters or digits");
        }
        words
    }

    /// A whole number, also as text, as queries have it.
    pub fn number(&mut self, field: &str, least: u64, most: u64) -> Option<u64> {
        let value: Value = self.take(field)?;
        let number = value.as_u64().or_else(|| value.as_str()?.parse().ok());
        let number = number.filter(|number| (least..=most).contains(number));
        if number.is_none() {
            self.fault(
                field,
                format!("must be a whole number between {least} and {most}"),
            );
        }
        number
    }

    /// An instant (RFC 3339), as it is kept: in whole microseconds, a leap second as the first second after it.
    pub fn instant(&mut self, field: &str) -> Option<DateTime<Utc>> {
        self.read(field, instant::read)
    }

    /// The span of time between `start_date` and `end_date`: instants (RFC 3339), or dates, which mean whole days in UTC.
    /// The start is part of it; the end is given as the first moment after it.
    pub fn span(&mut self) -> (Option<DateTime<Utc>>, Option<DateTime<Utc>>) {
        (
            self.read("start_date", instant::read_start),
            self.read("end_date", instant::read_end),
        )
    }

    /// A text that says something else, or why it does not.
    fn read<T>(&mut self, field: &str, read: impl FnOnce(&str) -> Result<T, String>) -> Option<T> {
        let text: String = self.take(field)?;
        read(&text).map_err(|reason| self.fault(field, reason)).ok()
    }

    /// Which page of a list is wanted: `page` and `page_size`, or `cursor`.
    pub(super) fn page(&mut self, list: List) -> PageRequest {
        let (default, most) = Limits::PAGE_SIZE;
        let size = self
            .number("page_size", 1, u64::from(most))
            .map_or(default, clamp);
        let number = self.number("page", 1, u64::from(u32::MAX)).map_or(1, clamp);
        let skipped = u64::from(number - 1) * u64::from(size);
        if skipped > Limits::PAGE_OFFSET_MAX_ROWS {
            let most = Limits::PAGE_OFFSET_MAX_ROWS;
            let reason = format!(
                "is more than {most} rows into the list: go on with `cursor`, the next_cursor of a page"
            );
            self.fault("page", reason);
        }
        let place = self.read("cursor", |cursor| list.place(cursor));
        let start = place.map_or(Start::Number(number), Start::After);
        PageRequest { size, start }
    }

    fn has(&self, field: &str) -> bool {
        self.values.get(field).is_some_and(|text| !is_null(text))
    }
}

/// The fields of a JSON object in their order, each as its text.
struct Given(Vec<(String, Box<RawValue>)>);

impl<'de> Deserialize<'de> for Given {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Pairs;
        impl<'de> Visitor<'de> for Pairs {
            type Value = Given;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Given, A::Error> {
                let mut pairs = Vec::new();
                while let Some(pair) = map.next_entry()? {
                    if pairs.len() == Limits::FIELDS_MAX {
                        let most = Limits::FIELDS_MAX;
                        return Err(A::Error::custom(format!("it has more than {most} fields")));
                    }
                    pairs.push(pair);
                }
                Ok(Given(pairs))
            }
        }
        deserializer.deserialize_map(Pairs)
    }
}

/// How deep arrays and objects lie in one another.
fn depth(json: &str) -> usize {
    let (mut depth, mut deepest) = (0_usize, 0);
    let (mut is_text, mut is_escaped) = (false, false);
    for byte in json.bytes() {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' => is_escaped = true,
            b'"' => is_text = !is_text,
            b'[' | b'{' if !is_text => depth += 1,
            b']' | b'}' if !is_text => depth -= 1,
            _ => {}
        }
        deepest = deepest.max(depth);
    }
    deepest
}

fn is_null(text: &RawValue) -> bool {
    text.get() == "null"
}

fn clamp(number: u64) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;

    #[test]
    fn every_bad_field_is_named_at_once() {
        let mut fields =
            Fields::from_query("sender_id=me&page_size=0&start_date=soon&colour=red").unwrap();
        fields.id("sender_id");
        fields.span();
        fields.page(List::Meetings);
        let error = fields.finish().unwrap_err();
        let shown = format!("{error:?}");
        for field in ["sender_id", "page_size", "start_date", "colour"] {
            assert!(shown.contains(field), "{field} is missing in {shown}");
        }
    }

    #[test]
    fn a_field_of_a_body_keeps_its_text() {
        let kept = r#"{"b": 1.50,  "a":"\u00e9", "b": 1e2}"#;
        let mut fields = Fields::from_json(format!(r#"{{"odd": {kept} }}"#).as_bytes()).unwrap();
        let odd: Box<RawValue> = fields.take("odd").unwrap();
        assert_eq!(odd.get(), kept);
        fields.finish().unwrap();
    }

    #[test]
    fn json_is_as_deep_as_its_brackets_outside_of_texts() {
        for (json, deep) in [
            ("7", 0),
            (r#""[[""#, 0),
            ("[]", 1),
            (r#"{"[": [{}, [], "\"]["], "b": {}}"#, 3),
            (r#"["\\", []]"#, 2),
        ] {
            assert_eq!(depth(json), deep, "{json}");
        }
        let nested = |deep| format!(r#"{{"a": {}{}}}"#, "[".repeat(deep), "]".repeat(deep));
        let taken = |deep| {
            let mut fields = Fields::from_json(nested(deep).as_bytes()).unwrap();
            fields.json("a").is_some() && fields.finish().is_ok()
        };
        let most = Limits::JSON_MAX_DEPTH;
        assert_eq!((taken(most), taken(most + 1)), (true, false));
    }

    #[test]
    fn a_fault_names_its_place_and_no_line() {
        let mut fields = Fields::from_json(br#"{"a": {"b": ["x"]}, "c": "\ud800"}"#).unwrap();
        let a: Option<BTreeMap<String, Vec<u8>>> = fields.take("a");
        assert_eq!((a, fields.text("c", 9)), (None, None));
        let shown = format!("{:?}", fields.finish().unwrap_err());
        for part in ["a.b[0]", "expected a whole number", "surrogate"] {
            assert!(shown.contains(part), "{part} is missing in {shown}");
        }
        assert!(!shown.contains("line"), "{shown}");
    }

    #[test]
    fn a_field_that_is_given_twice_is_a_fault() {
        for mut fields in [
            Fields::from_json(br#"{"a": 1, "a": 1}"#).unwrap(),
            Fields::from_query("a=1&a=1").unwrap(),
        ] {
            assert_eq!(fields.number("a", 0, 9), Some(1));
            let shown = format!("{:?}", fields.finish().unwrap_err());
            assert!(shown.contains("twice"), "{shown}");
        }
    }

    #[test]
    fn neither_fields_nor_faults_are_without_number() {
        let named = |count| (0..count).map(|n| format!("f{n}"));
        let body = |count| {
            let fields: Vec<_> = named(count).map(|name| format!(r#""{name}":0"#)).collect();
            Fields::from_json(format!("{{{}}}", fields.join(",")).as_bytes())
        };
        let most = Limits::FIELDS_MAX;
        assert_eq!(body(most).unwrap().into_faults().len(), most);
        let refused = body(most + 1).unwrap_err().into_details();
        assert!(refused["body"][0].as_str().unwrap().contains("fields"));
        let query: Vec<_> = named(1_000).collect();
        let faults = Fields::from_query(&query.join("&")).unwrap().into_faults();
        assert_eq!(faults.len(), Limits::FAULTS_MAX);
        let ids = json!({"ids": vec!["x"; 1_000]}).to_string();
        let mut fields = Fields::from_json(ids.as_bytes()).unwrap();
        assert!(fields.ids("ids", 10).is_empty());
        assert_eq!(
            fields.into_faults()["ids"].as_array().map(Vec::len),
            Some(1)
        );
    }

    #[test]
    fn a_bare_end_date_means_the_whole_day() {
        let mut fields = Fields::from_query("start_date=2026-01-31&end_date=2026-01-31").unwrap();
        let (start, end) = fields.span();
        assert_eq!(end.unwrap() - start.unwrap(), TimeDelta::days(1));
    }

    #[test]
    fn a_page_too_far_in_is_told_of_the_cursor() {
        let far = |query: &str| {
            let mut fields = Fields::from_query(query).unwrap();
            fields.page(List::Meetings);
            fields.finish().err().map(|error| format!("{error:?}"))
        };
        assert_eq!(far("page=2001&page_size=50"), None);
        let refused = far("page=2002&page_size=50").unwrap();
        assert!(
            refused.contains("page") && refused.contains("cursor"),
            "{refused}"
        );
        assert!(far("page=4294967295&page_size=500").is_some());
    }

    #[test]
    fn a_search_without_a_word_is_a_fault() {
        let mut fields = Fields::from_query("q=%3F!").unwrap();
        assert_eq!(fields.words("q"), None);
        assert!(format!("{:?}", fields.finish().unwrap_err()).contains("letters or digits"));
    }
}
