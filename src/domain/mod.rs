//! The rules of a meeting, and nothing else.
//!
//! A [`Meeting`] is a value. [`Meeting::handle`] takes the time and an [`Input`] and answers with the
//! [`Recorded`] events that follow from it, or with one [`Refusal`] and no change at all.
//! [`Meeting::deadline`] says when it wants to be asked again, and [`Meeting::fold`] rebuilds it from
//! its own events: recovery, replay and tests all go through that one door.
//!
//! What is deliberately absent: I/O, async, a clock, randomness, serialisation, logging. Time is an
//! argument, ids are given, and the only state is what events have put there.
//!
//! Start with [`event`] (what can happen), then [`meeting`] (what makes it happen).

pub mod ballot;
pub mod command;
pub mod decision_rule;
pub mod event;
pub mod ids;
pub mod invariants;
pub mod meeting;
pub mod phase;
pub mod refusal;
pub mod roster;
pub mod settings;
pub mod turn_order;

pub use ballot::{Ballot, CastVote, Motion, Vote};
pub use command::{Caller, Command, Input};
pub use decision_rule::{DecisionRule, Ratio, Rule, Tally, Verdict};
pub use event::{Created, Event, LeaveReason, MeetingType, Recorded};
pub use ids::{AgentId, CommunicationId, DecisionId, MeetingId};
pub use meeting::Meeting;
pub use phase::{Opinion, Outcome, Phase, Status, Turn};
pub use refusal::Refusal;
pub use roster::{Participant, Roster};
pub use settings::{Admission, Settings, Start};
pub use turn_order::TurnOrder;
