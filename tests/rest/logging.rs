//! Messages by the thousand, messages that are JSON, and what came of them.

use bytes::Bytes;
use http::header::{ACCEPT, CONTENT_TYPE};
use http::{Method, Request, StatusCode};
use serde_json::{Value, json};
use synod::client::Client;

use super::{COMMUNICATIONS, MEETINGS, get, get_refused, is, post, post_refused};
use crate::support::agent::agreeable;
use crate::support::database::Fresh;
use crate::support::on_each_database;
use crate::support::server::{Server, over};

on_each_database!(
    a_batch_is_logged_whole_or_not_at_all,
    json_is_kept_as_the_text_that_came,
    json_that_others_could_not_read_is_refused_by_name,
    the_operator_imports_what_was_sent_before,
    a_message_leads_to_what_came_of_it_and_back,
);

async fn send(client: &Client, path: &str, kind: &str, body: String) -> (u16, Bytes) {
    let request = Request::builder()
        .method(Method::POST)
        .uri(format!("{}{path}", client.address()))
        .header(CONTENT_TYPE, kind)
        .body(Bytes::from(body).into())
        .unwrap();
    let answer = client.exchange(request).await.unwrap();
    (answer.status().as_u16(), answer.into_body())
}

async fn batch(client: &Client, lines: &[String]) -> (u16, Value) {
    let path = format!("{COMMUNICATIONS}/batch");
    let (status, body) = send(client, &path, "application/x-ndjson", lines.join("\n")).await;
    (status, serde_json::from_slice(&body).unwrap())
}

async fn a_batch_is_logged_whole_or_not_at_all(fresh: Fresh) {
    let server = Server::on(&fresh).await;
    let [ada, ben] = server.agents(["ada", "ben"]).await;
    let line = |text: &str| {
        json!({"sender_id": ada.id, "receiver_id": ben.id, "message_content": text}).to_string()
    };
    let mut lines: Vec<_> = (0..2_000).map(|n| line(&format!("message {n}"))).collect();
    let (status, logged) = batch(&ada.client, &lines).await;
    assert_eq!((status, &logged["count"]), (201, &json!(2_000)));
    let last = logged["ids"][1_999].as_str().unwrap();
    let shown = get(&ben.client, &format!("{COMMUNICATIONS}/{last}")).await;
    assert_eq!(shown["message_content"], "message 1999");
    let newest = get(&ada.client, COMMUNICATIONS).await;
    assert_eq!(newest["communications"][0]["id"], logged["ids"][1_999]);

    // An empty line is passed over, but counts as a line.
    lines.truncate(2);
    lines.extend([
        String::new(),
        "{".to_owned(),
        line("").replace("receiver_id", "receiver"),
    ]);
    let stranger =
        json!({"sender_id": ada.id, "receiver_id": uuid::Uuid::nil(), "message_content": "x"});
    let (status, refused) = batch(&ada.client, &lines).await;
    let named: Vec<_> = refused["details"].as_object().unwrap().keys().collect();
    assert_eq!(status, 400);
    assert_eq!(
        named,
        [
            "line 4.body",
            "line 5.receiver_id",
            "line 5.message_content",
            "line 5.receiver"
        ]
    );
    let (status, refused) = batch(&ada.client, &[line("one"), stranger.to_string()]).await;
    assert_eq!(
        (status, &refused["details"]["line 2.receiver_id"]),
        (400, &json!(["no such agent"]))
    );
    let (status, _) = batch(&ben.client, &[line("forged")]).await;
    assert_eq!(status, 403);
    assert_eq!(batch(&ada.client, &[]).await.0, 400);
    let path = format!("{COMMUNICATIONS}/batch");
    assert_eq!(
        send(&ada.client, &path, "application/json", line("x"))
            .await
            .0,
        415
    );

    let total = get(&ada.client, &format!("{COMMUNICATIONS}?q=one")).await;
    assert_eq!(total["total"], 0);
    server.stop().await;
}

