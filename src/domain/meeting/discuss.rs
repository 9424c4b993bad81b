//! Turns: one agent has the floor, and only that agent.

use super::super::refusal::{as_agent, ensure, not_in_progress};
use super::super::{Event, Phase};
use super::{Caller, Refusal, Scribe};

impl Scribe<'_> {
    pub(super) fn speak(
        &mut self,
        from: Caller,
        content: String,
        proposal: Option<String>,
    ) -> Result<(), Refusal> {
        let agent = as_agent(from)?;
        ensure(self.meeting.roster.has(agent), Refusal::NotAParticipant)?;
        match &self.meeting.phase {
            Phase::Discussing { turn, .. } => {
                ensure(self.meeting.paused_at.is_none(), Refusal::Paused)?;
                let is_holder = turn
                    .as_ref()
                    .is_some_and(|turn| turn.agent == agent && self.now < turn.ends_at());
                ensure(is_holder, Refusal::NotYourTurn)?;
            }
            Phase::Voting(_) => return Err(Refusal::NotYourTurn),
            phase @ (Phase::Pending | Phase::Concluded { .. }) => {
                return Err(not_in_progress(phase));
            }
        }
        self.record(Event::OpinionPresented {
            round: self.meeting.round,
            agent,
            content,
            proposal,
        });
        self.advance();
        Ok(())
    }
}
