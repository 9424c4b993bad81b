//! Plays a plot: hands each step to the meeting, and lets time pass so that every due deadline fires.

use chrono::{DateTime, Utc};

use super::super::super::Meeting;
use super::super::rendering::letter_of;
use super::super::world::at;
use super::plot::{Plot, Step};
use crate::domain::{AgentId, Caller, Command, Event, Input, Phase, Recorded, Refusal, Vote};

/// One call of `handle`, seen from outside.
pub(super) struct Handled<'a> {
    pub(super) before: &'a Meeting,
    pub(super) input: &'a Input,
    pub(super) answer: &'a Result<Vec<Recorded>, Refusal>,
    pub(super) after: &'a Meeting,
    /// Everything recorded until now.
    pub(super) journal: &'a [Recorded],
}

/// A meeting that is being played.
pub(super) struct Run {
    meeting: Meeting,
    journal: Vec<Recorded>,
    now_ms: i64,
    /// For how long no timer could fire although clocks ran.
    down_ms: i64,
}

/// Plays a plot until its last step; `watch` sees every call.
pub(super) fn play(plot: &Plot, mut watch: impl FnMut(&Handled<'_>)) -> Run {
    let (meeting, first) = Meeting::create(at(1_000_000), plot.created());
    let mut run = Run {
        meeting,
        journal: vec![first],
        now_ms: 1_000_000,
        down_ms: 0,
    };
    if plot.seated {
        for &agent in &super::plot::AGENTS[..plot.named] {
            run.take(&Step::Connect(agent), &mut watch);
        }
        run.take(&Step::Start(Caller::Admin), &mut watch);
    }
    for step in &plot.steps {
        run.take(step, &mut watch);
    }
    run
}

impl Run {
    pub(super) fn meeting(&self) -> &Meeting {
        &self.meeting
    }

    pub(super) fn journal(&self) -> &[Recorded] {
        &self.journal
    }

    /// Starts or resumes the meeting if that is all it waits for, and then lets time pass until it is over.
    pub(super) fn finish(&mut self, mut watch: impl FnMut(&Handled<'_>)) {
        let (by, who) = (Caller::Admin, super::plot::AGENTS[0]);
        if self.meeting.roster().present().next().is_none() {
            self.take(&Step::Join { by, who }, &mut watch);
        }
        self.take(&Step::Start(by), &mut watch);
        self.take(&Step::Resume(by), &mut watch);
        for _ in 0..MOST_DEADLINES {
            let Some(due) = self.meeting.deadline() else {
                break;
            };
            self.fire(due, &mut watch);
        }
        let phase = self.meeting.phase();
        assert!(
            matches!(phase, Phase::Concluded { .. }),
            "is not over: {phase:?}"
        );
    }

    /// From its start to its end.
    pub(super) fn took_ms(&self) -> i64 {
        let from = self.meeting.started_at();
        let until = self.meeting.completed_at().expect("it is over");
        from.map_or(0, |from| (until - from).num_milliseconds())
    }

    /// The longest that a meeting may take by the promise of liveness.
    pub(super) fn bound_ms(&self) -> i64 {
        let settings = self.meeting.settings();
        let turns: i64 = self.meeting.roster().iter().map(|_everyone| 1).sum();
        let round =
            turns * i64::from(settings.opinion_timeout_ms) + i64::from(settings.vote_timeout_ms);
        i64::from(settings.max_discussion_rounds) * round
    }

    /// All pauses, all downtimes, and one grace for each recovery and each stall.
    pub(super) fn disturbed_ms(&self) -> i64 {
        let grace = i64::from(self.meeting.settings().reconnect_grace_ms);
        let mut sum = self.down_ms;
        let mut paused_at = None;
        for recorded in &self.journal {
            match &recorded.event {
                Event::Paused { .. } => paused_at = Some(recorded.at),
                Event::Resumed { .. } => {
                    let since = paused_at.take().expect("a pause comes first");
                    sum += (recorded.at - since).num_milliseconds();
                }
                Event::MeetingRecovered { .. } | Event::DeadlineMoved { .. } => sum += grace,
                Event::MeetingCreated(_)
                | Event::ParticipantAdded { .. }
                | Event::AgentJoined { .. }
                | Event::AgentLeft { .. }
                | Event::MeetingStarted { .. }
                | Event::RoundOpened { .. }
                | Event::TurnOpened { .. }
                | Event::OpinionPresented { .. }
                | Event::TurnTimedOut { .. }
                | Event::BallotOpened { .. }
                | Event::VoteRecorded { .. }
                | Event::BallotClosed { .. }
                | Event::ConsensusReached { .. }
                | Event::MeetingCompleted { .. }
                | Event::MeetingCancelled { .. }
                | Event::MeetingFailed { .. } => {}
            }
        }
        let end = self.meeting.completed_at();
        let in_last_pause = paused_at.zip(end).map(|(since, end)| end - since);
        sum + in_last_pause.map_or(0, |pause| pause.num_milliseconds())
    }

    /// Takes one step.
    pub(super) fn take(&mut self, step: &Step, watch: &mut impl FnMut(&Handled<'_>)) {
        match step {
            Step::Wait(ms) => self.wait(*ms, watch),
            Step::StandStill(ms) => self.stand_still(*ms),
            Step::SetBack(ms) => self.now_ms -= ms,
            Step::Crash(ms) => {
                self.stand_still(*ms);
                self.give(&Input::Recovered, watch);
            }
            Step::Stall => self.give(&Input::Stalled, watch),
            Step::Timer => self.give(&Input::DeadlineReached, watch),
            Step::EarlyTimer => {
                let due = self.meeting.deadline();
                if due.is_none_or(|due| at(self.now_ms) < due) {
                    self.give(&Input::DeadlineReached, watch);
                }
            }
            Step::Fail => {
                let reason = "out of luck".to_owned();
                self.give(&Input::Fail { reason }, watch);
            }
            Step::Connect(agent) => {
                let (agent, name) = (*agent, letter_of(*agent));
                self.give(&Input::Connected { agent, name }, watch);
            }
            Step::Disconnect(agent) => self.give(&Input::Disconnected { agent: *agent }, watch),
            Step::AsAsked { .. }
            | Step::Speak(_)
            | Step::Vote(..)
            | Step::Leave(_)
            | Step::Join { .. }
            | Step::Start(_)
            | Step::Pause(_)
            | Step::Resume(_)
            | Step::Cancel(_) => {
                if let Some((from, command)) = self.command(step) {
                    self.give(&Input::Command { from, command }, watch);
                }
            }
        }
    }

    /// Who asks for what; `None` where a step has nobody to take it.
    fn command(&self, step: &Step) -> Option<(Caller, Command)> {
        Some(match step {
            Step::AsAsked { proposes, answer } => {
                let speaks = self.holder().map(|holder| (holder, self.words(*proposes)));
                let votes = || self.next_voter().map(|voter| (voter, vote(*answer)));
                let (agent, command) = speaks.or_else(votes)?;
                (Caller::Agent(agent), command)
            }
            Step::Speak(agent) => (Caller::Agent(*agent), self.words(true)),
            Step::Vote(agent, answer) => (Caller::Agent(*agent), vote(*answer)),
            Step::Leave(agent) => (Caller::Agent(*agent), Command::Leave),
            Step::Join { by, who } => {
                let (agent, name) = (*who, letter_of(*who));
                (*by, Command::Join { agent, name })
            }
            Step::Start(by) => (*by, Command::Start),
            Step::Pause(by) => (*by, Command::Pause),
            Step::Resume(by) => (*by, Command::Resume),
            Step::Cancel(by) => (*by, Command::Cancel { reason: None }),
            other => unreachable!("not a command: {other:?}"),
        })
    }

    /// Words that were never said before, so that no two opinions are taken for each other.
    fn words(&self, proposes: bool) -> Command {
        let seq = self.meeting.last_seq();
        Command::Speak {
            content: format!("opinion {seq}"),
            proposal: proposes.then(|| format!("proposal {seq}")),
        }
    }

    fn holder(&self) -> Option<AgentId> {
        match self.meeting.phase() {
            Phase::Discussing { turn, .. } => turn.as_ref().map(|turn| turn.agent),
            Phase::Pending | Phase::Voting(_) | Phase::Concluded { .. } => None,
        }
    }

    fn next_voter(&self) -> Option<AgentId> {
        match self.meeting.phase() {
            Phase::Voting(ballot) => {
                let mut voters = ballot.voters.iter().copied();
                voters.find(|&voter| self.meeting.roster().has(voter) && !ballot.has_voted(voter))
            }
            Phase::Pending | Phase::Discussing { .. } | Phase::Concluded { .. } => None,
        }
    }

    fn wait(&mut self, ms: i64, watch: &mut impl FnMut(&Handled<'_>)) {
        let end = self.now_ms + ms;
        while let Some(due) = self.meeting.deadline()
            && due <= at(end)
        {
            self.fire(due, watch);
        }
        self.now_ms = end;
    }

    /// The timer fires, on the instant or as soon after it as there is anybody to hear it.
    fn fire(&mut self, due: DateTime<Utc>, watch: &mut impl FnMut(&Handled<'_>)) {
        let seq = self.meeting.last_seq();
        self.now_ms = self.now_ms.max(due.timestamp_millis());
        self.give(&Input::DeadlineReached, watch);
        assert!(self.meeting.last_seq() > seq, "nothing came of a deadline");
    }

    fn stand_still(&mut self, ms: i64) {
        self.now_ms += ms;
        if self.meeting.deadline().is_some() {
            self.down_ms += ms;
        }
    }

    fn give(&mut self, input: &Input, watch: &mut impl FnMut(&Handled<'_>)) {
        let before = self.meeting.clone();
        let answer = self.meeting.handle(at(self.now_ms), input.clone());
        if let Ok(events) = &answer {
            self.journal.extend(events.iter().cloned());
        }
        watch(&Handled {
            before: &before,
            input,
            answer: &answer,
            after: &self.meeting,
            journal: &self.journal,
        });
    }
}

fn vote(agrees: Option<bool>) -> Command {
    Command::CastVote(Vote {
        agrees,
        rationale: None,
        confidence: None,
    })
}

/// More deadlines than any plot can have: three rounds of six turns and a ballot.
const MOST_DEADLINES: usize = 3 * 7;