async fn json_that_others_could_not_read_is_refused_by_name(fresh: Fresh) {
    let server = Server::on(&fresh).await;
    let [ada] = server.agents(["ada"]).await;
    let message = |content: &str| {
        let id = ada.id;
        format!(r#"{{"sender_id":"{id}","receiver_id":"{id}","message_content":{content}}}"#)
    };
    let nested = |deep: usize| format!("{}{}", "[".repeat(deep), "]".repeat(deep));
    let deep = "must be nested at most 100 deep".to_owned();
    let half = "must not contain half of a surrogate pair: \\ud800 to \\udfff stand for a sign only two and two".to_owned();
    let batch_path = format!("{COMMUNICATIONS}/batch");
    let kinds = [
        (COMMUNICATIONS, "application/json", "message_content"),
        (
            &batch_path,
            "application/x-ndjson",
            "line 1.message_content",
        ),
    ];
    for (path, kind, field) in kinds {
        for (content, reason) in [
            (nested(101), &deep),
            (nested(3_000), &deep),
            (r#"["\ud800"]"#.to_owned(), &half),
            (r#"{"\udfff": 1}"#.to_owned(), &half),
        ] {
            let (status, refused) = send(&ada.client, path, kind, message(&content)).await;
            let refused: Value = serde_json::from_slice(&refused).unwrap();
            let told = (status, &refused["details"][field]);
            assert_eq!(told, (400, &json!([reason])), "{path}");
        }
        for content in [nested(100), r#"[1e999, -0.0, "\ud83d\ude00"]"#.to_owned()] {
            let (status, logged) = send(&ada.client, path, kind, message(&content)).await;
            assert_eq!(status, 201, "{path}: {logged:?}");
        }
    }
    server.stop().await;
}

async fn json_is_kept_as_the_text_that_came(fresh: Fresh) {
    let server = Server::on(&fresh).await;
    let [ada, ben] = server.agents(["ada", "ben"]).await;
    for content in [
        r#"{"b" :  1.0e5, "a":[1,  2.50], "b":"ß\u00df\u0000"}"#,
        "[ ]",
        r#"[{"deep": [123456789012345678901234567890]}]"#,
    ] {
        let body = format!(
            r#"{{"sender_id":"{}","receiver_id":"{}","message_content":{content}}}"#,
            ada.id, ben.id
        );
        let (status, sent) = send(&ada.client, COMMUNICATIONS, "application/json", body).await;
        assert_eq!(status, 201, "{sent:?}");
        let id: Value = serde_json::from_slice(&sent).unwrap();
        assert_eq!(id["content_type"], "application/json");
        let path = format!("{COMMUNICATIONS}/{}", id["id"].as_str().unwrap());
        let shown = ben.client.send(Method::GET, &path, None).await.unwrap();
        let field = format!(r#""message_content":{content},"#);
        for said in [&sent, &shown] {
            let said = std::str::from_utf8(said).unwrap();
            assert!(said.contains(&field), "{said}");
        }
    }
    // JSON in a text is a text.
    let text = json!({"sender_id": ada.id, "receiver_id": ben.id, "message_content": "{ }", "content_type": "application/json"});
    assert_eq!(
        post(&ada.client, COMMUNICATIONS, text).await["message_content"],
        "{ }"
    );
    for wrong in [json!(7), json!(true), json!(null)] {
        let body = json!({"sender_id": ada.id, "receiver_id": ben.id, "message_content": wrong});
        let refused = post_refused(&ada.client, COMMUNICATIONS, body).await;
        super::names(&refused, &["message_content"]);
    }
    server.stop().await;
}

async fn the_operator_imports_what_was_sent_before(fresh: Fresh) {
    let server = Server::on(&fresh).await;
    let [ada, ben] = server.agents(["ada", "ben"]).await;
    let message = |at: &str| json!({"sender_id": ada.id, "receiver_id": ben.id, "message_content": at, "timestamp": at});
    let old = post(
        &server.admin,
        COMMUNICATIONS,
        message("1999-12-31T23:59:59.999999Z"),
    )
    .await;
    assert_eq!(old["timestamp"], "1999-12-31T23:59:59.999999Z");
    assert_ne!(old["created_at"], old["timestamp"]);
    let found = get(
        &ada.client,
        &format!("{COMMUNICATIONS}?end_date=1999-12-31"),
    )
    .await;
    assert_eq!(found["total"], 1);
    for (client, at) in [
        (&server.admin, "9999-01-01T00:00:00Z"),
        (&ada.client, "1999-12-31T00:00:00Z"),
    ] {
        let refused = post_refused(client, COMMUNICATIONS, message(at)).await;
        super::names(&refused, &["timestamp"]);
    }
    server.stop().await;
}

async fn a_message_leads_to_what_came_of_it_and_back(fresh: Fresh) {
    let server = Server::on(&fresh).await;
    let [ada, ben, eve] = server.agents(["ada", "ben", "eve"]).await;
    let to = |receiver: &str| json!({"sender_id": ada.id, "receiver_id": receiver, "message_content": "Tea?"});
    let sent = post(&ada.client, COMMUNICATIONS, to(&eve.id.to_string())).await;
    let bens = json!({"topic": "t", "participant_ids": [ben.id], "related_communication_ids": [sent["id"]]});
    let refused = post_refused(&ben.client, MEETINGS, bens).await;
    super::names(&refused, &["related_communication_ids"]);

    let settings = json!({"start": "when_all_joined", "max_discussion_rounds": 1, "related_communication_ids": [sent["id"]]});
    let meeting = server.meeting(&[&ada, &ben], settings).await;
    let attending = [
        ada.attend(meeting, agreeable()),
        ben.attend(meeting, agreeable()),
    ];
    let ended = over(&server.admin, meeting).await;
    for agent in attending {
        agent.log().await;
    }
    assert_eq!(ended["outcome"], "consensus");
    let one = format!("{COMMUNICATIONS}/{}", sent["id"].as_str().unwrap());
    let shown = get(&ada.client, &one).await;
    assert_eq!(shown["meetings"][0]["id"], json!(meeting));
    assert_eq!(shown["decisions"][0]["id"], ended["decision"]["id"]);
    // Eve may read the message, but was not in the meeting.
    let shown = get(&eve.client, &one).await;
    assert_eq!(
        (&shown["meetings"], &shown["decisions"]),
        (&json!([]), &json!([]))
    );
    is(
        &get_refused(&ben.client, &one).await,
        StatusCode::NOT_FOUND,
        "not_found",
    );
    let decision = format!(
        "/api/v1/decisions/{}",
        ended["decision"]["id"].as_str().unwrap()
    );
    let shown = get(&ada.client, &decision).await;
    assert_eq!(shown["related_communications"][0]["id"], sent["id"]);

    let request = Request::get(format!(
        "{}{MEETINGS}/{meeting}/transcript",
        server.admin.address()
    ))
    .header(ACCEPT, "text/markdown")
    .body(Bytes::new().into())
    .unwrap();
    let page = server.admin.exchange(request).await.unwrap();
    assert_eq!(page.headers()[CONTENT_TYPE], "text/markdown; charset=utf-8");
    assert!(
        page.body().starts_with(b"# Where do we meet?"),
        "{:?}",
        page.body()
    );
    let transcript = get(&ben.client, &format!("{MEETINGS}/{meeting}/transcript")).await;
    assert_eq!(transcript["meeting"]["outcome"], "consensus");
    server.stop().await;
}
