//! Whether `docs/asyncapi.json` says what is said: its own order, its words beside those of the code,
//! and, in [`recording`], whole meetings over real sockets, frame by frame.

mod document;
mod recording;

use std::collections::BTreeSet;

use serde_json::{Map, Value};
use synod::client::{Ended, Then};
use synod::config::Limits;
use synod::domain::{Refusal, Status};
use synod::wire::{CloseCode, journal, outbound};

use self::document::{Document, TELL_AGENT, TELL_MEETING, read};

fn words<'a>(words: impl IntoIterator<Item = &'a str>) -> BTreeSet<&'a str> {
    words.into_iter().collect()
}

fn keys(object: &Map<String, Value>) -> BTreeSet<&str> {
    object.keys().map(String::as_str).collect()
}

fn object(value: &Value) -> &Map<String, Value> {
    value
        .as_object()
        .unwrap_or_else(|| panic!("no object: {value}"))
}

/// What a sentence names in backticks.
fn quoted(text: &str) -> Vec<&str> {
    text.split('`').skip(1).step_by(2).collect()
}

// ---- Its own order ----

#[test]
fn every_reference_leads_somewhere() {
    let document = Document::read();
    let mut references = 0;
    document.walk(&mut |value| {
        if let Some(reference) = value.get("$ref") {
            let pointer = reference.as_str().unwrap().trim_start_matches('#');
            assert!(
                document.json.pointer(pointer).is_some(),
                "{reference} leads nowhere"
            );
            references += 1;
        }
    });
    assert!(references > 0);
}

#[test]
fn it_has_the_parts_of_an_asyncapi_document() {
    let json = Document::read().json;
    assert_eq!(json["asyncapi"], "3.0.0");
    assert!(json["info"]["title"].is_string() && json["info"]["version"].is_string());
    for server in object(&json["servers"]).values() {
        assert!(server["host"].is_string() && server["protocol"] == "ws");
        assert!(!server["security"].as_array().unwrap().is_empty());
    }
    for channel in object(&json["channels"]).values() {
        let address = channel["address"].as_str().unwrap();
        let parameters = channel
            .get("parameters")
            .map(object)
            .cloned()
            .unwrap_or_default();
        let named = address.split(['{', '}']).skip(1).step_by(2);
        assert_eq!(words(named), keys(&parameters), "{address}");
        assert_eq!(channel["bindings"]["ws"]["method"], "GET");
    }
    for (name, operation) in object(&json["operations"]) {
        assert!(
            ["send", "receive"].contains(&operation["action"].as_str().unwrap()),
            "{name}"
        );
        let channel = operation["channel"]["$ref"].as_str().unwrap();
        let replies = operation["reply"]["messages"]
            .as_array()
            .into_iter()
            .flatten();
        for message in operation["messages"]
            .as_array()
            .unwrap()
            .iter()
            .chain(replies)
        {
            let reference = message["$ref"].as_str().unwrap();
            assert!(
                reference.starts_with(&format!("{channel}/messages/")),
                "{name}: {reference}"
            );
        }
    }
}

/// The fields that `AsyncAPI` 3.0 knows, by the objects that have them. Its objects are closed, but for `x-…`.
const FIELDS: [(&str, &str); 6] = [
    (
        "servers",
        "host protocol protocolVersion pathname title summary description variables security tags externalDocs bindings",
    ),
    (
        "channels",
        "address messages title summary description servers parameters tags externalDocs bindings",
    ),
    (
        "operations",
        "action channel title summary description security tags externalDocs bindings traits messages reply",
    ),
    (
        "components/messages",
        "headers payload correlationId contentType name title summary description tags externalDocs bindings examples traits",
    ),
    (
        "components/securitySchemes",
        "type description name in scheme bearerFormat",
    ),
    ("components/correlationIds", "description location"),
];

#[test]
fn its_objects_have_no_fields_of_their_own_invention() {
    let json = Document::read().json;
    let foreign = |value: &Value, fields: &str| {
        let known = words(fields.split(' '));
        let is_known = |field: &&str| field.starts_with("x-") || known.contains(field);
        let foreign: Vec<_> = keys(object(value))
            .into_iter()
            .filter(|f| !is_known(f))
            .collect();
        assert_eq!(foreign, [""; 0]);
    };
    foreign(
        &json,
        "asyncapi id info servers defaultContentType channels operations components",
    );
    foreign(
        &json["components"],
        "schemas servers channels operations messages securitySchemes parameters correlationIds",
    );
    for (path, fields) in FIELDS {
        let objects = json.pointer(&format!("/{path}")).unwrap();
        object(objects)
            .values()
            .for_each(|value| foreign(value, fields));
    }
}

