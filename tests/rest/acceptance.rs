//! The log as its users know it: what was said is found again, by whom, when and about what.

use std::collections::BTreeSet;

use bytes::Bytes;
use futures_util::future::join_all;
use http::header::CONTENT_TYPE;
use http::{Method, Request, StatusCode};
use serde_json::{Value, json};
use synod::client::Client;
use synod::config::Limits;
use synod::storage::Database;
use uuid::Uuid;

use super::{AGENTS, COMMUNICATIONS, MEETINGS, get, get_refused, is, names, post, post_refused};
use crate::support::agent::Agent;
use crate::support::database::Fresh;
use crate::support::on_each_database;
use crate::support::server::Server;

on_each_database!(
    messages_are_found_by_sender_day_topic_and_words,
    a_hundred_messages_come_in_pages_of_fifty,
    eleven_megabytes_are_too_many,
    a_sender_that_is_no_uuid_is_named,
    nobody_asks_without_a_token,
    a_topic_is_a_text_and_nothing_else,
    a_failing_participant_leaves_nothing_behind,
    nobody_joins_twice,
    more_questions_than_connections_are_all_answered,
);

async fn log(server: &Server, from: &Agent, to: &Agent, topic: Option<&str>, at: Option<&str>) {
    say(server, from, to, "said", topic, at).await;
}

async fn say(
    server: &Server,
    from: &Agent,
    to: &Agent,
    content: &str,
    topic: Option<&str>,
    at: Option<&str>,
) {
    let message = json!({"sender_id": from.id, "receiver_id": to.id, "message_content": content,
                         "topic": topic, "timestamp": at});
    post(&server.admin, COMMUNICATIONS, message).await;
}

async fn total(server: &Server, query: &str) -> Value {
    get(&server.admin, &format!("{COMMUNICATIONS}?{query}")).await["total"].clone()
}

/// Of fifteen messages ten are from Ada to Ben and five back, five on each of three days, seven about tea and three about Tea;
/// those with an even number are said aloud.
async fn messages_are_found_by_sender_day_topic_and_words(fresh: Fresh) {
    let server = Server::on(&fresh).await;
    let [ada, ben] = server.agents(["ada", "ben"]).await;
    for n in 0..15 {
        let (from, to) = if n % 3 < 2 {
            (&ada, &ben)
        } else {
            (&ben, &ada)
        };
        let at = format!("2026-01-{:02}T23:59:59.999999Z", 1 + n % 3);
        let topic = if n < 7 { "tea" } else { "Tea" };
        let content = if n % 2 == 0 { "said aloud" } else { "said" };
        let topic = (n < 10).then_some(topic);
        say(&server, from, to, content, topic, Some(&at)).await;
    }
    let (a, b) = (ada.id, ben.id);
    // With every filter, how many there are, and how many of these were said aloud.
    for (query, all, aloud) in [
        (String::new(), 15, 8),
        (format!("sender_id={a}"), 10, 5),
        (format!("sender_id={b}"), 5, 3),
        (format!("receiver_id={b}"), 10, 5),
        (format!("agent_id={a}"), 15, 8),
        ("topic=tea".to_owned(), 7, 4),
        ("topic=Tea".to_owned(), 3, 1),
        ("start_date=2026-01-02&end_date=2026-01-02".to_owned(), 5, 2),
        ("start_date=2026-01-02".to_owned(), 10, 5),
        ("end_date=2026-01-01T23:59:59.999998Z".to_owned(), 0, 0),
        (format!("sender_id={a}&start_date=2026-01-02"), 5, 2),
        (format!("topic=tea&sender_id={b}"), 2, 1),
        (
            format!(
                "sender_id={a}&receiver_id={b}&agent_id={a}&topic=tea&start_date=2026-01-01&end_date=2026-01-01"
            ),
            3,
            2,
        ),
    ] {
        assert_eq!(total(&server, &query).await, all, "{query}");
        for (words, expected) in [("said", all), ("ALOUD", aloud), ("unsaid", 0)] {
            let query = format!("{query}&q={words}");
            assert_eq!(total(&server, &query).await, expected, "{query}");
        }
    }
    assert_eq!(total(&server, "q=TEA").await, 10, "a topic has words too");
    let pages = [1, 2].map(|page| format!("{COMMUNICATIONS}?q=aloud&page_size=5&page={page}"));
    let first = get(&server.admin, &pages[0]).await;
    let second = get(&server.admin, &pages[1]).await;
    let cursor = first["next_cursor"].as_str().unwrap();
    let path = format!("{COMMUNICATIONS}?q=aloud&page_size=5&cursor={cursor}");
    let next = get(&server.admin, &path).await;
    assert_eq!(first["communications"].as_array().unwrap().len(), 5);
    assert_eq!(second["communications"].as_array().unwrap().len(), 3);
    assert_eq!(next["communications"], second["communications"]);
    server.stop().await;
}

