//! The log as its users know it: what was said is found again, by whom, when and about what.

use futures_util::future::join_all;
use serde_json::{Value, json};
use synod::config::Limits;
use uuid::Uuid;

use super::{COMMUNICATIONS, MEETINGS, get, names, post, post_refused};
use crate::support::agent::Agent;
use crate::support::database::Fresh;
use crate::support::on_each_database;
use crate::support::server::Server;

on_each_database!(
    messages_are_found_by_sender_day_and_topic,
    a_hundred_messages_come_in_pages_of_fifty,
    a_topic_is_a_text_and_nothing_else,
    a_failing_participant_leaves_nothing_behind,
    more_questions_than_connections_are_all_answered,
);

async fn log(server: &Server, from: &Agent, to: &Agent, topic: Option<&str>, at: Option<&str>) {
    let message = json!({"sender_id": from.id, "receiver_id": to.id, "message_content": "said",
                         "topic": topic, "timestamp": at});
    post(&server.admin, COMMUNICATIONS, message).await;
}

async fn total(server: &Server, query: &str) -> Value {
    get(&server.admin, &format!("{COMMUNICATIONS}?{query}")).await["total"].clone()
}

async fn messages_are_found_by_sender_day_and_topic(fresh: Fresh) {
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
        log(&server, from, to, (n < 10).then_some(topic), Some(&at)).await;
    }
    let (a, b) = (ada.id, ben.id);
    for (query, expected) in [
        (format!("sender_id={a}"), 10),
        (format!("sender_id={b}"), 5),
        (format!("receiver_id={b}"), 10),
        (format!("agent_id={a}"), 15),
        ("topic=tea".to_owned(), 7),
        ("topic=Tea".to_owned(), 3),
        ("start_date=2026-01-02&end_date=2026-01-02".to_owned(), 5),
        ("start_date=2026-01-02".to_owned(), 10),
        ("end_date=2026-01-01T23:59:59.999998Z".to_owned(), 0),
        (format!("sender_id={a}&start_date=2026-01-02"), 5),
        (format!("topic=tea&sender_id={b}"), 2),
        ("q=TEA".to_owned(), 10),
    ] {
        assert_eq!(total(&server, &query).await, expected, "{query}");
    }
    server.stop().await;
}

async fn a_hundred_messages_come_in_pages_of_fifty(fresh: Fresh) {
    let server = Server::on(&fresh).await;
    let [ada, ben] = server.agents(["ada", "ben"]).await;
    for _ in 0..100 {
        log(&server, &ada, &ben, None, None).await;
    }
    let mut seen = Vec::new();
    for page in [1, 2, 3] {
        let path = format!("{COMMUNICATIONS}?page={page}&page_size=50");
        let shown = get(&server.admin, &path).await;
        assert_eq!(
            (&shown["total"], &shown["page"]),
            (&json!(100), &json!(page))
        );
        let rows = shown["communications"].as_array().unwrap();
        seen.extend(rows.iter().map(|row| row["id"].clone()));
    }
    let all = seen.len();
    seen.sort_by_key(ToString::to_string);
    seen.dedup();
    assert_eq!((all, seen.len()), (100, 100));
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
    let [ada] = server.agents(["ada"]).await;
    let wanted = json!({"topic": "t", "participant_ids": [ada.id, Uuid::nil()]});
    let refused = post_refused(&server.admin, MEETINGS, wanted).await;
    names(&refused, &["participant_ids"]);
    assert_eq!(get(&server.admin, MEETINGS).await["total"], 0);
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
