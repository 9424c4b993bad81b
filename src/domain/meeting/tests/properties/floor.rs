//! A witness of turns: reads the journal, and knows who may have the floor, since when and until when.

use std::collections::BTreeSet;

use chrono::{DateTime, TimeDelta, Utc};

use crate::domain::{AgentId, Event, LeaveReason, Recorded, Settings};

/// What the journal has said so far about the floor.
#[derive(Debug, Default)]
pub(super) struct Floor {
    /// Whether every timer fired on the instant, so that nobody is waited for any longer.
    punctual: bool,
    settings: Settings,
    /// In the meeting, in the order of coming.
    present: Vec<AgentId>,
    connected: BTreeSet<AgentId>,
    round: u32,
    order: Vec<AgentId>,
    /// Had the turn in this round.
    had: BTreeSet<AgentId>,
    turn: Option<Turn>,
    paused_at: Option<DateTime<Utc>>,
}

#[derive(Clone, Copy, Debug)]
struct Turn {
    agent: AgentId,
    deadline: DateTime<Utc>,
    gone_since: Option<DateTime<Utc>>,
}

impl Floor {
    /// A witness that also objects if anybody is waited for too long.
    pub(super) fn punctual() -> Self {
        Self {
            punctual: true,
            ..Self::default()
        }
    }

    /// Takes the next event in, and objects if it breaks a rule of the floor.
    pub(super) fn hear(&mut self, recorded: &Recorded) {
        let at = recorded.at;
        match &recorded.event {
            Event::MeetingCreated(created) => {
                self.settings = created.settings.clone();
                self.present = created
                    .participants
                    .iter()
                    .map(|(agent, _)| *agent)
                    .collect();
            }
            Event::ParticipantAdded { agent, .. } => {
                assert!(!self.present.contains(agent), "is in already: {recorded:?}");
                self.present.push(*agent);
            }
            Event::AgentJoined { agent, .. } => self.joined(*agent),
            Event::AgentLeft { agent, reason } => self.left(at, *agent, *reason),
            Event::RoundOpened { round, order } => self.round_opened(*round, order),
            Event::TurnOpened {
                round,
                agent,
                deadline,
            } => {
                self.turn_opened(at, *round, *agent, *deadline);
            }
            Event::OpinionPresented { round, agent, .. } => {
                let turn = self.turn_ends(*round, *agent);
                assert!(
                    at < self.ends_at(turn),
                    "an opinion after time was up: {recorded:?}"
                );
            }
            Event::TurnTimedOut { round, agent } => {
                let turn = self.turn_ends(*round, *agent);
                let end = self.ends_at(turn);
                assert!(at >= end, "its time was not up: {recorded:?}");
                let is_prompt = at == end || !self.punctual;
                assert!(is_prompt, "it was waited for too long: {recorded:?}");
            }
            Event::BallotOpened { round, .. } => self.discussion_ends(*round),
            Event::Paused { .. } => {
                assert_eq!(
                    self.paused_at.replace(at),
                    None,
                    "paused twice: {recorded:?}"
                );
            }
            Event::Resumed { deadline, .. } => self.resumed(at, *deadline),
            Event::DeadlineMoved { deadline } => {
                assert_eq!(*deadline, self.grace_end(at));
                self.moved(at, Some(*deadline));
            }
            Event::MeetingRecovered { deadline } => self.recovered(at, *deadline),
            Event::MeetingCompleted { .. } => {
                assert!(
                    self.turn.is_none(),
                    "it ended in somebody's turn: {recorded:?}"
                );
            }
            Event::MeetingStarted { .. }
            | Event::VoteRecorded { .. }
            | Event::BallotClosed { .. }
            | Event::ConsensusReached { .. }
            | Event::MeetingCancelled { .. }
            | Event::MeetingFailed { .. } => {}
        }
    }

    fn joined(&mut self, agent: AgentId) {
        assert!(
            self.present.contains(&agent),
            "a connection of a stranger: {agent}"
        );
        self.connected.insert(agent);
        if let Some(turn) = self.turn_of(agent) {
            turn.gone_since = None;
        }
    }

    fn left(&mut self, at: DateTime<Utc>, agent: AgentId, reason: LeaveReason) {
        assert!(self.present.contains(&agent), "a stranger left: {agent}");
        self.connected.remove(&agent);
        if let Some(turn) = self.turn_of(agent) {
            turn.gone_since = Some(at);
        }
        if reason == LeaveReason::Left {
            self.present.retain(|&other| other != agent);
            self.turn = self.turn.filter(|turn| turn.agent != agent);
        }
    }

