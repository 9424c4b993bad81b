//! What a meeting is told when it is created, with every bound on it.

use super::{DecisionRule, TurnOrder};

/// The settings of a meeting; all have defaults.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Rounds of discussion before the meeting ends without a decision, 1 to [`MAX_ROUNDS`].
    pub max_discussion_rounds: u32,
    /// Who speaks when.
    pub turn_order: TurnOrder,
    /// Time for one opinion, in milliseconds; then the floor passes on.
    pub opinion_timeout_ms: u32,
    /// Time for one ballot, in milliseconds; then missing votes count as not cast.
    pub vote_timeout_ms: u32,
    /// How long a speaker without a connection is waited for, in milliseconds, within its turn.
    pub reconnect_grace_ms: u32,
    /// Who may become a participant.
    pub admission: Admission,
    /// What opens the first round.
    pub start: Start,
    /// When a motion passes.
    pub decision_rule: DecisionRule,
}

/// Who may become a participant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Admission {
    /// Any authenticated agent that connects or joins.
    Open,
    /// Only agents named at creation or added by an operator.
    Invited,
}

/// What opens the first round.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    /// The moderator or an operator.
    Manual,
    /// The moment when every participant is connected.
    WhenAllJoined,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            max_discussion_rounds: 3,
            turn_order: TurnOrder::Fixed,
            opinion_timeout_ms: 300_000,
            vote_timeout_ms: 180_000,
            reconnect_grace_ms: 30_000,
            admission: Admission::Open,
            start: Start::Manual,
            decision_rule: DecisionRule::unanimous(),
        }
    }
}

impl Settings {
    /// Names every field that is out of its bounds, each with the reason; empty when all are in order.
    pub fn faults(&self) -> Vec<(&'static str, String)> {
        let mut faults = Vec::new();
        let mut within = |field, value: u32, least: u32, most: u32| {
            if !(least..=most).contains(&value) {
                faults.push((field, format!("must be between {least} and {most}")));
            }
        };
        within(
            "max_discussion_rounds",
            self.max_discussion_rounds,
            1,
            MAX_ROUNDS,
        );
        within(
            "opinion_timeout_ms",
            self.opinion_timeout_ms,
            1,
            MAX_TIMEOUT_MS,
        );
        within("vote_timeout_ms", self.vote_timeout_ms, 1, MAX_TIMEOUT_MS);
        within(
            "reconnect_grace_ms",
            self.reconnect_grace_ms,
            0,
            MAX_GRACE_MS,
        );
        faults.extend(self.decision_rule.faults());
        faults
    }
}

/// Fifty rounds of everybody is more than any discussion that converges needs.
pub const MAX_ROUNDS: u32 = 50;
/// One day: an agent may think for long, but a forgotten meeting must still end.
pub const MAX_TIMEOUT_MS: u32 = 86_400_000;
/// One hour: longer than any restart; an agent gone for longer is gone.
pub const MAX_GRACE_MS: u32 = 3_600_000;
/// Participants of one meeting: each speaks in each round, so more is not a discussion.
pub const MAX_PARTICIPANTS: usize = 256;
/// Characters in a topic, as wide as its column.
pub const MAX_TOPIC_CHARS: usize = 500;
