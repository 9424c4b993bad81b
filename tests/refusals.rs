//! What is refused: at the door, out of turn, twice, or not understood. A refusal moves nothing.

use http::header::{
    CONNECTION, ORIGIN, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_PROTOCOL, SEC_WEBSOCKET_VERSION, UPGRADE,
};
use http::{HeaderMap, HeaderValue, Request, Response, StatusCode};
use serde_json::{Value, json};
use synod::budget::Reservation;
use synod::client::Client;
use synod::config::Limits;
use synod::domain::MeetingId;
use synod::wire::CloseCode;
use uuid::Uuid;

use crate::support::agent::Agent;
use crate::support::checker::check;
use crate::support::database::Fresh;
use crate::support::on_each_database;
use crate::support::server::{ALLOWED_ORIGIN, Server, limits, step};
use crate::support::talk::{Talk, opinion, vote};

on_each_database!(
    who_speaks_or_votes_when_it_may_not_is_refused_and_nothing_moves,
    what_is_no_frame_is_refused_and_the_socket_stays_open,
    a_frame_sent_twice_acts_once_and_is_answered_the_same_after_a_restart_too,
);

/// The number of a meeting's last event, as the database has it.
async fn last_seq(fresh: &Fresh, meeting: Uuid) -> u64 {
    let row = fresh
        .store
        .meeting(MeetingId(meeting), &Reservation::unlimited())
        .await
        .unwrap();
    row.unwrap().last_seq
}

/// A meeting whose journal stays as it is when frames are refused.
struct Unmoved<'a>(&'a Fresh, Uuid);

impl Unmoved<'_> {
    /// Sends a frame that must be refused with this code.
    async fn by(&self, talk: &mut Talk, frame: Value, code: &str) {
        let before = last_seq(self.0, self.1).await;
        let shown = frame.to_string();
        assert_eq!(talk.refused(frame).await, code, "{shown}");
        assert_eq!(last_seq(self.0, self.1).await, before, "{shown}");
    }
}

async fn who_speaks_or_votes_when_it_may_not_is_refused_and_nothing_moves(fresh: Fresh) {
    let server = Server::on(&fresh).await;
    let [ada, ben, cho] = server.agents(["ada", "ben", "cho"]).await;
    let meeting = server
        .meeting(&[&ada, &ben], json!({"max_discussion_rounds": 2}))
        .await;
    let (mut a, mut b) = (ada.talk(meeting).await, ben.talk(meeting).await);
    b.event("agent_joined").await;
    let unmoved = Unmoved(&fresh, meeting);
    let early = "meeting_not_in_progress";
    unmoved.by(&mut a, opinion("before the start"), early).await;
    unmoved.by(&mut a, vote(Some(true), ""), early).await;
    step(&server.admin, meeting, "start").await;
    a.turn().await;
    unmoved
        .by(&mut b, opinion("out of turn"), "not_your_turn")
        .await;
    unmoved
        .by(&mut b, vote(Some(true), ""), "no_open_ballot")
        .await;
    let lie = json!({"type": "opinion", "content": "I am ben", "agent_id": ben.id});
    unmoved.by(&mut a, lie, "forbidden").await;
    a.speak("one").await;
    unmoved
        .by(&mut a, opinion("once more"), "not_your_turn")
        .await;
    b.turn().await;
    b.speak("two").await;
    a.ballot().await;
    b.ballot().await;
    let mut c = cho.talk(meeting).await;
    c.event("agent_joined").await;
    unmoved
        .by(&mut c, vote(Some(true), ""), "not_a_participant")
        .await;
    unmoved
        .by(&mut b, opinion("in the ballot"), "not_your_turn")
        .await;
    a.vote(Some(false)).await;
    unmoved
        .by(&mut a, vote(Some(true), ""), "already_voted")
        .await;
    b.vote(Some(true)).await;
    for talk in [&mut a, &mut b, &mut c] {
        talk.turn().await;
        talk.speak("in the second round").await;
    }
    for talk in [&mut a, &mut b, &mut c] {
        talk.ballot().await;
        talk.vote(Some(true)).await;
    }
    for talk in [&mut a, &mut b, &mut c] {
        assert_eq!(talk.ended().await.code, CloseCode::MEETING_OVER.code);
    }
    let checked = check(&*fresh.store, meeting, &[a.log, b.log, c.log]).await;
    assert_eq!(checked.count("opinion_presented"), 5);
    assert_eq!(checked.count("vote_recorded"), 5);
    server.stop().await;
}

