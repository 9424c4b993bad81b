//! What each event changes: the only place where a meeting's state is written.

use super::super::{
    Ballot, CastVote, Event, LeaveReason, Motion, Opinion, Outcome, Phase, Recorded, Turn,
};
use super::{AgentId, ClosedBallot, DateTime, Meeting, Utc, after_ms};

impl Meeting {
    pub(super) fn apply(&mut self, recorded: &Recorded) {
        let at = recorded.at;
        self.last_seq = recorded.seq;
        self.last_at = at;
        match &recorded.event {
            Event::MeetingCreated(_) | Event::ConsensusReached { .. } => {}
            Event::ParticipantAdded { agent, name } => self.roster.add(*agent, name),
            Event::AgentJoined { agent, .. } => self.apply_joined(*agent),
            Event::AgentLeft { agent, reason } => self.apply_left(at, *agent, *reason),
            Event::MeetingStarted { .. } => self.started_at = Some(at),
            Event::RoundOpened { round, order } => self.apply_round(*round, order),
            Event::TurnOpened {
                agent, deadline, ..
            } => {
                self.graces = 0;
                self.apply_turn(at, *agent, *deadline);
            }
            Event::OpinionPresented {
                agent,
                content,
                proposal,
                ..
            } => {
                self.apply_opinion(*agent, content, proposal.as_deref());
            }
            Event::TurnTimedOut { agent, .. } => self.end_turn(*agent, None),
            Event::BallotOpened {
                motion,
                voters,
                deadline,
                ..
            } => {
                self.graces = 0;
                self.phase = Phase::Voting(Ballot::new(motion.clone(), voters.clone(), *deadline));
            }
            Event::VoteRecorded { agent, vote, .. } => {
                if let Phase::Voting(ballot) = &mut self.phase {
                    ballot.record(CastVote {
                        agent: *agent,
                        seq: recorded.seq,
                        vote: vote.clone(),
                    });
                }
            }
            Event::BallotClosed {
                round,
                tally,
                verdict,
                ..
            } => self.apply_ballot_closed(*round, *tally, *verdict),
            Event::MeetingCompleted { outcome, summary } => {
                self.summary.clone_from(summary);
                self.conclude(at, *outcome);
            }
            Event::MeetingCancelled { .. } => self.conclude(at, Outcome::Cancelled),
            Event::MeetingFailed { .. } => self.conclude(at, Outcome::Failed),
            Event::Paused { .. } => self.paused_at = Some(at),
            Event::Resumed { deadline, .. } => {
                self.paused_at = None;
                self.apply_deadline(at, *deadline);
            }
            Event::DeadlineMoved { deadline } => self.apply_deadline(at, Some(*deadline)),
            Event::MeetingRecovered { deadline } => {
                self.roster.disconnect_all();
                self.graces += u32::from(deadline.is_some());
                self.apply_deadline(at, *deadline);
            }
        }
    }

    fn apply_joined(&mut self, agent: AgentId) {
        self.roster.connect(agent);
        if let Some(turn) = self.turn_of(agent) {
            turn.absent_until = None;
        }
    }

    fn apply_left(&mut self, at: DateTime<Utc>, agent: AgentId, reason: LeaveReason) {
        match reason {
            LeaveReason::Disconnected => self.roster.disconnect(agent),
            LeaveReason::Left => self.roster.leave(agent),
        }
        let absent_until = self.absent_until(at, agent);
        let Some(turn) = self.turn_of(agent) else {
            return;
        };
        match reason {
            LeaveReason::Disconnected => turn.absent_until = absent_until,
            LeaveReason::Left => self.pass_floor(),
        }
    }

    fn apply_round(&mut self, round: u32, order: &[AgentId]) {
        self.round = round;
        self.opinions.clear();
        self.phase = Phase::Discussing {
            order: order.to_vec(),
            taken: 0,
            turn: None,
        };
    }

    fn apply_turn(&mut self, at: DateTime<Utc>, agent: AgentId, deadline: DateTime<Utc>) {
        let absent_until = self.absent_until(at, agent);
        if let Phase::Discussing { order, taken, turn } = &mut self.phase {
            *taken = order
                .iter()
                .position(|&a| a == agent)
                .map_or(*taken, |place| place + 1);
            *turn = Some(Turn {
                agent,
                deadline,
                absent_until,
            });
        }
    }

    fn apply_opinion(&mut self, agent: AgentId, content: &str, proposal: Option<&str>) {
        if let Some(proposal) = proposal {
            self.proposal = Some(Motion {
                content: proposal.to_owned(),
                proposed_by: agent,
            });
        }
        match self.positions.iter_mut().find(|(who, _)| *who == agent) {
            Some((_, words)) => content.clone_into(words),
            None => self.positions.push((agent, content.to_owned())),
        }
        self.end_turn(agent, Some(content));
    }

    fn end_turn(&mut self, agent: AgentId, content: Option<&str>) {
        self.opinions.push(Opinion {
            agent,
            content: content.map(str::to_owned),
        });
        self.pass_floor();
    }

    fn pass_floor(&mut self) {
        if let Phase::Discussing { turn, .. } = &mut self.phase {
            *turn = None;
        }
    }

    fn apply_ballot_closed(&mut self, round: u32, tally: super::Tally, verdict: super::Verdict) {
        let Phase::Voting(ballot) = &self.phase else {
            return;
        };
        self.ballots.push(ClosedBallot {
            round,
            motion: ballot.motion.content.clone(),
            tally,
            verdict,
        });
        self.phase = Phase::Discussing {
            order: Vec::new(),
            taken: 0,
            turn: None,
        };
    }

    fn apply_deadline(&mut self, at: DateTime<Utc>, moved: Option<DateTime<Utc>>) {
        match &mut self.phase {
            Phase::Discussing {
                turn: Some(turn), ..
            } => {
                turn.deadline = moved.unwrap_or(turn.deadline);
                let agent = turn.agent;
                let absent_until = self.absent_until(at, agent);
                if let Some(turn) = self.turn_of(agent) {
                    turn.absent_until = absent_until;
                }
            }
            Phase::Voting(ballot) => ballot.deadline = moved.unwrap_or(ballot.deadline),
            Phase::Discussing { turn: None, .. } | Phase::Pending | Phase::Concluded { .. } => {}
        }
    }

    fn conclude(&mut self, at: DateTime<Utc>, outcome: Outcome) {
        self.completed_at = Some(at);
        self.paused_at = None;
        self.phase = Phase::Concluded { outcome };
    }

    /// How long a holder of the turn is waited for from `at` on if it is not connected then.
    fn absent_until(&self, at: DateTime<Utc>, agent: AgentId) -> Option<DateTime<Utc>> {
        (!self.roster.is_connected(agent)).then(|| after_ms(at, self.settings().reconnect_grace_ms))
    }

    fn turn_of(&mut self, agent: AgentId) -> Option<&mut Turn> {
        match &mut self.phase {
            Phase::Discussing {
                turn: Some(turn), ..
            } if turn.agent == agent => Some(turn),
            Phase::Discussing { .. }
            | Phase::Pending
            | Phase::Voting(_)
            | Phase::Concluded { .. } => None,
        }
    }
}
