//! What a seed decides before anything happens: how many servers, agents and meetings, and their rules.

use std::ops::RangeInclusive;
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use serde_json::{Value, json};

use super::temper::Temper;

/// The cast and its meetings.
#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) servers: Vec<String>,
    pub(crate) tempers: Vec<Temper>,
    pub(crate) meetings: Vec<MeetingPlan>,
    /// How long things go wrong.
    pub(crate) chaos: Duration,
}

/// A meeting to be.
#[derive(Debug)]
pub(crate) struct MeetingPlan {
    pub(crate) settings: Value,
    /// The longest that it may take without any trouble.
    pub(crate) bound: Duration,
    /// What the operator does besides.
    pub(crate) steps: Vec<&'static str>,
}

/// Chance for one purpose: what one part draws changes nothing for another.
pub(crate) fn dice(seed: u64, purpose: &str) -> StdRng {
    let mut key = [0; 32];
    key[..8].copy_from_slice(&seed.to_le_bytes());
    for (place, byte) in key[8..].iter_mut().zip(purpose.bytes()) {
        *place = byte;
    }
    StdRng::from_seed(key)
}

/// A time between two, in milliseconds.
pub(crate) fn between(dice: &mut StdRng, ms: RangeInclusive<u64>) -> Duration {
    Duration::from_millis(dice.random_range(ms))
}

impl Plan {
    pub(crate) fn draw(seed: u64) -> Self {
        let dice = &mut dice(seed, "plan");
        let servers = dice.random_range(1..=2);
        let agents = dice.random_range(2..=4);
        let meetings = dice.random_range(1..=2);
        Self {
            servers: (1..=servers).map(|nth| format!("server-{nth}")).collect(),
            tempers: (0..agents).map(|_| Temper::draw(dice)).collect(),
            meetings: (0..meetings)
                .map(|_| MeetingPlan::draw(dice, agents))
                .collect(),
            chaos: between(dice, 2_000..=25_000),
        }
    }

    /// When all must be over, however it went.
    pub(crate) fn bound(&self) -> Duration {
        let meetings = self.meetings.iter().map(|meeting| meeting.bound).max();
        self.chaos + meetings.unwrap_or_default() + CALM
    }
}

impl MeetingPlan {
    fn draw(dice: &mut StdRng, agents: u32) -> Self {
        let rounds = dice.random_range(1..=3);
        let (opinion, vote): (u32, u32) = (
            dice.random_range(500..=4_000),
            dice.random_range(500..=4_000),
        );
        let grace = dice.random_range(0..=3_000);
        let rule = match dice.random_range(0..4) {
            0 => json!({"rule": "unanimous"}),
            1 => json!({"rule": "majority", "blind": true}),
            2 => json!({"rule": "supermajority", "threshold": "2/3"}),
            _ => json!({"rule": "majority", "quorum": "1/2"}),
        };
        let order = ["fixed", "rotate", "shuffle"][dice.random_range(0..3)];
        let start = ["manual", "when_all_joined"][dice.random_range(0..2)];
        // Servers that come back, or pass it on to one another, give each turn and ballot more time, but no more than this often.
        let graces = 3 * grace;
        let bound = rounds * (agents * (opinion + graces) + vote + graces);
        let mut steps = vec!["start"];
        if dice.random_bool(0.2) {
            steps.extend(["pause", "resume"]);
        }
        if dice.random_bool(0.1) {
            steps.push("cancel");
        }
        Self {
            settings: json!({
                "max_discussion_rounds": rounds, "opinion_timeout_ms": opinion, "vote_timeout_ms": vote,
                "reconnect_grace_ms": grace, "turn_order": order, "start": start, "decision_rule": rule,
            }),
            bound: Duration::from_millis(bound.into()),
            steps,
        }
    }
}

/// After the last trouble: for the operator's steps, and for everyone to come back and hear the rest.
const CALM: Duration = Duration::from_secs(90);