async fn a_hundred_messages_come_in_pages_of_fifty(fresh: Fresh) {
    let server = Server::on(&fresh).await;
    let [ada, ben] = server.agents(["ada", "ben"]).await;
    for _ in 0..100 {
        log(&server, &ada, &ben, None, None).await;
    }
    let mut seen = Vec::new();
    for (page, expected) in [(1, 50), (2, 50), (3, 0)] {
        let path = format!("{COMMUNICATIONS}?page={page}&page_size=50");
        let shown = get(&server.admin, &path).await;
        assert_eq!(
            (&shown["total"], &shown["page"], &shown["page_size"]),
            (&json!(100), &json!(page), &json!(50))
        );
        let rows = shown["communications"].as_array().unwrap();
        assert_eq!(rows.len(), expected, "page {page}");
        seen.extend(rows.iter().map(|row| row["id"].to_string()));
    }
    let distinct: BTreeSet<_> = seen.iter().collect();
    assert_eq!(distinct.len(), 100);
    server.stop().await;
}

async fn eleven_megabytes_are_too_many(fresh: Fresh) {
    let server = Server::pooled(&fresh, 4, Limits::default()).await;
    let [ada, ben] = server.agents(["ada", "ben"]).await;
    let content = "x".repeat(11 << 20);
    let message = json!({"sender_id": ada.id, "receiver_id": ben.id, "message_content": content});
    let (status, mut said) = posted(&ada.client, COMMUNICATIONS, &message).await;
    assert!(said["message"].take().is_string());
    let expected = json!({"error": "message_too_large", "message": null, "max_size_mb": 10, "actual_size_mb": 11});
    assert_eq!((status, said), (StatusCode::PAYLOAD_TOO_LARGE, expected));
    let just =
        json!({"sender_id": ada.id, "receiver_id": ben.id, "message_content": content[1 << 20..]});
    let (status, _) = posted(&ada.client, COMMUNICATIONS, &just).await;
    assert_eq!(status, StatusCode::CREATED, "ten are not");
    assert_eq!(total(&server, "").await, 1);
    server.stop().await;
}

/// What a POST is answered, whatever it is.
async fn posted(client: &Client, path: &str, body: &Value) -> (StatusCode, Value) {
    let request = Request::post(format!("{}{path}", client.address()))
        .header(CONTENT_TYPE, "application/json")
        .body(Bytes::from(body.to_string()).into())
        .unwrap();
    let answer = client.exchange(request).await.unwrap();
    let said = serde_json::from_slice(answer.body()).unwrap();
    (answer.status(), said)
}

async fn a_sender_that_is_no_uuid_is_named(fresh: Fresh) {
    let server = Server::on(&fresh).await;
    let [ada] = server.agents(["ada"]).await;
    let message = json!({"sender_id": "ada", "receiver_id": ada.id, "message_content": "hello"});
    let refused = post_refused(&server.admin, COMMUNICATIONS, message).await;
    names(&refused, &["sender_id"]);
    assert_eq!(total(&server, "").await, 0);
    server.stop().await;
}

async fn nobody_asks_without_a_token(fresh: Fresh) {
    let server = Server::on(&fresh).await;
    let nobody = server.admin.with_token("").unwrap();
    let refused = get_refused(&nobody, COMMUNICATIONS).await;
    is(
        &refused,
        StatusCode::UNAUTHORIZED,
        "authentication_required",
    );
    server.stop().await;
}

