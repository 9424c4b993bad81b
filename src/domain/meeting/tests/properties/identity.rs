//! A witness of identity: whatever happens on somebody's word happens in that somebody's name.

use super::super::world::M;
use super::run::Handled;
use crate::domain::{Admission, AgentId, Caller, Event, Input};

/// Objects if an input was answered with an event that its sender may not bring about.
pub(super) fn check(step: &Handled<'_>) {
    let caller = match step.input {
        Input::Command { from, .. } => *from,
        Input::Connected { agent, .. } | Input::Disconnected { agent } => Caller::Agent(*agent),
        Input::DeadlineReached | Input::Recovered | Input::Stalled | Input::Fail { .. } => return,
    };
    if let Ok(events) = step.answer
        && let Some(first) = events.first()
    {
        assert!(may(caller, &first.event, step), "{caller:?}: {first:?}");
    }
}

fn may(caller: Caller, event: &Event, step: &Handled<'_>) -> bool {
    let is = |agent: &AgentId| caller == Caller::Agent(*agent);
    let moderates = caller == Caller::Admin || is(&M);
    match event {
        Event::ParticipantAdded { agent, .. } => {
            let is_open = step.before.settings().admission == Admission::Open;
            let was_in = step.before.roster().get(*agent).is_some();
            caller == Caller::Admin || is(agent) && (is_open || was_in)
        }
        Event::AgentJoined { agent, .. }
        | Event::AgentLeft { agent, .. }
        | Event::OpinionPresented { agent, .. }
        | Event::VoteRecorded { agent, .. } => is(agent),
        Event::MeetingStarted { .. } => moderates,
        Event::Paused { by } | Event::Resumed { by, .. } | Event::MeetingCancelled { by, .. } => {
            moderates && *by == caller.agent()
        }
        Event::MeetingCreated(_)
        | Event::RoundOpened { .. }
        | Event::TurnOpened { .. }
        | Event::TurnTimedOut { .. }
        | Event::BallotOpened { .. }
        | Event::BallotClosed { .. }
        | Event::ConsensusReached { .. }
        | Event::MeetingCompleted { .. }
        | Event::MeetingFailed { .. }
        | Event::DeadlineMoved { .. }
        | Event::MeetingRecovered { .. } => false,
    }
}
