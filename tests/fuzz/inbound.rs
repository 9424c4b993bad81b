//! What an agent sends.

use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Value, json};
use synod::domain::{AgentId, Command, Event, MeetingId};
use synod::wire::frame::MAX_FRAME_ID_CHARS;
use synod::wire::inbound::{self, Inbound, MAX_TOPIC_CHARS, Rejection, Request, Sender};
use synod::wire::{journal, outbound};
use uuid::Uuid;

use super::changes::{changed, changes};
use super::explore;

/// One text a line, as a JSON string: frames that are in order, and whatever was wrong once.
const CORPUS: &str = include_str!("inbound.jsonl");
const AGENT: AgentId = AgentId(Uuid::from_u128(0xa));
const MEETING: MeetingId = MeetingId(Uuid::from_u128(0xe));
const MAX_BYTES: usize = 200;

fn corpus() -> Vec<String> {
    let text = |line| serde_json::from_str(line).expect("a JSON string");
    CORPUS.lines().map(text).collect()
}

#[test]
fn the_corpus_is_understood_or_refused() {
    let texts = corpus();
    texts.iter().for_each(holds);
    let (agent, meeting) = (Some(AGENT), Some(MEETING));
    let frames = texts
        .iter()
        .filter(|text| inbound::parse(text, Sender { agent, meeting }, MAX_BYTES).is_ok());
    assert!(frames.count() >= 5, "some of each type are in order");
}

#[test]
fn any_text_is_understood_or_refused() {
    let bytes = prop::collection::vec(any::<u8>(), 0..200);
    explore(
        &bytes.prop_map(|bytes| String::from_utf8_lossy(&bytes).into_owned()),
        holds,
    );
}

#[test]
fn a_frame_with_any_change_is_understood_or_refused() {
    let texts = (select(corpus()), changes());
    explore(
        &texts.prop_map(|(text, changes)| changed(&text, &changes)),
        holds,
    );
}

/// Whoever sends a text, it is understood, within every limit, or refused by a frame of its own.
#[expect(clippy::ptr_arg, reason = "what is explored are values")]
fn holds(text: &String) {
    for (agent, meeting) in [
        (Some(AGENT), Some(MEETING)),
        (Some(AGENT), None),
        (None, Some(MEETING)),
    ] {
        let sender = Sender { agent, meeting };
        match inbound::parse(text, sender, MAX_BYTES) {
            Ok(inbound) => {
                assert!(agent.is_some(), "who only watches asks nothing");
                assert_eq!(inbound.id, inbound::id_of(text));
                is_within_the_limits(&inbound);
                let again = inbound::parse(&encode(&inbound), sender, MAX_BYTES);
                assert_eq!(again.as_ref(), Ok(&inbound), "said again, it is the same");
                is_kept_as_it_is(inbound.request);
            }
            Err(rejection) => is_answered(text, &rejection),
        }
    }
}

fn is_within_the_limits(inbound: &Inbound) {
    let is_text =
        |text: &str, max_bytes| !text.is_empty() && text.len() <= max_bytes && !text.contains('\0');
    let id = inbound.id.iter().map(synod::wire::FrameId::to_json);
    let id: Vec<Value> = id
        .map(|id| serde_json::from_str(&id).expect("JSON"))
        .collect();
    let is_short = |id: &Value| {
        id.as_str()
            .is_none_or(|id| id.chars().count() <= MAX_FRAME_ID_CHARS)
    };
    assert!(id.iter().all(|id| id.is_number() || id.is_string()) && id.iter().all(is_short));
    match &inbound.request {
        Request::Meeting(Command::Speak { content, proposal }) => {
            assert!(is_text(content, MAX_BYTES));
            assert!(
                proposal
                    .as_ref()
                    .is_none_or(|proposal| is_text(proposal, MAX_BYTES))
            );
        }
        Request::Meeting(Command::CastVote(vote)) => {
            let rationale = vote.rationale.as_deref().unwrap_or_default();
            assert!(rationale.is_empty() || is_text(rationale, MAX_BYTES));
            assert!(
                vote.confidence
                    .is_none_or(|confidence| (0.0..=1.0).contains(&confidence))
            );
        }
        Request::Meeting(Command::Leave) => {}
        Request::Direct(direct) => {
            assert!(is_text(&direct.content, usize::MAX));
            let topic = direct.topic.as_deref().unwrap_or_default();
            assert!(topic.chars().count() <= MAX_TOPIC_CHARS && !topic.contains('\0'));
        }
        Request::Meeting(other) => panic!("no frame asks for {other:?}"),
    }
}

fn encode(inbound: &Inbound) -> String {
    let mut frame = match &inbound.request {
        Request::Meeting(Command::Speak { content, proposal }) => {
            json!({"type": "opinion", "content": content, "proposal": proposal})
        }
        Request::Meeting(Command::CastVote(vote)) => json!({
            "type": "consensus_vote", "agrees": vote.agrees, "rationale": vote.rationale, "confidence": vote.confidence}),
        Request::Meeting(_) => json!({"type": "leave"}),
        Request::Direct(direct) => json!({
            "type": "direct_message", "receiver_id": direct.receiver.0, "content": direct.content, "topic": direct.topic}),
    };
    if let Some(id) = &inbound.id {
        frame["id"] = serde_json::from_str(&id.to_json()).expect("JSON");
    }
    frame.to_string()
}

/// What becomes of a frame is read from the journal as it was said.
fn is_kept_as_it_is(request: Request) {
    let (round, agent) = (1, AGENT);
    let event = match request {
        Request::Meeting(Command::Speak { content, proposal }) => Event::OpinionPresented {
            round,
            agent,
            content,
            proposal,
        },
        Request::Meeting(Command::CastVote(vote)) => Event::VoteRecorded {
            round,
            agent,
            vote,
            secret: false,
        },
        Request::Meeting(_) | Request::Direct(_) => return,
    };
    let kept = journal::encode(&event);
    let decoded = journal::decode(kept.kind, journal::VERSION, &kept.payload);
    assert_eq!(decoded.expect("it was just written"), event);
}

fn is_answered(text: &str, rejection: &Rejection) {
    let Rejection { id, code, message } = rejection;
    assert!(
        ["invalid_frame", "message_too_large", "forbidden"].contains(code),
        "{code}"
    );
    assert_eq!(id, &inbound::id_of(text));
    let frame = outbound::error(id.as_ref(), code, message);
    assert!(frame.as_str().starts_with(r#"{"type":"error""#));
    let frame: Value = serde_json::from_str(frame.as_str()).expect("JSON");
    assert_eq!(
        (&frame["code"], &frame["message"]),
        (&json!(code), &json!(message))
    );
}
