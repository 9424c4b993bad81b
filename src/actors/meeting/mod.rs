//! The meeting actor: a thin shell round [`crate::domain::Meeting`].
//!
//! An input goes in, events come out, are handed to persistence, and only when they are durable
//! does anything that speaks of them leave ([`effects`]). Refusals too: they speak of the state.
//!
//! What is deliberately absent: any rule, any await. [`listeners`] is who hears it.

mod attach;
mod consequences;
mod effects;
mod listeners;
mod message;
mod prompt;

use std::sync::Arc;

use chrono::{DateTime, Utc};
use ractor::concurrency::JoinHandle;
use ractor::{Actor, ActorProcessingErr, ActorRef};
use tracing::{Span, info_span, warn};

use self::consequences::{Requests, lets_a_clock_run, log};
use self::effects::{Effect, Effects};
use self::listeners::Listeners;
use self::prompt::Prompt;
use super::journal::{self, Answered, Asked};
use super::permit::Permit;
use super::persistence;
use super::presence::Presence;
use crate::budget::Budget;
use crate::clock::Clock;
use crate::config::Limits;
use crate::domain::{AgentId, Caller, Command, Input, Meeting, Phase, Recorded, Refusal};
use crate::storage::Store;
use crate::telemetry::Metrics;
use crate::wire::{CloseCode, Evidence, Frame, FrameId, outbound};

pub use self::listeners::ConnectionId;
pub use self::message::{
    Attached, Attachment, Instruction, Message, NoRoom, NotAttached, Submission,
};

/// The actor.
pub struct MeetingActor {
    /// Time.
    pub clock: Clock,
    /// Where events become durable.
    pub persistence: ActorRef<persistence::Message>,
    /// Where what prompted it is read.
    pub store: Arc<dyn Store>,
    /// Bounds.
    pub limits: Arc<Limits>,
    /// Where news goes to agents that are not on the meeting's own sockets.
    pub presence: Presence,
    /// The memory that readers share.
    pub budget: Budget,
    /// What is counted.
    pub metrics: Metrics,
}

/// What a meeting begins with on this server.
pub struct Arguments {
    /// Folded from its journal.
    pub meeting: Meeting,
    /// Under which this server owns it.
    pub epoch: u64,
    /// Frames that were carried out before.
    pub answered: Answered,
    /// Set when the server gives the meeting up.
    pub give_up: Option<String>,
}

/// A meeting at work.
pub struct State {
    meeting: Meeting,
    epoch: u64,
    committed: u64,
    answered: Answered,
    prompt: Prompt,
    listeners: Listeners,
    effects: Effects,
    /// The last event that opened a turn or a ballot, or let its clock run on, and when: while it waits for the
    /// database, agents lose time without knowing.
    opened: Option<(u64, DateTime<Utc>)>,
    timer: Option<Timer>,
    give_up: Option<String>,
    is_draining: bool,
    span: Span,
}

struct Timer {
    due: DateTime<Utc>,
    task: JoinHandle<Result<(), ractor::MessagingErr<Message>>>,
}

impl Drop for Timer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Actor for MeetingActor {
    type Msg = Message;
    type State = State;
    type Arguments = Arguments;

    async fn pre_start(
        &self,
        _: ActorRef<Message>,
        arguments: Arguments,
    ) -> Result<State, ActorProcessingErr> {
        let Arguments {
            meeting,
            epoch,
            answered,
            give_up,
        } = arguments;
        let span = info_span!("meeting", meeting_id = %meeting.created().meeting);
        Ok(State {
            committed: meeting.last_seq(),
            prompt: Prompt::of(&meeting.created().related),
            meeting,
            epoch,
            answered,
            listeners: Listeners::default(),
            effects: Effects::default(),
            opened: None,
            timer: None,
            give_up,
            is_draining: false,
            span,
        })
    }

    async fn post_start(
        &self,
        myself: ActorRef<Message>,
        state: &mut State,
    ) -> Result<(), ActorProcessingErr> {
        let _entered = state.span.clone().entered();
        let first = match state.give_up.take() {
            Some(reason) => Input::Fail { reason },
            None => Input::Recovered,
        };
        self.take_in(&myself, state, first);
        self.settle(&myself, state);
        Ok(())
    }

