//! `/meetings` and `/decisions`: created, joined, moderated, listed, and shown to those they concern.

use http::StatusCode;
use serde_json::{Value, json};
use uuid::Uuid;

use super::communications::message;
use super::{COMMUNICATIONS, DECISIONS, MEETINGS, get, get_refused, is, names, post, post_refused};
use crate::support::agent::{agreeable, logs};
use crate::support::checker::check;
use crate::support::database::Fresh;
use crate::support::on_each_database;
use crate::support::server::{Server, over, step};

on_each_database!(
    a_meeting_is_kept_as_it_was_given_and_shown_to_those_in_it,
    a_meeting_with_a_fault_names_every_fault_and_leaves_nothing,
    an_agent_joins_once,
    a_step_that_the_state_forbids_is_refused_with_the_state,
    decisions_and_the_messages_behind_them_are_found_from_either_side,
);

async fn a_meeting_is_kept_as_it_was_given_and_shown_to_those_in_it(fresh: Fresh) {
    let server = Server::on(&fresh).await;
    let [ada, ben, eve] = server.agents(["ada", "ben", "eve"]).await;
    let topic = " \u{1F980} Where? \"here\" ";
    let weights = json!({ben.id.to_string(): 3});
    let wanted = json!({"topic": topic, "participant_ids": [ben.id], "meeting_type": "auto_generated",
                        "max_discussion_rounds": 7, "turn_order": "rotate", "admission": "invited",
                        "opinion_timeout_ms": 1_234, "decision_rule":
                        {"rule": "supermajority", "threshold": "3/4", "quorum": 0.5, "weights": weights}});
    let created = post(&ada.client, MEETINGS, wanted.clone()).await;
    let id = created["id"].as_str().unwrap();
    let shown = get(&ben.client, &format!("{MEETINGS}/{id}")).await;
    assert_eq!(created, shown);
    for field in ["topic", "meeting_type", "max_discussion_rounds"] {
        assert_eq!(shown[field], wanted[field]);
    }
    for field in ["turn_order", "admission", "opinion_timeout_ms"] {
        assert_eq!(shown["settings"][field], wanted[field]);
    }
    assert_eq!(shown["settings"]["decision_rule"]["weights"], weights);
    assert_eq!(shown["settings"]["vote_timeout_ms"], 180_000);
    assert_eq!(
        (&shown["status"], &shown["outcome"]),
        (&json!("pending"), &Value::Null)
    );
    assert_eq!(shown["live"]["moderator_id"], json!(ada.id));
    let people: Vec<_> = shown["participants"]
        .as_array()
        .unwrap()
        .iter()
        .map(|p| {
            (
                p["agent_id"].clone(),
                p["role"].clone(),
                p["speaking_order"].clone(),
            )
        })
        .collect();
    let expected = [
        (json!(ben.id), json!("participant"), json!(1)),
        (json!(ada.id), json!("moderator"), Value::Null),
    ];
    assert_eq!(people, expected);
    for path in [
        format!("{MEETINGS}/{id}"),
        format!("{MEETINGS}/{id}/events"),
    ] {
        is(
            &get_refused(&eve.client, &path).await,
            StatusCode::FORBIDDEN,
            "forbidden",
        );
    }
    let events = get(&ben.client, &format!("{MEETINGS}/{id}/events")).await;
    assert_eq!(
        (&events["last_seq"], &events["events"][0]["kind"]),
        (&json!(1), &json!("meeting_created"))
    );
    let none = get(&ben.client, &format!("{MEETINGS}/{id}/events?after=1")).await;
    assert_eq!(none["events"], json!([]));
    check(&*fresh.store, id.parse().unwrap(), &[]).await;
    server.stop().await;
}

