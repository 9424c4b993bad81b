//! Whether all accounts of a meeting agree: its journal, its tables, and what every agent heard.
//!
//! The journal is read as it stands in the database. What the other tables should hold is worked out
//! here a second time, apart from the code that writes them.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use synod::actors::journal;
use synod::budget::Reservation;
use synod::domain::phase::NO_RESPONSE;
use synod::domain::{self, AgentId, Event, LeaveReason, MeetingId, Phase, Recorded};
use synod::storage::Part;
use synod::storage::{DecisionFilter, JournalRow, Meeting, PageRequest, Start, Store};
use synod::wire::{FrameId, journal as kept};
use uuid::Uuid;

use super::log::Log;

/// A meeting that was found in order.
pub(crate) struct Checked {
    pub(crate) rows: Vec<JournalRow>,
    pub(crate) meeting: Meeting,
}

impl Checked {
    /// The words for the kinds of all events, in order.
    pub(crate) fn kinds(&self) -> Vec<&str> {
        self.rows.iter().map(|row| row.kind.as_str()).collect()
    }

    /// How many events there are of one kind.
    pub(crate) fn count(&self, kind: &str) -> usize {
        self.rows.iter().filter(|row| row.kind == kind).count()
    }

    /// The only row of one kind.
    pub(crate) fn only(&self, kind: &str) -> &JournalRow {
        let mut rows = self.rows.iter().filter(|row| row.kind == kind);
        let only = rows.next().unwrap_or_else(|| panic!("there is no {kind}"));
        assert!(rows.next().is_none(), "there is more than one {kind}");
        only
    }

    /// What a row says.
    pub(crate) fn data(row: &JournalRow) -> Value {
        serde_json::from_str(&row.payload).expect("a payload is JSON")
    }

    /// How it ended.
    pub(crate) fn outcome(&self) -> &'static str {
        self.meeting
            .header
            .outcome
            .map_or("", domain::Outcome::as_str)
    }
}

/// Checks a meeting against everything that is kept of it and everything that was heard of it.
pub(crate) async fn check(store: &dyn Store, meeting: Uuid, logs: &[Log]) -> Checked {
    let id = MeetingId(meeting);
    let row = store
        .meeting(id, &Reservation::unlimited())
        .await
        .expect("an answer");
    let row = row.expect("the meeting is kept");
    let rows = store
        .journal(id, 0, Part::of_answer(u32::MAX), &Reservation::unlimited())
        .await
        .expect("a journal");
    journal_is_whole(&rows, &row);
    let decoded = rows.iter().map(journal::decode);
    let events: Vec<_> = decoded.map(|event| event.expect("a known event")).collect();
    floor_is_one(&events);
    votes_are_voters(&events);
    header_follows(&rows, &row);
    participants_follow(store, &events, id).await;
    messages_follow(store, &events, id).await;
    decision_follows(store, &events, id).await;
    let sent = sent(logs);
    for log in logs {
        heard_the_journal(log, &rows, &events);
        acked_once(log, &sent[&log.agent], &rows, &events);
    }
    nobody_is_spoken_for(&sent, &events);
    Checked { rows, meeting: row }
}

fn journal_is_whole(rows: &[JournalRow], meeting: &Meeting) {
    let seqs: Vec<_> = rows.iter().map(|row| row.seq).collect();
    let whole: Vec<_> = (1..=meeting.last_seq).collect();
    assert_eq!(seqs, whole, "the journal has no gap and ends at last_seq");
    let never_falls = |of: fn(&JournalRow) -> i64| rows.is_sorted_by_key(of);
    assert!(
        never_falls(|row| i64::try_from(row.epoch).expect("an epoch")),
        "epochs never fall: {:?}",
        rows.iter().map(|row| row.epoch).collect::<Vec<_>>()
    );
    assert!(
        never_falls(|row| row.at.timestamp_micros()),
        "time never falls"
    );
    assert!(rows.iter().all(|row| row.epoch <= meeting.epoch));
}