    async fn handle(
        &self,
        myself: ActorRef<Message>,
        message: Message,
        state: &mut State,
    ) -> Result<(), ActorProcessingErr> {
        let _entered = state.span.clone().entered();
        match message {
            // Whoever comes now is not answered but sent away, and comes back to the next server.
            Message::Submit(_) | Message::Attach(_) | Message::Instruct(_) if state.is_draining => {
            }
            Message::Submit(submission) => self.submit(&myself, state, *submission),
            Message::Attach(attachment) => self.attach(&myself, state, *attachment),
            Message::Detach(connection) => self.detach(&myself, state, connection),
            Message::Instruct(instruction) => self.instruct(&myself, state, *instruction),
            Message::Admit(agent, reply, permit) => {
                let answer = state.meeting.admits(agent);
                state.reply(move || drop((reply.send(answer), permit)));
            }
            Message::Describe(reply, reservation, permit) => {
                let room = reservation.try_take(STATE_TREE * outbound::state_bytes(&state.meeting));
                let standing = room.map(|()| outbound::state(&state.meeting));
                state.reply(move || drop((reply.send(standing), permit)));
            }
            Message::DeadlineReached => state.timer = None,
            Message::Prompt(evidence) => self.prompted(state, *evidence),
            Message::Committed(up_to) => self.committed(&myself, state, up_to),
            Message::Overtaken(epoch) if epoch <= state.epoch => {}
            Message::Fenced | Message::Overtaken(_) => {
                warn!(epoch = state.epoch, "another server runs this meeting now");
                myself.stop(Some("fenced".to_owned()));
                return Ok(());
            }
            // The supervisor brings the meeting back from what is kept, so many times.
            Message::Unkept => return Err("the database does not take the meeting's events".into()),
            Message::Drain => state.is_draining = true,
        }
        self.settle(&myself, state);
        Ok(())
    }
}

impl MeetingActor {
    fn submit(&self, myself: &ActorRef<Message>, state: &mut State, submission: Submission) {
        let Submission {
            connection,
            agent,
            id,
            command,
            permit,
        } = submission;
        let id = id.as_ref();
        let key = id.map(|id| Asked::Frame(agent, id.to_json()));
        if let Some(&seq) = key.as_ref().and_then(|key| state.answered.get(key)) {
            state.answer(connection, outbound::ack(id, seq), permit);
            return;
        }
        let is_leaving = command == Command::Leave;
        let input = Input::Command {
            from: Caller::Agent(agent),
            command,
        };
        match self.apply(myself, state, input, id.map(FrameId::to_json)) {
            Ok(seq) => {
                state.answer(connection, outbound::ack(id, seq), permit);
                if let Some(key) = key {
                    state.answered.insert(key, seq);
                }
                if is_leaving {
                    state
                        .effects
                        .push(state.meeting.last_seq(), Effect::Dismiss(connection));
                }
            }
            Err(refusal) => {
                self.metrics.refused(refusal.code());
                state.answer(connection, outbound::refusal(id, &refusal), permit);
            }
        }
    }

    fn instruct(&self, myself: &ActorRef<Message>, state: &mut State, instruction: Instruction) {
        let Instruction {
            from,
            command,
            key,
            reply,
            permit,
        } = instruction;
        let asked = key.clone().map(Asked::Request);
        let result = match asked.as_ref().and_then(|asked| state.answered.get(asked)) {
            Some(&seq) => Ok(seq),
            None => self.apply(myself, state, Input::Command { from, command }, key),
        };
        if let (Some(asked), Ok(seq)) = (asked, &result) {
            state.answered.insert(asked, *seq);
        }
        let status = state.meeting.status();
        let result = result.map_err(|refusal| (refusal, status));
        state.reply(move || drop((reply.send(result), permit)));
    }

    /// An input that nobody waits for and that the rules never refuse in a way that matters.
    fn take_in(&self, myself: &ActorRef<Message>, state: &mut State, input: Input) {
        if let Err(refusal) = self.apply(myself, state, input, None) {
            warn!(%refusal, "an input of the server's own was refused");
        }
    }

    /// Lets the rules decide, and sends what they decided on its way to being durable. The number is that of
    /// the first event.
    fn apply(
        &self,
        myself: &ActorRef<Message>,
        state: &mut State,
        input: Input,
        frame_id: Option<String>,
    ) -> Result<u64, Refusal> {
        let now = self.clock.now();
        let events = state.meeting.handle(now, input)?;
        let Some(first) = events.first() else {
            return Ok(state.meeting.last_seq());
        };
        let seq = first.seq;
        let requests = Requests::after(&events, &state.meeting);
        self.record(myself, state, events, frame_id);
        self.ask(state, requests);
        Ok(seq)
    }

    fn record(
        &self,
        myself: &ActorRef<Message>,
        state: &mut State,
        events: Vec<Recorded>,
        frame_id: Option<String>,
    ) {
        let meeting_id = state.meeting.created().meeting;
        let mut frame_id = frame_id;
        let mut entries = Vec::with_capacity(events.len());
        for recorded in events {
            log(&recorded.event);
            let seq = recorded.seq;
            if lets_a_clock_run(&recorded.event) {
                state.opened = Some((seq, recorded.at));
            }
            let entry = journal::entry(recorded, frame_id.take());
            let frame = outbound::meeting_event(meeting_id, &entry.recorded, &entry.payload);
            let frame = self.counted(frame);
            if outbound::is_news(&entry.recorded.event) {
                let (members, presence) = (state.meeting.members(), self.presence.clone());
                let news = frame.clone();
                let tell = move || presence.tell(&members, &news);
                state.effects.push(seq, Effect::Reply(Box::new(tell)));
            }
            state.effects.push(seq, Effect::Tell(seq, frame));
            entries.push(entry);
        }
        let append = journal::append(&state.meeting, state.epoch, entries);
        // Persistence outlives every meeting; were it gone, nothing would ever be committed or said.
        let _ = self.persistence.cast(persistence::Message::Append(
            Box::new(append),
            myself.clone(),
        ));
    }

