//! From what agents wrote to what they decide: the log suggests a topic, somebody wants a meeting about it, its agents are shown the
//! messages that prompted it, and what they decide leads back to those.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use synod::client::frame::OpinionRequest;
use synod::config::Limits;
use uuid::Uuid;

use crate::support::agent::{Agent, Asked, Does, Script, logs, script};
use crate::support::database::Fresh;
use crate::support::on_each_database;
use crate::support::quarrel::say;
use crate::support::server::Server;

on_each_database!(
    a_disagreement_in_the_log_becomes_a_decision_that_leads_back_to_it,
    much_evidence_is_shown_in_part_and_the_same_after_a_restart,
);

const SUGGESTIONS: &str = "/api/v1/meetings/suggest-topics";

/// Five messages of disagreement about a schema, three on the names of endpoints without an end, two on a date that stands.
async fn work([ada, ben, cleo, dan, eve, finn, gil]: &[Agent; 7]) -> [Vec<Value>; 3] {
    let schema = [
        (
            ada,
            ben,
            "I propose that the user schema stays normalised: a table for accounts, another for addresses.",
        ),
        (
            ben,
            ada,
            "I disagree. With a normalised user schema every profile page joins three tables. I want it denormalised.",
        ),
        (
            ada,
            ben,
            "But in a denormalised schema the addresses drift apart, as they did in spring. I am against it.",
        ),
        (
            cleo,
            ada,
            "I would rather keep the user schema in one JSON column, instead of tables that we join.",
        ),
        (
            ben,
            cleo,
            "No, a JSON column in the user schema cannot be indexed. I still propose the denormalised schema.",
        ),
    ];
    let naming = [
        (
            dan,
            eve,
            "Should the endpoint be called /users or /user? Both names stand in the draft.",
        ),
        (
            eve,
            dan,
            "The naming of the endpoints is still open. Maybe plural, I am not sure.",
        ),
        (
            dan,
            eve,
            "Who decides on the endpoint names? The draft cannot wait much longer.",
        ),
    ];
    let schedule = [
        (
            finn,
            gil,
            "The deployment went onto the calendar: Thursday at nine.",
        ),
        (gil, finn, "Thanks, the deployment on Thursday is noted."),
    ];
    let mut kept = [Vec::new(), Vec::new(), Vec::new()];
    for (subject, messages) in kept.iter_mut().zip([&schema[..], &naming, &schedule]) {
        for (from, to, text) in messages {
            subject.push(say(from, to, text).await);
        }
    }
    kept
}

async fn suggested(server: &Server) -> Vec<Value> {
    let answer: Value = server.admin.get(SUGGESTIONS).await.unwrap();
    answer["suggested_topics"].as_array().unwrap().clone()
}

fn set(ids: &[Value]) -> BTreeSet<String> {
    ids.iter().map(Value::to_string).collect()
}

fn ids(rows: &Value) -> BTreeSet<String> {
    let rows = rows.as_array().unwrap().iter();
    rows.map(|row| row["id"].to_string()).collect()
}

/// Proposes something if nothing is proposed yet, and agrees.
fn of_good_will() -> Script {
    script(|asked| match asked {
        Asked::ToSpeak(request) if request.motion.is_none() => Does::Proposes(
            "Joins were slow in one query only.".to_owned(),
            "The schema stays normalised, with a view for the profile page.".to_owned(),
        ),
        Asked::ToSpeak(_) => Does::Says("I can live with that.".to_owned()),
        Asked::ToVote(_) => Does::Votes(Some(true)),
    })
}

async fn a_disagreement_in_the_log_becomes_a_decision_that_leads_back_to_it(fresh: Fresh) {
    let server = Server::on(&fresh).await;
    let names = ["ada", "ben", "cleo", "dan", "eve", "finn", "gil"];
    let agents = server.agents(names).await;
    let messages = work(&agents).await;
    let topic = the_most_urgent(&server, &messages).await;
    assert_eq!(meetings(&server).await, 0, "nothing starts by itself");

    // A person wants it.
    let wanted = json!({
        "topic": topic["topic"], "meeting_type": "auto_generated", "participant_ids": topic["agents"],
        "related_communication_ids": topic["related_communications"],
        "admission": "invited", "start": "when_all_joined",
    });
    let meeting = server.admin.create_meeting(&wanted).await.unwrap();
    let invited = topic["agents"].as_array().unwrap();
    let invited = agents
        .iter()
        .filter(|agent| invited.contains(&json!(agent.id)));
    let invited = invited.map(|agent| agent.attend(meeting, of_good_will()));
    let invited: Vec<_> = invited.collect();
    assert_eq!(invited.len(), 3, "ada, ben and cleo quarrel");
    let [schema, ..] = messages;
    for log in logs(invited).await {
        let request = &log.opinion_requests[0];
        let shown: Vec<_> = shown(request).iter().map(|id| json!(id)).collect();
        assert_eq!(shown, schema, "as they were sent");
        assert_eq!(request.evidence_left_out, 0);
        let first = &request.evidence[0];
        let sides = (first.sender_id, first.receiver_id);
        assert_eq!((sides, first.cut), ((agents[0].id, agents[1].id), false));
        let words = "I propose that the user schema stays normalised: ";
        assert!(first.content.starts_with(words), "{}", first.content);
    }
    leads_back(&server, meeting, &schema).await;
    assert_eq!(suggested(&server).await[0]["meeting"], json!(meeting));
    assert_eq!(meetings(&server).await, 1, "the one that somebody wanted");
    server.stop().await;
}

