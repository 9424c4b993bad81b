//! Where a meeting stands: each phase holds only what it waits for.

use std::fmt;

use chrono::{DateTime, Utc};

use super::{AgentId, Ballot};

/// Where a meeting stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Waits to be started.
    Pending,
    /// A round of opinions.
    Discussing {
        /// The order of this round, as recorded when it opened.
        order: Vec<AgentId>,
        /// How many of `order` have had the turn.
        taken: usize,
        /// Who has the turn; `None` only inside one `handle`, between two turns.
        turn: Option<Turn>,
    },
    /// A ballot waits for votes or for its deadline.
    Voting(Ballot),
    /// Nothing happens any more.
    Concluded {
        /// How it ended.
        outcome: Outcome,
    },
}

impl Phase {
    /// The status that the world sees.
    pub fn status(&self) -> Status {
        match self {
            Self::Pending => Status::Pending,
            Self::Discussing { .. } | Self::Voting(_) => Status::InProgress,
            Self::Concluded {
                outcome: Outcome::Failed,
            } => Status::Failed,
            Self::Concluded { .. } => Status::Completed,
        }
    }

    /// The word for logs and state reports.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Discussing { .. } => "discussing",
            Self::Voting(_) => "voting",
            Self::Concluded { .. } => "concluded",
        }
    }
}

/// One agent has the floor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Turn {
    /// Who may speak.
    pub agent: AgentId,
    /// When its time is up.
    pub deadline: DateTime<Utc>,
    /// While it has no connection: how long it is waited for, never past `deadline`.
    pub absent_until: Option<DateTime<Utc>>,
}

impl Turn {
    /// When the floor passes on if nothing happens.
    pub fn ends_at(&self) -> DateTime<Utc> {
        self.absent_until
            .map_or(self.deadline, |until| until.min(self.deadline))
    }
}

/// What one agent said in the current round.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Opinion {
    /// Who.
    pub agent: AgentId,
    /// Its words; `None` when its time was up.
    pub content: Option<String>,
}

/// What the journal and every reader see in place of an opinion that was not given in time.
pub const NO_RESPONSE: &str = "[No response - timeout]";

/// Status of a meeting.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Status {
    /// Not begun.
    Pending,
    /// Between start and end, paused or not.
    InProgress,
    /// Ended by its own rules or by its moderator.
    Completed,
    /// Given up by the server.
    Failed,
}

impl Status {
    /// All of them.
    pub const ALL: [Self; 4] = [
        Self::Pending,
        Self::InProgress,
        Self::Completed,
        Self::Failed,
    ];

    /// The stable word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::InProgress => "in_progress",
            Self::Completed => "completed",
            Self::Failed => "failed",
        }
    }

    /// The status with this word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == word)
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// How a meeting ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// A motion passed unanimously.
    Consensus,
    /// A motion passed by a majority or supermajority.
    Majority,
    /// The last ballot failed, or there was nothing to vote on.
    NoConsensus,
    /// Too few voted in the last ballot, or everyone had left.
    NoQuorum,
    /// As many agreed as disagreed in the last ballot, under the majority rule.
    Tie,
    /// The moderator or an operator ended it.
    Cancelled,
    /// The server gave it up.
    Failed,
}

impl Outcome {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::Consensus,
        Self::Majority,
        Self::NoConsensus,
        Self::NoQuorum,
        Self::Tie,
        Self::Cancelled,
        Self::Failed,
    ];

    /// The stable word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Consensus => "consensus",
            Self::Majority => "majority",
            Self::NoConsensus => "no_consensus",
            Self::NoQuorum => "no_quorum",
            Self::Tie => "tie",
            Self::Cancelled => "cancelled",
            Self::Failed => "failed",
        }
    }

    /// The outcome with this word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|outcome| outcome.as_str() == word)
    }
}
