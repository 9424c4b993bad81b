//! Rates: of a token, on all its connections, and of an address.

use http::StatusCode;
use serde_json::{Value, json};
use synod::budget::Reservation;
use synod::client::{Client, Error, ServerFrame};
use synod::config::Limits;
use synod::domain::MeetingId;
use synod::storage::Part;
use synod::wire::CloseCode;

use super::{AGENTS, MEETINGS};
use crate::support::database::Fresh;
use crate::support::patience::within;
use crate::support::server::{Server, limits};
use crate::support::talk::opinion;

/// So few that a test is over them at once, and one a second at most comes back.
fn strict() -> Limits {
    Limits {
        rate_per_token_per_s: 1,
        burst_per_token: 10,
        frames_refused_max: 5,
        ..limits()
    }
}

/// Asks until it is refused as too fast.
async fn ask_too_often(client: &Client, path: &str) -> Error {
    for _ in 0..1_000 {
        if let Err(error) = client.get::<Value>(path).await
            && error.status() == Some(StatusCode::TOO_MANY_REQUESTS)
        {
            return error;
        }
    }
    panic!("{path} was never refused");
}

#[tokio::test]
async fn who_asks_faster_than_its_rate_is_told_when_to_come_back() {
    let fresh = Fresh::sqlite().await;
    let server = Server::with(&fresh, strict()).await;
    let [ada, ben] = server.agents(["ada", "ben"]).await;
    let meeting = server.meeting(&[&ada, &ben], json!({})).await;
    let error = ask_too_often(&ada.client, AGENTS).await;
    assert_eq!(error.code(), Some("rate_limited"));
    let wait = error.refused().unwrap().retry_after_s;
    assert!(wait >= Some(1), "{wait:?}");
    let attended = ada.client.attend(meeting, ada.id, None).await;
    let refused = attended.unwrap_err();
    assert_eq!(refused.status(), Some(StatusCode::TOO_MANY_REQUESTS));
    let others: Value = ben.client.get(MEETINGS).await.unwrap();
    assert_eq!(others["total"], 1, "another token has a rate of its own");
    server.stop().await;
}

#[tokio::test]
async fn an_address_is_refused_before_anybody_asks_for_its_token() {
    let fresh = Fresh::sqlite().await;
    let limits = Limits {
        rate_per_address_per_s: 1,
        burst_per_address: 100,
        ..limits()
    };
    let server = Server::with(&fresh, limits).await;
    let stranger = server.admin.with_token("wrong").unwrap();
    let error = ask_too_often(&stranger, AGENTS).await;
    assert_eq!(error.code(), Some("rate_limited"));
    assert!(error.refused().unwrap().retry_after_s >= Some(1));
    ask_too_often(&server.admin, "/healthz").await;
    server.stop().await;
}

#[tokio::test]
async fn a_frame_over_the_rate_does_nothing_and_who_goes_on_is_sent_away() {
    let fresh = Fresh::sqlite().await;
    let server = Server::with(&fresh, strict()).await;
    let [ada] = server.agents(["ada"]).await;
    let meeting = server.meeting(&[&ada], json!({})).await;
    let mut socket = ada.client.attend(meeting, ada.id, None).await.unwrap();
    // More at once than the rate and the patience together, even if the machine is slow.
    for id in 0..200 {
        let mut frame = if id < 50 {
            opinion("too early")
        } else {
            json!({"type": "leave"})
        };
        frame["id"] = id.into();
        // Beyond the bound nobody listens any more.
        let _ = socket.send_text(frame.to_string()).await;
    }
    let mut codes = Vec::new();
    let ended = loop {
        match within("the server answers", socket.next_text()).await {
            Ok(text) => {
                let Ok(ServerFrame::Error(refusal)) = ServerFrame::read(&text) else {
                    continue;
                };
                let is_over = refusal.code == "rate_limited";
                assert_eq!(is_over, refusal.retry_after_ms > Some(0), "{refusal:?}");
                assert!(!is_over || refusal.id.is_some(), "{refusal:?}");
                codes.push(refusal.code);
            }
            Err(ended) => break ended,
        }
    };
    assert_eq!(ended.code, CloseCode::RATE_LIMITED.code);
    assert!(codes.iter().any(|code| code == "meeting_not_in_progress"));
    assert!(codes.iter().any(|code| code == "rate_limited"));
    let journal = fresh
        .store
        .journal(
            MeetingId(meeting),
            0,
            Part::RESUME,
            &Reservation::unlimited(),
        )
        .await
        .unwrap();
    let kinds: Vec<_> = journal.iter().map(|row| row.kind.as_str()).collect();
    assert!(!kinds.contains(&"opinion_presented"), "{kinds:?}");
    let reasons = journal.iter().filter(|row| row.kind == "agent_left");
    assert!(
        reasons
            .into_iter()
            .all(|row| !row.payload.contains("\"left\"")),
        "the frames that were refused did nothing"
    );
    server.stop().await;
}