    /// Counts a frame until all of its readers have it.
    fn counted(&self, frame: Frame) -> Frame {
        let charge = self.budget.charge(frame.len());
        frame.held_with(charge)
    }

    fn ask(&self, state: &mut State, requests: Requests) {
        let (now, seq) = (self.clock.now(), state.meeting.last_seq());
        match requests {
            Requests::None => {}
            Requests::Opinion => {
                // Else it is asked when that is read.
                if let Prompt::Read(evidence) = &state.prompt
                    && let Some((agent, frame)) =
                        outbound::opinion_request(&state.meeting, evidence, now)
                {
                    let frame = self.counted(frame);
                    state.effects.push(seq, Effect::Ask(vec![agent], frame));
                }
            }
            Requests::Votes(voters) => {
                if let Some(frame) = outbound::consensus_request(&state.meeting, now) {
                    let frame = self.counted(frame);
                    state.effects.push(seq, Effect::Ask(voters, frame));
                }
            }
        }
    }

    /// Repeats an open request to an agent that came back, with the time that is left. A request that its coming
    /// brought about was asked already.
    fn ask_again(&self, state: &mut State, agent: AgentId) {
        let is_asked = state.effects.asks(agent);
        let requests = match state.meeting.phase() {
            _ if state.meeting.paused_at().is_some() => Requests::None,
            Phase::Discussing {
                turn: Some(turn), ..
            } if turn.agent == agent => Requests::Opinion,
            Phase::Voting(ballot) if ballot.is_eligible(agent) && !ballot.has_voted(agent) => {
                Requests::Votes(vec![agent])
            }
            Phase::Discussing { .. }
            | Phase::Voting(_)
            | Phase::Pending
            | Phase::Concluded { .. } => Requests::None,
        };
        if !is_asked {
            self.ask(state, requests);
        }
    }

    /// What prompted the meeting is read, and whoever has the floor can be asked.
    fn prompted(&self, state: &mut State, evidence: Evidence) {
        state.prompt = Prompt::Read(evidence);
        if let Phase::Discussing {
            turn: Some(turn), ..
        } = state.meeting.phase()
        {
            self.ask_again(state, turn.agent);
        }
    }

    fn committed(&self, myself: &ActorRef<Message>, state: &mut State, up_to: u64) {
        state.committed = state.committed.max(up_to);
        let Some((_, at)) = state.opened.take_if(|(seq, _)| *seq <= up_to) else {
            return;
        };
        // At most once for each turn and ballot, so a database that stays slow cannot hold a meeting up for ever.
        let waited = (self.clock.now() - at).to_std().unwrap_or_default();
        if waited > Limits::ms(self.limits.commit_stall_ms) {
            self.take_in(myself, state, Input::Stalled);
        }
    }

    /// After every message: what time brings about, what may leave, when to look again, whether it is over.
    fn settle(&self, myself: &ActorRef<Message>, state: &mut State) {
        // Nobody's time runs out on an event that nobody has been told yet.
        if state.is_settled()
            && state
                .meeting
                .deadline()
                .is_some_and(|due| due <= self.clock.now())
        {
            self.take_in(myself, state, Input::DeadlineReached);
        }
        state.effects.release(state.committed, &mut state.listeners);
        self.arm(myself, state);
        if !state.is_settled() {
            return;
        }
        if matches!(state.meeting.phase(), Phase::Concluded { .. }) {
            state.listeners.close_all(CloseCode::MEETING_OVER);
            myself.stop(Some("the meeting is over".to_owned()));
        } else if state.is_draining {
            state.listeners.close_all(CloseCode::DRAINING);
            myself.stop(Some("the server is going down".to_owned()));
        }
    }

    /// Sees to it that a timer fires at the deadline. One that fires earlier does no harm and is kept.
    fn arm(&self, myself: &ActorRef<Message>, state: &mut State) {
        let Some(due) = state.meeting.deadline().filter(|_| state.is_settled()) else {
            return;
        };
        if state.timer.as_ref().is_none_or(|timer| due < timer.due) {
            let task = myself.send_after(self.clock.until(due), || Message::DeadlineReached);
            state.timer = Some(Timer { due, task });
        }
    }
}

impl State {
    fn is_settled(&self) -> bool {
        self.committed == self.meeting.last_seq()
    }

    /// Says something to one connection once all that it speaks of is durable.
    fn answer(&mut self, connection: ConnectionId, frame: Frame, permit: Permit) {
        self.effects.push(
            self.meeting.last_seq(),
            Effect::Answer {
                connection,
                frame,
                _permit: permit,
            },
        );
    }

    /// Answers somebody who is not on a socket, once all that the answer speaks of is durable.
    fn reply(&mut self, reply: impl FnOnce() + Send + 'static) {
        self.effects
            .push(self.meeting.last_seq(), Effect::Reply(Box::new(reply)));
    }
}

/// A tree of JSON values takes several times as much as its text.
const STATE_TREE: usize = 3;