async fn nobody_joins_twice(fresh: Fresh) {
    let server = Server::on(&fresh).await;
    let [ada, ben] = server.agents(["ada", "ben"]).await;
    let meeting = server.meeting(&[&ada], json!({})).await;
    let join = format!("{MEETINGS}/{meeting}/join");
    let joined = post(&ben.client, &join, json!({})).await;
    assert_eq!(joined["agent_id"], json!(ben.id));
    let own = json!({"agent_id": ben.id});
    for (client, body) in [(&ben.client, json!({})), (&server.admin, own)] {
        let refused = post_refused(client, &join, body).await;
        is(&refused, StatusCode::CONFLICT, "already_participant");
        let message = &refused.refused().unwrap().message;
        assert_eq!(message, "Agent is already a participant");
    }
    let shown = get(&server.admin, &format!("{MEETINGS}/{meeting}")).await;
    assert_eq!(shown["participants"].as_array().unwrap().len(), 2);
    server.stop().await;
}

async fn a_topic_is_a_text_and_nothing_else(fresh: Fresh) {
    let server = Server::on(&fresh).await;
    let [ada, ben] = server.agents(["ada", "ben"]).await;
    log(
        &server,
        &ada,
        &ben,
        Some("'; DROP TABLE communications; --"),
        None,
    )
    .await;
    let query = "topic=%27%3B%20DROP%20TABLE%20communications%3B%20--";
    assert_eq!(total(&server, query).await, 1);
    assert_eq!(total(&server, "topic=%27").await, 0);
    server.stop().await;
}

async fn a_failing_participant_leaves_nothing_behind(fresh: Fresh) {
    let server = Server::on(&fresh).await;
    let [ada, ben, gone] = server.agents(["ada", "ben", "gone"]).await;
    log(&server, &ada, &ben, None, None).await;
    let message = get(&server.admin, COMMUNICATIONS).await["communications"][0]["id"].clone();
    let revoked = format!("{AGENTS}/{}", gone.id);
    let revoked = server.admin.send(Method::DELETE, &revoked, None).await;
    revoked.unwrap();
    let wanted = |participant: Uuid| {
        json!({"topic": "t", "participant_ids": [ada.id, participant], "moderator_id": ada.id,
               "related_communication_ids": [message]})
    };
    let before = fresh.row_counts().await;
    for participant in [Uuid::nil(), gone.id, ada.id] {
        let refused = post_refused(&server.admin, MEETINGS, wanted(participant)).await;
        names(&refused, &["participant_ids"]);
        assert_eq!(fresh.row_counts().await, before);
    }
    // One that fails only when everything before it has been written.
    let on_sqlite =
        "create trigger fails before insert on meeting_participants when new.role = 'participant'
                     begin select raise(abort, 'this participant fails'); end";
    let on_postgres = "create function fails() returns trigger language plpgsql as
                       $$ begin raise exception 'this participant fails'; end $$;
                       create trigger fails before insert on meeting_participants
                       for each row when (new.role = 'participant') execute function fails()";
    fresh
        .execute(match &fresh.database {
            Some(Database::Postgres(_)) => on_postgres,
            _ => on_sqlite,
        })
        .await;
    let (status, said) = posted(&server.admin, MEETINGS, &wanted(ben.id)).await;
    assert!(status.is_server_error(), "{said}");
    assert_eq!(fresh.row_counts().await, before);
    server.stop().await;
}

async fn more_questions_than_connections_are_all_answered(fresh: Fresh) {
    let server = Server::pooled(&fresh, 10, Limits::default()).await;
    let [ada, ben] = server.agents(["ada", "ben"]).await;
    log(&server, &ada, &ben, None, None).await;
    let ask = |_| total(&server, "q=said");
    let answers = join_all((0..15).map(ask)).await;
    assert!(answers.iter().all(|answer| *answer == 1), "{answers:?}");
    server.stop().await;
}
