//! What can happen in a meeting: the whole alphabet of the journal, in past tense.
//!
//! Events explain themselves: whoever reads one needs no other to know what it says. Kinds and
//! fields are kept for ever, so a change here is a new version in the journal.

use chrono::{DateTime, Utc};

use super::{
    AgentId, CastVote, CommunicationId, DecisionId, MeetingId, Motion, Outcome, Settings, Tally,
    Verdict, Vote,
};

/// An event with its place in the journal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recorded {
    /// Counts from 1 without gaps.
    pub seq: u64,
    /// When it happened; never before its predecessor.
    pub at: DateTime<Utc>,
    /// What happened.
    pub event: Event,
}

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// Always the first.
    MeetingCreated(Box<Created>),
    /// An agent became a participant, or came back after it had left.
    ParticipantAdded {
        /// Who.
        agent: AgentId,
        /// Its name, for people.
        name: String,
    },
    /// A participant's connection came.
    AgentJoined {
        /// Who.
        agent: AgentId,
        /// Whether it had been connected before.
        returning: bool,
    },
    /// A participant's connection went, or the participant itself.
    AgentLeft {
        /// Who.
        agent: AgentId,
        /// Which of the two.
        reason: LeaveReason,
    },
    /// The first round is about to open.
    MeetingStarted {
        /// By whom; `None` is an operator, or the meeting itself once all had joined.
        by: Option<AgentId>,
    },
    /// A round begins.
    RoundOpened {
        /// Counts from 1.
        round: u32,
        /// Who will speak, in this order.
        order: Vec<AgentId>,
    },
    /// An agent has the floor.
    TurnOpened {
        /// In which round.
        round: u32,
        /// Who.
        agent: AgentId,
        /// Until when.
        deadline: DateTime<Utc>,
    },
    /// The holder of the turn spoke, which ends the turn.
    OpinionPresented {
        /// In which round.
        round: u32,
        /// Who.
        agent: AgentId,
        /// The words, exactly.
        content: String,
        /// A motion put forward with them.
        proposal: Option<String>,
    },
    /// The holder of the turn did not speak in time, which ends the turn.
    TurnTimedOut {
        /// In which round.
        round: u32,
        /// Who.
        agent: AgentId,
    },
    /// A vote on a motion begins.
    BallotOpened {
        /// After which round.
        round: u32,
        /// What is voted on.
        motion: Motion,
        /// Who may vote.
        voters: Vec<AgentId>,
        /// Until when.
        deadline: DateTime<Utc>,
    },
    /// A vote was cast.
    VoteRecorded {
        /// After which round.
        round: u32,
        /// By whom.
        agent: AgentId,
        /// What it says; hidden from everyone while `secret`.
        vote: Vote,
        /// Whether the ballot is blind.
        secret: bool,
    },
    /// All votes are in, or time was up.
    BallotClosed {
        /// After which round.
        round: u32,
        /// The count.
        tally: Tally,
        /// What it came to.
        verdict: Verdict,
        /// Every vote counted.
        votes: Vec<CastVote>,
        /// Whether the votes were hidden until now.
        secret: bool,
    },
    /// The motion passed.
    ConsensusReached {
        /// The decision's id.
        decision: DecisionId,
        /// In which round.
        round: u32,
        /// The motion as decided.
        motion: Motion,
        /// The rule, the count, the round, and the voters' reasons.
        rationale: String,
        /// The count.
        tally: Tally,
        /// Every vote counted.
        votes: Vec<CastVote>,
        /// The log rows that prompted the meeting.
        related: Vec<CommunicationId>,
    },
    /// Ended by its own rules.
    MeetingCompleted {
        /// How.
        outcome: Outcome,
        /// The points of the discussion, where no decision stands.
        summary: Option<String>,
    },
    /// Ended by its moderator (`by`) or an operator (`None`).
    MeetingCancelled {
        /// By whom.
        by: Option<AgentId>,
        /// Why.
        reason: Option<String>,
    },
    /// Given up by the server.
    MeetingFailed {
        /// Why.
        reason: String,
    },
    /// All clocks stand still.
    Paused {
        /// By whom; `None` is an operator.
        by: Option<AgentId>,
    },
    /// Clocks run on.
    Resumed {
        /// By whom; `None` is an operator.
        by: Option<AgentId>,
        /// The open turn's or ballot's deadline from now on.
        deadline: Option<DateTime<Utc>>,
    },
    /// The open turn or ballot got more time, because the server had kept it waiting.
    DeadlineMoved {
        /// The new deadline.
        deadline: DateTime<Utc>,
    },
    /// The server came back from a crash or a move: every connection is gone.
    MeetingRecovered {
        /// The open turn's or ballot's deadline, where it moved.
        deadline: Option<DateTime<Utc>>,
    },
}

/// How a meeting was created.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Created {
    /// Its id.
    pub meeting: MeetingId,
    /// What it is about, exactly as given.
    pub topic: String,
    /// Asked for by somebody, or suggested by the log.
    pub meeting_type: MeetingType,
    /// Its settings.
    pub settings: Settings,
    /// May start, cancel, pause and resume; need not participate.
    pub moderator: Option<AgentId>,
    /// The named participants and their names, in speaking order.
    pub participants: Vec<(AgentId, String)>,
    /// The log rows that prompted it.
    pub related: Vec<CommunicationId>,
    /// The id its decision will have, if it comes to one.
    pub decision: DecisionId,
}

/// Where a meeting came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MeetingType {
    /// Somebody asked for it.
    UserSpecified,
    /// It was suggested by the log.
    AutoGenerated,
}

impl MeetingType {
    /// The stable word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::UserSpecified => "user_specified",
            Self::AutoGenerated => "auto_generated",
        }
    }

    /// The type with this word.
    pub fn parse(word: &str) -> Option<Self> {
        [Self::UserSpecified, Self::AutoGenerated]
            .into_iter()
            .find(|kind| kind.as_str() == word)
    }
}

/// Why an agent is not there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LeaveReason {
    /// Its connection went; it stays a participant.
    Disconnected,
    /// It left for good.
    Left,
}

impl LeaveReason {
    /// The stable word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Disconnected => "disconnected",
            Self::Left => "left",
        }
    }

    /// The reason with this word.
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Disconnected, Self::Left]
            .into_iter()
            .find(|reason| reason.as_str() == word)
    }
}
