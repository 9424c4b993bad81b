//! What can be asked of a meeting.

use super::{AgentId, Vote};

/// Everything that can reach a meeting: nothing else changes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    /// Somebody asks for something.
    Command {
        /// Who asks, as established from its token.
        from: Caller,
        /// What it asks for.
        command: Command,
    },
    /// An agent's connection came; in an `open` meeting this makes it a participant.
    Connected {
        /// Whose connection.
        agent: AgentId,
        /// The agent's name, for people.
        name: String,
    },
    /// An agent's only connection went.
    Disconnected {
        /// Whose connection.
        agent: AgentId,
    },
    /// A timer set for [`Meeting::deadline`](super::Meeting::deadline) fired; too early or too late is harmless.
    DeadlineReached,
    /// The meeting was loaded from its journal: every connection it had is gone.
    Recovered,
    /// Events waited so long for the database that agents learnt late of a deadline already running.
    Stalled,
    /// The server gives the meeting up.
    Fail {
        /// Why, for people.
        reason: String,
    },
}

/// Who gives a [`Command`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Caller {
    /// An operator with the admin token: may do what a moderator may.
    Admin,
    /// An authenticated agent.
    Agent(AgentId),
}

impl Caller {
    /// The agent, unless it is the operator.
    pub fn agent(self) -> Option<AgentId> {
        match self {
            Self::Admin => None,
            Self::Agent(agent) => Some(agent),
        }
    }
}

/// An imperative from outside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// Gives an opinion; only for the holder of the turn.
    Speak {
        /// The words, kept exactly.
        content: String,
        /// A motion put forward with them.
        proposal: Option<String>,
    },
    /// Votes in the open ballot; final.
    CastVote(Vote),
    /// Leaves for good: is waited for no longer, in turns and in ballots.
    Leave,
    /// Makes an agent a participant without a connection.
    Join {
        /// Who joins; an agent may only name itself.
        agent: AgentId,
        /// The agent's name, for people.
        name: String,
    },
    /// Opens the first round; moderator or operator.
    Start,
    /// Stops all clocks; moderator or operator.
    Pause,
    /// Lets the clocks run on where they stopped; moderator or operator.
    Resume,
    /// Ends the meeting without a decision; moderator or operator.
    Cancel {
        /// Why, for people.
        reason: Option<String>,
    },
}
