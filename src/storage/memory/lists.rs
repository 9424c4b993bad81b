//! Filters and pages over what is in memory.

use super::super::{
    Agent, Communication, CommunicationFilter, Decision, DecisionFilter, Error, Excerpt, Keyset,
    Meeting, MeetingFilter, Page, PageRequest, Part, ParticipantRow, Start, Total,
};
use super::state::{KeptMeeting, State};
use crate::budget::Reservation;
use crate::config::Limits;
use crate::domain::{AgentId, CommunicationId, MeetingId};

use chrono::{DateTime, Utc};

/// One page of `rows`, newest first.
fn page<T: Clone>(
    rows: impl Iterator<Item = T>,
    place: impl Fn(&T) -> Keyset,
    request: PageRequest,
) -> Page<T> {
    let size = request.size as usize;
    let mut rows: Vec<T> = rows.collect();
    let newness = |row: &T| {
        let Keyset { at, id } = place(row);
        std::cmp::Reverse((at, id))
    };
    rows.sort_by_key(newness);
    let (skipped, total) = match request.start {
        Start::Number(number) => {
            let skipped = (number.saturating_sub(1) as usize).saturating_mul(size);
            (skipped, Some(Total::exactly(rows.len() as u64)))
        }
        Start::After(Keyset { at, id }) => {
            let behind = std::cmp::Reverse((at, id));
            (rows.partition_point(|row| newness(row) <= behind), None)
        }
    };
    let rest = rows.get(skipped..).unwrap_or_default();
    let items: Vec<T> = rest.iter().take(size).cloned().collect();
    let next = items.last().filter(|_| rest.len() > size).map(&place);
    Page { items, total, next }
}

fn within(at: DateTime<Utc>, from: Option<DateTime<Utc>>, until: Option<DateTime<Utc>>) -> bool {
    from.is_none_or(|from| at >= from) && until.is_none_or(|until| at < until)
}

pub(super) fn agents(state: &State, request: PageRequest) -> Page<Agent> {
    let place = |agent: &Agent| Keyset {
        at: agent.created_at,
        id: agent.id.0,
    };
    page(
        state.agents.values().map(|known| known.agent.clone()),
        place,
        request,
    )
}

fn newest_message(message: &Communication) -> Keyset {
    Keyset {
        at: message.timestamp,
        id: message.id.0,
    }
}

pub(super) fn communications(
    state: &State,
    filter: &CommunicationFilter,
    request: PageRequest,
) -> Page<Communication> {
    let passes = |message: &&Communication| {
        let involves = |agent: AgentId| message.sender == agent || message.receiver == agent;
        within(message.timestamp, filter.from, filter.until)
            && filter.sender.is_none_or(|sender| message.sender == sender)
            && filter
                .receiver
                .is_none_or(|receiver| message.receiver == receiver)
            && filter.agent.is_none_or(involves)
            && filter.visible_to.is_none_or(involves)
            && (filter.topic.is_none() || filter.topic == message.topic)
            && (filter.words.as_ref()).is_none_or(|words| words.occur_in(message))
    };
    let rows = state.communications.values().filter(passes);
    page(rows.cloned(), newest_message, request)
}

pub(super) fn related(state: &State, meeting: MeetingId) -> Vec<Communication> {
    let Some(kept) = state.meetings.get(&meeting) else {
        return Vec::new();
    };
    let rows = state.communications.values();
    let rows = rows
        .filter(|message| kept.related.contains(&message.id))
        .cloned();
    let (size, start) = (u32::MAX, Start::Number(1));
    page(rows, newest_message, PageRequest { size, start }).items
}

/// The meetings that a message prompted, newest first.
pub(super) fn meetings_of(
    state: &State,
    communication: CommunicationId,
    visible_to: Option<AgentId>,
) -> Vec<Meeting> {
    let prompted = state.meetings.values().filter(|kept| {
        kept.related.contains(&communication) && visible_to.is_none_or(|agent| kept.has(agent))
    });
    let mut rows: Vec<_> = prompted.map(|kept| kept.row.clone()).collect();
    rows.sort_by_key(|row| std::cmp::Reverse((row.created_at, row.id)));
    rows
}

