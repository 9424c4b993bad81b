//! What happened, as frames. Each is encoded once, however many read it.

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};
use uuid::Uuid;

use super::journal::{self, to_json};
use super::{Evidence, Frame, FrameId, cut, shape};
use crate::config::Limits;
use crate::domain::{
    AgentId, CommunicationId, Event, Meeting, MeetingId, Outcome, Phase, Recorded, Refusal, Status,
    phase::NO_RESPONSE,
};

/// The version of the protocol, told in `connected`. Additions do not change it.
pub const PROTOCOL_VERSION: u32 = 1;

/// The first frame on a meeting's socket.
pub fn connected(meeting: &Meeting, agent: Option<AgentId>) -> Frame {
    let created = meeting.created();
    let (last_seq, state) = (meeting.last_seq(), state(meeting));
    connected_in(created.meeting, &created.topic, agent, last_seq, &state)
}

fn connected_in(
    meeting: MeetingId,
    topic: &str,
    agent: Option<AgentId>,
    last_seq: u64,
    state: &Value,
) -> Frame {
    frame(&json!({
        "type": "connected",
        "protocol_version": PROTOCOL_VERSION,
        "meeting_id": meeting.0,
        "agent_id": agent.map(|agent| agent.0),
        "topic": topic,
        "last_seq": last_seq,
        "state": state,
    }))
}

/// One event, told to everyone. `payload` is its kept shape.
pub fn meeting_event(meeting: MeetingId, recorded: &Recorded, payload: &str) -> Frame {
    let Recorded { seq, at, event } = recorded;
    let kind = journal::kind(event);
    let at = to_json(at);
    let data = cut::data(event, payload);
    Frame::new(format!(
        r#"{{"type":"meeting_event","event":"{kind}","meeting_id":"{meeting}","seq":{seq},"at":{at},"data":{data}}}"#
    ))
}

/// Asks the holder of the turn to speak; `None` when nobody has the turn. It is in the meeting, so it may read the evidence.
pub fn opinion_request(
    meeting: &Meeting,
    evidence: &Evidence,
    now: DateTime<Utc>,
) -> Option<(AgentId, Frame)> {
    let Phase::Discussing {
        turn: Some(turn), ..
    } = meeting.phase()
    else {
        return None;
    };
    let request = OpinionRequest {
        kind: "opinion_request",
        meeting_id: meeting.created().meeting.0,
        topic: &meeting.created().topic,
        round: meeting.round(),
        max_discussion_rounds: meeting.settings().max_discussion_rounds,
        deadline: turn.deadline,
        time_left_ms: time_left_ms(turn.deadline, now),
        opinions: opinions(meeting),
        motion: meeting.motion().as_ref().map(shape::Motion::from),
        related_communication_ids: related(meeting),
        evidence: &evidence.messages,
        evidence_left_out: evidence.left_out,
    };
    Some((turn.agent, frame(&request)))
}

/// The request that goes out at every turn, so it is written without a detour through [`Value`].
#[derive(Serialize)]
struct OpinionRequest<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    meeting_id: Uuid,
    topic: &'a str,
    round: u32,
    max_discussion_rounds: u32,
    deadline: DateTime<Utc>,
    time_left_ms: i64,
    opinions: Vec<Opinion<'a>>,
    motion: Option<shape::Motion>,
    related_communication_ids: Vec<Uuid>,
    evidence: &'a [Box<RawValue>],
    evidence_left_out: usize,
}

/// What an agent said in the round.
#[derive(Serialize)]
struct Opinion<'a> {
    agent_id: Uuid,
    content: &'a str,
    /// Whether `content` is only the beginning.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    cut: bool,
}

/// Asks every voter to vote; `None` when no ballot is open. The same bytes serve them all.
pub fn consensus_request(meeting: &Meeting, now: DateTime<Utc>) -> Option<Frame> {
    let Phase::Voting(ballot) = meeting.phase() else {
        return None;
    };
    Some(frame(&json!({
        "type": "consensus_request",
        "meeting_id": meeting.created().meeting.0,
        "topic": meeting.created().topic,
        "round": meeting.round(),
        "deadline": ballot.deadline,
        "time_left_ms": time_left_ms(ballot.deadline, now),
        "opinions": opinions(meeting),
        "motion": shape::Motion::from(&ballot.motion),
        "decision_rule": shape::DecisionRule::from(&meeting.settings().decision_rule),
    })))
}

/// Whether an event is told on the own lines of the meeting's members too: it is there, it runs, it has ended.
pub fn is_news(event: &Event) -> bool {
    matches!(
        event,
        Event::MeetingCreated(_)
            | Event::MeetingStarted { .. }
            | Event::ConsensusReached { .. }
            | Event::MeetingCompleted { .. }
            | Event::MeetingCancelled { .. }
            | Event::MeetingFailed { .. }
    )
}

