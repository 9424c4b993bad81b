//! Cursors: places in lists, as text that only this server reads.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::instant;
use crate::storage::Keyset;

/// The lists that there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::transport) enum List {
    /// Of agents.
    Agents,
    /// Of messages.
    Communications,
    /// Of decisions.
    Decisions,
    /// Of meetings.
    Meetings,
}

impl List {
    /// With what its cursors begin.
    fn mark(self) -> &'static str {
        match self {
            Self::Agents => "a",
            Self::Communications => "c",
            Self::Decisions => "d",
            Self::Meetings => "m",
        }
    }

    /// A place in it.
    pub(in crate::transport) fn cursor(self, keyset: Keyset) -> String {
        let (mark, Keyset { at, id }) = (self.mark(), keyset);
        URL_SAFE_NO_PAD.encode(format!("{mark}/{}/{id}", at.timestamp_micros()))
    }

    /// The place that a cursor means.
    pub(super) fn place(self, cursor: &str) -> Result<Keyset, String> {
        let (mark, keyset) = read(cursor)
            .ok_or("is not one of ours, which are the next_cursor of a page: start without it")?;
        if mark != self.mark() {
            return Err("is of another list: start without it".to_owned());
        }
        Ok(keyset)
    }
}

fn read(cursor: &str) -> Option<(String, Keyset)> {
    let text = String::from_utf8(URL_SAFE_NO_PAD.decode(cursor).ok()?).ok()?;
    let mut parts = text.splitn(3, '/');
    let (mark, at, id) = (parts.next()?, parts.next()?, parts.next()?);
    let keyset = Keyset {
        at: instant::of_micros(at.parse().ok()?)?,
        id: id.parse().ok()?,
    };
    Some((mark.to_owned(), keyset))
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;
    use uuid::Uuid;

    use super::*;

    const LISTS: [List; 4] = [
        List::Agents,
        List::Communications,
        List::Decisions,
        List::Meetings,
    ];

    fn keyset() -> Keyset {
        let at = DateTime::from_timestamp_micros(-1_700_000_000_123_456).unwrap();
        let id = Uuid::from_u128(7);
        Keyset { at, id }
    }

    #[test]
    fn a_cursor_is_a_place_in_its_own_list_and_in_no_other() {
        for list in LISTS {
            for other in LISTS {
                let read = other.place(&list.cursor(keyset()));
                if list == other {
                    assert_eq!(read, Ok(keyset()));
                } else {
                    assert!(read.unwrap_err().contains("another list"), "{list:?}");
                }
            }
        }
    }

    #[test]
    fn what_no_list_gave_is_no_cursor() {
        let id = Uuid::nil();
        let forged = [
            "forged".to_owned(),
            URL_SAFE_NO_PAD.encode(format!("0/{id}")),
            URL_SAFE_NO_PAD.encode(format!("m/{}/{id}", i64::MAX)),
            URL_SAFE_NO_PAD.encode(format!("m/{}/{id}", i64::MIN)),
            // The first moment of the year 10000, and the last of the year 0.
            URL_SAFE_NO_PAD.encode(format!("m/253402300800000000/{id}")),
            URL_SAFE_NO_PAD.encode(format!("m/-62135596800000001/{id}")),
        ];
        for cursor in forged {
            let refused = List::Meetings.place(&cursor).unwrap_err();
            assert!(refused.contains("not one of ours"), "{cursor}");
        }
    }
}
