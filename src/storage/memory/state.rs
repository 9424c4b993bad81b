//! The tables, and what changes them.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, SubsecRound, Utc};
use uuid::Uuid;

use super::super::projection::{Decided, Row, places, project};
use super::super::{
    Agent, Append, Appended, Communication, Decision, Entry, Error, Header, JournalRow, Meeting,
    Message, NewMeeting, ParticipantRow, Taken, TokenHash,
};
use super::keys::Keys;
use super::mail::Lines;
use crate::domain::{AgentId, CommunicationId, DecisionId, MeetingId, Status};

/// All tables.
#[derive(Default)]
pub(super) struct State {
    pub(super) agents: BTreeMap<AgentId, KnownAgent>,
    pub(super) communications: BTreeMap<CommunicationId, Communication>,
    pub(super) meetings: BTreeMap<MeetingId, KeptMeeting>,
    pub(super) decisions: BTreeMap<DecisionId, Decision>,
    pub(super) lines: Lines,
    pub(super) keys: Keys,
}

/// An agent and its token's hash.
pub(super) struct KnownAgent {
    pub(super) agent: Agent,
    pub(super) token: TokenHash,
}

/// A meeting with all rows that belong to it.
pub(super) struct KeptMeeting {
    pub(super) row: Meeting,
    /// Without their names, which are the agents'.
    pub(super) participants: Vec<ParticipantRow>,
    pub(super) messages: BTreeMap<u64, Message>,
    pub(super) related: BTreeSet<CommunicationId>,
    pub(super) journal: Vec<JournalRow>,
}

impl KeptMeeting {
    pub(super) fn is_open(&self) -> bool {
        matches!(self.row.header.status, Status::Pending | Status::InProgress)
    }

    pub(super) fn has(&self, agent: AgentId) -> bool {
        self.participants.iter().any(|row| row.agent == agent)
    }

    fn record(&mut self, entry: &Entry) {
        self.row.last_seq = entry.recorded.seq;
        self.journal.push(JournalRow {
            seq: entry.recorded.seq,
            epoch: self.row.epoch,
            kind: entry.kind.to_owned(),
            version: entry.version,
            at: kept(entry.recorded.at),
            payload: entry.payload.clone(),
            frame_id: entry.frame_id.clone(),
        });
    }

    fn add(&mut self, agent: AgentId, at: DateTime<Utc>) {
        let orders = self
            .participants
            .iter()
            .filter_map(|row| row.speaking_order);
        let next = Some(orders.max().unwrap_or(0) + 1);
        if let Some(row) = self.participants.iter_mut().find(|row| row.agent == agent) {
            row.left_at = None;
            row.speaking_order = row.speaking_order.or(next);
            return;
        }
        self.participants.push(ParticipantRow {
            agent,
            name: String::new(),
            is_moderator: false,
            joined_at: kept(at),
            left_at: None,
            speaking_order: next,
        });
    }

    fn say(&mut self, message: Message) {
        let timestamp = kept(message.timestamp);
        let message = Message {
            timestamp,
            ..message
        };
        self.messages.insert(message.sequence_number, message);
    }

    fn leave(&mut self, agent: AgentId, at: DateTime<Utc>) {
        if let Some(row) = self.participants.iter_mut().find(|row| row.agent == agent) {
            row.left_at = Some(kept(at));
        }
    }
}

/// Times are kept to the microsecond, as the databases do.
fn kept(at: DateTime<Utc>) -> DateTime<Utc> {
    at.trunc_subsecs(6)
}

impl State {
    pub(super) fn create_agent(&mut self, agent: &Agent, token: TokenHash) -> Result<(), Error> {
        let is_taken = self.agents.values().any(|known| known.token == token);
        if is_taken || self.agents.contains_key(&agent.id) {
            return Err(Error::AlreadyExists("agent"));
        }
        let agent = Agent {
            created_at: kept(agent.created_at),
            revoked_at: agent.revoked_at.map(kept),
            ..agent.clone()
        };
        self.agents.insert(agent.id, KnownAgent { agent, token });
        Ok(())
    }

    pub(super) fn replace_token(&mut self, id: AgentId, token: TokenHash) -> Result<bool, Error> {
        let mut others = self.agents.iter().filter(|(other, _)| **other != id);
        let is_taken = others.any(|(_, known)| known.token == token);
        let Some(known) = self.agents.get_mut(&id) else {
            return Ok(false);
        };
        if is_taken {
            return Err(Error::AlreadyExists("token"));
        }
        known.token = token;
        known.agent.revoked_at = None;
        Ok(true)
    }

    pub(super) fn revoke_agent(&mut self, id: AgentId, at: DateTime<Utc>) -> bool {
        let known = self.agents.get_mut(&id);
        known.is_some_and(|known| {
            known.agent.revoked_at.get_or_insert_with(|| kept(at));
            true
        })
    }