/// At most one turn is open at a time, only its holder ends it by speaking, and no ballot is open beside it.
fn floor_is_one(events: &[Recorded]) {
    let mut holder = None;
    for Recorded { seq, event, .. } in events {
        match event {
            Event::TurnOpened { agent, .. } => {
                assert_eq!(holder, None, "event {seq}: a second turn");
                holder = Some(*agent);
            }
            Event::OpinionPresented { agent, .. } | Event::TurnTimedOut { agent, .. } => {
                assert_eq!(holder, Some(*agent), "event {seq}: out of turn");
                holder = None;
            }
            Event::AgentLeft {
                agent,
                reason: LeaveReason::Left,
            } => holder = holder.filter(|holder| holder != agent),
            Event::BallotOpened { .. } => assert_eq!(holder, None, "event {seq}: in a turn"),
            _ => {}
        }
    }
}

/// Who votes was asked to, once; and what is counted is what was cast.
fn votes_are_voters(events: &[Recorded]) {
    let (mut voters, mut cast) = (Vec::new(), BTreeMap::new());
    for Recorded { seq, event, .. } in events {
        match event {
            Event::BallotOpened { voters: asked, .. } => {
                (voters, cast) = (asked.clone(), BTreeMap::new());
            }
            Event::VoteRecorded { agent, vote, .. } => {
                assert!(voters.contains(agent), "event {seq}: {agent} has no vote");
                let twice = cast.insert(*agent, vote.clone());
                assert_eq!(twice, None, "event {seq}: {agent} votes twice");
            }
            Event::BallotClosed { votes, .. } => {
                let counted = votes.iter().map(|cast| (cast.agent, cast.vote.clone()));
                let counted: BTreeMap<_, _> = counted.collect();
                assert_eq!(counted, cast, "event {seq}: what was cast is counted");
                assert_eq!(counted.len(), votes.len(), "event {seq}: once each");
            }
            _ => {}
        }
    }
}

fn header_follows(rows: &[JournalRow], row: &Meeting) {
    let (meeting, _) = journal::load(rows.to_vec()).expect("the journal folds");
    let outcome = match meeting.phase() {
        Phase::Concluded { outcome } => Some(*outcome),
        Phase::Pending | Phase::Discussing { .. } | Phase::Voting(_) => None,
    };
    let header = &row.header;
    assert_eq!((header.status, header.outcome), (meeting.status(), outcome));
    assert_eq!(header.current_round, meeting.round());
    assert_eq!(header.started_at, meeting.started_at());
    assert_eq!(header.completed_at, meeting.completed_at());
    assert_eq!(header.summary.as_deref(), meeting.summary());
    assert_eq!(row.topic, meeting.created().topic);
    assert_eq!(row.created_at, meeting.created_at());
    assert_eq!(
        row.max_discussion_rounds,
        meeting.settings().max_discussion_rounds
    );
}

/// Who should stand in the participants' table, and whether it has left for good.
async fn participants_follow(store: &dyn Store, events: &[Recorded], id: MeetingId) {
    let mut expected = BTreeMap::new();
    for recorded in events {
        match &recorded.event {
            Event::MeetingCreated(created) => {
                let named = created.participants.iter().map(|(agent, _)| *agent);
                expected.extend(named.chain(created.moderator).map(|agent| (agent, false)));
            }
            Event::ParticipantAdded { agent, .. } => drop(expected.insert(*agent, false)),
            Event::AgentLeft {
                agent,
                reason: LeaveReason::Left,
            } => drop(expected.insert(*agent, true)),
            _ => {}
        }
    }
    let kept = store.participants(id).await.expect("participants");
    let orders: Vec<_> = kept.iter().filter_map(|row| row.speaking_order).collect();
    let found: BTreeMap<_, _> = kept
        .iter()
        .map(|row| (row.agent, row.left_at.is_some()))
        .collect();
    assert_eq!(kept.len(), found.len(), "nobody is listed twice");
    assert_eq!(found, expected, "participants, and whether they left");
    assert!(
        orders.is_sorted() && orders.windows(2).all(|pair| pair[0] != pair[1]),
        "{orders:?}"
    );
}

