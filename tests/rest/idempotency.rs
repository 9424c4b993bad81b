//! Requests with an `Idempotency-Key`: they act once, and are answered the same again, also after a restart.

use http::{Method, StatusCode};
use serde_json::{Value, json};
use synod::client::Client;
use synod::config::Limits;
use uuid::Uuid;

use super::{AGENTS, COMMUNICATIONS, MEETINGS, get, get_refused, is, post};
use crate::support::database::Fresh;
use crate::support::on_each_database;
use crate::support::server::{Server, live, once, send_once, step};

on_each_database!(
    a_request_that_comes_again_acts_once,
    an_answer_is_the_same_after_a_restart,
    a_step_that_was_carried_out_is_not_refused,
    a_step_of_a_long_meeting_is_answered_the_same_again,
    a_key_that_was_forgotten_is_as_good_as_new,
    a_token_is_shown_again_and_kept_nowhere,
    a_refused_request_leaves_no_key_behind,
    a_token_of_another_time_is_not_shown_wrongly,
);

async fn total(client: &Client, path: &str) -> u64 {
    get(client, path).await["total"].as_u64().unwrap()
}

async fn a_request_that_comes_again_acts_once(fresh: Fresh) {
    let server = Server::on(&fresh).await;
    let [ada, ben] = server.agents(["ada", "ben"]).await;
    let message =
        |text: &str| json!({"sender_id": ada.id, "receiver_id": ben.id, "message_content": text});
    let first = once(&ada.client, COMMUNICATIONS, "k1", &message("one")).await;
    assert_eq!(first.0, 201, "{first:?}");
    assert_eq!(
        once(&ada.client, COMMUNICATIONS, "\"k1\"", &message("one")).await,
        first
    );
    let other = once(&ada.client, COMMUNICATIONS, "k1", &message("two")).await;
    assert_eq!(
        (other.0, &other.1["error"]),
        (409, &json!("idempotency_key_reused"))
    );
    // A key is its owner's.
    let bens = json!({"sender_id": ben.id, "receiver_id": ada.id, "message_content": "one"});
    assert_eq!(once(&ben.client, COMMUNICATIONS, "k1", &bens).await.0, 201);
    assert_eq!(total(&server.admin, COMMUNICATIONS).await, 2);

    let lines = format!("{}\n{}\n", message("a"), message("b"));
    let path = format!("{COMMUNICATIONS}/batch");
    let kind = "application/x-ndjson";
    let batch = send_once(&ada.client, &path, "k2", kind, lines.clone()).await;
    assert_eq!((batch.0, &batch.1["count"]), (201, &json!(2)));
    assert_eq!(
        send_once(&ada.client, &path, "k2", kind, lines).await,
        batch
    );
    assert_eq!(total(&server.admin, COMMUNICATIONS).await, 4);

    for good in ["two words", "\"two more words\"", &"x".repeat(255)] {
        let kept = once(&ada.client, COMMUNICATIONS, good, &message("x")).await;
        assert_eq!(kept.0, 201, "{good:?}");
    }
    for wrong in ["", "\"", "\"\"", "\"open", "a\"b", &"x".repeat(256)] {
        let refused = once(&ada.client, COMMUNICATIONS, wrong, &message("x")).await;
        assert_eq!(refused.0, 400, "{wrong:?}");
    }
    server.stop().await;
}

async fn an_answer_is_the_same_after_a_restart(fresh: Fresh) {
    let server = Server::on(&fresh).await;
    let [ada, ben] = server.agents(["ada", "ben"]).await;
    let wanted = json!({"topic": "Once", "participant_ids": [ada.id, ben.id]});
    let first = once(&ada.client, MEETINGS, "m", &wanted).await;
    assert_eq!(first.0, 201, "{first:?}");
    let text = "x".repeat(Limits::KEPT_ANSWER_MAX_BYTES + 1);
    let long = json!({"sender_id": ada.id, "receiver_id": ben.id, "message_content": text});
    let logged = once(&ada.client, COMMUNICATIONS, "l", &long).await;
    server.stop().await;

    let server = Server::on(&fresh).await;
    let ada = ada.at(&server.admin);
    assert_eq!(once(&ada.client, MEETINGS, "m", &wanted).await, first);
    // Too long to be kept as an answer, it is made again.
    assert_eq!(once(&ada.client, COMMUNICATIONS, "l", &long).await, logged);
    assert_eq!(total(&server.admin, MEETINGS).await, 1);
    assert_eq!(total(&server.admin, COMMUNICATIONS).await, 1);
    server.stop().await;
}

