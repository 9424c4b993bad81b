//! A meeting to play with: virtual time, agents by letter, and a log of what was recorded or refused.
//!
//! Time starts at 0 and is counted in milliseconds. The settings are quick: 100 for an opinion, 50 for a
//! ballot, 10 of grace. Deadlines fire only while the script waits, each at its own instant.

use chrono::{DateTime, Utc};
use expect_test::Expect;
use uuid::Uuid;

use super::super::Meeting;
use super::rendering::{describe, letter_of};
use crate::domain::{
    AgentId, Caller, Command, Created, DecisionId, DecisionRule, Input, MeetingId, MeetingType,
    Recorded, Settings, Vote,
};

pub(super) const A: AgentId = letter('a');
pub(super) const B: AgentId = letter('b');
pub(super) const C: AgentId = letter('c');
pub(super) const D: AgentId = letter('d');
/// The moderator, who does not take part unless a script says so.
pub(super) const M: AgentId = letter('m');

pub(super) const fn letter(name: char) -> AgentId {
    AgentId(Uuid::from_u128(name as u128))
}

/// The instant that is so many milliseconds after the beginning of time.
pub(super) fn at(ms: i64) -> DateTime<Utc> {
    DateTime::from_timestamp_millis(ms).expect("scripts are short")
}

/// Three rounds, unanimous, and timeouts that are easy to add up.
pub(super) fn quick() -> Settings {
    Settings {
        opinion_timeout_ms: 100,
        vote_timeout_ms: 50,
        reconnect_grace_ms: 10,
        ..Settings::default()
    }
}

/// Quick, and over after one round.
pub(super) fn one_round() -> Settings {
    Settings {
        max_discussion_rounds: 1,
        ..quick()
    }
}

/// One round, decided by `decision_rule`.
pub(super) fn decided_by(decision_rule: DecisionRule) -> Settings {
    Settings {
        decision_rule,
        ..one_round()
    }
}

/// How a meeting of these agents is created; M moderates.
pub(super) fn created(participants: &[AgentId], settings: Settings) -> Created {
    let named = participants.iter().map(|&a| (a, letter_of(a)));
    Created {
        meeting: MeetingId(Uuid::from_u128(1)),
        topic: "Tea or coffee?".to_owned(),
        meeting_type: MeetingType::UserSpecified,
        settings,
        moderator: Some(M),
        participants: named.collect(),
        related: Vec::new(),
        decision: DecisionId(Uuid::from_u128(2)),
    }
}

/// A meeting that waits to be started, with nobody there yet.
pub(super) fn called(participants: &[AgentId], settings: Settings) -> World {
    World::from(created(participants, settings))
}

/// A meeting that has begun with everybody there: the log starts with the first round.
pub(super) fn seated(participants: &[AgentId], settings: Settings) -> World {
    let mut world = called(participants, settings);
    for &agent in participants {
        world = world.connect(agent);
    }
    world.log.clear();
    world.start()
}

/// Compares what the script left behind with what it must leave, and the journal with the live meeting.
#[expect(
    clippy::needless_pass_by_value,
    reason = "a script and its journal are given away at the end"
)]
pub(super) fn check(script: World, expected: Expect) {
    assert_eq!(
        Meeting::fold(script.journal),
        Ok(script.meeting),
        "the journal folds to the live meeting"
    );
    expected.assert_eq(&script.log);
}

/// One meeting, its journal and the log of one script.
pub(super) struct World {
    meeting: Meeting,
    journal: Vec<Recorded>,
    now_ms: i64,
    log: String,
}

impl From<Created> for World {
    fn from(created: Created) -> Self {
        let (meeting, first) = Meeting::create(at(0), created);
        Self {
            meeting,
            journal: vec![first],
            now_ms: 0,
            log: String::new(),
        }
    }
}

impl World {
    pub(super) fn connect(self, agent: AgentId) -> Self {
        let name = letter_of(agent);
        self.give(Input::Connected { agent, name }, &letter_of(agent))
    }

    pub(super) fn disconnect(self, agent: AgentId) -> Self {
        self.give(Input::Disconnected { agent }, &letter_of(agent))
    }

    pub(super) fn speak(self, agent: AgentId, content: &str) -> Self {
        let (content, proposal) = (content.to_owned(), None);
        self.ask(Caller::Agent(agent), Command::Speak { content, proposal })
    }

    pub(super) fn propose(self, agent: AgentId, content: &str, proposal: &str) -> Self {
        let (content, proposal) = (content.to_owned(), Some(proposal.to_owned()));
        self.ask(Caller::Agent(agent), Command::Speak { content, proposal })
    }

    pub(super) fn vote(self, agent: AgentId, agrees: Option<bool>) -> Self {
        self.cast(agent, agrees, None)
    }