    fn check_agents(&self, agents: impl Iterator<Item = AgentId>) -> Result<(), Error> {
        let unknown = agents.filter(|agent| !self.agents.contains_key(agent));
        let unknown: BTreeSet<Uuid> = unknown.map(|agent| agent.0).collect();
        if unknown.is_empty() {
            return Ok(());
        }
        Err(Error::UnknownAgent(unknown.into_iter().collect()))
    }

    pub(super) fn log(&mut self, messages: &[Communication]) -> Result<(), Error> {
        self.check_agents(messages.iter().flat_map(|m| [m.sender, m.receiver]))?;
        for message in messages {
            let row = || Communication {
                timestamp: kept(message.timestamp),
                created_at: kept(message.created_at),
                ..message.clone()
            };
            self.communications.entry(message.id).or_insert_with(row);
        }
        Ok(())
    }

    /// Lets go of the messages before `oldest` that no meeting links to; answers how many.
    pub(super) fn forget_before(&mut self, oldest: DateTime<Utc>) -> u64 {
        let before = self.communications.len();
        let is_linked =
            |id: &CommunicationId| self.meetings.values().any(|kept| kept.related.contains(id));
        self.communications
            .retain(|id, message| message.timestamp >= oldest || is_linked(id));
        (before - self.communications.len()) as u64
    }

    pub(super) fn create_meeting(&mut self, meeting: &NewMeeting) -> Result<(), Error> {
        let created = meeting.created();
        let places = places(created);
        self.check_agents(places.iter().map(|place| place.agent))?;
        if self.meetings.contains_key(&created.meeting) {
            return Err(Error::AlreadyExists("meeting"));
        }
        let related: BTreeSet<_> = created.related.iter().copied().collect();
        let is_unknown = |id: &&CommunicationId| !self.communications.contains_key(id);
        let unknown: Vec<Uuid> = related.iter().filter(is_unknown).map(|id| id.0).collect();
        if !unknown.is_empty() {
            return Err(Error::UnknownCommunication(unknown));
        }
        let at = kept(meeting.first.recorded.at);
        let participants = places.into_iter().map(|place| ParticipantRow {
            agent: place.agent,
            name: String::new(),
            is_moderator: place.is_moderator,
            joined_at: at,
            left_at: None,
            speaking_order: place.speaking_order,
        });
        let mut kept = KeptMeeting {
            row: pending(meeting, at),
            participants: participants.collect(),
            messages: BTreeMap::new(),
            related,
            journal: Vec::new(),
        };
        kept.record(&meeting.first);
        self.meetings.insert(created.meeting, kept);
        Ok(())
    }

    pub(super) fn take_over(&mut self, ids: &[MeetingId]) -> Vec<Taken> {
        let open = self.meetings.iter_mut();
        let open = open.filter(|(id, kept)| ids.contains(id) && kept.is_open());
        let taken = open.map(|(id, kept)| {
            kept.row.epoch += 1;
            Taken {
                meeting: *id,
                epoch: kept.row.epoch,
                journal: kept.journal.clone(),
            }
        });
        taken.collect()
    }

    pub(super) fn append(&mut self, append: &Append) -> Appended {
        let Some(meeting) = self.meetings.get_mut(&append.meeting) else {
            return Appended::Fenced;
        };
        let (epoch, last_seq) = (meeting.row.epoch, meeting.row.last_seq);
        if epoch == append.epoch && last_seq >= append.last_seq() {
            return Appended::Committed;
        }
        if epoch != append.epoch || last_seq + 1 != append.first_seq() {
            return Appended::Fenced;
        }
        for entry in &append.entries {
            meeting.record(entry);
            for row in project(&entry.recorded) {
                match row {
                    Row::Message(message) => meeting.say(message),
                    Row::Added { agent, at } => meeting.add(agent, at),
                    Row::Left { agent, at } => meeting.leave(agent, at),
                    Row::Decided(decided) => {
                        let decision = decision(append.meeting, decided);
                        self.decisions.insert(decision.id, decision);
                    }
                }
            }
        }
        meeting.row.header = Header {
            started_at: append.header.started_at.map(kept),
            completed_at: append.header.completed_at.map(kept),
            ..append.header.clone()
        };
        Appended::Committed
    }
}

fn decision(meeting: MeetingId, decided: Decided) -> Decision {
    Decision {
        id: decided.id,
        meeting,
        content: decided.content,
        rationale: decided.rationale,
        related: decided.related,
        agreement: decided.agreement,
        created_at: kept(decided.at),
    }
}

/// The row of a meeting that has just been created.
fn pending(meeting: &NewMeeting, at: DateTime<Utc>) -> Meeting {
    let created = meeting.created();
    Meeting {
        id: created.meeting,
        topic: created.topic.clone(),
        meeting_type: created.meeting_type,
        created_at: at,
        max_discussion_rounds: created.settings.max_discussion_rounds,
        settings: meeting.settings.clone(),
        header: Header {
            status: Status::Pending,
            outcome: None,
            current_round: 0,
            started_at: None,
            completed_at: None,
            summary: None,
        },
        epoch: 0,
        last_seq: meeting.first.recorded.seq,
    }
}