async fn what_is_no_frame_is_refused_and_the_socket_stays_open(fresh: Fresh) {
    let limits = Limits {
        opinion_max_bytes: 64,
        ..limits()
    };
    let server = Server::with(&fresh, limits).await;
    let [ada] = server.agents(["ada"]).await;
    let meeting = server.meeting(&[&ada], json!({})).await;
    let mut a = ada.talk(meeting).await;
    step(&server.admin, meeting, "start").await;
    a.turn().await;
    let unmoved = Unmoved(&fresh, meeting);
    let mut bad = async |frame: Value, code: &str| unmoved.by(&mut a, frame, code).await;
    for frame in [
        json!({"type": "dance"}),
        json!({"content": "without a type"}),
        json!({"type": "opinion"}),
        json!({"type": "opinion", "content": 7}),
        json!({"type": "opinion", "content": ""}),
        json!({"type": "opinion", "content": "a\u{0}b"}),
        json!({"type": "opinion", "content": "x", "meeting_id": Uuid::nil()}),
        json!({"type": "consensus_vote"}),
        json!({"type": "consensus_vote", "agrees": "yes"}),
        json!({"type": "consensus_vote", "agrees": true, "confidence": 2}),
    ] {
        bad(frame, "invalid_frame").await;
    }
    bad(opinion(&"x".repeat(65)), "message_too_large").await;
    let before = last_seq(&fresh, meeting).await;
    for text in [
        "hello",
        "",
        "[]",
        "{\"type\":\"opinion\"",
        "\"leave\"",
        "{}",
    ] {
        a.send(text.to_owned()).await;
        assert_eq!(
            a.answer(None).await.unwrap_err().code,
            "invalid_frame",
            "{text}"
        );
    }
    let long = json!({"type": "leave", "id": "x".repeat(129)});
    a.send(long.to_string()).await;
    let answered = a.answer(Some(&"x".repeat(129))).await;
    assert_eq!(answered.unwrap_err().code, "invalid_frame");
    assert_eq!(last_seq(&fresh, meeting).await, before);
    a.speak("still here").await;
    let log = a.close().await;
    server.stop().await;
    check(&*fresh.store, meeting, &[log]).await;
}

async fn a_frame_sent_twice_acts_once_and_is_answered_the_same_after_a_restart_too(fresh: Fresh) {
    let server = Server::on(&fresh).await;
    let [ada, ben] = server.agents(["ada", "ben"]).await;
    let meeting = server.meeting(&[&ada, &ben], json!({})).await;
    let (mut a, mut b) = (ada.talk(meeting).await, ben.talk(meeting).await);
    step(&server.admin, meeting, "start").await;
    a.turn().await;
    let first = a.tell_as("mine", opinion("once")).await.unwrap();
    let again = a.tell_as("mine", opinion("once")).await.unwrap();
    assert_eq!(again, first);
    b.turn().await;
    b.tell_as("mine", opinion("another agent's id is its own"))
        .await
        .unwrap();
    a.ballot().await;
    let voted = a.tell_as("my vote", vote(Some(true), "")).await.unwrap();
    server.stop().await;
    let codes = [a.ended().await.code, b.ended().await.code];
    assert_eq!(codes, [CloseCode::DRAINING.code; 2]);

    let server = Server::on(&fresh).await;
    let (ada, ben) = (ada.at(&server.admin), ben.at(&server.admin));
    let before = [a.log, b.log];
    let (mut a, mut b) = (ada.talk(meeting).await, ben.talk(meeting).await);
    assert_eq!(a.tell_as("mine", opinion("once")).await.unwrap(), first);
    let disagrees = vote(Some(false), "the same id, other words");
    assert_eq!(a.tell_as("my vote", disagrees).await.unwrap(), voted);
    b.ballot().await;
    b.vote(Some(true)).await;
    a.ended().await;
    b.ended().await;
    let logs: Vec<_> = before.into_iter().chain([a.log, b.log]).collect();
    let checked = check(&*fresh.store, meeting, &logs).await;
    assert_eq!(checked.outcome(), "consensus");
    assert_eq!(checked.count("opinion_presented"), 2);
    server.stop().await;
}

