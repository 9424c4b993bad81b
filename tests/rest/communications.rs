//! `/communications`: every message as it was sent, for those it concerns.

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{Request, StatusCode};
use serde_json::{Value, json};
use synod::config::Limits;
use uuid::Uuid;

use super::{COMMUNICATIONS, get, get_refused, is, names, post, post_refused};
use crate::support::agent::Agent;
use crate::support::database::Fresh;
use crate::support::on_each_database;
use crate::support::server::{Server, limits};

on_each_database!(
    a_message_is_kept_exactly_and_found_by_every_filter,
    a_faulty_message_or_filter_has_every_fault_named,
    an_agent_sees_only_its_own_messages_and_logs_only_what_it_sent,
    lists_come_in_pages_by_number_and_by_cursor,
);

pub(super) fn message(from: &Agent, to: &Agent, content: &str, topic: Option<&str>) -> Value {
    json!({"sender_id": from.id, "receiver_id": to.id, "message_content": content, "topic": topic})
}

async fn a_message_is_kept_exactly_and_found_by_every_filter(fresh: Fresh) {
    let server = Server::on(&fresh).await;
    let [ada, ben, cho] = server.agents(["ada", "ben", "cho"]).await;
    let odd = " \u{1F980} \"quotes\" \\ \r\n\tnull: \u{7f} <b>&amp;</b>; drop table agents; -- ";
    let sent = post(
        &ada.client,
        COMMUNICATIONS,
        message(&ada, &ben, odd, Some("tea")),
    )
    .await;
    post(
        &ben.client,
        COMMUNICATIONS,
        message(&ben, &ada, "two", Some("tea")),
    )
    .await;
    post(
        &ben.client,
        COMMUNICATIONS,
        message(&ben, &cho, "three", None),
    )
    .await;
    let id = sent["id"].as_str().unwrap();
    let shown = get(&server.admin, &format!("{COMMUNICATIONS}/{id}")).await;
    assert_eq!(shown, in_full(&sent));
    assert_eq!(
        (&shown["message_content"], &shown["content_type"]),
        (&json!(odd), &json!("text/plain"))
    );
    let day = &sent["timestamp"].as_str().unwrap()[..10];
    for (filter, found) in [
        (String::new(), vec!["three", "two", odd]),
        (format!("sender_id={}", ben.id), vec!["three", "two"]),
        (format!("receiver_id={}", ben.id), vec![odd]),
        (format!("agent_id={}", ada.id), vec!["two", odd]),
        ("topic=tea".to_owned(), vec!["two", odd]),
        (format!("topic=tea&sender_id={}", ben.id), vec!["two"]),
        (
            format!("start_date={}", sent["timestamp"].as_str().unwrap()),
            vec!["three", "two", odd],
        ),
        (
            format!("end_date={}", sent["timestamp"].as_str().unwrap()),
            vec![odd],
        ),
        (format!("start_date={day}"), vec!["three", "two", odd]),
        ("end_date=2001-01-01".to_owned(), vec![]),
        ("topic=coffee".to_owned(), vec![]),
    ] {
        let listed = get(&server.admin, &format!("{COMMUNICATIONS}?{filter}")).await;
        let rows = listed["communications"].as_array().unwrap();
        let contents: Vec<_> = rows
            .iter()
            .map(|row| row["message_content"].as_str().unwrap())
            .collect();
        assert_eq!(contents, found, "{filter}");
        assert_eq!(listed["total"], json!(found.len()), "{filter}");
    }
    server.stop().await;
}

async fn a_faulty_message_or_filter_has_every_fault_named(fresh: Fresh) {
    let server = Server::on(&fresh).await;
    let [ada] = server.agents(["ada"]).await;
    let path = format!("{COMMUNICATIONS}?sender_id=me&page_size=501&start_date=soon&colour=red");
    names(
        &get_refused(&ada.client, &path).await,
        &["colour", "page_size", "sender_id", "start_date"],
    );
    let unknown = json!({"sender_id": ada.id, "receiver_id": Uuid::nil(), "message_content": "x"});
    names(
        &post_refused(&ada.client, COMMUNICATIONS, unknown).await,
        &["receiver_id"],
    );
    names(
        &post_refused(
            &ada.client,
            COMMUNICATIONS,
            json!({"topic": "x".repeat(256)}),
        )
        .await,
        &["message_content", "receiver_id", "sender_id", "topic"],
    );
    assert_eq!(get(&server.admin, COMMUNICATIONS).await["total"], 0);
    server.stop().await;
}