/// A row of the messages' table, but for its time: number, author, type, round, and words it must hold.
type Said = (u64, Option<AgentId>, &'static str, u32, String);

fn said_by(recorded: &Recorded) -> Vec<Said> {
    let seq = recorded.seq;
    let reason = |vote: &domain::Vote| vote.rationale.clone().unwrap_or_default();
    match &recorded.event {
        Event::OpinionPresented {
            round,
            agent,
            content,
            ..
        } => vec![(seq, Some(*agent), "opinion", *round, content.clone())],
        Event::TurnTimedOut { round, agent } => {
            vec![(seq, Some(*agent), "opinion", *round, NO_RESPONSE.to_owned())]
        }
        Event::VoteRecorded {
            round,
            agent,
            vote,
            secret: false,
        } => vec![(seq, Some(*agent), "consensus", *round, reason(vote))],
        Event::BallotOpened { round, motion, .. } => {
            vec![(seq, None, "meta", *round, motion.content.clone())]
        }
        Event::BallotClosed {
            round,
            verdict,
            votes,
            secret,
            ..
        } => {
            let revealed = votes.iter().filter(|_| *secret).map(|cast| {
                let who = Some(cast.agent);
                (cast.seq, who, "consensus", *round, reason(&cast.vote))
            });
            let closed = (seq, None, "meta", *round, verdict.as_str().to_owned());
            revealed.chain([closed]).collect()
        }
        Event::MeetingStarted { .. }
        | Event::MeetingCancelled { .. }
        | Event::MeetingFailed { .. } => {
            vec![(seq, None, "meta", 0, String::new())]
        }
        _ => Vec::new(),
    }
}

async fn messages_follow(store: &dyn Store, events: &[Recorded], id: MeetingId) {
    let mut expected: Vec<Said> = events.iter().flat_map(said_by).collect();
    expected.sort_by_key(|said| said.0);
    let kept = store
        .messages(id, &Reservation::unlimited())
        .await
        .expect("messages");
    assert_eq!(kept.len(), expected.len(), "messages: {kept:?}");
    for (row, (seq, agent, message_type, round, words)) in kept.iter().zip(expected) {
        assert_eq!(
            (row.sequence_number, row.agent, row.message_type, row.round),
            (seq, agent, message_type, round)
        );
        let is_exact = message_type != "opinion" || row.content == words;
        assert!(is_exact && row.content.contains(&words), "{row:?}: {words}");
    }
}

async fn decision_follows(store: &dyn Store, events: &[Recorded], id: MeetingId) {
    let filter = DecisionFilter {
        meeting: Some(id),
        ..DecisionFilter::default()
    };
    let page = PageRequest {
        size: 10,
        start: Start::Number(1),
    };
    let kept = store
        .decisions(&filter, page, &Reservation::unlimited())
        .await
        .expect("decisions");
    let reached = events.iter().filter_map(|recorded| match &recorded.event {
        Event::ConsensusReached {
            decision,
            motion,
            rationale,
            tally,
            related,
            votes,
            ..
        } => Some((
            recorded.at,
            decision,
            motion,
            rationale,
            tally.votes,
            related,
            votes,
        )),
        _ => None,
    });
    let reached: Vec<_> = reached.collect();
    assert!(reached.len() <= 1, "a meeting decides once");
    assert_eq!(
        kept.items.len(),
        reached.len(),
        "a decision for a consensus"
    );
    for (row, reached) in kept.items.iter().zip(reached) {
        let (at, decision, motion, rationale, count, related, votes) = reached;
        assert_eq!((row.id, row.created_at), (*decision, at));
        assert_eq!((&row.content, &row.rationale), (&motion.content, rationale));
        assert_eq!(&row.related, related);
        let agreement: Value = serde_json::from_str(&row.agreement).expect("JSON");
        let tally = json!({"eligible": count.eligible, "cast": count.cast, "agree": count.agree,
                           "disagree": count.disagree, "abstain": count.abstain});
        assert_eq!(agreement["tally"], tally);
        let listed = agreement["votes"].as_array().map(Vec::len);
        assert_eq!(listed, Some(votes.len()));
    }
}

/// Every event that was heard stands in the journal, word for word: nothing was told that is not kept.
fn heard_the_journal(log: &Log, rows: &[JournalRow], events: &[Recorded]) {
    let who = log.agent;
    let heard: Vec<_> = log.events.iter().map(|event| event.seq).collect();
    let begins_after = log.begins_after.expect("it was greeted");
    let last = begins_after + heard.len() as u64;
    let whole: Vec<_> = (begins_after + 1..=last).collect();
    assert_eq!(heard, whole, "{who:?} heard every event once, in order");
    for event in &log.events {
        let place = usize::try_from(event.seq - 1).expect("a place");
        let row = rows.get(place);
        let row = row.unwrap_or_else(|| panic!("{who:?} heard what is not kept: {event:?}"));
        let told = kept::told(&events[place].event, &row.payload);
        let told: Value = serde_json::from_str(&told).expect("JSON");
        assert_eq!((&event.event, event.at), (&row.kind, row.at), "{who:?}");
        assert_eq!(event.data, told, "{who:?}, event {}", event.seq);
    }
    for ack in &log.acks {
        assert!(
            ack.seq <= Some(rows.len() as u64),
            "{who:?}: {ack:?} is not kept"
        );
    }
    if log.close_code() == Some(synod::wire::CloseCode::MEETING_OVER.code) {
        assert_eq!(last, rows.len() as u64, "{who:?} heard the meeting's end");
    }
}

/// What was acknowledged is in the journal, once, where the acknowledgement says, and says what was sent.
fn acked_once(log: &Log, sent: &[Value], rows: &[JournalRow], events: &[Recorded]) {
    for ack in &log.acks {
        let Some(seq) = ack.seq else {
            continue;
        };
        let place = usize::try_from(seq - 1).expect("a place");
        let by = author(&events[place].event);
        assert_eq!(by.map(|agent| agent.0), log.agent, "{ack:?} is for another");
        let Some(id) = ack.id.as_ref().map(FrameId::to_json) else {
            continue;
        };
        let acts = rows.iter().zip(events).filter(|(row, recorded)| {
            row.frame_id.as_ref() == Some(&id) && author(&recorded.event) == by
        });
        let acts: Vec<_> = acts.map(|(row, _)| row.seq).collect();
        assert_eq!(acts, [seq], "{ack:?} acts once");
        let mut sent = sent.iter().filter(|frame| frame["id"] == json!(ack.id));
        let says_it = |frame: &Value| match &events[place].event {
            Event::OpinionPresented { content, .. } => frame["content"] == **content,
            Event::VoteRecorded { vote, .. } => frame["agrees"] == json!(vote.agrees),
            Event::AgentLeft { .. } => frame["type"] == "leave",
            other => panic!("{ack:?} became {other:?}"),
        };
        assert!(sent.any(says_it), "{ack:?} says what was sent");
    }
}

/// Every word in the journal was sent by the agent whose word it is.
fn nobody_is_spoken_for(sent: &BTreeMap<Option<Uuid>, Vec<Value>>, events: &[Recorded]) {
    for Recorded { seq, event, .. } in events {
        let by = author(event).map(|agent| agent.0);
        let Some(sent) = sent.get(&by) else {
            continue;
        };
        let is_sent = match event {
            Event::OpinionPresented { content, .. } => {
                sent.iter().any(|frame| frame["content"] == **content)
            }
            Event::VoteRecorded { vote, .. } => sent.iter().any(|frame| {
                frame["type"] == "consensus_vote" && frame["agrees"] == json!(vote.agrees)
            }),
            _ => true,
        };
        assert!(is_sent, "event {seq}: {by:?} never said {event:?}");
    }
}

/// All that each agent sent, over all its connections.
fn sent(logs: &[Log]) -> BTreeMap<Option<Uuid>, Vec<Value>> {
    let mut sent: BTreeMap<_, Vec<Value>> = BTreeMap::new();
    for log in logs {
        sent.entry(log.agent).or_default().extend(log.sent());
    }
    sent
}

/// Whose act an event is.
fn author(event: &Event) -> Option<AgentId> {
    match event {
        Event::OpinionPresented { agent, .. }
        | Event::VoteRecorded { agent, .. }
        | Event::AgentLeft {
            agent,
            reason: LeaveReason::Left,
        } => Some(*agent),
        _ => None,
    }
}
