//! How bodies are written: codings and media types that are sent, and those that are asked for.

use bytes::Bytes;
use http::header::{ACCEPT, ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_TYPE, VARY};
use http::{Request, StatusCode};
use serde_json::{Value, json};

use super::{AGENTS, COMMUNICATIONS, MEETINGS, names, post, post_refused};
use crate::support::database::Fresh;
use crate::support::server::Server;

#[tokio::test]
async fn a_body_that_is_coded_is_refused_and_its_coding_named() {
    let fresh = Fresh::sqlite().await;
    let server = Server::on(&fresh).await;
    let send = async |path: &str, codings: &[&str], body: &'static str| {
        let mut request = Request::post(format!("{}{path}", server.admin.address()));
        for coding in codings {
            request = request.header(CONTENT_ENCODING, *coding);
        }
        let body = Bytes::from(body).into();
        let request = request.body(body).unwrap();
        server.admin.exchange(request).await.unwrap()
    };
    let batch = format!("{COMMUNICATIONS}/batch");
    for (path, codings, named) in [
        (AGENTS, &["gzip"][..], "gzip"),
        (AGENTS, &["identity, br"], "br"),
        (AGENTS, &["identity", "zstd"], "zstd"),
        (COMMUNICATIONS, &["deflate"], "deflate"),
        (&batch, &["X-Gzip"], "X-Gzip"),
    ] {
        let answer = send(path, codings, "\u{1f}").await;
        assert_eq!(answer.status(), StatusCode::UNSUPPORTED_MEDIA_TYPE);
        assert_eq!(answer.headers()[ACCEPT_ENCODING], "identity");
        let told: Value = serde_json::from_slice(answer.body()).unwrap();
        assert_eq!(told["error"], "unsupported_media_type");
        let message = told["message"].as_str().unwrap();
        assert!(
            message.contains(&format!("Content-Encoding: {named}")),
            "{message}"
        );
    }
    for codings in [&[][..], &["identity"], &["", "Identity ,identity"]] {
        let answer = send(AGENTS, codings, r#"{"name": "ada"}"#).await;
        assert_eq!(answer.status(), StatusCode::CREATED, "{codings:?}");
    }
    server.stop().await;
}

#[tokio::test]
async fn a_body_is_json_in_utf8_also_where_it_does_not_say_so() {
    let fresh = Fresh::sqlite().await;
    let server = Server::on(&fresh).await;
    let batch = format!("{COMMUNICATIONS}/batch");
    for (path, kind, expected) in [
        (AGENTS, None, 201),
        (AGENTS, Some("application/json; charset=UTF-8"), 201),
        (AGENTS, Some("application/json; charset=utf-16"), 415),
        (AGENTS, Some("text/json"), 415),
        (&batch, Some("application/x-ndjson; charset=latin1"), 415),
    ] {
        let mut request = Request::post(format!("{}{path}", server.admin.address()));
        if let Some(kind) = kind {
            request = request.header(CONTENT_TYPE, kind);
        }
        let body = Bytes::from_static(br#"{"name": "ada"}"#).into();
        let request = request.body(body).unwrap();
        let answer = server.admin.exchange(request).await.unwrap();
        assert_eq!(answer.status().as_u16(), expected, "{path}, {kind:?}");
    }
    server.stop().await;
}

#[tokio::test]
async fn the_content_type_of_a_message_is_a_media_type() {
    let fresh = Fresh::sqlite().await;
    let server = Server::on(&fresh).await;
    let [ada, ben] = server.agents(["ada", "ben"]).await;
    let message = |kind: &str| json!({"sender_id": ada.id, "receiver_id": ben.id, "message_content": "x", "content_type": kind});
    for kind in ["text/markdown", "Text/Plain; charset=\"utf-8\""] {
        let logged = post(&ada.client, COMMUNICATIONS, message(kind)).await;
        assert_eq!(logged["content_type"], kind);
    }
    for kind in [
        "",
        "markdown",
        "text/plain\r\nX-Evil: 1",
        "text/pläin",
        "*/*",
    ] {
        let refused = post_refused(&ada.client, COMMUNICATIONS, message(kind)).await;
        names(&refused, &["content_type"]);
    }
    server.stop().await;
}

#[tokio::test]
async fn a_transcript_is_written_as_it_is_wanted_most() {
    let fresh = Fresh::sqlite().await;
    let server = Server::on(&fresh).await;
    let [ada] = server.agents(["ada"]).await;
    let meeting = server.meeting(&[&ada], json!({})).await;
    let address = format!("{}{MEETINGS}/{meeting}/transcript", server.admin.address());
    let kind = async |lines: &[&str]| {
        let mut request = Request::get(&address);
        for accept in lines {
            request = request.header(ACCEPT, *accept);
        }
        let request = request.body(Bytes::new().into()).unwrap();
        let answer = server.admin.exchange(request).await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK);
        assert_eq!(answer.headers()[VARY], "accept");
        answer.headers()[CONTENT_TYPE].to_str().unwrap().to_owned()
    };
    for lines in [
        &["text/markdown"][..],
        &["text/*"],
        &["application/json;q=0.5, text/markdown;q=0.6"],
        &["application/json;q=0, */*"],
        &["application/json;q=0.5", "text/markdown"],
    ] {
        assert_eq!(
            kind(lines).await,
            "text/markdown; charset=utf-8",
            "{lines:?}"
        );
    }
    for lines in [
        &[][..],
        &["*/*"],
        &["text/markdown, application/json"],
        &["text/markdown;q=0, */*;q=0.1"],
        &["text/markdown;q=0"],
        &["image/png"],
    ] {
        assert_eq!(kind(lines).await, "application/json", "{lines:?}");
    }
    server.stop().await;
}
