//! What an opinion allocates on its way, and what an open meeting holds in memory: counted, so the same on every machine.
//!
//! Twenty agents, opinions of 300 bytes, the server's own code without sockets or a database: from the text that came to
//! the frames in twenty outboxes. `text` is the bytes of the frame that everyone gets, once: what a relay could not do without.
//! A meeting is held as it comes out of its journal, with all frame ids that it must know again.

#[path = "support/seated.rs"]
mod seated;

use std::hint::black_box;

use allocation_counter::{AllocationInfo, measure};
use chrono::DateTime;
use futures_util::FutureExt;
use synod::actors::journal::{self, Answered};
use synod::actors::outbox::{Next, Outbox, Reader, outbox};
use synod::budget::Budget;
use synod::config::Limits;
use synod::domain::{AgentId, Event, Meeting, MeetingId, Recorded};
use synod::storage::{Entry, JournalRow};
use synod::telemetry::Metrics;
use synod::wire::inbound::{self, Sender};
use synod::wire::{Evidence, Frame, outbound};

use seated::{AGENTS, OPINION_BYTES, hold, opinion, seated, step};

/// Enough rounds that what a meeting holds for each event shows.
const ROUNDS: u32 = 50;

fn main() {
    println!(
        "| an opinion of {OPINION_BYTES} bytes to {AGENTS} agents | allocations | bytes |\n|---|---:|---:|"
    );
    opinion_on_its_way();
    println!("\n| a meeting of {AGENTS} agents in memory | bytes |\n|---|---:|");
    meeting_in_memory();
}

/// Counts one turn in the middle of a round, step by step.
fn opinion_on_its_way() {
    let (mut meeting, _) = seated(1);
    for _ in 0..AGENTS / 2 {
        let input = opinion(&meeting).expect("somebody has the turn");
        step(&mut meeting, input);
    }
    let (id, mut boxes) = (meeting.created().meeting, outboxes());
    let text = format!(
        r#"{{"type":"opinion","id":7,"content":"{}"}}"#,
        "o".repeat(OPINION_BYTES)
    );
    let input = opinion(&meeting).expect("somebody has the turn");
    let mut whole = AllocationInfo::default();
    let mut count = |name: &str, step: &mut dyn FnMut()| {
        let counted = measure(step);
        whole += counted;
        println!(
            "| {name} | {} | {} |",
            counted.count_total, counted.bytes_total
        );
    };
    count("understood", &mut || assert!(black_box(parse(&text, id))));
    let (mut input, mut events) = (Some(input), Vec::new());
    count("decided", &mut || {
        events = step(&mut meeting, input.take().expect("once"));
    });
    let mut entries = Vec::new();
    count("laid out for the journal", &mut || {
        entries = laid_out(std::mem::take(&mut events));
    });
    let mut frames = Vec::new();
    count("encoded for everyone", &mut || {
        frames = encoded(id, &entries);
    });
    count("the next one asked", &mut || {
        frames.extend(
            outbound::opinion_request(&meeting, &Evidence::default(), DateTime::UNIX_EPOCH)
                .map(|(_, frame)| frame),
        );
    });
    count("put in the outboxes and taken out", &mut || {
        deliver(&frames, &mut boxes);
    });
    println!(
        "| together | {} | {} |",
        whole.count_total, whole.bytes_total
    );
    let frame = frames.first().map_or(0, Frame::len);
    println!("| text | 1 | {frame} |");
}

fn parse(text: &str, meeting: MeetingId) -> bool {
    let sender = Sender {
        agent: Some(AgentId(uuid::Uuid::nil())),
        meeting: Some(meeting),
    };
    inbound::parse(text, sender, OPINION_BYTES).is_ok()
}

fn laid_out(events: Vec<Recorded>) -> Vec<Entry> {
    let entry = |event| journal::entry(event, Some("7".to_owned()));
    events.into_iter().map(entry).collect()
}

fn encoded(meeting: MeetingId, entries: &[Entry]) -> Vec<Frame> {
    let frame = |entry: &Entry| outbound::meeting_event(meeting, &entry.recorded, &entry.payload);
    entries.iter().map(frame).collect()
}

fn outboxes() -> Vec<(Outbox, Reader)> {
    let budget = Budget::new(&Limits::default(), Metrics::new());
    (0..AGENTS).map(|_| outbox(64, 1 << 20, &budget)).collect()
}

/// As the meeting does: everything to everyone but the request, which stands last.
fn deliver(frames: &[Frame], boxes: &mut [(Outbox, Reader)]) {
    let (_, told) = frames.split_last().expect("there is a request");
    for (outbox, _) in &mut *boxes {
        for frame in told {
            outbox.push(frame.clone());
        }
        outbox.flush();
    }
    for (_, reader) in boxes {
        let next = reader.next().now_or_never();
        assert!(matches!(next, Some(Next::Frames(_))), "there are frames");
    }
}

/// Counts what is held of a meeting in its first turn and in its last.
fn meeting_in_memory() {
    let (meeting, seating) = seated(ROUNDS);
    let mut journal = seating.clone();
    let concluded = hold(meeting.clone(), |events| journal.extend(events));
    drop(concluded);
    let (young, few) = held(&seating);
    journal.truncate(last_round(&journal));
    let (old, many) = held(&journal);
    println!("| in its first turn, {few} events | {young} |");
    println!("| in its last round, {many} events | {old} |");
    let each = (old - young) as f64 / (many - few) as f64;
    println!("| for each event between them | {each:.0} |");
}

/// Bytes of a meeting that comes out of this journal, and its events.
fn held(journal: &[Recorded]) -> (i64, usize) {
    let rows: Vec<_> = journal.iter().map(row).collect();
    let mut meeting: Option<(Meeting, Answered)> = None;
    let counted = measure(|| {
        let loaded = journal::load(rows.clone());
        meeting = Some(loaded.expect("a journal that was just written folds"));
    });
    drop(meeting);
    (counted.bytes_current, rows.len())
}

/// As it is kept; what an agent said has the id that its frame had.
fn row(recorded: &Recorded) -> JournalRow {
    let is_said = matches!(
        recorded.event,
        Event::OpinionPresented { .. } | Event::VoteRecorded { .. }
    );
    let frame_id = is_said.then(|| recorded.seq.to_string());
    let entry = journal::entry(recorded.clone(), frame_id);
    JournalRow {
        seq: recorded.seq,
        epoch: 0,
        kind: entry.kind.to_owned(),
        version: entry.version,
        at: recorded.at,
        payload: entry.payload,
        frame_id: entry.frame_id,
    }
}

/// How many events there were when the last round and its first turn had been opened.
fn last_round(journal: &[Recorded]) -> usize {
    let opened = |recorded: &Recorded| matches!(recorded.event, Event::RoundOpened { .. });
    journal
        .iter()
        .rposition(opened)
        .map_or(0, |place| place + 2)
}
