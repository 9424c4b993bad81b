//! The meeting itself: one value, three doors.
//!
//! [`Meeting::handle`] checks an input and records what follows from it, [`Meeting::deadline`] says when
//! time itself becomes an input, [`Meeting::fold`] rebuilds the value from its journal. Every change of state is an
//! event going through [`apply`], so a folded meeting and a live one cannot differ.
//!
//! One family of commands, one file: [`attend`] (who is there), [`discuss`] (turns), [`vote`] (ballots),
//! [`moderate`] (start, pause, resume, cancel). [`advance`] says what comes next once something has ended.

mod advance;
mod apply;
mod attend;
mod discuss;
mod moderate;
mod summary;
mod vote;

#[cfg(test)]
mod tests;

use chrono::{DateTime, TimeDelta, Utc};

use super::{
    AgentId, Caller, Command, Created, Event, Input, Motion, Opinion, Phase, Recorded, Refusal,
    Roster, Settings, Status, Tally, Verdict, invariants,
};

/// A meeting: the sum of its events.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Meeting {
    created: Created,
    roster: Roster,
    phase: Phase,
    round: u32,
    /// What was said in the current round, in order.
    opinions: Vec<Opinion>,
    /// The latest proposal of the whole meeting.
    proposal: Option<Motion>,
    /// The last words of each participant that gave an opinion, in order of first speaking.
    positions: Vec<(AgentId, String)>,
    /// What each closed ballot was about and came to.
    ballots: Vec<ClosedBallot>,
    paused_at: Option<DateTime<Utc>>,
    /// How often the open turn or ballot got more time because the server came back.
    graces: u32,
    started_at: Option<DateTime<Utc>>,
    completed_at: Option<DateTime<Utc>>,
    summary: Option<String>,
    created_at: DateTime<Utc>,
    last_at: DateTime<Utc>,
    last_seq: u64,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct ClosedBallot {
    round: u32,
    motion: String,
    tally: Tally,
    verdict: Verdict,
}

/// Why a journal cannot be folded: it was not written by this server, or it was damaged.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FoldError {
    /// There are no events.
    #[error("the journal is empty")]
    Empty,
    /// The first event does not create the meeting.
    #[error("the journal does not begin with the meeting's creation")]
    NotCreated,
    /// An event is missing or stands twice.
    #[error("event {found} stands where event {expected} should")]
    Gap {
        /// The number that should stand there.
        expected: u64,
        /// The number that does.
        found: u64,
    },
    /// An event cannot have happened where it stands: a vote from outside the electorate, a second
    /// vote, a second creation.
    #[error("event {0} cannot have happened where it stands")]
    Impossible(u64),
}

impl Meeting {
    /// A new meeting and its first event.
    pub fn create(now: DateTime<Utc>, created: Created) -> (Self, Recorded) {
        let first = Recorded {
            seq: 1,
            at: now,
            event: Event::MeetingCreated(Box::new(created.clone())),
        };
        (Self::born(now, created), first)
    }

    /// Rebuilds a meeting from its whole journal.
    ///
    /// # Errors
    /// If the journal does not begin with the creation, or has a gap.
    pub fn fold(journal: impl IntoIterator<Item = Recorded>) -> Result<Self, FoldError> {
        let mut journal = journal.into_iter();
        let first = journal.next().ok_or(FoldError::Empty)?;
        let (1, Event::MeetingCreated(created)) = (first.seq, first.event) else {
            return Err(FoldError::NotCreated);
        };
        let mut meeting = Self::born(first.at, *created);
        for recorded in journal {
            let expected = meeting.last_seq + 1;
            if recorded.seq != expected {
                return Err(FoldError::Gap {
                    expected,
                    found: recorded.seq,
                });
            }
            if !meeting.can_follow(&recorded.event) {
                return Err(FoldError::Impossible(recorded.seq));
            }
            meeting.apply(&recorded);
        }
        Ok(meeting)
    }

    /// Whether [`apply`](Self::apply) may be asked to take this event in here.
    fn can_follow(&self, event: &Event) -> bool {
        match (event, &self.phase) {
            (Event::MeetingCreated(_), _) => false,
            (Event::VoteRecorded { agent, .. }, Phase::Voting(ballot)) => {
                ballot.is_eligible(*agent) && !ballot.has_voted(*agent)
            }
            (Event::VoteRecorded { .. }, _) => false,
            _ => true,
        }
    }

    fn born(at: DateTime<Utc>, created: Created) -> Self {
        let mut roster = Roster::default();
        for (agent, name) in &created.participants {
            roster.add(*agent, name);
        }
        Self {
            created,
            roster,
            phase: Phase::Pending,
            round: 0,
            opinions: Vec::new(),
            proposal: None,
            positions: Vec::new(),
            ballots: Vec::new(),
            paused_at: None,
            graces: 0,
            started_at: None,
            completed_at: None,
            summary: None,
            created_at: at,
            last_at: at,
            last_seq: 1,
        }
    }