async fn a_step_that_was_carried_out_is_not_refused(fresh: Fresh) {
    let server = Server::on(&fresh).await;
    let [ada, ben] = server.agents(["ada", "ben"]).await;
    let meeting = server.meeting(&[&ada, &ben], json!({})).await;
    let path = |step: &str| format!("{MEETINGS}/{meeting}/{step}");
    let started = once(&server.admin, &path("start"), "s", &json!({})).await;
    assert_eq!(started.0, 200, "{started:?}");
    assert_eq!(
        once(&server.admin, &path("start"), "s", &json!({})).await,
        started
    );
    assert_eq!(
        once(&server.admin, &path("start"), "t", &json!({})).await.0,
        409
    );
    let cancelled = once(&server.admin, &path("cancel"), "c", &json!({})).await;
    assert_eq!(cancelled.0, 200, "{cancelled:?}");

    // As if the answers had been lost with the server that gave them: the journal still knows.
    fresh.forget_answers().await;
    server.stop().await;
    let server = Server::on(&fresh).await;
    let again = once(&server.admin, &path("cancel"), "c", &json!({})).await;
    assert_eq!((again.0, &again.1["outcome"]), (200, &json!("cancelled")));
    assert_eq!(
        once(&server.admin, &path("cancel"), "d", &json!({}))
            .await
            .0,
        409
    );
    server.stop().await;
}

async fn a_step_of_a_long_meeting_is_answered_the_same_again(fresh: Fresh) {
    let server = Server::on(&fresh).await;
    let [ada] = server.agents(["ada"]).await;
    let settings = json!({"start": "when_all_joined", "max_discussion_rounds": 50});
    let meeting = server.meeting(&[&ada], settings).await;
    let mut talk = ada.talk(meeting).await;
    let long = "x".repeat(250_000);
    for _ in 0..=Limits::KEPT_ANSWER_MAX_BYTES / long.len() {
        talk.turn().await;
        talk.speak(&long).await;
        talk.ballot().await;
        talk.vote(Some(false)).await;
    }
    let pause = format!("{MEETINGS}/{meeting}/pause");
    let paused = once(&server.admin, &pause, "p", &json!({})).await;
    assert_eq!((paused.0, &paused.1["live"]["paused"]), (200, &json!(true)));
    let resumed = step(&server.admin, meeting, "resume").await;
    assert_eq!(once(&server.admin, &pause, "p", &json!({})).await, paused);
    assert_eq!(live(&server.admin, meeting).await["paused"], false);
    assert_eq!(resumed["live"]["paused"], false);
    server.stop().await;
}

async fn a_key_that_was_forgotten_is_as_good_as_new(fresh: Fresh) {
    let server = Server::on(&fresh).await;
    let [ada] = server.agents(["ada"]).await;
    let meeting = server.meeting(&[&ada], json!({})).await;
    step(&server.admin, meeting, "start").await;
    let pause = format!("{MEETINGS}/{meeting}/pause");
    for _ in 0..2 {
        let paused = once(&server.admin, &pause, "p", &json!({})).await;
        assert_eq!((paused.0, &paused.1["live"]["paused"]), (200, &json!(true)));
        step(&server.admin, meeting, "resume").await;
        // As after a day.
        fresh.execute("delete from idempotency_keys").await;
    }
    server.stop().await;
}

#[tokio::test]
async fn what_is_done_is_answered_however_much_there_is_to_tell() {
    let fresh = Fresh::sqlite().await;
    let server = Server::on(&fresh).await;
    let [ada, ben] = server.agents(["ada", "ben"]).await;
    let text = "x".repeat(10 << 20);
    let mut related = Vec::new();
    for _ in 0..=Limits::ANSWER_MAX_BYTES / text.len() {
        let message = json!({"sender_id": ada.id, "receiver_id": ben.id, "message_content": text});
        related.push(post(&server.admin, COMMUNICATIONS, message).await["id"].take());
    }
    let wanted = json!({"topic": "All of it", "participant_ids": [ada.id], "related_communication_ids": related});
    let first = once(&server.admin, MEETINGS, "m", &wanted).await;
    assert_eq!(first.0, 201, "{first:?}");
    assert_eq!(once(&server.admin, MEETINGS, "m", &wanted).await, first);
    assert_eq!(total(&server.admin, MEETINGS).await, 1);
    let meeting = format!("{MEETINGS}/{}", first.1["id"].as_str().unwrap());
    let started = once(&server.admin, &format!("{meeting}/start"), "s", &json!({})).await;
    assert_eq!(
        (started.0, &started.1["status"]),
        (200, &json!("in_progress"))
    );
    let refused = get_refused(&server.admin, &meeting).await;
    is(&refused, StatusCode::CONFLICT, "answer_too_large");
    server.stop().await;
}