    fn round_opened(&mut self, round: u32, order: &[AgentId]) {
        self.discussion_ends(self.round);
        assert_eq!(round, self.round + 1, "rounds follow each other");
        assert!(
            round <= self.settings.max_discussion_rounds,
            "one round too many"
        );
        let sorted = |agents: &[AgentId]| {
            let mut agents = agents.to_vec();
            agents.sort_unstable();
            agents
        };
        let (speakers, present) = (sorted(order), sorted(&self.present));
        assert_eq!(
            speakers, present,
            "everyone who is in speaks, and nobody else"
        );
        self.round = round;
        self.order = order.to_vec();
        self.had.clear();
    }

    fn turn_opened(
        &mut self,
        at: DateTime<Utc>,
        round: u32,
        agent: AgentId,
        deadline: DateTime<Utc>,
    ) {
        assert_eq!(self.paused_at, None, "a turn opened in a pause");
        assert!(
            self.turn.is_none(),
            "two have the floor: {:?} and {agent}",
            self.turn
        );
        assert_eq!(round, self.round);
        assert_eq!(self.next_speaker(), Some(agent), "somebody was passed over");
        assert_eq!(deadline, at + ms(self.settings.opinion_timeout_ms));
        // Whoever was passed over because it had left does not get the floor back in this round.
        let place = self.order.iter().position(|&other| other == agent);
        let place = place.expect("the next speaker is in the order");
        self.had.extend(&self.order[..=place]);
        self.turn = Some(Turn {
            agent,
            deadline,
            gone_since: (!self.connected.contains(&agent)).then_some(at),
        });
    }

    fn turn_ends(&mut self, round: u32, agent: AgentId) -> Turn {
        assert_eq!(self.paused_at, None, "a turn ended in a pause");
        assert_eq!(round, self.round);
        let turn = self.turn.take().expect("nobody has the floor");
        assert_eq!(turn.agent, agent, "somebody else has the floor");
        turn
    }

    fn discussion_ends(&mut self, round: u32) {
        assert_eq!(self.paused_at, None, "a discussion ended in a pause");
        assert_eq!(round, self.round);
        assert!(
            self.turn.is_none(),
            "somebody has the floor: {:?}",
            self.turn
        );
        assert_eq!(self.next_speaker(), None, "somebody was not heard");
        self.had.extend(&self.order);
    }

    fn resumed(&mut self, at: DateTime<Utc>, deadline: Option<DateTime<Utc>>) {
        let paused_at = self.paused_at.take().expect("resumed without a pause");
        if let Some(turn) = self.turn {
            assert_eq!(deadline, Some(turn.deadline + (at - paused_at)));
        }
        self.moved(at, deadline);
    }

    fn recovered(&mut self, at: DateTime<Utc>, deadline: Option<DateTime<Utc>>) {
        self.connected.clear();
        let grace_end = self.grace_end(at);
        assert!(deadline.is_none_or(|deadline| deadline == grace_end));
        self.moved(at, deadline);
        let is_kept = self.turn.is_none_or(|turn| turn.deadline >= grace_end);
        assert!(is_kept || self.paused_at.is_some(), "no time to come back");
    }

    fn moved(&mut self, at: DateTime<Utc>, deadline: Option<DateTime<Utc>>) {
        if let Some(turn) = &mut self.turn {
            let deadline = deadline.unwrap_or(turn.deadline);
            assert!(deadline >= turn.deadline, "a turn was shortened");
            turn.deadline = deadline;
            turn.gone_since = (!self.connected.contains(&turn.agent)).then_some(at);
        }
    }

    fn turn_of(&mut self, agent: AgentId) -> Option<&mut Turn> {
        self.turn.as_mut().filter(|turn| turn.agent == agent)
    }

    fn next_speaker(&self) -> Option<AgentId> {
        let mut order = self.order.iter().copied();
        order.find(|agent| !self.had.contains(agent) && self.present.contains(agent))
    }

    fn grace_end(&self, from: DateTime<Utc>) -> DateTime<Utc> {
        from + ms(self.settings.reconnect_grace_ms)
    }

    fn ends_at(&self, turn: Turn) -> DateTime<Utc> {
        let given_up = turn.gone_since.map(|since| self.grace_end(since));
        given_up.map_or(turn.deadline, |given_up| given_up.min(turn.deadline))
    }
}

fn ms(ms: u32) -> TimeDelta {
    TimeDelta::milliseconds(i64::from(ms))
}
