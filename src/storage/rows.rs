//! The rows that go into a store and come out of it.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::words::Words;
use crate::domain::{
    AgentId, CommunicationId, Created, DecisionId, Event, MeetingId, MeetingType, Outcome,
    Recorded, Status,
};

/// An agent; its token is kept only as a hash and never read back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Agent {
    /// Its id.
    pub id: AgentId,
    /// Its name, for people.
    pub name: String,
    /// What its token opens.
    pub role: Role,
    /// The language model behind it.
    pub model: Option<String>,
    /// JSON text, exactly as given.
    pub metadata: Option<String>,
    /// When it was created.
    pub created_at: DateTime<Utc>,
    /// When it was revoked.
    pub revoked_at: Option<DateTime<Utc>>,
}

/// What a token opens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// It takes part: speaks, votes, writes, and sees what is its own.
    Agent,
    /// It sees everything and says nothing.
    Observer,
}

impl Role {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Agent, Self::Observer];

    /// Its word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Agent => "agent",
            Self::Observer => "observer",
        }
    }

    /// The role with this word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.as_str() == word)
    }
}

/// SHA-256 of a token. Tokens are random and long, so no salt and no slow hash is needed.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct TokenHash(pub [u8; 32]);

/// One message of the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Communication {
    /// Its id.
    pub id: CommunicationId,
    /// When it was sent.
    pub timestamp: DateTime<Utc>,
    /// Who sent it.
    pub sender: AgentId,
    /// Who was to read it.
    pub receiver: AgentId,
    /// The words, exactly; without NUL, which PostgreSQL text cannot hold.
    pub content: String,
    /// At most 255 characters.
    pub topic: Option<String>,
    /// Media type of `content`.
    pub content_type: String,
    /// Whether the content was given as JSON, of which this is the exact text.
    pub is_json: bool,
    /// When it was logged.
    pub created_at: DateTime<Utc>,
}

/// A message with no more than the beginning of its words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Excerpt {
    /// The message.
    pub id: CommunicationId,
    /// When it was sent.
    pub timestamp: DateTime<Utc>,
    /// Who sent it.
    pub sender: AgentId,
    /// Who was to read it.
    pub receiver: AgentId,
    /// Its topic.
    pub topic: Option<String>,
    /// Its first [`EXCERPT_CHARS`](crate::config::Limits::EXCERPT_CHARS).
    pub beginning: String,
    /// Whether its content was checked to be JSON.
    pub is_json: bool,
}

/// Which messages; all that are given must hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CommunicationFilter {
    /// Sent at or after.
    pub from: Option<DateTime<Utc>>,
    /// Sent before.
    pub until: Option<DateTime<Utc>>,
    /// Sent by.
    pub sender: Option<AgentId>,
    /// Sent to.
    pub receiver: Option<AgentId>,
    /// Sent by or to.
    pub agent: Option<AgentId>,
    /// Sent by or to this one as well: what a reader may see.
    pub visible_to: Option<AgentId>,
    /// With exactly this topic.
    pub topic: Option<String>,
    /// With all of these words in topic or content.
    pub words: Option<Words>,
}

/// A meeting to be kept.
#[derive(Clone, Debug)]
pub struct NewMeeting {
    /// Its first event, which is always `MeetingCreated`.
    pub first: Entry,
    /// Its settings as JSON text.
    pub settings: String,
}

impl NewMeeting {
    /// What its first event says.
    ///
    /// # Panics
    /// If that is another event.
    pub fn created(&self) -> &Created {
        match &self.first.recorded.event {
            Event::MeetingCreated(created) => created,
            other => panic!("a journal begins with the meeting's creation, not with {other:?}"),
        }
    }
}

/// A meeting's row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Meeting {
    /// Its id.
    pub id: MeetingId,
    /// What it is about.
    pub topic: String,
    /// Where it came from.
    pub meeting_type: MeetingType,
    /// When it was created.
    pub created_at: DateTime<Utc>,
    /// Rounds at most.
    pub max_discussion_rounds: u32,
    /// Its settings as JSON text.
    pub settings: String,
    /// What changes.
    pub header: Header,
    /// Who owns it.
    pub epoch: u64,
    /// The number of its last event.
    pub last_seq: u64,
}

