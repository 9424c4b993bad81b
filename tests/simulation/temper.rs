//! How agents behave: some well, most not.

use std::time::Duration;

use rand::RngExt;
use rand::rngs::StdRng;
use serde_json::{Value, json};
use uuid::Uuid;

use super::plan::between;

/// What one agent is like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Temper {
    /// Answers at once.
    Faithful,
    /// Thinks for a while, sometimes too long.
    Slow,
    /// Listens and says nothing.
    Silent,
    /// Says much that nobody asked for, and all of it twice.
    Flooding,
    /// Speaks for others, out of turn, and what is no frame.
    Lying,
    /// Drops its connection without a word, and comes back.
    Flapping,
    /// Sits in the meeting twice at once.
    Doubled,
    /// Stops reading for a while.
    Stalling,
    /// Leaves for good when it is asked.
    Leaving,
}

impl Temper {
    pub(crate) fn draw(dice: &mut StdRng) -> Self {
        const ALL: [Temper; 12] = [
            Temper::Faithful,
            Temper::Faithful,
            Temper::Faithful,
            Temper::Faithful,
            Temper::Slow,
            Temper::Silent,
            Temper::Flooding,
            Temper::Lying,
            Temper::Flapping,
            Temper::Doubled,
            Temper::Stalling,
            Temper::Leaving,
        ];
        ALL[dice.random_range(0..ALL.len())]
    }

    /// How many connections it has at a time.
    pub(crate) fn connections(self) -> usize {
        if self == Self::Doubled { 2 } else { 1 }
    }

    /// How long it thinks about what it is asked.
    pub(crate) fn thinks(self, dice: &mut StdRng) -> Duration {
        match self {
            Self::Slow => between(dice, 0..=5_000),
            _ => between(dice, 0..=50),
        }
    }

    /// How long it is deaf after a frame.
    pub(crate) fn stalls(self, dice: &mut StdRng) -> Option<Duration> {
        (self == Self::Stalling && dice.random_bool(0.1)).then(|| between(dice, 500..=15_000))
    }

    /// Whether it drops its connection now.
    pub(crate) fn flaps(self, dice: &mut StdRng) -> bool {
        self == Self::Flapping && dice.random_bool(0.15)
    }

    /// Whether it answers what it is asked.
    pub(crate) fn answers(self) -> bool {
        self != Self::Silent
    }

    /// Whether it sends a frame again only if it heard no answer.
    pub(crate) fn says_each_once(self) -> bool {
        !matches!(self, Self::Flooding | Self::Lying | Self::Doubled)
    }

    /// What it says without being asked, after a frame.
    pub(crate) fn blurts(self, dice: &mut StdRng, own: Uuid, other: Uuid) -> Vec<Value> {
        let nth: u32 = dice.random();
        match self {
            Self::Flooding if dice.random_bool(0.15) => {
                let opinion =
                    json!({"type": "opinion", "content": format!("uncalled for {nth}"), "id": nth});
                let vote = json!({"type": "consensus_vote", "agrees": dice.random_bool(0.5), "id": format!("v{nth}")});
                vec![opinion.clone(), vote.clone(), opinion, vote]
            }
            Self::Lying if dice.random_bool(0.1) => vec![
                json!({"type": "opinion", "content": format!("not {own}'s words {nth}"), "agent_id": other, "id": nth}),
                json!({"type": "consensus_vote", "agrees": true, "agent_id": other}),
                json!({"type": "opinion", "content": "elsewhere", "meeting_id": other}),
                json!({"type": "conquest", "id": nth}),
                json!({"type": "opinion", "content": format!("out of turn {nth}"), "id": format!("o{nth}")}),
            ],
            _ if dice.random_bool(0.05) => vec![
                json!({"type": "direct_message", "receiver_id": other, "content": format!("psst {nth}"), "id": format!("d{nth}")}),
            ],
            _ => Vec::new(),
        }
    }
}