#[tokio::test]
async fn an_agent_enters_with_its_own_name_only() {
    let fresh = Fresh::sqlite().await;
    let server = Server::on(&fresh).await;
    let [ada, ben] = server.agents(["ada", "ben"]).await;
    let meeting = server.meeting(&[&ada, &ben], json!({})).await;
    let before = last_seq(&fresh, meeting).await;
    for client in [&ben.client, &server.admin] {
        let error = client.attend(meeting, ada.id, None).await.unwrap_err();
        let refusal = (error.status(), error.code());
        assert_eq!(refusal, (Some(StatusCode::FORBIDDEN), Some("forbidden")));
    }
    assert_eq!(last_seq(&fresh, meeting).await, before);
    server.stop().await;
}

#[tokio::test]
async fn a_meeting_of_invited_agents_admits_nobody_else() {
    let fresh = Fresh::sqlite().await;
    let server = Server::on(&fresh).await;
    let [ada, eve] = server.agents(["ada", "eve"]).await;
    let meeting = server
        .meeting(&[&ada], json!({"admission": "invited"}))
        .await;
    let error = eve.client.attend(meeting, eve.id, None).await.unwrap_err();
    assert_eq!(error.status(), Some(StatusCode::FORBIDDEN));
    let join = format!("/api/v1/meetings/{meeting}/join");
    let error = eve
        .client
        .post::<Value>(&join, &json!({}))
        .await
        .unwrap_err();
    assert_eq!(error.code(), Some("forbidden"));
    let added: Value = server
        .admin
        .post(&join, &json!({"agent_id": eve.id}))
        .await
        .unwrap();
    assert_eq!(added["agent_id"], json!(eve.id));
    let log = eve.talk(meeting).await.close().await;
    server.stop().await;
    check(&*fresh.store, meeting, &[log]).await;
}

#[tokio::test]
async fn who_only_watches_hears_all_and_says_nothing() {
    let fresh = Fresh::sqlite().await;
    let server = Server::on(&fresh).await;
    let [ada] = server.agents(["ada"]).await;
    let meeting = server.meeting(&[&ada], json!({})).await;
    let mut watcher = Talk::watch(&server.admin, meeting, Some(0)).await;
    let mut a = ada.talk(meeting).await;
    step(&server.admin, meeting, "start").await;
    a.turn().await;
    watcher.event("turn_opened").await;
    let unmoved = Unmoved(&fresh, meeting);
    for frame in [
        opinion("I am the operator"),
        vote(None, ""),
        json!({"type": "leave"}),
    ] {
        unmoved.by(&mut watcher, frame, "forbidden").await;
    }
    a.speak("one").await;
    a.ballot().await;
    a.vote(Some(true)).await;
    a.ended().await;
    assert_eq!(watcher.ended().await.code, CloseCode::MEETING_OVER.code);
    assert!(watcher.log.opinion_requests.is_empty() && watcher.log.ballots.is_empty());
    let checked = check(&*fresh.store, meeting, &[a.log, watcher.log]).await;
    assert_eq!(checked.count("agent_joined"), 1, "nobody joins by watching");
    server.stop().await;
}

#[tokio::test]
async fn nobody_passes_without_a_good_token_and_all_are_told_the_same() {
    let fresh = Fresh::sqlite().await;
    let server = Server::on(&fresh).await;
    let [ada] = server.agents(["ada"]).await;
    let meeting = server.meeting(&[&ada], json!({})).await;
    let mut told = Vec::new();
    for token in [
        "",
        "wrong",
        "synod_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
    ] {
        let stranger = server.admin.with_token(token).unwrap();
        for path in [
            "/api/v1/agents",
            "/api/v1/meetings",
            "/api/v1/communications",
        ] {
            told.push(stranger.get::<Value>(path).await.unwrap_err());
        }
        told.push(stranger.attend(meeting, ada.id, None).await.unwrap_err());
        assert!(
            stranger.is_ready().await,
            "whether it is ready is no secret"
        );
    }
    for error in &told {
        assert_eq!(error.status(), Some(StatusCode::UNAUTHORIZED));
        assert_eq!(error.code(), Some("authentication_required"));
        assert_eq!(error.to_string(), told[0].to_string());
    }
    server.stop().await;
}

#[tokio::test]
async fn a_meeting_that_is_not_there_is_not_found() {
    let fresh = Fresh::sqlite().await;
    let server = Server::on(&fresh).await;
    let [ada] = server.agents(["ada"]).await;
    let attended = ada
        .client
        .attend(Uuid::nil(), ada.id, None)
        .await
        .unwrap_err();
    let shown = ada.client.meeting(Uuid::nil()).await.unwrap_err();
    let watched = server.admin.watch(Uuid::nil(), None).await.unwrap_err();
    for error in [attended, shown, watched] {
        let refusal = (error.status(), error.code());
        assert_eq!(refusal, (Some(StatusCode::NOT_FOUND), Some("not_found")));
    }
    server.stop().await;
}

