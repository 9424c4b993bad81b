//! The fields of a request, from its query or its JSON body: read one by one, and all that is wrong with
//! them told at once.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, Days, NaiveDate, NaiveTime, TimeDelta, Utc};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::ApiError;
use crate::config::Limits;
use crate::storage::{Keyset, PageRequest, Start, Words};

/// Fields not read yet, and what was wrong with those that were.
#[derive(Debug)]
pub struct Fields {
    values: Map<String, Value>,
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
        Ok(Self::new(
            pairs
                .into_iter()
                .map(|(name, value)| (name, Value::String(value)))
                .collect(),
        ))
    }

    /// From a JSON body.
    ///
    /// # Errors
    /// 400 if it is no JSON object.
    pub fn from_json(body: &[u8]) -> Result<Self, ApiError> {
        let body = if body.is_empty() { b"{}" } else { body };
        let values = serde_json::from_slice(body)
            .map_err(|e| ApiError::invalid("body", format!("must be a JSON object: {e}")))?;
        Ok(Self::new(values))
    }

    fn new(values: Map<String, Value>) -> Self {
        Self {
            values,
            faults: Map::new(),
        }
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
    pub fn finish(mut self) -> Result<(), ApiError> {
        let unknown: Vec<_> = self.values.keys().cloned().collect();
        for name in unknown {
            self.fault(&name, "unknown field");
        }
        if self.faults.is_empty() {
            Ok(())
        } else {
            Err(ApiError::validation(self.faults))
        }
    }

    /// Notes a field that is not there.
    pub fn require(&mut self, field: &str) {
        if !self.has(field) {
            self.fault(field, "is required");
        }
    }

    /// A field of any shape; null is as good as absent.
    pub fn take<T: DeserializeOwned>(&mut self, field: &str) -> Option<T> {
        let value = self.values.remove(field).filter(|value| !value.is_null())?;
        match serde_path_to_error::deserialize(value) {
            Ok(value) => Some(value),
            Err(error) => {
                let path = error.path().to_string();
                let name = if path == "." {
                    field.to_owned()
                } else {
                    format!("{field}.{path}")
                };
                self.fault(&name, error.inner().to_string());
                None
            }
        }
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

    /// The span of time between `start_date` and `end_date`: instants (RFC 3339), or dates, which mean whole days in UTC.
    /// The start is part of it; the end is given as the first moment after it.
    pub fn span(&mut self) -> (Option<DateTime<Utc>>, Option<DateTime<Utc>>) {
        let start = self.instant("start_date", Some, Some);
        let next_day = |date: NaiveDate| date.checked_add_days(Days::new(1));
        let end = self.instant("end_date", next_day, |i| {
            i.checked_add_signed(TimeDelta::microseconds(1))
        });
        (start, end)
    }

    fn instant(
        &mut self,
        field: &str,
        of_date: impl Fn(NaiveDate) -> Option<NaiveDate>,
        of_instant: impl Fn(DateTime<Utc>) -> Option<DateTime<Utc>>,
    ) -> Option<DateTime<Utc>> {
        let text: String = self.take(field)?;
        let midnight = |date: NaiveDate| Some(of_date(date)?.and_time(NaiveTime::MIN).and_utc());
        let instant = match DateTime::parse_from_rfc3339(&text) {
            Ok(instant) => of_instant(instant.to_utc()),
            Err(_) => text.parse::<NaiveDate>().ok().and_then(midnight),
        };
        if instant.is_none() {
            self.fault(
                field,
                "must be a date (2026-01-31) or an instant with its zone (2026-01-31T12:00:00Z)",
            );
        }
        instant
    }

    /// Which page of a list is wanted: `page` and `page_size`, or `cursor`.
    pub fn page(&mut self) -> PageRequest {
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
        let cursor: Option<String> = self.take("cursor");
        let start = match cursor.as_deref().map(parse_cursor) {
            None => Start::Number(number),
            Some(Some(keyset)) => Start::After(keyset),
            Some(None) => {
                self.fault("cursor", "must be a next_cursor that this server gave");
                Start::Number(number)
            }
        };
        PageRequest { size, start }
    }

    fn has(&self, field: &str) -> bool {
        self.values.get(field).is_some_and(|value| !value.is_null())
    }
}

fn clamp(number: u64) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

/// A place in a list, as text that only this server reads.
pub(super) fn cursor(keyset: Keyset) -> String {
    URL_SAFE_NO_PAD.encode(format!("{}/{}", keyset.at.timestamp_micros(), keyset.id))
}

fn parse_cursor(text: &str) -> Option<Keyset> {
    let text = String::from_utf8(URL_SAFE_NO_PAD.decode(text).ok()?).ok()?;
    let (at, id) = text.split_once('/')?;
    Some(Keyset {
        at: DateTime::from_timestamp_micros(at.parse().ok()?)?,
        id: id.parse().ok()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_bad_field_is_named_at_once() {
        let mut fields =
            Fields::from_query("sender_id=me&page_size=0&start_date=soon&colour=red").unwrap();
        fields.id("sender_id");
        fields.span();
        fields.page();
        let error = fields.finish().unwrap_err();
        let shown = format!("{error:?}");
        for field in ["sender_id", "page_size", "start_date", "colour"] {
            assert!(shown.contains(field), "{field} is missing in {shown}");
        }
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
            fields.page();
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

    #[test]
    fn a_cursor_comes_back_as_the_place_it_was() {
        let at = DateTime::from_timestamp_micros(1_700_000_000_123_456).unwrap();
        let keyset = Keyset {
            at,
            id: Uuid::from_u128(7),
        };
        assert_eq!(parse_cursor(&cursor(keyset)), Some(keyset));
        assert_eq!(parse_cursor("forged"), None);
    }
}