/// The part of a meeting's row that follows its events.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    /// Where it stands.
    pub status: Status,
    /// How it ended.
    pub outcome: Option<Outcome>,
    /// The current round, 0 before the first.
    pub current_round: u32,
    /// When it began.
    pub started_at: Option<DateTime<Utc>>,
    /// When it ended.
    pub completed_at: Option<DateTime<Utc>>,
    /// The points of the discussion, where no decision stands.
    pub summary: Option<String>,
}

/// Which meetings; all that are given must hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MeetingFilter {
    /// With this status.
    pub status: Option<Status>,
    /// That has not ended.
    pub is_open: bool,
    /// With this outcome.
    pub outcome: Option<Outcome>,
    /// With this participant or moderator.
    pub agent: Option<AgentId>,
    /// That this agent may see: those it is in or moderates.
    pub visible_to: Option<AgentId>,
    /// With all of these words in its topic.
    pub words: Option<Words>,
    /// Created at or after.
    pub from: Option<DateTime<Utc>>,
    /// Created before.
    pub until: Option<DateTime<Utc>>,
}

/// One participant's row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParticipantRow {
    /// Which agent.
    pub agent: AgentId,
    /// Its name.
    pub name: String,
    /// Whether it moderates.
    pub is_moderator: bool,
    /// When it became a participant.
    pub joined_at: DateTime<Utc>,
    /// When it left for good.
    pub left_at: Option<DateTime<Utc>>,
    /// Its place in the list, from 1; `None` for a moderator who does not participate.
    pub speaking_order: Option<u32>,
}

/// Something said in a meeting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// By whom; `None` is the meeting itself.
    pub agent: Option<AgentId>,
    /// The words.
    pub content: String,
    /// The number of the event that recorded it.
    pub sequence_number: u64,
    /// One of [`MESSAGE_TYPES`].
    pub message_type: &'static str,
    /// In which round; 0 before the first.
    pub round: u32,
    /// When.
    pub timestamp: DateTime<Utc>,
}

/// What a [`Message`] can be: an opinion, a vote, or something about the meeting itself.
pub const MESSAGE_TYPES: [&str; 3] = ["opinion", "consensus", "meta"];

/// What was done to keep the log in good order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Upkeep {
    /// Parts of the log that were made ahead of time, by name.
    pub made: Vec<String>,
    /// Parts that were dropped because all in them was too old.
    pub dropped: Vec<DroppedPart>,
    /// Messages deleted one by one.
    pub deleted: u64,
}

/// A part of the log that is gone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DroppedPart {
    /// Its name.
    pub name: String,
    /// Messages of it that were kept, because a meeting links to them.
    pub kept: u64,
}

/// One event on its way into the journal.
#[derive(Clone, Debug)]
pub struct Entry {
    /// The event and its place.
    pub recorded: Recorded,
    /// Its kind's word.
    pub kind: &'static str,
    /// The version of its payload's shape.
    pub version: u16,
    /// JSON text.
    pub payload: String,
    /// The id that the client gave its frame.
    pub frame_id: Option<String>,
}

/// A meeting's next events, which belong together.
#[derive(Clone, Debug)]
pub struct Append {
    /// Which meeting.
    pub meeting: MeetingId,
    /// The epoch under which the writer owns it.
    pub epoch: u64,
    /// Without gaps, never empty.
    pub entries: Vec<Entry>,
    /// The meeting's row after the last of them.
    pub header: Header,
}

impl Append {
    /// The number of its first event.
    pub fn first_seq(&self) -> u64 {
        self.entries.first().map_or(0, |entry| entry.recorded.seq)
    }

    /// The number of its last event.
    pub fn last_seq(&self) -> u64 {
        self.entries.last().map_or(0, |entry| entry.recorded.seq)
    }
}

/// What became of an [`Append`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Appended {
    /// It is durable.
    Committed,
    /// Another server owns the meeting, or the events do not fit behind the last: nothing was written.
    Fenced,
}