#[test]
fn every_message_is_said_by_somebody_and_has_an_example() {
    let document = Document::read();
    let operations: Vec<_> = object(&document.json["operations"])
        .keys()
        .map(|name| document.operation(name))
        .collect();
    for (key, message) in object(&document.json["components"]["messages"]) {
        let said_in = operations.iter().filter(|operation| operation.has(key));
        let said_in: Vec<_> = said_in.collect();
        assert!(!said_in.is_empty(), "{key} is said by nobody");
        let examples = message["examples"].as_array().unwrap();
        assert!(!examples.is_empty(), "{key} has no example");
        for example in examples {
            let text = example["payload"].to_string();
            assert!(
                text.starts_with(r#"{"type":""#),
                "`type` comes first: {text}"
            );
            for operation in &said_in {
                assert_eq!(operation.message_of(&example["payload"]), Ok(key.as_str()));
            }
        }
    }
}

#[test]
fn a_line_lists_as_many_meetings_as_the_server_does() {
    let json = Document::read().json;
    let first = &json["components"]["messages"]["line_connected"];
    let most = &first["payload"]["properties"]["meetings"]["maxItems"];
    assert_eq!(*most, Limits::LINE_MEETINGS_MAX);
    let said = format!("at most {most};");
    assert!(first["summary"].as_str().unwrap().contains(&said));
}

#[test]
fn every_shape_is_closed() {
    let document = Document::read();
    document.walk_components(&mut |schema| {
        let Some(properties) = schema.get("properties").and_then(Value::as_object) else {
            return;
        };
        let known = keys(properties);
        assert_eq!(schema["additionalProperties"], false, "{schema}");
        let required = schema["required"].as_array().unwrap().iter();
        let required = words(required.map(|name| name.as_str().unwrap()));
        assert!(required.is_subset(&known), "{schema}");
    });
}

// ---- Its words and those of the code ----

#[test]
fn its_events_are_those_of_the_journal() {
    let document = Document::read();
    let events = document.operation(TELL_MEETING).events();
    let described = words(events.iter().map(String::as_str));
    assert_eq!(described, words(journal::KINDS));
    assert!(document.operation(TELL_AGENT).events().is_subset(&events));
}

/// Every refusal; the match below does not compile without one of them.
const REFUSALS: [Refusal; 15] = [
    Refusal::NotYourTurn,
    Refusal::NoOpenBallot,
    Refusal::AlreadyVoted,
    Refusal::NotAParticipant,
    Refusal::NotInProgress(Status::Pending),
    Refusal::Over,
    Refusal::Paused,
    Refusal::AlreadyParticipant,
    Refusal::NotInvited,
    Refusal::NotModerator,
    Refusal::NotYourself,
    Refusal::Full,
    Refusal::NoParticipants,
    Refusal::AlreadyStarted(Status::InProgress),
    Refusal::NotPaused,
];

/// Whether a frame can meet this refusal; the others answer a handshake or a request by REST.
fn answers_a_frame(refusal: &Refusal) -> bool {
    match refusal {
        Refusal::NotYourTurn
        | Refusal::NoOpenBallot
        | Refusal::AlreadyVoted
        | Refusal::NotAParticipant
        | Refusal::NotInProgress(_)
        | Refusal::Over
        | Refusal::Paused => true,
        Refusal::AlreadyParticipant
        | Refusal::NotInvited
        | Refusal::NotModerator
        | Refusal::NotYourself
        | Refusal::Full
        | Refusal::NoParticipants
        | Refusal::AlreadyStarted(_)
        | Refusal::NotPaused => false,
    }
}

#[test]
fn its_error_codes_are_those_of_the_code() {
    let document = Document::read();
    let tell = document.operation(TELL_MEETING);
    let mut known = words(recording::FRAME_CODES);
    let later = [
        ("overloaded", outbound::overloaded(None, 1_000)),
        ("rate_limited", outbound::rate_limited(None, 1_000)),
    ];
    for (code, frame) in later {
        let frame: Value = serde_json::from_str(frame.as_str()).unwrap();
        assert_eq!(tell.message_of(&frame), Ok("error"));
        assert_eq!(frame["code"], code);
        known.insert(code);
    }
    known.insert(outbound::JOURNAL_UNREADABLE);
    for refusal in REFUSALS.iter().filter(|refusal| answers_a_frame(refusal)) {
        let frame = outbound::refusal(None, refusal);
        let frame = serde_json::from_str(frame.as_str()).unwrap();
        assert_eq!(tell.message_of(&frame), Ok("error"), "{refusal}");
        known.insert(refusal.code());
    }
    let error = &document.json["components"]["messages"]["error"];
    assert_eq!(keys(object(&error["x-codes"])), known);
    let enums = error["payload"]["oneOf"].as_array().unwrap().iter();
    let enums = enums.flat_map(|shape| shape["properties"]["code"]["enum"].as_array().unwrap());
    assert_eq!(words(enums.map(|code| code.as_str().unwrap())), known);
}

#[test]
fn its_close_codes_are_those_of_the_code_and_say_what_the_client_does() {
    let json = Document::read().json;
    let described = object(&json["x-close-codes"]);
    let known: BTreeSet<_> = CloseCode::ALL
        .iter()
        .map(|code| code.code.to_string())
        .collect();
    assert_eq!(keys(described), known.iter().map(String::as_str).collect());
    for (code, described) in described {
        let ended = Ended {
            code: code.parse().unwrap(),
            reason: String::new(),
        };
        let then = match ended.then() {
            Then::Stop => "stop",
            Then::ResumeLater => "resume_later",
            Then::ResumeAtOnce => "resume_at_once",
        };
        assert_eq!(described["then"], then, "{code}");
    }
}

#[test]
fn what_is_written_for_people_has_the_same_words() {
    let document = Document::read();
    let text = read("docs/protocol.md");
    let error = &document.json["components"]["messages"]["error"];
    let codes = keys(object(&error["x-codes"]));
    let messages = object(&document.json["components"]["messages"]).values();
    let types = messages.map(|message| message["name"].as_str().unwrap());
    let events = document.operation(TELL_MEETING).events();
    let backticked = codes
        .into_iter()
        .chain(types)
        .chain(events.iter().map(String::as_str));
    for word in backticked {
        assert!(
            text.contains(&format!("`{word}`")),
            "{word} is not in docs/protocol.md"
        );
    }
    for code in object(&document.json["x-close-codes"]).keys() {
        assert!(
            text.contains(code.as_str()),
            "{code} is not in docs/protocol.md"
        );
    }
}
