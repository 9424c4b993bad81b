//! Agents, messages and meetings to try a store with. Everything is numbered: no clock, no chance.

use chrono::{DateTime, TimeDelta, Utc};
use synod::domain::{
    AgentId, Caller, Command, CommunicationId, Created, DecisionId, DecisionRule, Input, Meeting,
    MeetingId, MeetingType, Phase, Recorded, Settings, Vote,
};
use synod::storage::{
    Agent, Append, Appended, Communication, Entry, Header, NewMeeting, PageRequest, Role, Start,
    Store, TokenHash,
};
use uuid::Uuid;

/// A time: so many seconds into our little history, and a few microseconds, which must not get lost.
pub(super) fn at(seconds: i64) -> DateTime<Utc> {
    let base = DateTime::from_timestamp_micros(1_767_225_600_123_456).expect("a time");
    base + TimeDelta::seconds(seconds)
}

pub(super) fn uuid(kind: u64, n: u64) -> Uuid {
    Uuid::from_u64_pair(kind, n)
}

pub(super) fn agent_id(n: u64) -> AgentId {
    AgentId(uuid(1, n))
}

pub(super) fn token(n: u8) -> TokenHash {
    TokenHash([n; 32])
}

pub(super) fn agent(n: u8) -> Agent {
    Agent {
        id: agent_id(n.into()),
        name: format!("Agent {n}"),
        role: Role::Agent,
        model: Some("gpt-∞".to_owned()),
        metadata: Some(r#"{"b": 1,  "a": [1.0, "\u0000", "ß"]}"#.to_owned()),
        created_at: at(i64::from(n)),
        revoked_at: None,
    }
}

/// Agents 1 to `count`, created.
pub(super) async fn agents(store: &dyn Store, count: u8) -> Vec<AgentId> {
    for n in 1..=count {
        store
            .create_agent(&agent(n), token(n), None)
            .await
            .expect("an agent");
    }
    (1..=count).map(|n| agent_id(n.into())).collect()
}

/// The `n`th of a few, counting round and round.
pub(super) fn pick<T: Copy>(few: &[T], n: u64) -> T {
    let n = usize::try_from(n).expect("a small number");
    few[n % few.len()]
}

pub(super) fn communication(n: u64, sender: AgentId, receiver: AgentId) -> Communication {
    let seconds = i64::try_from(n).expect("a small number");
    Communication {
        id: CommunicationId(uuid(2, n)),
        timestamp: at(seconds),
        sender,
        receiver,
        content: format!("message {n}"),
        topic: None,
        content_type: "text/plain".to_owned(),
        is_json: n.is_multiple_of(2),
        created_at: at(seconds + 1),
    }
}

pub(super) fn page(number: u32, size: u32) -> PageRequest {
    let start = Start::Number(number);
    PageRequest { size, start }
}

/// All that fits on one large page.
pub(super) fn everything() -> PageRequest {
    page(1, 1000)
}

pub(super) fn meeting_id(n: u64) -> MeetingId {
    MeetingId(uuid(3, n))
}

/// A meeting number `n` of these participants, as the domain creates it.
pub(super) fn created(n: u64, participants: &[AgentId]) -> Created {
    let settings = Settings {
        decision_rule: DecisionRule {
            blind: n.is_multiple_of(2),
            ..DecisionRule::unanimous()
        },
        ..Settings::default()
    };
    Created {
        meeting: meeting_id(n),
        topic: format!("Topic {n}: ÄPFEL & 100%"),
        meeting_type: MeetingType::UserSpecified,
        settings,
        moderator: participants.first().copied(),
        participants: participants.iter().map(|a| (*a, a.to_string())).collect(),
        related: Vec::new(),
        decision: DecisionId(uuid(4, n)),
    }
}

/// What the wire would make of an event; here only its place matters.
pub(super) fn entry(recorded: &Recorded) -> Entry {
    Entry {
        recorded: recorded.clone(),
        kind: "event",
        version: 1,
        payload: format!(r#"{{"seq":  {}, "text": "\u0000 ß 🦉"}}"#, recorded.seq),
        frame_id: recorded
            .seq
            .is_multiple_of(2)
            .then(|| format!("frame {}", recorded.seq)),
    }
}

pub(super) fn new_meeting(created: Created, seconds: i64) -> (Meeting, NewMeeting) {
    let (meeting, first) = Meeting::create(at(seconds), created);
    let first = entry(&first);
    let settings = r#"{"turn_order":  "fixed"}"#.to_owned();
    (meeting, NewMeeting { first, settings })
}

/// A meeting that runs, with its owner's view of it.
pub(super) struct Live {
    pub(super) meeting: Meeting,
    pub(super) epoch: u64,
    seconds: i64,
}

impl Live {
    /// Meeting `n`, created at second `n` and taken over once.
    pub(super) async fn begin(store: &dyn Store, n: u64, participants: &[AgentId]) -> Self {
        Self::begin_as(store, n, created(n, participants)).await
    }

    pub(super) async fn begin_as(store: &dyn Store, n: u64, created: Created) -> Self {
        let seconds = i64::try_from(n).expect("a small number");
        let (meeting, new) = new_meeting(created, seconds);
        store.create_meeting(&new).await.expect("a meeting");
        let id = meeting.created().meeting;
        let taken = store.take_over(&[id]).await.expect("an answer");
        let epoch = taken[0].epoch;
        Self {
            meeting,
            epoch,
            seconds,
        }
    }

    pub(super) fn id(&self) -> MeetingId {
        self.meeting.created().meeting
    }

    /// Lets the meeting take an input a second later, and wraps up what follows from it.
    pub(super) fn handle(&mut self, input: Input) -> Append {
        self.seconds += 1;
        let events = self
            .meeting
            .handle(at(self.seconds), input)
            .expect("no refusal");
        self.wrap(&events)
    }

    /// As [`handle`](Self::handle), of several inputs at once.
    pub(super) fn handle_all(&mut self, inputs: impl IntoIterator<Item = Input>) -> Append {
        let parts: Vec<_> = inputs.into_iter().map(|input| self.handle(input)).collect();
        let entries = parts.into_iter().flat_map(|part| part.entries).collect();
        Append {
            entries,
            ..self.wrap(&[])
        }
    }

    fn wrap(&self, events: &[Recorded]) -> Append {
        Append {
            meeting: self.id(),
            epoch: self.epoch,
            entries: events.iter().map(entry).collect(),
            header: header(&self.meeting),
        }
    }

    /// As [`handle`](Self::handle), and keeps it.
    pub(super) async fn keep(&mut self, store: &dyn Store, input: Input) {
        let append = self.handle(input);
        let answer = store.append(&[append]).await.expect("an answer");
        assert_eq!(answer, [Appended::Committed]);
    }

    /// Starts it.
    pub(super) async fn start(&mut self, store: &dyn Store) {
        self.keep(store, by_admin(Command::Start)).await;
    }

    /// Lets whoever has the floor say something, and then everyone agree.
    pub(super) async fn decide(&mut self, store: &dyn Store) {
        while let Phase::Discussing { turn, .. } = self.meeting.phase() {
            let agent = turn.as_ref().expect("a turn").agent;
            self.keep(store, speak(agent, "I say ß 🦉")).await;
        }
        let Phase::Voting(ballot) = self.meeting.phase() else {
            panic!("no ballot");
        };
        for agent in ballot.voters.clone() {
            self.keep(store, agree(agent)).await;
        }
    }
}

pub(super) fn header(meeting: &Meeting) -> Header {
    Header {
        status: meeting.status(),
        outcome: match meeting.phase() {
            Phase::Concluded { outcome } => Some(*outcome),
            Phase::Pending | Phase::Discussing { .. } | Phase::Voting(_) => None,
        },
        current_round: meeting.round(),
        started_at: meeting.started_at(),
        completed_at: meeting.completed_at(),
        summary: meeting.summary().map(str::to_owned),
    }
}

pub(super) fn by_admin(command: Command) -> Input {
    let from = Caller::Admin;
    Input::Command { from, command }
}

pub(super) fn by(agent: AgentId, command: Command) -> Input {
    let from = Caller::Agent(agent);
    Input::Command { from, command }
}

pub(super) fn speak(agent: AgentId, content: &str) -> Input {
    let (content, proposal) = (content.to_owned(), None);
    by(agent, Command::Speak { content, proposal })
}

pub(super) fn agree(agent: AgentId) -> Input {
    let vote = Vote {
        agrees: Some(true),
        rationale: Some("because ß".to_owned()),
        confidence: Some(0.1),
    };
    by(agent, Command::CastVote(vote))
}

pub(super) fn join(agent: AgentId) -> Input {
    let name = agent.to_string();
    by(agent, Command::Join { agent, name })
}