/// One row of the journal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JournalRow {
    /// Counts from 1 without gaps.
    pub seq: u64,
    /// Under which epoch it was written.
    pub epoch: u64,
    /// Its kind's word.
    pub kind: String,
    /// The version of its payload's shape.
    pub version: u16,
    /// When.
    pub at: DateTime<Utc>,
    /// JSON text.
    pub payload: String,
    /// The id that the client gave its frame.
    pub frame_id: Option<String>,
}

/// A meeting that this server owns now.
#[derive(Clone, Debug)]
pub struct Taken {
    /// Which.
    pub meeting: MeetingId,
    /// The new epoch.
    pub epoch: u64,
    /// The whole journal.
    pub journal: Vec<JournalRow>,
}

/// A decision; it never changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// Its id.
    pub id: DecisionId,
    /// The meeting that made it.
    pub meeting: MeetingId,
    /// What was decided.
    pub content: String,
    /// The rule, the count, the round and the reasons.
    pub rationale: String,
    /// The log rows that prompted the meeting.
    pub related: Vec<CommunicationId>,
    /// Tally and votes as JSON text; the order of keys is the database's.
    pub agreement: String,
    /// When.
    pub created_at: DateTime<Utc>,
}

/// Which decisions; all that are given must hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DecisionFilter {
    /// Of this meeting.
    pub meeting: Option<MeetingId>,
    /// Of meetings that this agent was in or moderated.
    pub visible_to: Option<AgentId>,
    /// Made at or after.
    pub from: Option<DateTime<Utc>>,
    /// Made before.
    pub until: Option<DateTime<Utc>>,
}

/// A message from one agent to another, to be told as soon as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DirectMessage {
    /// The row of the log.
    pub communication: Communication,
    /// The id that the client gave its frame, as JSON text: the same frame sent twice is one message.
    pub frame_id: Option<String>,
}

/// What became of a [`DirectMessage`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sent {
    /// It is durable.
    Kept {
        /// Its place in its receiver's line, from 1.
        position: u64,
    },
    /// The same frame had come before, so nothing was added.
    Repeated {
        /// The row of the log that it made then.
        communication: CommunicationId,
        /// Whether it was delivered then, as far as that is kept.
        delivered: bool,
    },
    /// The sender's frame of this id was another message: nothing was kept.
    FrameReused,
    /// There is no such agent, or none that can read: nothing was kept.
    NoReceiver,
}

/// A place in its receiver's line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Received {
    /// Which.
    pub position: u64,
    /// The message; `None` where retention has taken it.
    pub communication: Option<Communication>,
}

/// A stretch of a line whose messages were written to one of the agent's sockets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Told {
    /// Whose line.
    pub agent: AgentId,
    /// It begins behind this position.
    pub after: u64,
    /// It ends with this one.
    pub up_to: u64,
}

/// How far an agent's line has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Inbox {
    /// The place of its last message; 0 without any.
    pub last: u64,
    /// Up to here all of them were written to one of the agent's sockets.
    pub told: u64,
}

/// A request with an idempotency key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyedRequest {
    /// The agent that asks; the nil UUID is the operator.
    pub owner: Uuid,
    /// The key.
    pub key: String,
    /// What the key belongs to.
    pub fingerprint: [u8; 32],
    /// The id that what the request makes will have.
    pub resource: Uuid,
    /// When it is made.
    pub at: DateTime<Utc>,
    /// Random.
    pub salt: [u8; 32],
}

/// What is kept under an idempotency key: the first request that came with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reserved {
    /// What the key belongs to.
    pub fingerprint: Vec<u8>,
    /// The id that what the request makes has.
    pub resource: Uuid,
    /// When it is made.
    pub at: DateTime<Utc>,
    /// Random.
    pub salt: Vec<u8>,
    /// How it was answered, if that is known.
    pub answer: Option<Answer>,
}

/// An answer that is to be given again, and to which request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptAnswer {
    /// The request.
    pub request: KeyedRequest,
    /// Its answer.
    pub answer: Answer,
}

/// An answer that is given again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The JSON body.
    pub body: String,
}