    /// Takes one input and answers with the events that follow from it, already part of the state.
    ///
    /// The events of one call belong together: they are kept all or none. An empty answer means that
    /// the input no longer mattered. Should `now` lie before the last event, that event's time counts.
    ///
    /// # Errors
    /// A refusal; then nothing has changed.
    pub fn handle(&mut self, now: DateTime<Utc>, input: Input) -> Result<Vec<Recorded>, Refusal> {
        let mut scribe = Scribe {
            now: now.max(self.last_at),
            meeting: self,
            events: Vec::new(),
        };
        let answer = match input {
            Input::Command { from, command } => scribe.command(from, command),
            Input::Connected { agent, name } => scribe.connected(agent, name),
            Input::Disconnected { agent } => {
                scribe.disconnected(agent);
                Ok(())
            }
            Input::DeadlineReached => {
                scribe.deadline_reached();
                Ok(())
            }
            Input::Recovered => {
                scribe.recovered();
                Ok(())
            }
            Input::Stalled => {
                scribe.stalled();
                Ok(())
            }
            Input::Fail { reason } => {
                scribe.fail(reason);
                Ok(())
            }
        };
        let events = scribe.events;
        debug_assert!(
            answer.is_ok() || events.is_empty(),
            "a refusal must come before the first event"
        );
        debug_assert_eq!(invariants::check(self), Ok(()));
        answer.map(|()| events)
    }

    /// When time becomes an input; `None` while nothing is waited for with a clock.
    pub fn deadline(&self) -> Option<DateTime<Utc>> {
        if self.paused_at.is_some() {
            return None;
        }
        match &self.phase {
            Phase::Pending | Phase::Concluded { .. } => None,
            Phase::Discussing { turn, .. } => turn.as_ref().map(super::Turn::ends_at),
            Phase::Voting(ballot) => Some(ballot.deadline),
        }
    }

    /// Whether this agent may come in: what a doorkeeper asks before a connection is made.
    ///
    /// # Errors
    /// The refusal that a connection would meet.
    pub fn admits(&self, agent: AgentId) -> Result<(), Refusal> {
        attend::admits(self, agent)
    }

    /// How it was created.
    pub fn created(&self) -> &Created {
        &self.created
    }

    /// Its settings.
    pub fn settings(&self) -> &Settings {
        &self.created.settings
    }

    /// Who is in it.
    pub fn roster(&self) -> &Roster {
        &self.roster
    }

    /// Whom it concerns: those who are in it, and its moderator.
    pub fn members(&self) -> Vec<AgentId> {
        let mut members = self.roster.present_ids();
        members.extend(self.created.moderator.filter(|m| !members.contains(m)));
        members
    }

    /// Where it stands.
    pub fn phase(&self) -> &Phase {
        &self.phase
    }

    /// The status that the world sees.
    pub fn status(&self) -> Status {
        self.phase.status()
    }

    /// The current round, from 1; 0 before the first.
    pub fn round(&self) -> u32 {
        self.round
    }

    /// What was said in the current round, in order.
    pub fn opinions(&self) -> &[Opinion] {
        &self.opinions
    }

    /// Since when the clocks stand still.
    pub fn paused_at(&self) -> Option<DateTime<Utc>> {
        self.paused_at
    }

    /// When it was created.
    pub fn created_at(&self) -> DateTime<Utc> {
        self.created_at
    }

    /// When its first round opened.
    pub fn started_at(&self) -> Option<DateTime<Utc>> {
        self.started_at
    }

    /// When it ended.
    pub fn completed_at(&self) -> Option<DateTime<Utc>> {
        self.completed_at
    }

    /// The points of the discussion, once it has ended without a decision.
    pub fn summary(&self) -> Option<&str> {
        self.summary.as_deref()
    }

    /// The number of its last event.
    pub fn last_seq(&self) -> u64 {
        self.last_seq
    }

    /// The motion that a ballot opened now would be about: the latest proposal of the meeting, or
    /// else the last opinion really given in this round.
    pub fn motion(&self) -> Option<Motion> {
        let given = || {
            self.opinions.iter().rev().find_map(|opinion| {
                let content = opinion.content.clone()?;
                Some(Motion {
                    content,
                    proposed_by: opinion.agent,
                })
            })
        };
        self.proposal.clone().or_else(given)
    }

    fn is_moderated_by(&self, caller: Caller) -> bool {
        match caller {
            Caller::Admin => true,
            Caller::Agent(agent) => self.created.moderator == Some(agent),
        }
    }
}

/// One call of `handle` at work: writes events down and applies each at once, so that the next
/// question is asked of the state that the last answer made.
struct Scribe<'a> {
    now: DateTime<Utc>,
    meeting: &'a mut Meeting,
    events: Vec<Recorded>,
}

impl Scribe<'_> {
    fn record(&mut self, event: Event) {
        let recorded = Recorded {
            seq: self.meeting.last_seq + 1,
            at: self.now,
            event,
        };
        self.meeting.apply(&recorded);
        self.events.push(recorded);
    }

    fn command(&mut self, from: Caller, command: Command) -> Result<(), Refusal> {
        match command {
            Command::Speak { content, proposal } => self.speak(from, content, proposal),
            Command::CastVote(vote) => self.cast_vote(from, vote),
            Command::Leave => self.leave(from),
            Command::Join { agent, name } => self.join(from, agent, &name),
            Command::Start => self.start(from),
            Command::Pause => self.pause(from),
            Command::Resume => self.resume(from),
            Command::Cancel { reason } => self.cancel(from, reason),
        }
    }

    fn after_ms(&self, ms: u32) -> DateTime<Utc> {
        after_ms(self.now, ms)
    }
}

/// Time has an end, and a damaged journal may come near it.
fn after_ms(now: DateTime<Utc>, ms: u32) -> DateTime<Utc> {
    let later = now.checked_add_signed(TimeDelta::milliseconds(i64::from(ms)));
    later.unwrap_or(DateTime::<Utc>::MAX_UTC)
}
