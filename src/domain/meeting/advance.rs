//! What comes next: the next turn, the ballot, the next round, the end. And what the clock brings about.

use super::super::{Event, Motion, Outcome, Phase, Verdict};
use super::{DateTime, Scribe, Utc, summary};

impl Scribe<'_> {
    /// Opens whatever follows from where the meeting stands; does nothing while something is waited for.
    pub(super) fn advance(&mut self) {
        if self.meeting.paused_at.is_some() {
            return;
        }
        match &self.meeting.phase {
            Phase::Discussing { turn: None, .. } => self.open_next_turn(),
            Phase::Voting(_) if self.all_votes_in() => self.close_ballot(),
            Phase::Discussing { .. }
            | Phase::Voting(_)
            | Phase::Pending
            | Phase::Concluded { .. } => {}
        }
    }

    pub(super) fn deadline_reached(&mut self) {
        if self
            .meeting
            .deadline()
            .is_none_or(|deadline| self.now < deadline)
        {
            return;
        }
        match &self.meeting.phase {
            Phase::Discussing {
                turn: Some(turn), ..
            } => {
                let (round, agent) = (self.meeting.round, turn.agent);
                self.record(Event::TurnTimedOut { round, agent });
                self.advance();
            }
            Phase::Voting(_) => self.close_ballot(),
            Phase::Discussing { turn: None, .. } | Phase::Pending | Phase::Concluded { .. } => {}
        }
    }

    pub(super) fn recovered(&mut self) {
        let changes_something = match &self.meeting.phase {
            Phase::Pending => self.meeting.roster.iter().any(|p| p.connected),
            Phase::Discussing { .. } | Phase::Voting(_) => true,
            Phase::Concluded { .. } => false,
        };
        if changes_something {
            let has_grace = self.meeting.graces < GRACES_MAX;
            let deadline = self.deadline_after_grace().filter(|_| has_grace);
            self.record(Event::MeetingRecovered { deadline });
            self.advance();
        }
    }

    pub(super) fn stalled(&mut self) {
        if let Some(deadline) = self.deadline_after_grace() {
            self.record(Event::DeadlineMoved { deadline });
        }
    }

    pub(super) fn fail(&mut self, reason: String) {
        if !matches!(self.meeting.phase, Phase::Concluded { .. }) {
            self.record(Event::MeetingFailed { reason });
        }
    }

    pub(super) fn open_round(&mut self, round: u32) {
        let speakers = self.meeting.roster.present_ids();
        if speakers.is_empty() {
            self.complete(Outcome::NoQuorum);
            return;
        }
        let order = self.meeting.settings().turn_order.arrange(speakers, round);
        self.record(Event::RoundOpened { round, order });
        self.open_next_turn();
    }

    pub(super) fn complete(&mut self, outcome: Outcome) {
        let summary = match outcome {
            Outcome::Consensus | Outcome::Majority => None,
            Outcome::NoConsensus
            | Outcome::NoQuorum
            | Outcome::Tie
            | Outcome::Cancelled
            | Outcome::Failed => Some(summary::of(self.meeting)),
        };
        self.record(Event::MeetingCompleted { outcome, summary });
    }

    /// After a ballot, or a round in which there was nothing to vote on.
    pub(super) fn finish_round(&mut self, verdict: Verdict) {
        let meeting = &self.meeting;
        let is_last = meeting.round >= meeting.settings().max_discussion_rounds;
        let outcome = verdict.outcome(meeting.settings().decision_rule.rule);
        match verdict {
            Verdict::Passed => self.complete(outcome),
            Verdict::Rejected | Verdict::NoQuorum | Verdict::Tie if is_last => {
                self.complete(outcome);
            }
            Verdict::Rejected | Verdict::NoQuorum | Verdict::Tie => {
                self.open_round(self.meeting.round + 1);
            }
        }
    }

    fn open_next_turn(&mut self) {
        let Phase::Discussing { order, taken, .. } = &self.meeting.phase else {
            return;
        };
        let roster = &self.meeting.roster;
        let next = order
            .iter()
            .skip(*taken)
            .copied()
            .find(|&agent| roster.has(agent));
        if let Some(agent) = next {
            let deadline = self.after_ms(self.meeting.settings().opinion_timeout_ms);
            self.record(Event::TurnOpened {
                round: self.meeting.round,
                agent,
                deadline,
            });
        } else {
            self.close_discussion();
        }
    }

    fn close_discussion(&mut self) {
        let voters = self.meeting.roster.present_ids();
        if voters.is_empty() {
            self.complete(Outcome::NoQuorum);
        } else if let Some(motion) = self.meeting.motion() {
            self.open_ballot(motion, voters);
        } else {
            self.finish_round(Verdict::Rejected);
        }
    }

    fn open_ballot(&mut self, motion: Motion, voters: Vec<super::AgentId>) {
        let deadline = self.after_ms(self.meeting.settings().vote_timeout_ms);
        self.record(Event::BallotOpened {
            round: self.meeting.round,
            motion,
            voters,
            deadline,
        });
    }

    /// The open deadline if it has passed or falls within the grace from now: the end of that grace.
    fn deadline_after_grace(&self) -> Option<DateTime<Utc>> {
        let meeting = &self.meeting;
        if meeting.paused_at.is_some() {
            return None;
        }
        let deadline = self.open_deadline()?;
        let grace_end = self.after_ms(meeting.settings().reconnect_grace_ms);
        (deadline < grace_end).then_some(grace_end)
    }
}

/// How often one turn or ballot gets more time because the server came back: enough for a bad day, and an end to it, since agents that go
/// from one server to another and back make the meeting move each time.
const GRACES_MAX: u32 = 3;
