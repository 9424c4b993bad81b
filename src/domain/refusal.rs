//! Why a meeting says no. The agent's fault, never the server's: nothing happened, nothing is recorded.

use super::{AgentId, Phase, Status};

/// A refused input; the text says what to do instead.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// It spoke, but another holds the turn, or its own time was up.
    #[error("it is not your turn: wait for your opinion_request")]
    NotYourTurn,
    /// It voted, but no ballot is open, or the ballot's time was up.
    #[error("no ballot is open: wait for a consensus_request")]
    NoOpenBallot,
    /// It voted a second time.
    #[error("your vote in this ballot is already recorded and final")]
    AlreadyVoted,
    /// It is no participant, or was none when the ballot opened.
    #[error("you are not a participant of this meeting, or were none when this ballot opened")]
    NotAParticipant,
    /// The agent to be added is a participant already.
    #[error("Agent is already a participant")]
    AlreadyParticipant,
    /// The meeting admits only agents that were named.
    #[error("this meeting admits invited agents only: ask an operator to add you")]
    NotInvited,
    /// Only the moderator or an operator may do this.
    #[error("only the meeting's moderator or an operator may do this")]
    NotModerator,
    /// An agent tried to add somebody else.
    #[error("an agent can only join for itself")]
    NotYourself,
    /// The meeting has as many participants as it can have.
    #[error(
        "the meeting is full: it has {} participants",
        super::settings::MAX_PARTICIPANTS
    )]
    Full,
    /// The meeting has nobody to speak.
    #[error("the meeting has no participants yet: add one first")]
    NoParticipants,
    /// The step needs a meeting in progress.
    #[error("the meeting is {0}, not in progress")]
    NotInProgress(Status),
    /// The step needs a meeting that has not begun.
    #[error("the meeting is {0}: it has begun already")]
    AlreadyStarted(Status),
    /// The meeting has ended.
    #[error("the meeting is over")]
    Over,
    /// Clocks stand still: nobody speaks or votes until the meeting is resumed.
    #[error("the meeting is paused: wait for the resumed event")]
    Paused,
    /// The meeting is not paused.
    #[error("the meeting is not paused")]
    NotPaused,
}

impl Refusal {
    /// The stable code that clients branch on.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NotYourTurn => "not_your_turn",
            Self::NoOpenBallot => "no_open_ballot",
            Self::AlreadyVoted => "already_voted",
            Self::NotAParticipant => "not_a_participant",
            Self::AlreadyParticipant => "already_participant",
            Self::NotInvited | Self::NotModerator | Self::NotYourself => "forbidden",
            Self::Full => "meeting_full",
            Self::NoParticipants => "no_participants",
            Self::NotInProgress(_) => "meeting_not_in_progress",
            Self::AlreadyStarted(_) => "meeting_already_started",
            Self::Over => "meeting_over",
            Self::Paused => "meeting_paused",
            Self::NotPaused => "meeting_not_paused",
        }
    }
}

/// What a step that needs a running meeting is told when `phase` is not that.
pub(super) fn not_in_progress(phase: &Phase) -> Refusal {
    match phase {
        Phase::Concluded { .. } => Refusal::Over,
        Phase::Pending | Phase::Discussing { .. } | Phase::Voting(_) => {
            Refusal::NotInProgress(phase.status())
        }
    }
}

/// Keeps the signature of checks on one agent in one place.
pub(super) fn ensure(holds: bool, refusal: Refusal) -> Result<(), Refusal> {
    if holds { Ok(()) } else { Err(refusal) }
}

/// A participant's id, or the refusal that an operator cannot speak.
pub(super) fn as_agent(caller: super::Caller) -> Result<AgentId, Refusal> {
    caller.agent().ok_or(Refusal::NotAParticipant)
}