async fn a_token_is_shown_again_and_kept_nowhere(fresh: Fresh) {
    let server = Server::on(&fresh).await;
    let wanted = json!({"name": "ada"});
    let first = once(&server.admin, AGENTS, "a", &wanted).await;
    assert_eq!(first.0, 201, "{first:?}");
    let token = first.1["token"].as_str().unwrap().to_owned();
    assert_eq!(once(&server.admin, AGENTS, "a", &wanted).await, first);
    assert_eq!(total(&server.admin, AGENTS).await, 1);
    let answers = fresh.kept_answers().await;
    assert!(!answers.is_empty() && answers.iter().all(|kept| !kept.contains(&token)));

    let path = format!("{AGENTS}/{}/token", first.1["id"].as_str().unwrap());
    let rotated = once(&server.admin, &path, "r", &json!({})).await;
    assert_eq!(rotated.0, StatusCode::OK.as_u16());
    assert_ne!(rotated.1["token"], first.1["token"]);
    assert_eq!(once(&server.admin, &path, "r", &json!({})).await, rotated);
    let again = server
        .admin
        .with_token(rotated.1["token"].as_str().unwrap())
        .unwrap();
    assert_eq!(total(&again, AGENTS).await, 1);
    // A token that was taken away meanwhile does not come back by its request.
    let id = first.1["id"].as_str().unwrap();
    let gone = format!("{AGENTS}/{id}");
    let gone = server.admin.send(Method::DELETE, &gone, None).await;
    gone.unwrap();
    assert_eq!(once(&server.admin, &path, "r", &json!({})).await, rotated);
    let refused = again.get::<Value>(AGENTS).await.unwrap_err();
    assert_eq!(refused.code(), Some("authentication_required"));
    server.stop().await;
}

async fn a_refused_request_leaves_no_key_behind(fresh: Fresh) {
    let server = Server::on(&fresh).await;
    let [ada, ben] = server.agents(["ada", "ben"]).await;
    let to = |receiver: Uuid| json!({"sender_id": ada.id, "receiver_id": receiver, "message_content": "hi"});
    // Refused by its fields, by the database, and by the meeting: each may be mended under the same key.
    let refused = once(&ada.client, COMMUNICATIONS, "k", &json!({})).await;
    assert_eq!(refused.0, 400);
    let refused = once(&ada.client, COMMUNICATIONS, "k", &to(Uuid::nil())).await;
    assert_eq!(refused.0, 400, "{refused:?}");
    let kept = once(&ada.client, COMMUNICATIONS, "k", &to(ben.id)).await;
    assert_eq!(kept.0, 201, "{kept:?}");

    let meeting = server.meeting(&[&ada, &ben], json!({})).await;
    let path = |step: &str| format!("{MEETINGS}/{meeting}/{step}");
    let early = once(&server.admin, &path("pause"), "p", &json!({})).await;
    assert_eq!(early.0, 409, "{early:?}");
    let cancelled = json!({"reason": "it rains"});
    let cancelled = once(&server.admin, &path("cancel"), "p", &cancelled).await;
    assert_eq!(cancelled.0, 200, "{cancelled:?}");
    let forbidden = once(&ada.client, AGENTS, "f", &json!({"name": "x"})).await;
    assert_eq!(forbidden.0, 403);
    assert_eq!(fresh.kept_answers().await.len(), 2);
    assert_eq!(fresh.kept_keys().await.len(), 2);
    server.stop().await;
}

async fn a_token_of_another_time_is_not_shown_wrongly(fresh: Fresh) {
    let server = Server::on(&fresh).await;
    let wanted = json!({"name": "ada"});
    let first = once(&server.admin, AGENTS, "a", &wanted).await;
    assert_eq!(first.0, 201, "{first:?}");
    server.stop().await;
    let server = Server::with_admin_token(&fresh, "another operator's token").await;
    let again = once(&server.admin, AGENTS, "a", &wanted).await;
    assert_eq!(
        (again.0, &again.1["error"]),
        (409, &json!("token_not_shown_again"))
    );
    server.stop().await;
}
