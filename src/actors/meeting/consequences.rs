//! What follows from events beside telling them: who is asked, whose clock runs, what is logged.

use tracing::{info, warn};

use crate::domain::{AgentId, Event, Meeting, Phase, Recorded};

/// What a meeting asks of agents when something has opened.
pub(super) enum Requests {
    None,
    Opinion,
    Votes(Vec<AgentId>),
}

impl Requests {
    pub(super) fn after(events: &[Recorded], meeting: &Meeting) -> Self {
        if !events
            .iter()
            .any(|recorded| lets_a_clock_run(&recorded.event))
        {
            return Self::None;
        }
        match meeting.phase() {
            Phase::Discussing { .. } => Self::Opinion,
            Phase::Voting(ballot) => {
                let missing = ballot
                    .voters
                    .iter()
                    .filter(|voter| !ballot.has_voted(**voter));
                Self::Votes(missing.copied().collect())
            }
            Phase::Pending | Phase::Concluded { .. } => Self::None,
        }
    }
}

/// Whether agents have a deadline from this event on: they are asked, and must learn of it in time.
pub(super) fn lets_a_clock_run(event: &Event) -> bool {
    matches!(
        event,
        Event::TurnOpened { .. } | Event::BallotOpened { .. } | Event::Resumed { .. }
    )
}

pub(super) fn log(event: &Event) {
    match event {
        Event::MeetingStarted { .. } => info!("meeting started"),
        Event::RoundOpened { round, .. } => info!(round, "round opened"),
        Event::TurnTimedOut { round, agent } => info!(round, agent_id = %agent, "turn timed out"),
        Event::BallotClosed { round, verdict, .. } => {
            info!(round, verdict = verdict.as_str(), "ballot closed");
        }
        Event::MeetingCompleted { outcome, .. } => {
            info!(outcome = outcome.as_str(), "meeting completed");
        }
        Event::MeetingCancelled { .. } => info!("meeting cancelled"),
        Event::MeetingFailed { reason } => warn!(reason, "meeting failed"),
        Event::MeetingRecovered { .. } => info!("meeting recovered"),
        _ => {}
    }
}