/// The first topic: the quarrel about the schema, and nothing but that. The open question comes behind it, what stands is none.
async fn the_most_urgent(server: &Server, [schema, naming, schedule]: &[Vec<Value>; 3]) -> Value {
    let topics = suggested(server).await;
    let topic = &topics[0];
    assert_eq!(topic["kind"], "conflict", "{topics:#?}");
    let title = topic["topic"].as_str().unwrap();
    assert!(title.contains("schema"), "{title}");
    let evidence = |topic: &Value| topic["related_communications"].as_array().unwrap().clone();
    assert_eq!(set(&evidence(topic)), set(schema), "{topics:#?}");
    let others: Vec<_> = topics[1..].iter().flat_map(evidence).collect();
    assert!(!set(&others).is_disjoint(&set(naming)), "{topics:#?}");
    assert!(set(&others).is_disjoint(&set(schedule)), "{topics:#?}");
    topic.clone()
}

/// What the meeting decided names the messages that prompted it, and they name it.
async fn leads_back(server: &Server, meeting: Uuid, messages: &[Value]) {
    let decision = server.admin.decision_of(meeting).await.unwrap().unwrap();
    let path = format!("/api/v1/decisions/{}", decision["id"].as_str().unwrap());
    let decision: Value = server.admin.get(&path).await.unwrap();
    let content = decision["decision_content"].as_str().unwrap();
    assert!(content.contains("view for the profile page"), "{content}");
    assert_eq!(ids(&decision["related_communications"]), set(messages));
    let message = messages[0].as_str().unwrap();
    let message = format!("/api/v1/communications/{message}");
    let message: Value = server.admin.get(&message).await.unwrap();
    assert_eq!(message["decisions"][0]["id"], decision["id"]);
    assert_eq!(message["meetings"][0]["id"], json!(meeting));
}

async fn meetings(server: &Server) -> u64 {
    let listed: Value = server.admin.get("/api/v1/meetings").await.unwrap();
    listed["total"].as_u64().unwrap()
}

async fn much_evidence_is_shown_in_part_and_the_same_after_a_restart(fresh: Fresh) {
    let server = Server::on(&fresh).await;
    let [ada, ben] = server.agents(["ada", "ben"]).await;
    let mut related = Vec::new();
    for n in 0..24 {
        related.push(say(&ada, &ben, &format!("{n} {}", "long ".repeat(2_000))).await);
    }
    related.reverse();
    related.insert(0, say(&ben, &ada, "\"Short\", says ben").await);
    let settings = json!({"start": "when_all_joined", "related_communication_ids": related});
    let meeting = server.meeting(&[&ada, &ben], settings).await;
    let (mut first, _second) = (ada.talk(meeting).await, ben.talk(meeting).await);
    let request = first.turn().await;
    let shown = shown(&request);
    let count = shown.len();
    assert!(count > 10 && count < related.len(), "{count}");
    assert_eq!(count + request.evidence_left_out, related.len());
    // Those that are named first, told in the order in which they were sent.
    assert_eq!(
        shown
            .iter()
            .map(|id| json!(id).to_string())
            .collect::<BTreeSet<_>>(),
        set(&related[..count])
    );
    assert!(
        request
            .evidence
            .is_sorted_by_key(|message| message.timestamp)
    );
    let (short, long) = request.evidence.split_last().unwrap();
    assert_eq!(
        (short.content.as_str(), short.cut),
        ("\"Short\", says ben", false)
    );
    assert!(
        long.iter()
            .all(|message| message.cut
                && message.content.len() == Limits::EVIDENCE_MESSAGE_MAX_BYTES)
    );
    let bytes = long.len() * Limits::EVIDENCE_MESSAGE_MAX_BYTES;
    assert!(bytes < Limits::EVIDENCE_MAX_BYTES, "{bytes}");
    server.stop().await;

    let server = Server::on(&fresh).await;
    let again = ada.at(&server.admin).talk(meeting).await.turn().await;
    assert_eq!(self::shown(&again), shown);
    assert_eq!(again.evidence_left_out, request.evidence_left_out);
    server.stop().await;
}

fn shown(request: &OpinionRequest) -> Vec<Uuid> {
    request.evidence.iter().map(|message| message.id).collect()
}