async fn a_meeting_with_a_fault_names_every_fault_and_leaves_nothing(fresh: Fresh) {
    let server = Server::on(&fresh).await;
    let [ada] = server.agents(["ada"]).await;
    let stranger = Uuid::from_u128(9);
    let bad = json!({"topic": "x".repeat(501), "participant_ids": [ada.id, stranger], "meeting_type": "party",
                     "max_discussion_rounds": 51, "opinion_timeout_ms": 0, "vote_timeout_ms": "long",
                     "turn_order": "loudest", "decision_rule": {"rule": "might"}, "colour": "red"});
    let faulty = post_refused(&server.admin, MEETINGS, bad).await;
    let fields = [
        "colour",
        "decision_rule.rule",
        "max_discussion_rounds",
        "meeting_type",
        "opinion_timeout_ms",
        "participant_ids",
        "topic",
        "turn_order",
        "vote_timeout_ms",
    ];
    names(&faulty, &fields);
    names(
        &post_refused(&server.admin, MEETINGS, json!({})).await,
        &["participant_ids", "topic"],
    );
    for (bad, field) in [
        (
            json!({"topic": "t", "participant_ids": [ada.id, stranger]}),
            "participant_ids",
        ),
        (
            json!({"topic": "t", "participant_ids": [ada.id, ada.id]}),
            "participant_ids",
        ),
        (
            json!({"topic": "t", "participant_ids": [], "moderator_id": stranger}),
            "moderator_id",
        ),
        (
            json!({"topic": "t", "participant_ids": [], "related_communication_ids": [stranger]}),
            "related_communication_ids",
        ),
        (json!({"topic": "", "participant_ids": []}), "topic"),
        (
            json!({"topic": "t", "participant_ids": [], "start": "when_all_joined"}),
            "participant_ids",
        ),
        (
            json!({"topic": "t", "participant_ids": [], "decision_rule": {"rule": "majority", "threshold": 0.6}}),
            "decision_rule.threshold",
        ),
    ] {
        names(&post_refused(&server.admin, MEETINGS, bad).await, &[field]);
    }
    let listed = get(&server.admin, MEETINGS).await;
    assert_eq!(
        (&listed["total"], &listed["meetings"]),
        (&json!(0), &json!([]))
    );
    server.stop().await;
}

async fn an_agent_joins_once(fresh: Fresh) {
    let server = Server::on(&fresh).await;
    let [ada, ben] = server.agents(["ada", "ben"]).await;
    let meeting = server.meeting(&[&ada], json!({})).await;
    let join = format!("{MEETINGS}/{meeting}/join");
    let joined = post(&ben.client, &join, json!({})).await;
    let address = server.admin.address().replacen("http", "ws", 1);
    let expected = format!("{address}/ws/meetings/{meeting}?agent_id={}", ben.id);
    assert_eq!(joined["websocket_url"], expected);
    for (client, agent) in [
        (&ben.client, &ben),
        (&ada.client, &ada),
        (&server.admin, &ben),
    ] {
        let twice = post_refused(client, &join, json!({"agent_id": agent.id})).await;
        is(&twice, StatusCode::CONFLICT, "already_participant");
        assert_eq!(
            twice.refused().unwrap().message,
            "Agent is already a participant"
        );
    }
    let other = post_refused(&ben.client, &join, json!({"agent_id": ada.id})).await;
    is(&other, StatusCode::FORBIDDEN, "forbidden");
    names(
        &post_refused(&server.admin, &join, json!({})).await,
        &["agent_id"],
    );
    let unknown = json!({"agent_id": Uuid::from_u128(9)});
    names(
        &post_refused(&server.admin, &join, unknown).await,
        &["agent_id"],
    );
    let checked = check(&*fresh.store, meeting, &[]).await;
    assert_eq!(checked.kinds(), ["meeting_created", "participant_added"]);
    server.stop().await;
}