async fn an_agent_sees_only_its_own_messages_and_logs_only_what_it_sent(fresh: Fresh) {
    let server = Server::on(&fresh).await;
    let [ada, ben, eve] = server.agents(["ada", "ben", "eve"]).await;
    let sent = post(
        &ada.client,
        COMMUNICATIONS,
        message(&ada, &ben, "between us", None),
    )
    .await;
    let one = format!("{COMMUNICATIONS}/{}", sent["id"].as_str().unwrap());
    for agent in [&ada, &ben] {
        assert_eq!(get(&agent.client, &one).await, in_full(&sent));
        assert_eq!(get(&agent.client, COMMUNICATIONS).await["total"], 1);
    }
    is(
        &get_refused(&eve.client, &one).await,
        StatusCode::NOT_FOUND,
        "not_found",
    );
    for filter in [
        "",
        &format!("?agent_id={}", ada.id),
        &format!("?sender_id={}", ada.id),
    ] {
        let listed = get(&eve.client, &format!("{COMMUNICATIONS}{filter}")).await;
        assert_eq!(
            (&listed["total"], &listed["communications"]),
            (&json!(0), &json!([]))
        );
    }
    let forged = message(&ada, &eve, "from ada, honestly", None);
    let refused = post_refused(&eve.client, COMMUNICATIONS, forged.clone()).await;
    is(&refused, StatusCode::FORBIDDEN, "forbidden");
    post(&server.admin, COMMUNICATIONS, forged).await;
    assert_eq!(
        get(&server.admin, COMMUNICATIONS).await["total"],
        2,
        "an operator imports"
    );
    server.stop().await;
}

async fn lists_come_in_pages_by_number_and_by_cursor(fresh: Fresh) {
    let server = Server::on(&fresh).await;
    let [ada, ben] = server.agents(["ada", "ben"]).await;
    for nth in 0..7 {
        post(
            &ada.client,
            COMMUNICATIONS,
            message(&ada, &ben, &nth.to_string(), None),
        )
        .await;
    }
    let contents = |page: &Value| -> String {
        let rows = page["communications"].as_array().unwrap().iter();
        rows.map(|row| row["message_content"].as_str().unwrap())
            .collect()
    };
    for (page, expected) in [(1, "654"), (2, "321"), (3, "0"), (4, "")] {
        let path = format!("{COMMUNICATIONS}?page={page}&page_size=3");
        let listed = get(&ada.client, &path).await;
        assert_eq!(contents(&listed), expected);
        assert_eq!(
            (&listed["total"], &listed["page"]),
            (&json!(7), &json!(page))
        );
        assert_eq!(listed["page_size"], 3);
    }
    let mut listed = get(&ada.client, &format!("{COMMUNICATIONS}?page_size=3")).await;
    let mut all = contents(&listed);
    while let Some(cursor) = listed["next_cursor"].as_str() {
        // What comes in between moves nothing.
        post(
            &ada.client,
            COMMUNICATIONS,
            message(&ada, &ben, "new", None),
        )
        .await;
        let path = format!("{COMMUNICATIONS}?page_size=3&cursor={cursor}");
        listed = get(&ada.client, &path).await;
        all.push_str(&contents(&listed));
    }
    assert_eq!(all, "6543210");
    let forged = get_refused(&ada.client, &format!("{COMMUNICATIONS}?cursor=forged")).await;
    names(&forged, &["cursor"]);
    server.stop().await;
}

#[tokio::test]
async fn a_message_over_the_limit_is_refused_with_both_sizes() {
    let fresh = Fresh::sqlite().await;
    let limits = Limits {
        message_max_mb: 1,
        ..limits()
    };
    let server = Server::with(&fresh, limits).await;
    let [ada, ben] = server.agents(["ada", "ben"]).await;
    for (bytes, actual) in [(1_048_577, 2), (3 << 20, 3)] {
        let content = "x".repeat(bytes);
        let body = message(&ada, &ben, &content, None).to_string();
        let request = Request::post(format!("{}{COMMUNICATIONS}", ada.client.address()))
            .header(CONTENT_TYPE, "application/json")
            .body(Bytes::from(body).into())
            .unwrap();
        let answer = ada.client.exchange(request).await.unwrap();
        assert_eq!(answer.status(), StatusCode::PAYLOAD_TOO_LARGE);
        let body: Value = serde_json::from_slice(answer.body()).unwrap();
        assert_eq!(body["error"], "message_too_large");
        assert_eq!(
            (&body["max_size_mb"], &body["actual_size_mb"]),
            (&json!(1), &json!(actual))
        );
    }
    let just = message(&ada, &ben, &"x".repeat(1 << 20), None);
    post(&ada.client, COMMUNICATIONS, just).await;
    assert_eq!(get(&ada.client, COMMUNICATIONS).await["total"], 1);
    server.stop().await;
}

/// A message of which nothing came, shown alone.
fn in_full(sent: &Value) -> Value {
    let mut shown = sent.clone();
    (shown["meetings"], shown["decisions"]) = (json!([]), json!([]));
    shown
}