    pub(super) fn vote_because(self, agent: AgentId, agrees: Option<bool>, reason: &str) -> Self {
        self.cast(agent, agrees, Some(reason.to_owned()))
    }

    fn cast(self, agent: AgentId, agrees: Option<bool>, rationale: Option<String>) -> Self {
        let vote = Vote {
            agrees,
            rationale,
            confidence: None,
        };
        self.ask(Caller::Agent(agent), Command::CastVote(vote))
    }

    pub(super) fn leave(self, agent: AgentId) -> Self {
        self.ask(Caller::Agent(agent), Command::Leave)
    }

    /// The agent joins by itself, without a connection.
    pub(super) fn join(self, agent: AgentId) -> Self {
        self.add(Caller::Agent(agent), agent)
    }

    /// Somebody adds an agent.
    pub(super) fn add(self, from: Caller, agent: AgentId) -> Self {
        let name = letter_of(agent);
        self.ask(from, Command::Join { agent, name })
    }

    pub(super) fn start(self) -> Self {
        self.ask(Caller::Agent(M), Command::Start)
    }

    pub(super) fn pause(self) -> Self {
        self.ask(Caller::Agent(M), Command::Pause)
    }

    pub(super) fn resume(self) -> Self {
        self.ask(Caller::Agent(M), Command::Resume)
    }

    pub(super) fn cancel(self, reason: &str) -> Self {
        let reason = Some(reason.to_owned());
        self.ask(Caller::Agent(M), Command::Cancel { reason })
    }

    /// Lets time pass; every deadline fires at its own instant.
    pub(super) fn wait_ms(mut self, ms: i64) -> Self {
        let end = self.now_ms + ms;
        while let Some(due) = self.meeting.deadline()
            && due <= at(end)
        {
            self.now_ms = due.timestamp_millis();
            let seq = self.meeting.last_seq();
            self = self.timer();
            assert!(self.meeting.last_seq() > seq, "nothing came of a deadline");
        }
        self.now_ms = end;
        self
    }

    /// Lets time pass while no timer works: the server is down, or busy.
    pub(super) fn stand_still_ms(mut self, ms: i64) -> Self {
        self.now_ms += ms;
        self
    }

    /// A timer fires now, whether or not anything is due.
    pub(super) fn timer(self) -> Self {
        self.give(Input::DeadlineReached, "timer")
    }

    pub(super) fn recover(self) -> Self {
        self.give(Input::Recovered, "server")
    }

    pub(super) fn stall(self) -> Self {
        self.give(Input::Stalled, "server")
    }

    pub(super) fn fail(self, reason: &str) -> Self {
        let reason = reason.to_owned();
        self.give(Input::Fail { reason }, "server")
    }

    pub(super) fn ask(self, from: Caller, command: Command) -> Self {
        let who = from
            .agent()
            .map_or_else(|| "operator".to_owned(), letter_of);
        self.give(Input::Command { from, command }, &who)
    }

    fn give(mut self, input: Input, who: &str) -> Self {
        let before = self.meeting.clone();
        match self.meeting.handle(at(self.now_ms), input) {
            Ok(events) if events.is_empty() => {
                assert_eq!(before, self.meeting, "no event, no change");
                self.line(&format!("- {who}: nothing happens"));
            }
            Ok(events) => {
                for recorded in &events {
                    let text = describe(&recorded.event);
                    self.line(&format!("#{} {text}", recorded.seq));
                }
                self.journal.extend(events);
            }
            Err(refusal) => {
                assert_eq!(before, self.meeting, "a refusal changes nothing");
                self.line(&format!("- {who} refused: {refusal:?}"));
            }
        }
        self
    }

    fn line(&mut self, text: &str) {
        let line = format!("{:<4} {text}\n", self.now_ms);
        self.log.push_str(&line);
    }

    /// Clears the log, where a script begins in the middle of things.
    pub(super) fn forget(mut self) -> Self {
        self.log.clear();
        self
    }

    /// Writes down when the last event is said to have happened.
    pub(super) fn told_at(mut self) -> Self {
        let last = self.journal.last().expect("a meeting begins with an event");
        let told = format!("#{} is told at {}", last.seq, last.at.timestamp_millis());
        self.line(&told);
        self
    }

    /// Keeps the lines of the log that say `word`.
    pub(super) fn only(mut self, word: &str) -> Self {
        let lines = self.log.lines().filter(|line| line.contains(word));
        self.log = lines.map(|line| line.to_owned() + "\n").collect();
        self
    }

    /// What was recorded so far.
    pub(super) fn journal(&self) -> &[Recorded] {
        &self.journal
    }

    /// The meeting as the script left it, for questions that its journal does not answer.
    pub(super) fn meeting(&self) -> &Meeting {
        &self.meeting
    }
}
