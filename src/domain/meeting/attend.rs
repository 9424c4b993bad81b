//! Who is there: connections that come and go, agents that join and leave.

use super::super::refusal::{as_agent, ensure};
use super::super::settings::MAX_PARTICIPANTS;
use super::super::{Admission, Event, LeaveReason, Outcome, Phase, Start};
use super::{AgentId, Caller, Meeting, Refusal, Scribe};

pub(super) fn admits(meeting: &Meeting, agent: AgentId) -> Result<(), Refusal> {
    ensure(!is_over(meeting), Refusal::Over)?;
    let known = meeting.roster.get(agent);
    match meeting.settings().admission {
        Admission::Invited => ensure(known.is_some(), Refusal::NotInvited)?,
        Admission::Open => {}
    }
    ensure(
        known.is_some() || meeting.roster.iter().count() < MAX_PARTICIPANTS,
        Refusal::Full,
    )
}

fn is_over(meeting: &Meeting) -> bool {
    matches!(meeting.phase, Phase::Concluded { .. })
}

impl Scribe<'_> {
    pub(super) fn connected(&mut self, agent: AgentId, name: String) -> Result<(), Refusal> {
        admits(self.meeting, agent)?;
        if !self.meeting.roster.has(agent) {
            self.record(Event::ParticipantAdded { agent, name });
        }
        let returning = self.meeting.roster.get(agent).is_some_and(|p| p.seen);
        self.record(Event::AgentJoined { agent, returning });
        self.start_if_all_joined();
        Ok(())
    }

    pub(super) fn disconnected(&mut self, agent: AgentId) {
        if !is_over(self.meeting) && self.meeting.roster.is_connected(agent) {
            self.record(Event::AgentLeft {
                agent,
                reason: LeaveReason::Disconnected,
            });
        }
    }

    pub(super) fn join(&mut self, from: Caller, agent: AgentId, name: &str) -> Result<(), Refusal> {
        ensure(!is_over(self.meeting), Refusal::Over)?;
        match from {
            Caller::Agent(caller) => {
                ensure(caller == agent, Refusal::NotYourself)?;
                ensure(!self.meeting.roster.has(agent), Refusal::AlreadyParticipant)?;
                admits(self.meeting, agent)?;
            }
            Caller::Admin => {
                ensure(!self.meeting.roster.has(agent), Refusal::AlreadyParticipant)?;
                let is_room = self.meeting.roster.iter().count() < MAX_PARTICIPANTS;
                ensure(
                    self.meeting.roster.get(agent).is_some() || is_room,
                    Refusal::Full,
                )?;
            }
        }
        self.record(Event::ParticipantAdded {
            agent,
            name: name.to_owned(),
        });
        Ok(())
    }

    pub(super) fn leave(&mut self, from: Caller) -> Result<(), Refusal> {
        let agent = as_agent(from)?;
        ensure(!is_over(self.meeting), Refusal::Over)?;
        ensure(self.meeting.roster.has(agent), Refusal::NotAParticipant)?;
        self.record(Event::AgentLeft {
            agent,
            reason: LeaveReason::Left,
        });
        if self.meeting.roster.present().next().is_none() {
            self.last_one_left();
        }
        self.advance();
        self.start_if_all_joined();
        Ok(())
    }

    /// Ends a running meeting even while it is paused; votes already cast are counted, because they are final.
    fn last_one_left(&mut self) {
        match &self.meeting.phase {
            Phase::Discussing { .. } => self.complete(Outcome::NoQuorum),
            Phase::Voting(_) => self.close_ballot(),
            Phase::Pending | Phase::Concluded { .. } => {}
        }
    }

    fn start_if_all_joined(&mut self) {
        let is_waiting = matches!(self.meeting.phase, Phase::Pending);
        let waits_for_all = self.meeting.settings().start == Start::WhenAllJoined;
        if is_waiting && waits_for_all && self.meeting.roster.all_connected() {
            self.begin(None);
        }
    }
}
