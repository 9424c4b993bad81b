//! Journals that were written once and must be read for ever.
//!
//! `golden/v1/NAME.jsonl` is the whole journal of one meeting, a row a line, as the database keeps it: `payload` is the kept
//! text. `golden/v1/NAME.state.json`, beside it, is the meeting that it folds to. A journal in there never
//! changes: what a later version writes goes into a folder of its own. [`making`] says how these were made.
//! A state may gain fields (`UPDATE_EXPECT=1` writes it anew), but what it says must stay true.

pub(crate) mod making;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};
use expect_test::expect_file;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use serde_json::{Value, json};
use synod::actors::journal::{self, Answered, Asked};
use synod::domain::{AgentId, Meeting, Phase};
use synod::storage::JournalRow;
use synod::wire::journal as kept;
use synod::wire::shape;

/// A row as its file has it.
#[derive(Serialize, Deserialize)]
struct Line {
    seq: u64,
    epoch: u64,
    kind: String,
    version: u16,
    at: DateTime<Utc>,
    frame_id: Option<String>,
    payload: Box<RawValue>,
}

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden/v1")
}

/// A journal as it stands in its file. One that has none yet is made, if that is asked for:
/// `SYNOD_MAKE_GOLDEN=1 UPDATE_EXPECT=1 scripts/test golden`.
pub(crate) fn read(name: &str) -> Vec<JournalRow> {
    let path = folder().join(format!("{name}.jsonl"));
    if !path.exists() && std::env::var_os("SYNOD_MAKE_GOLDEN").is_some() {
        let mut all = making::ALL.iter();
        let (_, play) = all.find(|(known, _)| *known == name).expect("a play");
        write(&path, play().rows());
    }
    let text = std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{name}: {error}"));
    let row = |line| {
        let line: Line =
            serde_json::from_str(line).unwrap_or_else(|error| panic!("{name}: {error}"));
        JournalRow {
            seq: line.seq,
            epoch: line.epoch,
            kind: line.kind,
            version: line.version,
            at: line.at,
            payload: line.payload.get().to_owned(),
            frame_id: line.frame_id,
        }
    };
    text.lines().map(row).collect()
}

fn write(path: &Path, rows: Vec<JournalRow>) {
    let line = |row: JournalRow| Line {
        seq: row.seq,
        epoch: row.epoch,
        kind: row.kind,
        version: row.version,
        at: row.at,
        frame_id: row.frame_id,
        payload: RawValue::from_string(row.payload).unwrap(),
    };
    let lines = rows
        .into_iter()
        .map(|row| serde_json::to_string(&line(row)).unwrap() + "\n");
    std::fs::create_dir_all(folder()).unwrap();
    std::fs::write(path, lines.collect::<String>()).unwrap();
}

/// All that can be asked of a meeting, told without the server's own words for it, which may change.
fn told(meeting: &Meeting, answered: &Answered) -> String {
    let ids = |agents: &[AgentId]| agents.iter().map(|agent| agent.0).collect::<Vec<_>>();
    let phase = match meeting.phase() {
        Phase::Pending => json!("pending"),
        Phase::Discussing { order, taken, turn } => {
            json!({"order": ids(order), "taken": taken, "turn": turn.as_ref().map(|turn| json!({
            "agent": turn.agent.0, "deadline": turn.deadline, "absent_until": turn.absent_until}))})
        }
        Phase::Voting(ballot) => {
            json!({"motion": ballot.motion.content, "proposed_by": ballot.motion.proposed_by.0,
            "voters": ids(&ballot.voters), "deadline": ballot.deadline, "cast": ballot.cast().map(|cast| json!({
            "agent": cast.agent.0, "seq": cast.seq, "agrees": cast.vote.agrees, "rationale": cast.vote.rationale,
            "confidence": cast.vote.confidence})).collect::<Vec<_>>()})
        }
        Phase::Concluded { outcome } => json!(outcome.as_str()),
    };
    let created = meeting.created();
    let roster = meeting.roster().iter();
    let roster = roster.map(|p| json!({"agent": p.agent.0, "name": p.name, "connected": p.connected, "seen": p.seen, "left": p.left}));
    let opinions = meeting.opinions().iter();
    let opinions = opinions.map(|opinion| json!([opinion.agent.0, opinion.content]));
    let mut asked: Vec<_> = answered
        .iter()
        .map(|(asked, seq)| match asked {
            Asked::Frame(agent, id) => json!([seq, agent.0, id]),
            Asked::Request(key) => json!([seq, null, key]),
        })
        .collect();
    asked.sort_by_key(|asked| asked[0].as_u64());
    let motion = meeting
        .motion()
        .map(|motion| json!([motion.proposed_by.0, motion.content]));
    let told = json!({
        "id": created.meeting.0, "topic": created.topic, "meeting_type": created.meeting_type.as_str(),
        "moderator": created.moderator.map(|agent| agent.0), "decision": created.decision.0,
        "related": created.related.iter().map(|id| id.0).collect::<Vec<_>>(),
        "settings": shape::Settings::from(meeting.settings()), "status": meeting.status().as_str(), "phase": phase,
        "round": meeting.round(), "roster": roster.collect::<Vec<_>>(), "opinions": opinions.collect::<Vec<_>>(), "motion": motion,
        "created_at": meeting.created_at(), "started_at": meeting.started_at(), "completed_at": meeting.completed_at(),
        "paused_at": meeting.paused_at(), "deadline": meeting.deadline(), "summary": meeting.summary(),
        "last_seq": meeting.last_seq(), "answered": asked,
    });
    serde_json::to_string_pretty(&told).unwrap() + "\n"
}

#[test]
fn journals_of_version_1_fold_for_ever_to_the_state_beside_them() {
    for (name, _) in making::ALL {
        let rows = read(name);
        assert!(
            rows.iter().all(|row| row.version == 1),
            "{name} is of version 1"
        );
        let (meeting, answered) =
            journal::load(rows).unwrap_or_else(|error| panic!("{name}: {error}"));
        expect_file![format!("golden/v1/{name}.state.json")].assert_eq(&told(&meeting, &answered));
    }
}

#[test]
fn together_they_hold_every_kind_of_event() {
    let held: BTreeSet<_> = making::ALL
        .iter()
        .flat_map(|(name, _)| read(name))
        .map(|row| row.kind)
        .collect();
    let known: BTreeSet<_> = kept::KINDS.iter().map(|kind| (*kind).to_owned()).collect();
    assert_eq!(held, known);
}

/// Otherwise a server that is not as new, and knows no other version, could not read what a newer one writes as version 1.
#[test]
fn what_they_say_is_still_said_in_the_same_fields() {
    assert_eq!(
        kept::VERSION,
        1,
        "a new version has golden journals of its own"
    );
    for row in making::ALL.iter().flat_map(|(name, _)| read(name)) {
        let event = kept::decode(&row.kind, row.version, &row.payload).unwrap();
        let [was, is]: [Value; 2] = [&row.payload, &kept::encode(&event).payload]
            .map(|text| serde_json::from_str(text).unwrap());
        for (field, value) in was.as_object().unwrap() {
            assert_eq!(&is[field], value, "{field} of {}", row.kind);
        }
    }
}
