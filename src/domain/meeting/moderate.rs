//! The moderator's steps: start, pause, resume, cancel.

use super::super::refusal::{ensure, not_in_progress};
use super::super::{Event, Phase};
use super::{Caller, DateTime, Refusal, Scribe, Utc};

impl Scribe<'_> {
    pub(super) fn start(&mut self, from: Caller) -> Result<(), Refusal> {
        ensure(self.meeting.is_moderated_by(from), Refusal::NotModerator)?;
        match &self.meeting.phase {
            Phase::Pending => {}
            phase @ (Phase::Discussing { .. } | Phase::Voting(_)) => {
                return Err(Refusal::AlreadyStarted(phase.status()));
            }
            Phase::Concluded { .. } => return Err(Refusal::Over),
        }
        ensure(
            self.meeting.roster.present().next().is_some(),
            Refusal::NoParticipants,
        )?;
        self.begin(from.agent());
        Ok(())
    }

    /// Opens the first round; `by` is the moderator who said so, if one did.
    pub(super) fn begin(&mut self, by: Option<super::AgentId>) {
        self.record(Event::MeetingStarted { by });
        self.open_round(1);
    }

    pub(super) fn pause(&mut self, from: Caller) -> Result<(), Refusal> {
        self.ensure_moderated_progress(from)?;
        ensure(self.meeting.paused_at.is_none(), Refusal::Paused)?;
        self.record(Event::Paused { by: from.agent() });
        Ok(())
    }

    pub(super) fn resume(&mut self, from: Caller) -> Result<(), Refusal> {
        self.ensure_moderated_progress(from)?;
        let paused_at = self.meeting.paused_at.ok_or(Refusal::NotPaused)?;
        let deadline = self
            .open_deadline()
            .map(|deadline| deadline + (self.now - paused_at));
        self.record(Event::Resumed {
            by: from.agent(),
            deadline,
        });
        self.advance();
        Ok(())
    }

    pub(super) fn cancel(&mut self, from: Caller, reason: Option<String>) -> Result<(), Refusal> {
        ensure(self.meeting.is_moderated_by(from), Refusal::NotModerator)?;
        ensure(
            !matches!(self.meeting.phase, Phase::Concluded { .. }),
            Refusal::Over,
        )?;
        self.record(Event::MeetingCancelled {
            by: from.agent(),
            reason,
        });
        Ok(())
    }

    fn ensure_moderated_progress(&self, from: Caller) -> Result<(), Refusal> {
        ensure(self.meeting.is_moderated_by(from), Refusal::NotModerator)?;
        match &self.meeting.phase {
            Phase::Discussing { .. } | Phase::Voting(_) => Ok(()),
            phase @ (Phase::Pending | Phase::Concluded { .. }) => Err(not_in_progress(phase)),
        }
    }

    /// The open turn's or ballot's own deadline, whether or not clocks run.
    pub(super) fn open_deadline(&self) -> Option<DateTime<Utc>> {
        match &self.meeting.phase {
            Phase::Discussing { turn, .. } => turn.as_ref().map(|turn| turn.deadline),
            Phase::Voting(ballot) => Some(ballot.deadline),
            Phase::Pending | Phase::Concluded { .. } => None,
        }
    }
}