/// The first frame on an agent's own line: where it stands, and the meetings that it is in.
pub fn line_connected(agent: AgentId, position: u64, meetings: &[Value]) -> Frame {
    frame(&json!({
        "type": "connected",
        "protocol_version": PROTOCOL_VERSION,
        "agent_id": agent.0,
        "cursor": cursor(position),
        "meetings": meetings,
    }))
}

/// One meeting among those of [`line_connected`].
pub fn line_meeting(id: MeetingId, topic: &str, status: Status, last_seq: u64) -> Value {
    json!({"meeting_id": id.0, "topic": topic, "status": status.as_str(), "last_seq": last_seq})
}

/// A message from another agent.
pub struct DirectMessage<'a> {
    /// Its place in the receiver's line.
    pub position: u64,
    /// Its row in the log.
    pub communication: CommunicationId,
    /// Who wrote it.
    pub sender: AgentId,
    /// When.
    pub at: DateTime<Utc>,
    /// The words.
    pub content: &'a str,
    /// What it is about.
    pub topic: Option<&'a str>,
}

/// A message from another agent, told to its receiver.
pub fn direct_message(message: &DirectMessage<'_>) -> Frame {
    let text = to_json(&json!({
        "type": "direct_message",
        "sender_id": message.sender.0,
        "content": message.content,
        "topic": message.topic,
        "communication_id": message.communication.0,
        "at": message.at,
        "cursor": cursor(message.position),
    }));
    Frame::in_line(text, message.position)
}

/// A place in an agent's line, as the text that its client gives back in `after`.
pub fn cursor(position: u64) -> String {
    position.to_string()
}

/// The place that a client means.
pub fn parse_cursor(text: &str) -> Option<u64> {
    text.parse()
        .ok()
        .filter(|position| *position <= u64::MAX >> 1)
}

/// The answer to a direct message that is kept.
pub fn sent(id: Option<&FrameId>, communication: CommunicationId, delivered: bool) -> Frame {
    frame(
        &json!({"type": "ack", "id": id, "seq": null, "communication_id": communication.0, "delivered": delivered}),
    )
}

/// The answer to a frame that was carried out: the event that it became.
pub fn ack(id: Option<&FrameId>, seq: u64) -> Frame {
    frame(&json!({"type": "ack", "id": id, "seq": seq}))
}

/// The answer to a frame that was not.
pub fn error(id: Option<&FrameId>, code: &str, message: &str) -> Frame {
    frame(&json!({"type": "error", "id": id, "code": code, "message": message}))
}

/// The code for a meeting whose journal this server cannot read, by REST and on a socket.
pub const JOURNAL_UNREADABLE: &str = "journal_unreadable";

/// The answer to a frame that the meeting refused.
pub fn refusal(id: Option<&FrameId>, refusal: &Refusal) -> Frame {
    error(id, refusal.code(), &refusal.to_string())
}

/// The answer to a frame for which there is no room now.
pub fn overloaded(id: Option<&FrameId>, retry_after_ms: u64) -> Frame {
    let message = "the server has more to do than it can: send the frame again later";
    later(id, "overloaded", message, retry_after_ms)
}

/// The answer to a frame that came too soon after the others.
pub fn rate_limited(id: Option<&FrameId>, retry_after_ms: u64) -> Frame {
    let message =
        "you send faster than is allowed: wait for retry_after_ms, then send the frame again";
    later(id, "rate_limited", message, retry_after_ms)
}

fn later(id: Option<&FrameId>, code: &str, message: &str, retry_after_ms: u64) -> Frame {
    frame(
        &json!({"type": "error", "id": id, "code": code, "message": message, "retry_after_ms": retry_after_ms}),
    )
}

/// Where a meeting stands, for `connected` and for REST.
pub fn state(meeting: &Meeting) -> Value {
    let (turn, ballot, outcome) = match meeting.phase() {
        Phase::Pending => (Value::Null, Value::Null, None),
        Phase::Discussing { turn, order, .. } => {
            let turn = turn.as_ref().map(|turn| {
                json!({"agent_id": turn.agent.0, "deadline": turn.deadline, "absent_until": turn.absent_until,
                       "order": uuids(order)})
            });
            (turn.unwrap_or_default(), Value::Null, None)
        }
        Phase::Voting(ballot) => {
            let voted: Vec<_> = ballot.cast().map(|cast| cast.agent.0).collect();
            let ballot = json!({"motion": shape::Motion::from(&ballot.motion), "voters": uuids(&ballot.voters),
                                "voted": voted, "deadline": ballot.deadline});
            (Value::Null, ballot, None)
        }
        Phase::Concluded { outcome } => (Value::Null, Value::Null, Some(outcome.as_str())),
    };
    let participants = meeting.roster().present();
    let participants: Vec<_> = participants
        .map(|p| json!({"agent_id": p.agent.0, "name": p.name, "connected": p.connected}))
        .collect();
    json!({
        "status": meeting.status().as_str(),
        "phase": meeting.phase().name(),
        "outcome": outcome,
        "round": meeting.round(),
        "max_discussion_rounds": meeting.settings().max_discussion_rounds,
        "paused": meeting.paused_at().is_some(),
        "moderator_id": meeting.created().moderator.map(|agent| agent.0),
        "participants": participants,
        "turn": turn,
        "ballot": ballot,
        "opinions": opinions(meeting),
        "last_seq": meeting.last_seq(),
    })
}

