//! One vote on one motion.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

use super::AgentId;

/// What is voted on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Motion {
    /// The text that becomes the decision if it passes.
    pub content: String,
    /// Who put it forward.
    pub proposed_by: AgentId,
}

/// One agent's answer to a motion.
#[derive(Clone, Debug, PartialEq)]
pub struct Vote {
    /// Agrees, disagrees, or abstains (`None`).
    pub agrees: Option<bool>,
    /// Why, in its own words.
    pub rationale: Option<String>,
    /// How sure it is, 0 to 1; recorded, never counted.
    pub confidence: Option<f64>,
}

impl Vote {
    /// The word for the answer.
    pub fn answer(&self) -> &'static str {
        match self.agrees {
            Some(true) => "agree",
            Some(false) => "disagree",
            None => "abstain",
        }
    }
}

/// `confidence` is checked to be a number from 0 to 1 before it comes here, so equality is total.
impl Eq for Vote {}

/// A vote as it was counted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CastVote {
    /// Who voted.
    pub agent: AgentId,
    /// The number of the event that recorded it.
    pub seq: u64,
    /// What it said.
    pub vote: Vote,
}

/// An open ballot: the electorate is fixed when it opens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ballot {
    /// What is voted on.
    pub motion: Motion,
    /// Who may vote.
    pub voters: Vec<AgentId>,
    /// When missing votes count as not cast.
    pub deadline: DateTime<Utc>,
    cast: BTreeMap<AgentId, CastVote>,
}

impl Ballot {
    /// A ballot without votes.
    pub fn new(motion: Motion, voters: Vec<AgentId>, deadline: DateTime<Utc>) -> Self {
        Self {
            motion,
            voters,
            deadline,
            cast: BTreeMap::new(),
        }
    }

    /// Whether the agent was in the meeting when the ballot opened.
    pub fn is_eligible(&self, agent: AgentId) -> bool {
        self.voters.contains(&agent)
    }

    /// Whether the agent's vote is in.
    pub fn has_voted(&self, agent: AgentId) -> bool {
        self.cast.contains_key(&agent)
    }

    /// The votes so far, in the order of the voters' ids.
    pub fn cast(&self) -> impl Iterator<Item = &CastVote> {
        self.cast.values()
    }

    /// Takes a vote in.
    ///
    /// # Panics
    /// If the voter is not eligible or voted before: the meeting checks both first.
    pub(super) fn record(&mut self, vote: CastVote) {
        assert!(
            self.is_eligible(vote.agent),
            "a vote from outside the electorate"
        );
        let before = self.cast.insert(vote.agent, vote);
        assert!(before.is_none(), "a second vote by one agent");
    }
}
