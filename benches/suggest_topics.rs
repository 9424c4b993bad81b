//! What it costs to suggest topics from a large log: 100 000 messages, made up the same every time.
//!
//! Processor time is of one run on one core, with the C library's allocator. Bytes are counted, so the same on every machine:
//! those held at once at most, beside the messages themselves.

use std::hint::black_box;

use allocation_counter::measure;
use chrono::{DateTime, TimeDelta, Utc};
use nix::sys::resource::{UsageWho, getrusage};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use synod::topics::{Message, Question, suggest};
use uuid::Uuid;

const MESSAGES: u32 = 100_000;
const AGENTS: u128 = 60;
/// Subjects that are talked about, one after the other.
const SUBJECTS: u32 = 4_000;
/// Subjects that are talked about at once.
const SUBJECTS_AT_ONCE: u32 = 40;
/// Words of which subjects are made.
const WORDS: u32 = 20_000;

/// What is said of a subject, whose words stand for the blanks.
const SAYINGS: [&str; 12] = [
    "I propose that the _ keeps its _ in the _, and that we move the _ into the _ of the next release.",
    "I disagree: the _ should have a _ of its own. A _ in the _ cannot be changed later without touching every _.",
    "But then the _ waits for the _ every night, and nobody has said what happens to the _ meanwhile.",
    "How should we name the _ of the _? The other ones are called _ or _, and I could not find a guideline.",
    "Not sure, maybe somebody who knows the _ can say. I will ask around and tell you about the _ tomorrow.",
    "I am blocked until the _ is there. The _ needs the _ before it can start, and the _ is almost full.",
    "I have started on the _ yesterday, the _ is next. Who takes the _ with the _?",
    "The _ is done, the _ passed all checks and the _ went to the _ this morning.",
    "Thanks, got the _!",
    "Report: _ 4411 ok, _ 212 of 212, _ 18 ms, no warnings.",
    "The numbers of the _ look odd again: the _ grew by a third since the _ was changed, see the _ of last week.",
    "Sounds good, let us go with the _ and the _.",
];

fn main() {
    let texts = texts();
    let messages: Vec<_> = (0..).zip(&texts).map(message).collect();
    let question = Question {
        now: at(MESSAGES),
        hours_back: 24,
        messages_max: MESSAGES as usize,
        messages_min: 1,
        topics_max: 10,
        related_max: 20,
    };
    let before = processor_s();
    let topics = suggest(black_box(&messages), &question);
    let took_s = processor_s() - before;
    let counted = measure(|| drop(black_box(suggest(&messages, &question))));
    let bytes = texts.iter().map(String::len).sum::<usize>();
    println!(
        "| messages | MB of text | processor s | messages/s | MB held at most | allocations/message | topics |\n\
         |---:|---:|---:|---:|---:|---:|---:|\n\
         | {MESSAGES} | {:.1} | {took_s:.2} | {:.0} | {:.0} | {:.1} | {} |",
        bytes as f64 / 1e6,
        f64::from(MESSAGES) / took_s,
        counted.bytes_max as f64 / 1e6,
        counted.count_total as f64 / f64::from(MESSAGES),
        topics.len()
    );
}

/// Seconds of processor time that this process has used.
fn processor_s() -> f64 {
    let usage = getrusage(UsageWho::RUSAGE_SELF).expect("a process may ask what it used");
    let user = usage.user_time();
    user.tv_sec() as f64 + user.tv_usec() as f64 / 1e6
}

/// All in one day.
fn at(number: u32) -> DateTime<Utc> {
    let day = TimeDelta::days(1) - TimeDelta::minutes(1);
    DateTime::UNIX_EPOCH
        + TimeDelta::days(365)
        + day / MESSAGES.cast_signed() * number.cast_signed()
}

fn message((number, text): (u32, &String)) -> Message<'_> {
    let mut chance = ChaCha8Rng::seed_from_u64(u64::from(number));
    let (sender, other) = (
        chance.random_range(0..AGENTS),
        chance.random_range(1..AGENTS),
    );
    Message {
        id: Uuid::from_u128(number.into()),
        at: at(number),
        sender: Uuid::from_u128(sender),
        receiver: Uuid::from_u128((sender + other) % AGENTS),
        topic: None,
        text,
        is_json: false,
    }
}

fn texts() -> Vec<String> {
    let mut chance = ChaCha8Rng::seed_from_u64(0);
    let mut text = |number| {
        let oldest = number / (MESSAGES / SUBJECTS);
        let subject = oldest + chance.random_range(0..SUBJECTS_AT_ONCE);
        let mut text = String::new();
        for part in SAYINGS[chance.random_range(0..SAYINGS.len())].split_inclusive('_') {
            text.push_str(part.trim_end_matches('_'));
            if part.ends_with('_') {
                let of_subject = chance.random_bool(0.7);
                let word = if of_subject {
                    subject * 5 + chance.random_range(0..5)
                } else {
                    chance.random_range(0..WORDS)
                };
                text.push_str(&spelt(word % WORDS));
            }
        }
        text
    };
    (0..MESSAGES).map(&mut text).collect()
}

/// A word of its own for each number.
fn spelt(number: u32) -> String {
    const SYLLABLES: [&str; 28] = [
        "ba", "ker", "ti", "lon", "me", "dus", "ra", "fen", "go", "vil", "sa", "nor", "pe", "zet",
        "lu", "mar", "ki", "ton", "be", "ris", "da", "wel", "jo", "cas", "fi", "gud", "hel", "ost",
    ];
    let mut rest = number + 1_000;
    let mut word = String::new();
    while rest > 0 {
        word.push_str(SYLLABLES[(rest % 28) as usize]);
        rest /= 28;
    }
    word
}