/// About as many bytes as [`state`] takes as JSON, known without encoding it.
pub fn state_bytes(meeting: &Meeting) -> usize {
    let opinions = meeting.opinions().iter();
    let words = opinions.map(|opinion| opinion.content.as_ref().map_or(0, String::len));
    let words = words.sum::<usize>().min(Limits::WORDS_MAX_BYTES);
    let motion = match meeting.phase() {
        Phase::Voting(ballot) => ballot.motion.content.len(),
        Phase::Pending | Phase::Discussing { .. } | Phase::Concluded { .. } => 0,
    };
    let names: usize = meeting.roster().present().map(|p| p.name.len()).sum();
    let agents = meeting.roster().present_ids().len();
    words + motion + names + (1 + agents) * Limits::ROW_OVERHEAD_BYTES
}

/// A meeting that is over, from what is kept of it beside its journal.
pub struct Ended<'a> {
    /// Which.
    pub meeting: MeetingId,
    /// What it was about.
    pub topic: &'a str,
    /// Completed or failed.
    pub status: Status,
    /// How it ended.
    pub outcome: Option<Outcome>,
    /// Its last round.
    pub round: u32,
    /// Rounds at most.
    pub max_discussion_rounds: u32,
    /// Its moderator.
    pub moderator: Option<AgentId>,
    /// Those who were in it to the end, with their names. Nobody is connected to it any more.
    pub participants: Vec<(AgentId, &'a str)>,
    /// What was said in its last round, in order; each at least as long as is shown of it.
    pub opinions: Vec<(AgentId, &'a str)>,
    /// The number of its last event.
    pub last_seq: u64,
}

/// The first frame on a socket of a meeting that is over.
pub fn connected_to_ended(ended: &Ended<'_>, agent: Option<AgentId>) -> Frame {
    let participants = ended.participants.iter();
    let participants: Vec<_> = participants
        .map(|(agent, name)| json!({"agent_id": agent.0, "name": name, "connected": false}))
        .collect();
    let opinion = |&(agent, content): &(AgentId, &str)| {
        let (content, cut) = cut::beginning(content, Limits::ENDED_OPINION_MAX_BYTES);
        json!(Opinion {
            agent_id: agent.0,
            content,
            cut,
        })
    };
    let state = json!({
        "status": ended.status.as_str(),
        "phase": "concluded",
        "outcome": ended.outcome.map(Outcome::as_str),
        "round": ended.round,
        "max_discussion_rounds": ended.max_discussion_rounds,
        "paused": false,
        "moderator_id": ended.moderator.map(|agent| agent.0),
        "participants": participants,
        "turn": null,
        "ballot": null,
        "opinions": ended.opinions.iter().map(opinion).collect::<Vec<_>>(),
        "last_seq": ended.last_seq,
    });
    connected_in(ended.meeting, ended.topic, agent, ended.last_seq, &state)
}

/// What was said in the round: all of it, or as much as a frame shows.
fn opinions(meeting: &Meeting) -> Vec<Opinion<'_>> {
    let said = meeting.opinions().iter();
    let said = said.map(|opinion| {
        let content = opinion.content.as_deref();
        (opinion.agent, content.unwrap_or(NO_RESPONSE))
    });
    let lengths = said.clone().map(|(_, content)| content.len());
    let share = cut::share(lengths, Limits::WORDS_MAX_BYTES);
    let shown = said.map(|(agent, content)| {
        let (content, cut) = cut::beginning(content, share);
        Opinion {
            agent_id: agent.0,
            content,
            cut,
        }
    });
    shown.collect()
}

fn related(meeting: &Meeting) -> Vec<Uuid> {
    meeting.created().related.iter().map(|id| id.0).collect()
}

fn uuids(agents: &[AgentId]) -> Vec<Uuid> {
    agents.iter().map(|agent| agent.0).collect()
}

fn time_left_ms(deadline: DateTime<Utc>, now: DateTime<Utc>) -> i64 {
    (deadline - now).num_milliseconds().max(0)
}

fn frame<T: Serialize>(value: &T) -> Frame {
    Frame::new(to_json(value))
}