/// A handshake with these headers changed; an empty one is left out.
async fn handshake(
    agent: &Agent,
    meeting: Uuid,
    changes: &[(&str, &str)],
) -> Response<bytes::Bytes> {
    let mut headers = HeaderMap::new();
    headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
    headers.insert(CONNECTION, HeaderValue::from_static("Upgrade"));
    headers.insert(SEC_WEBSOCKET_VERSION, HeaderValue::from_static("13"));
    headers.insert(
        SEC_WEBSOCKET_KEY,
        HeaderValue::from_static("dGhlIHNhbXBsZSBub25jZQ=="),
    );
    for (name, value) in changes {
        let name = http::HeaderName::from_bytes(name.as_bytes()).unwrap();
        headers.remove(&name);
        if !value.is_empty() {
            headers.insert(name, HeaderValue::from_str(value).unwrap());
        }
    }
    let client: &Client = &agent.client;
    let uri = format!(
        "{}/ws/meetings/{meeting}?agent_id={}",
        client.address(),
        agent.id
    );
    let mut request = Request::get(uri).body(bytes::Bytes::new().into()).unwrap();
    *request.headers_mut() = headers;
    client.exchange(request).await.unwrap()
}

#[tokio::test]
async fn a_handshake_that_is_not_as_it_should_be_is_refused() {
    let fresh = Fresh::sqlite().await;
    let server = Server::on(&fresh).await;
    let [ada] = server.agents(["ada"]).await;
    let meeting = server.meeting(&[&ada], json!({})).await;
    let before = last_seq(&fresh, meeting).await;
    let (version, key) = ("sec-websocket-version", "sec-websocket-key");
    for (change, status) in [
        ((version, "8"), StatusCode::UPGRADE_REQUIRED),
        ((version, ""), StatusCode::UPGRADE_REQUIRED),
        ((key, ""), StatusCode::BAD_REQUEST),
        ((key, "too short"), StatusCode::BAD_REQUEST),
        (("upgrade", ""), StatusCode::BAD_REQUEST),
        (("connection", "keep-alive"), StatusCode::BAD_REQUEST),
        (("origin", "https://evil.example"), StatusCode::FORBIDDEN),
        (("origin", "null"), StatusCode::FORBIDDEN),
    ] {
        let answer = handshake(&ada, meeting, &[change]).await;
        assert_eq!(answer.status(), status, "{change:?}");
        let body: Value = serde_json::from_slice(answer.body()).unwrap();
        assert!(
            body["error"].is_string() && body["message"].is_string(),
            "{body}"
        );
        if status == StatusCode::UPGRADE_REQUIRED {
            assert_eq!(answer.headers()[SEC_WEBSOCKET_VERSION], "13");
        }
    }
    let plain = format!("/ws/meetings/{meeting}");
    let plain = ada.client.get::<Value>(&plain).await.unwrap_err();
    assert_eq!(plain.status(), Some(StatusCode::BAD_REQUEST));
    assert_eq!(last_seq(&fresh, meeting).await, before);
    server.stop().await;
}

#[tokio::test]
async fn a_browser_from_an_allowed_origin_brings_its_token_as_a_subprotocol() {
    let fresh = Fresh::sqlite().await;
    let server = Server::on(&fresh).await;
    let [mut ada] = server.agents(["ada"]).await;
    let meeting = server.meeting(&[&ada], json!({})).await;
    let protocol = format!("synod.bearer.{}", ada.token);
    ada.client = server.admin.with_token("").unwrap();
    let origin = (ORIGIN.as_str(), ALLOWED_ORIGIN);
    let answer = handshake(&ada, meeting, &[origin]).await;
    assert_eq!(answer.status(), StatusCode::UNAUTHORIZED);
    let offer = (SEC_WEBSOCKET_PROTOCOL.as_str(), protocol.as_str());
    let answer = handshake(&ada, meeting, &[origin, offer]).await;
    assert_eq!(answer.status(), StatusCode::SWITCHING_PROTOCOLS);
    assert_eq!(
        answer.headers()["sec-websocket-accept"],
        "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
    );
    assert_eq!(answer.headers()[SEC_WEBSOCKET_PROTOCOL], protocol.as_str());
    server.stop().await;
}