/// Each meeting with each of these messages that prompted it, newest first.
pub(super) fn links(
    state: &State,
    ids: &[CommunicationId],
    visible_to: Option<AgentId>,
) -> Vec<(MeetingId, CommunicationId)> {
    let seen = state.meetings.values();
    let mut seen: Vec<_> = seen
        .filter(|kept| visible_to.is_none_or(|agent| kept.has(agent)))
        .collect();
    seen.sort_by_key(|kept| std::cmp::Reverse((kept.row.created_at, kept.row.id)));
    let of = |kept: &&KeptMeeting| {
        let prompted = kept.related.iter().filter(|id| ids.contains(id));
        prompted.map(|id| (kept.row.id, *id)).collect::<Vec<_>>()
    };
    seen.iter().flat_map(of).collect()
}

/// What those meetings decided, newest first.
pub(super) fn decisions_of(
    state: &State,
    communication: CommunicationId,
    visible_to: Option<AgentId>,
) -> Vec<Decision> {
    let meetings = meetings_of(state, communication, visible_to);
    let is_theirs = |decision: &&Decision| meetings.iter().any(|m| m.id == decision.meeting);
    let mut rows: Vec<_> = state
        .decisions
        .values()
        .filter(is_theirs)
        .cloned()
        .collect();
    rows.sort_by_key(|row| std::cmp::Reverse((row.created_at, row.id)));
    rows
}

pub(super) fn participants(state: &State, meeting: MeetingId) -> Vec<ParticipantRow> {
    let kept = state.meetings.get(&meeting);
    let mut rows = kept.map_or_else(Vec::new, |kept| kept.participants.clone());
    for row in &mut rows {
        if let Some(known) = state.agents.get(&row.agent) {
            row.name.clone_from(&known.agent.name);
        }
    }
    rows.sort_by_key(|row| (row.speaking_order.is_none(), row.speaking_order, row.agent));
    rows
}

pub(super) fn meetings(
    state: &State,
    filter: &MeetingFilter,
    request: PageRequest,
) -> Page<Meeting> {
    let passes = |kept: &&KeptMeeting| {
        let row = &kept.row;
        within(row.created_at, filter.from, filter.until)
            && filter
                .status
                .is_none_or(|status| row.header.status == status)
            && (!filter.is_open || row.header.outcome.is_none())
            && (filter.outcome.is_none() || row.header.outcome == filter.outcome)
            && filter.agent.is_none_or(|agent| kept.has(agent))
            && filter.visible_to.is_none_or(|agent| kept.has(agent))
            && (filter.words.as_ref()).is_none_or(|words| words.occur_in_topic(&row.topic))
    };
    let place = |row: &Meeting| Keyset {
        at: row.created_at,
        id: row.id.0,
    };
    let rows = state.meetings.values().filter(passes);
    page(rows.map(|kept| kept.row.clone()), place, request)
}

pub(super) fn decisions(
    state: &State,
    filter: &DecisionFilter,
    request: PageRequest,
) -> Page<Decision> {
    let is_in = |agent, meeting: MeetingId| {
        state
            .meetings
            .get(&meeting)
            .is_some_and(|kept| kept.has(agent))
    };
    let passes = |decision: &&Decision| {
        within(decision.created_at, filter.from, filter.until)
            && filter
                .meeting
                .is_none_or(|meeting| decision.meeting == meeting)
            && filter
                .visible_to
                .is_none_or(|agent| is_in(agent, decision.meeting))
    };
    let place = |decision: &Decision| Keyset {
        at: decision.created_at,
        id: decision.id.0,
    };
    page(
        state.decisions.values().filter(passes).cloned(),
        place,
        request,
    )
}

/// The first of these rows that have no more bytes than the part may, at least one.
pub(super) async fn part_of<T>(
    mut rows: Vec<T>,
    part: Part,
    bytes: impl Fn(&T) -> usize,
    reservation: &Reservation,
) -> Result<Vec<T>, Error> {
    let (mut count, mut sum) = (0, 0);
    for row in &rows {
        if count > 0 && sum + bytes(row) > part.max_bytes {
            break;
        }
        (count, sum) = (count + 1, sum + bytes(row));
    }
    rows.truncate(count);
    reservation.take(sum).await?;
    Ok(rows)
}

pub(super) fn excerpt(message: Communication) -> Excerpt {
    let beginning = message.content.chars().take(Limits::EXCERPT_CHARS);
    Excerpt {
        id: message.id,
        timestamp: message.timestamp,
        sender: message.sender,
        receiver: message.receiver,
        topic: message.topic,
        beginning: beginning.collect(),
        is_json: message.is_json,
    }
}