async fn a_step_that_the_state_forbids_is_refused_with_the_state(fresh: Fresh) {
    let server = Server::on(&fresh).await;
    let [ada] = server.agents(["ada"]).await;
    let empty = server.meeting(&[], json!({})).await;
    let refused = post_refused(
        &server.admin,
        &format!("{MEETINGS}/{empty}/start"),
        json!({}),
    )
    .await;
    is(&refused, StatusCode::CONFLICT, "no_participants");
    let meeting = server.meeting(&[&ada], json!({})).await;
    let path = |step: &str| format!("{MEETINGS}/{meeting}/{step}");
    let wrong = async |step: &str, code: &str, status: Value| {
        let refused = post_refused(&server.admin, &path(step), json!({})).await;
        is(&refused, StatusCode::CONFLICT, code);
        assert_eq!(
            refused.refused().unwrap().details["status"],
            status,
            "{step}"
        );
    };
    wrong("pause", "meeting_not_in_progress", json!("pending")).await;
    wrong("resume", "meeting_not_in_progress", json!("pending")).await;
    let started = step(&server.admin, meeting, "start").await;
    assert_eq!(
        (&started["status"], &started["current_round"]),
        (&json!("in_progress"), &json!(1))
    );
    wrong("start", "meeting_already_started", json!("in_progress")).await;
    let refused = post_refused(&server.admin, &path("resume"), json!({})).await;
    is(&refused, StatusCode::CONFLICT, "meeting_not_paused");
    step(&server.admin, meeting, "pause").await;
    let refused = post_refused(&server.admin, &path("pause"), json!({})).await;
    is(&refused, StatusCode::CONFLICT, "meeting_paused");
    let refused = post_refused(&ada.client, &path("resume"), json!({})).await;
    is(&refused, StatusCode::FORBIDDEN, "forbidden");
    step(&server.admin, meeting, "cancel").await;
    for step in ["start", "pause", "resume", "cancel", "join"] {
        let body = if step == "join" {
            json!({"agent_id": ada.id})
        } else {
            json!({})
        };
        let refused = post_refused(&server.admin, &path(step), body).await;
        is(&refused, StatusCode::CONFLICT, "meeting_over");
    }
    let missing = format!("{MEETINGS}/{}/start", Uuid::nil());
    is(
        &post_refused(&server.admin, &missing, json!({})).await,
        StatusCode::NOT_FOUND,
        "not_found",
    );
    let checked = check(&*fresh.store, meeting, &[]).await;
    assert_eq!(checked.outcome(), "cancelled");
    server.stop().await;
}

async fn decisions_and_the_messages_behind_them_are_found_from_either_side(fresh: Fresh) {
    let server = Server::on(&fresh).await;
    let [ada, ben, eve] = server.agents(["ada", "ben", "eve"]).await;
    let sent = post(
        &ada.client,
        COMMUNICATIONS,
        message(&ada, &ben, "we should meet", None),
    )
    .await;
    let settings = json!({"start": "when_all_joined", "related_communication_ids": [sent["id"]]});
    let meeting = server.meeting(&[&ada, &ben], settings).await;
    let attending = [
        ada.attend(meeting, agreeable()),
        ben.attend(meeting, agreeable()),
    ];
    let logs = logs(attending).await;
    check(&*fresh.store, meeting, &logs).await;
    let shown = over(&ada.client, meeting).await;
    assert_eq!(shown["related_communications"], json!([sent]));
    let listed = get(&ben.client, &format!("{DECISIONS}?meeting_id={meeting}")).await;
    assert_eq!(
        (&listed["total"], &listed["decisions"][0]),
        (&json!(1), &shown["decision"])
    );
    let id = shown["decision"]["id"].as_str().unwrap();
    let decision = get(&ada.client, &format!("{DECISIONS}/{id}")).await;
    assert_eq!(decision["related_communications"], json!([sent]));
    assert_eq!(decision["related_communication_ids"], json!([sent["id"]]));
    assert_eq!(decision["participant_agreement"]["tally"]["agree"], 2);
    assert_eq!(get(&eve.client, DECISIONS).await["total"], 0);
    let refused = get_refused(&eve.client, &format!("{DECISIONS}/{id}")).await;
    is(&refused, StatusCode::FORBIDDEN, "forbidden");
    for (filter, total) in [
        ("status=completed", 1),
        ("status=pending", 0),
        ("outcome=consensus", 1),
        ("outcome=tie", 0),
        ("q=WHERE+do", 1),
        ("q=WHER", 0),
        ("q=nowhere", 0),
        ("start_date=2001-01-01", 1),
        ("end_date=2001-01-01", 0),
    ] {
        let listed = get(&ada.client, &format!("{MEETINGS}?{filter}")).await;
        assert_eq!(listed["total"], total, "{filter}");
        assert_eq!(
            get(&eve.client, &format!("{MEETINGS}?{filter}")).await["total"],
            0
        );
    }
    server.stop().await;
}
