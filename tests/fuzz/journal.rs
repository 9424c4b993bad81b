//! What stands in a journal: rows that somebody changed, or that never were rows.

use chrono::{DateTime, TimeDelta, Utc};
use proptest::prelude::*;
use proptest::sample::{Index, select};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use synod::actors::journal;
use synod::domain::{Caller, Command, Input, Meeting, Phase};
use synod::storage::JournalRow;
use synod::wire::transcript::Transcript;
use synod::wire::{Evidence, journal as kept, outbound};

use super::changes::{changed, changes};
use super::explore;
use crate::golden::{making, read};

/// One changed row a line: whatever was wrong once.
const CORPUS: &str = include_str!("journal.jsonl");

/// A golden journal with one row that is not as it was.
#[derive(Clone, Serialize, Deserialize)]
struct Changed {
    journal: String,
    seq: u64,
    kind: String,
    version: u16,
    /// Where that is not as it was, either.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    at: Option<DateTime<Utc>>,
    payload: String,
}

impl std::fmt::Debug for Changed {
    /// As a line of the corpus.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&serde_json::to_string(self).expect("JSON"))
    }
}

impl Changed {
    fn rows(&self) -> Vec<JournalRow> {
        let mut rows = read(&self.journal);
        let row = rows
            .iter_mut()
            .find(|row| row.seq == self.seq)
            .expect("a row");
        row.kind.clone_from(&self.kind);
        row.version = self.version;
        row.at = self.at.unwrap_or(row.at);
        row.payload.clone_from(&self.payload);
        rows
    }
}

/// The rows of all golden journals, each the one that will be changed.
fn all() -> Vec<Changed> {
    let names = making::ALL.iter().map(|(name, _)| *name);
    let of = |name: &'static str| {
        read(name).into_iter().map(move |row| Changed {
            journal: name.to_owned(),
            seq: row.seq,
            kind: row.kind,
            version: row.version,
            at: None,
            payload: row.payload,
        })
    };
    names.flat_map(of).collect()
}

#[test]
fn the_corpus_folds_or_is_refused() {
    for line in CORPUS.lines() {
        let changed: Changed = serde_json::from_str(line).expect("a changed row");
        holds(&changed);
    }
    for unchanged in all() {
        assert!(holds(&unchanged), "{unchanged:?}");
    }
}

#[test]
fn a_row_with_any_change_folds_or_is_refused() {
    let change_payload = |(mut row, changes): (Changed, Vec<_>)| {
        row.payload = changed(&row.payload, &changes);
        row
    };
    explore(
        &(select(all()), changes()).prop_map(change_payload),
        |row| {
            holds(row);
        },
    );
}

#[test]
fn a_row_at_any_time_folds_or_is_refused() {
    let ends = [
        DateTime::<Utc>::MIN_UTC,
        DateTime::<Utc>::MAX_UTC,
        DateTime::UNIX_EPOCH,
    ];
    let at = (select(all()), select(ends.to_vec()));
    explore(
        &at.prop_map(|(row, at)| Changed {
            at: Some(at),
            ..row
        }),
        |row| {
            holds(row);
        },
    );
}

#[test]
fn a_row_in_anothers_place_folds_or_is_refused() {
    let rows = all();
    let places = (
        any::<Index>(),
        any::<Index>(),
        prop_oneof![9 => Just(1), 1 => any::<u16>()],
    );
    let moved = places.prop_map(move |(to, from, version)| {
        let (to, from) = (to.get(&rows).clone(), from.get(&rows).clone());
        Changed {
            kind: from.kind,
            payload: from.payload,
            version,
            ..to
        }
    });
    explore(&moved, |row| {
        holds(row);
    });
}

#[test]
fn a_payload_of_any_kind_is_decoded_or_refused() {
    let of_its_kind = (select(all()), changes())
        .prop_map(|(row, changes)| (row.kind, changed(&row.payload, &changes)));
    let of_another = (select(kept::KINDS.to_vec()), select(all()))
        .prop_map(|(kind, row)| (kind.to_owned(), row.payload));
    let of_none = (any::<String>(), any::<String>());
    let rows = prop_oneof![6 => of_its_kind, 3 => of_another, 1 => of_none];
    explore(&rows, |(kind, payload)| {
        if let Ok(event) = kept::decode(kind, kept::VERSION, payload) {
            let again = kept::encode(&event);
            let decoded = kept::decode(again.kind, kept::VERSION, &again.payload);
            assert_eq!(decoded.expect("it was just written"), event);
            // Everyone is told it as it stands.
            let told = kept::told(&event, payload);
            assert!(serde_json::from_str::<Map<String, Value>>(&told).is_ok());
        }
    });
}

/// Whether a journal is taken. Then it can be shown, and the meeting lives on; else the error says what to do.
fn holds(changed: &Changed) -> bool {
    let rows = changed.rows();
    let last_at = rows.last().expect("a row").at;
    match journal::load(rows.clone()) {
        Ok((meeting, _)) => {
            let events: Result<Vec<_>, _> = rows.iter().map(journal::decode).collect();
            let transcript = Transcript::of(&events.expect("they were just decoded"));
            assert!(
                !transcript
                    .expect("it was just folded")
                    .to_markdown()
                    .is_empty()
            );
            outbound::state(&meeting);
            outbound::connected(&meeting, meeting.created().moderator);
            outbound::opinion_request(&meeting, &Evidence::default(), last_at);
            outbound::consensus_request(&meeting, last_at);
            let told = rows
                .iter()
                .all(|row| serde_json::from_str::<Map<String, Value>>(&row.payload).is_ok());
            assert!(told, "everyone is told it as it stands");
            live_on(meeting, last_at);
            true
        }
        Err(error) => {
            assert!(error.to_string().contains("nothing was changed"), "{error}");
            false
        }
    }
}

/// Lets a meeting go on as long as its clocks run within a life's time.
fn live_on(mut meeting: Meeting, mut now: DateTime<Utc>) {
    let mut next = Input::Recovered;
    for _ in 0..200 {
        // Every call holds the invariants.
        meeting.handle(now, next).expect("nobody refuses this");
        let from = Caller::Admin;
        next = match (meeting.phase(), meeting.deadline()) {
            (Phase::Concluded { .. }, _) => return,
            (Phase::Pending, _) if meeting.roster().present().next().is_none() => return,
            (Phase::Pending, _) => Input::Command {
                from,
                command: Command::Start,
            },
            (Phase::Discussing { .. } | Phase::Voting(_), None) => Input::Command {
                from,
                command: Command::Resume,
            },
            (Phase::Discussing { .. } | Phase::Voting(_), Some(deadline)) => {
                if deadline - now > TimeDelta::days(36_500) {
                    return;
                }
                now = now.max(deadline);
                Input::DeadlineReached
            }
        };
    }
}
