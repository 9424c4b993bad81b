//! The messages that prompted a meeting, as an agent is shown them when it is asked to speak.

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};
use uuid::Uuid;

/// What is shown of a meeting's evidence. It is encoded once, and stands in every request of the meeting.
#[derive(Clone, Debug, Default)]
pub struct Evidence {
    /// As JSON, in the order in which they were sent.
    pub messages: Vec<Box<RawValue>>,
    /// How many there are beside them.
    pub left_out: usize,
}

/// A message of the log.
#[derive(Clone, Debug, Serialize)]
pub struct Exhibit<'a> {
    /// Its id.
    pub id: Uuid,
    /// When it was sent.
    pub timestamp: DateTime<Utc>,
    /// By whom.
    pub sender_id: Uuid,
    /// To whom.
    pub receiver_id: Uuid,
    /// Its words; of JSON the text.
    pub content: &'a str,
    /// Whether `content` is only the beginning.
    pub cut: bool,
}

impl Evidence {
    /// Of these messages, the most important first, as many as fit into so many bytes of JSON, in the order in which they were sent.
    /// There are so many in all.
    pub fn of<'a>(
        exhibits: impl IntoIterator<Item = Exhibit<'a>>,
        count: usize,
        bytes_max: usize,
    ) -> Self {
        let mut room = bytes_max;
        let mut shown = Vec::new();
        for exhibit in exhibits {
            let Ok(json) = to_raw_value(&exhibit) else {
                break;
            };
            let Some(rest) = room.checked_sub(json.get().len()) else {
                break;
            };
            room = rest;
            shown.push((exhibit.timestamp, exhibit.id, json));
        }
        shown.sort_by_key(|(at, id, _)| (*at, *id));
        let messages: Vec<_> = shown.into_iter().map(|(_, _, json)| json).collect();
        Self {
            left_out: count.saturating_sub(messages.len()),
            messages,
        }
    }
}

impl Exhibit<'_> {
    /// The same with no more than so many bytes of its words.
    #[must_use]
    pub fn cut_to(self, bytes_max: usize) -> Self {
        if self.content.len() <= bytes_max {
            return self;
        }
        let content = &self.content[..self.content.floor_char_boundary(bytes_max)];
        let cut = true;
        Self {
            content,
            cut,
            ..self
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn exhibit(n: u128, at: i64, content: &str) -> Exhibit<'_> {
        Exhibit {
            id: Uuid::from_u128(n),
            timestamp: DateTime::from_timestamp(at, 0).unwrap(),
            sender_id: Uuid::from_u128(1),
            receiver_id: Uuid::from_u128(2),
            content,
            cut: false,
        }
    }

    fn shown(evidence: &Evidence) -> Vec<serde_json::Value> {
        let messages = evidence.messages.iter();
        messages
            .map(|json| serde_json::from_str(json.get()).unwrap())
            .collect()
    }

    #[test]
    fn what_fits_is_shown_in_the_order_of_its_sending_and_the_rest_is_counted() {
        let all = || {
            [
                exhibit(7, 30, "strong"),
                exhibit(8, 10, "less"),
                exhibit(9, 20, "weak"),
            ]
        };
        let whole = Evidence::of(all(), 3, 10_000);
        let ids: Vec<_> = shown(&whole)
            .iter()
            .map(|one| one["content"].clone())
            .collect();
        assert_eq!(
            (ids, whole.left_out),
            (vec!["less".into(), "weak".into(), "strong".into()], 0)
        );
        let one = whole.messages[2].get().len();
        for (bytes, left_out) in [(one - 1, 3), (one, 2), (2 * one, 1)] {
            let part = Evidence::of(all(), 3, bytes);
            assert_eq!(
                (part.left_out, shown(&part).len()),
                (left_out, 3 - left_out)
            );
            let sum: usize = part.messages.iter().map(|json| json.get().len()).sum();
            assert!(sum <= bytes);
        }
        // One that is gone from the log is left out, too.
        assert_eq!(Evidence::of(all(), 5, 10_000).left_out, 2);
    }

    #[test]
    fn a_long_message_is_cut_between_two_signs_and_says_so() {
        let whole = exhibit(7, 0, "aäb").cut_to(4);
        assert_eq!((whole.content, whole.cut), ("aäb", false));
        let cut = exhibit(7, 0, "aäb").cut_to(2);
        assert_eq!((cut.content, cut.cut), ("a", true));
    }
}
