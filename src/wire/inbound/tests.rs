//! Frames that are understood, and those that are not.

use expect_test::{Expect, expect};

use super::*;

fn check(text: &str, expected: &Expect) {
    expected.assert_eq(&shown(text));
}

/// What becomes of a frame.
fn shown(text: &str) -> String {
    let sender = Sender {
        agent: Some(AgentId(Uuid::from_u128(1))),
        meeting: Some(MeetingId(Uuid::from_u128(9))),
    };
    match parse(text, sender, 16) {
        Ok(inbound) => format!("{:?} {:?}", inbound.id, inbound.request),
        Err(rejection) => format!(
            "{:?} {}: {}",
            rejection.id, rejection.code, rejection.message
        ),
    }
}

#[test]
fn an_opinion_with_a_proposal() {
    check(
        r#"{"type":"opinion","id":"a1","content":"yes","proposal":"do it"}"#,
        &expect![[
            r#"Some(Text("a1")) Meeting(Speak { content: "yes", proposal: Some("do it") })"#
        ]],
    );
}

#[test]
fn a_null_vote_abstains() {
    check(
        r#"{"type":"consensus_vote","id":7,"agrees":null}"#,
        &expect![
            "Some(Number(Number(7))) Meeting(CastVote(Vote { agrees: None, rationale: None, confidence: None }))"
        ],
    );
}

#[test]
fn a_vote_without_an_answer_is_no_abstention() {
    check(
        r#"{"type":"consensus_vote","id":"v"}"#,
        &expect![[
            r#"Some(Text("v")) invalid_frame: not a frame this server knows: missing field `agrees`"#
        ]],
    );
}

#[test]
fn an_id_that_would_be_rounded_is_refused() {
    let given = |id: &str| {
        let frame = format!(r#"{{"type":"opinion","id":{id},"content":"yes"}}"#);
        let sender = Sender {
            agent: Some(AgentId(Uuid::from_u128(1))),
            meeting: Some(MeetingId(Uuid::from_u128(9))),
        };
        match parse(&frame, sender, 16) {
            Ok(inbound) => inbound.id.expect("it has one").to_json(),
            Err(rejection) => {
                assert_eq!(rejection.code, "invalid_frame");
                assert!(
                    rejection.message.contains("whole number of 64 bits"),
                    "{rejection}"
                );
                "refused".to_owned()
            }
        }
    };
    for whole in [
        "0",
        "-9223372036854775808",
        "18446744073709551615",
        r#""1e3""#,
    ] {
        assert_eq!(given(whole), whole);
    }
    for other in [
        "18446744073709551616",
        "-9223372036854775809",
        "-0",
        "1.5",
        "1e3",
        "true",
        "[7]",
    ] {
        assert_eq!(given(other), "refused", "{other}");
    }
}

#[test]
fn an_agent_cannot_claim_to_be_another() {
    check(
        r#"{"type":"opinion","content":"x","agent_id":"00000000-0000-0000-0000-000000000002"}"#,
        &expect!["None forbidden: agent_id is not yours: leave it out, the token says who you are"],
    );
}

#[test]
fn what_is_too_large_or_has_nul_is_refused_by_name() {
    check(
        r#"{"type":"opinion","content":"seventeen bytes!!"}"#,
        &expect!["None message_too_large: content has 17 bytes; at most 16 are taken"],
    );
    check(
        r#"{"type":"opinion","content":"a\u0000b"}"#,
        &expect!["None invalid_frame: content must not contain U+0000"],
    );
}

#[test]
fn what_is_wrong_is_said_of_frames_and_their_fields() {
    for (text, expected) in [
        ("[]", "it must be a JSON object"),
        (r#"["opinion", "id"]"#, "it must be a JSON object"),
        ("{}", "missing field `type`"),
        (
            r#"{"type": 0, "content": "x"}"#,
            "type: invalid type: integer `0`, expected a string",
        ),
        (
            r#"{"type": "opinion", "content": ["x"]}"#,
            "content: invalid type: sequence, expected a string",
        ),
        (r#"{"type": "opinion"}"#, "missing field `content`"),
        (
            r#"{"type": "consensus_vote", "agrees": true, "confidence": "high"}"#,
            "confidence: invalid type: string \"high\", expected a number",
        ),
        (
            r#"{"type": "opinion", "content": "x", "content": "y"}"#,
            "duplicate field `content`",
        ),
        (
            r#"{"id": [1], "type": "leave"}"#,
            "id: invalid type: sequence, expected an id, which is a text or a whole number of 64 bits",
        ),
        (
            r#"{"type": "opinion", "content": "\ud800"}"#,
            &format!("content: {}", fault::HALF_A_PAIR),
        ),
    ] {
        let expected = format!("None invalid_frame: {UNKNOWN}: {expected}");
        assert_eq!(shown(text), expected);
    }
}

#[test]
fn what_is_no_frame_is_explained() {
    check(
        "hello",
        &expect!["None invalid_frame: not a frame this server knows: it must be a JSON object"],
    );
    check(
        r#"{"id":"q""#,
        &expect![
            "None invalid_frame: not a frame this server knows: EOF while parsing an object at line 1 column 9"
        ],
    );
    check(
        r#"{"id":"q","type":"dance"}"#,
        &expect![[
            r#"Some(Text("q")) invalid_frame: not a frame this server knows: type: unknown word `dance`, expected one of `opinion`, `consensus_vote`, `leave`, `direct_message`"#
        ]],
    );
}
