//! Ballots: the electorate is fixed when a ballot opens, a vote is final, and the count is whole.

use super::super::refusal::{as_agent, ensure, not_in_progress};
use super::super::{Event, Phase, Verdict, Vote};
use super::{Caller, Refusal, Scribe, summary};

impl Scribe<'_> {
    pub(super) fn cast_vote(&mut self, from: Caller, vote: Vote) -> Result<(), Refusal> {
        let agent = as_agent(from)?;
        ensure(self.meeting.roster.has(agent), Refusal::NotAParticipant)?;
        match &self.meeting.phase {
            Phase::Voting(ballot) => {
                ensure(self.meeting.paused_at.is_none(), Refusal::Paused)?;
                ensure(ballot.is_eligible(agent), Refusal::NotAParticipant)?;
                ensure(!ballot.has_voted(agent), Refusal::AlreadyVoted)?;
                ensure(self.now < ballot.deadline, Refusal::NoOpenBallot)?;
            }
            Phase::Discussing { .. } => return Err(Refusal::NoOpenBallot),
            phase @ (Phase::Pending | Phase::Concluded { .. }) => {
                return Err(not_in_progress(phase));
            }
        }
        let secret = self.meeting.settings().decision_rule.blind;
        self.record(Event::VoteRecorded {
            round: self.meeting.round,
            agent,
            vote,
            secret,
        });
        self.advance();
        Ok(())
    }

    /// Whether every voter who is still in has voted; those who left are waited for no longer.
    pub(super) fn all_votes_in(&self) -> bool {
        let Phase::Voting(ballot) = &self.meeting.phase else {
            return false;
        };
        let mut waited_for = ballot
            .voters
            .iter()
            .filter(|&&voter| self.meeting.roster.has(voter));
        waited_for.all(|&voter| ballot.has_voted(voter))
    }

    pub(super) fn close_ballot(&mut self) {
        let Phase::Voting(ballot) = &self.meeting.phase else {
            return;
        };
        let rule = &self.meeting.settings().decision_rule;
        let (tally, verdict) = rule.judge(ballot);
        let (round, secret, motion) = (self.meeting.round, rule.blind, ballot.motion.clone());
        let votes: Vec<_> = ballot.cast().cloned().collect();
        self.record(Event::BallotClosed {
            round,
            tally,
            verdict,
            votes: votes.clone(),
            secret,
        });
        if verdict == Verdict::Passed {
            let rationale = summary::rationale(self.meeting, tally, &votes);
            let (decision, related) = (
                self.meeting.created.decision,
                self.meeting.created.related.clone(),
            );
            self.record(Event::ConsensusReached {
                decision,
                round,
                motion,
                rationale,
                tally,
                votes,
                related,
            });
        }
        self.finish_round(verdict);
    }
}
