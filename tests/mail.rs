//! Direct messages: kept first, told once and in order, wherever their reader is.

use serde_json::{Value, json};
use synod::client::frame::{Ack, Connected, DirectMessage};
use synod::client::{Ended, ServerFrame, Socket};
use synod::config::Limits;
use synod::domain::AgentId;
use synod::wire::CloseCode;
use uuid::Uuid;

use crate::support::agent::Agent;
use crate::support::database::Fresh;
use crate::support::on_each_database;
use crate::support::patience::{eventually, within};
use crate::support::server::{Server, limits, step};

on_each_database!(
    a_message_reaches_every_socket_of_its_receiver,
    an_absent_receiver_is_told_once_and_in_order,
    the_same_frame_is_one_message_also_after_a_restart,
    what_was_told_in_a_meeting_takes_nothing_from_the_line,
    a_line_brings_news_of_its_meetings,
);

async fn next(socket: &mut Socket) -> ServerFrame {
    within("the next frame", socket.next()).await.unwrap()
}

async fn connected(socket: &mut Socket) -> Connected {
    match next(socket).await {
        ServerFrame::Connected(connected) => connected,
        other => panic!("not the first frame: {other:?}"),
    }
}

/// More than one page of them.
const MESSAGES: usize = 70;

/// The next direct message, whatever else is said before.
async fn message(socket: &mut Socket) -> DirectMessage {
    loop {
        if let ServerFrame::DirectMessage(message) = next(socket).await {
            return message;
        }
    }
}

/// The answer to the frame that was sent last.
async fn ack(socket: &mut Socket) -> Ack {
    loop {
        match next(socket).await {
            ServerFrame::Ack(ack) => return ack,
            ServerFrame::Error(refusal) => panic!("refused: {refusal:?}"),
            _ => {}
        }
    }
}

async fn refused(socket: &mut Socket, frame: Value) -> String {
    socket.send_text(frame.to_string()).await.unwrap();
    loop {
        if let ServerFrame::Error(refusal) = next(socket).await {
            return refusal.code;
        }
    }
}

async fn line(agent: &Agent, after: Option<&str>) -> Socket {
    let mut socket = agent.client.line(after).await.unwrap();
    let first = connected(&mut socket).await;
    assert_eq!((first.agent_id, first.meeting_id), (Some(agent.id), None));
    socket
}

async fn a_message_reaches_every_socket_of_its_receiver(fresh: Fresh) {
    let server = Server::on(&fresh).await;
    let [ada, ben] = server.agents(["ada", "ben"]).await;
    let meeting = server.meeting(&[&ada, &ben], json!({})).await;
    let mut sockets = [
        line(&ben, None).await,
        line(&ben, None).await,
        ben.client.attend(meeting, ben.id, None).await.unwrap(),
    ];
    connected(&mut sockets[2]).await;
    let mut writer = ada.client.attend(meeting, ada.id, None).await.unwrap();
    connected(&mut writer).await;

    let text = "ß 🦉 \"quoted\"\n";
    writer.write_to("m1", ben.id, text).await.unwrap();
    let ack = ack(&mut writer).await;
    assert_eq!((ack.delivered, ack.seq), (Some(true), None));
    for socket in &mut sockets {
        let told = message(socket).await;
        assert_eq!((told.sender_id, told.content.as_str()), (ada.id, text));
        assert_eq!(Some(told.communication_id), ack.communication_id);
    }
    let path = format!("/api/v1/communications/{}", ack.communication_id.unwrap());
    let logged: Value = ada.client.get(&path).await.unwrap();
    assert_eq!(logged["message_content"], text);
    server.stop().await;
}

async fn an_absent_receiver_is_told_once_and_in_order(fresh: Fresh) {
    let server = Server::on(&fresh).await;
    let [ada, ben] = server.agents(["ada", "ben"]).await;
    let mut writer = line(&ada, None).await;
    for n in 0..MESSAGES {
        writer
            .write_to(&format!("m{n}"), ben.id, &n.to_string())
            .await
            .unwrap();
        assert_eq!(ack(&mut writer).await.delivered, Some(false));
    }
    let mut reader = line(&ben, None).await;
    let mut cursors = Vec::new();
    for n in 0..MESSAGES {
        let told = message(&mut reader).await;
        assert_eq!(told.content, n.to_string());
        cursors.push(told.cursor);
    }
    writer.write_to("live", ben.id, "live").await.unwrap();
    assert_eq!(ack(&mut writer).await.delivered, Some(true));
    assert_eq!(message(&mut reader).await.content, "live");
    reader.close().await;

    // By cursor, exactly what is behind it.
    let mut reader = line(&ben, Some(&cursors[MESSAGES - 2])).await;
    assert_eq!(
        message(&mut reader).await.content,
        (MESSAGES - 1).to_string()
    );
    assert_eq!(message(&mut reader).await.content, "live");
    reader.close().await;

    // Without one, what was not told before.
    eventually("it is noted what was told", || async {
        let inbox = fresh.store.inbox(AgentId(ben.id)).await.ok()?;
        (inbox.told == inbox.last).then_some(())
    })
    .await;
    let mut reader = line(&ben, None).await;
    writer.write_to("next", ben.id, "next").await.unwrap();
    assert_eq!(message(&mut reader).await.content, "next");
    server.stop().await;
}

/// What an ack says of a message.
fn said(ack: &Ack) -> (Option<Uuid>, Option<bool>) {
    (ack.communication_id, ack.delivered)
}

async fn the_same_frame_is_one_message_also_after_a_restart(fresh: Fresh) {
    let server = Server::on(&fresh).await;
    let [ada, ben] = server.agents(["ada", "ben"]).await;
    let mut writer = line(&ada, None).await;
    let present = line(&ben, None).await;
    writer.write_to("heard", ben.id, "heard").await.unwrap();
    let heard = said(&ack(&mut writer).await);
    present.close().await;
    let until_nobody_is_there = async {
        for n in 0.. {
            let id = format!("hello {n}");
            writer.write_to(&id, ben.id, "hello?").await.unwrap();
            if ack(&mut writer).await.delivered == Some(false) {
                break;
            }
        }
    };
    within("nobody is there any more", until_nobody_is_there).await;
    writer.write_to("once", ben.id, "once").await.unwrap();
    let once = said(&ack(&mut writer).await);
    assert_eq!((heard.1, once.1), (Some(true), Some(false)));
    server.stop().await;

    let server = Server::on(&fresh).await;
    let (ada, ben) = (ada.at(&server.admin), ben.at(&server.admin));
    let mut writer = line(&ada, None).await;
    let mut reader = line(&ben, None).await;
    for (text, first) in [("heard", heard), ("once", once)] {
        writer.write_to(text, ben.id, text).await.unwrap();
        assert_eq!(said(&ack(&mut writer).await), first, "{text}");
    }
    // A new message under an old id is not swallowed.
    let other = json!({"type": "direct_message", "id": "once", "receiver_id": ben.id, "content": "another"});
    assert_eq!(refused(&mut writer, other).await, "frame_id_reused");
    writer.write_to("twice", ben.id, "another").await.unwrap();
    while message(&mut reader).await.content != "once" {}
    assert_eq!(message(&mut reader).await.content, "another");
    server.stop().await;
}

async fn what_was_told_in_a_meeting_takes_nothing_from_the_line(fresh: Fresh) {
    let server = Server::on(&fresh).await;
    let [ada, ben] = server.agents(["ada", "ben"]).await;
    let meeting = server.meeting(&[&ada, &ben], json!({})).await;
    let mut writer = line(&ada, None).await;
    writer
        .write_to("1", ben.id, "nobody is here")
        .await
        .unwrap();
    assert_eq!(ack(&mut writer).await.delivered, Some(false));
    let mut socket = ben.client.attend(meeting, ben.id, None).await.unwrap();
    connected(&mut socket).await;
    writer
        .write_to("2", ben.id, "in the meeting")
        .await
        .unwrap();
    assert_eq!(ack(&mut writer).await.delivered, Some(true));
    assert_eq!(message(&mut socket).await.content, "in the meeting");
    socket.close().await;
    // A server that goes down in order has noted what was told.
    server.stop().await;

    let server = Server::on(&fresh).await;
    let ben = ben.at(&server.admin);
    let mut reader = line(&ben, None).await;
    assert_eq!(message(&mut reader).await.content, "nobody is here");
    assert_eq!(message(&mut reader).await.content, "in the meeting");
    server.stop().await;
    let inbox = fresh.store.inbox(AgentId(ben.id)).await.unwrap();
    assert_eq!((inbox.told, inbox.last), (2, 2));
}

async fn a_line_brings_news_of_its_meetings(fresh: Fresh) {
    let server = Server::on(&fresh).await;
    let [ada, ben, cem] = server.agents(["ada", "ben", "cem"]).await;
    let old = server.meeting(&[&ada, &ben], json!({})).await;
    let mut reader = ben.client.line(None).await.unwrap();
    let first = connected(&mut reader).await;
    assert_eq!(first.meetings[0]["meeting_id"], json!(old));
    assert_eq!(first.meetings[0]["status"], "pending");
    let mut stranger = line(&cem, None).await;

    let new = server.meeting(&[&ada, &ben], json!({})).await;
    step(&server.admin, new, "start").await;
    step(&server.admin, new, "cancel").await;
    let mut heard = Vec::new();
    while heard
        .last()
        .is_none_or(|(kind, _)| kind != "meeting_cancelled")
    {
        if let ServerFrame::MeetingEvent(event) = next(&mut reader).await {
            assert_eq!(event.meeting_id, new);
            heard.push((event.event, event.seq));
        }
    }
    let kinds: Vec<_> = heard.iter().map(|(kind, _)| kind.as_str()).collect();
    let expected = ["meeting_created", "meeting_started", "meeting_cancelled"];
    assert_eq!(kinds, expected);
    assert!(heard.is_sorted_by_key(|(_, seq)| *seq), "{heard:?}");
    // The stranger heard none of it.
    ada.client
        .line(None)
        .await
        .unwrap()
        .write_to("x", cem.id, "hi")
        .await
        .unwrap();
    assert!(matches!(
        next(&mut stranger).await,
        ServerFrame::DirectMessage(_)
    ));
    server.stop().await;
}

#[tokio::test]
async fn a_line_lists_the_newest_open_meetings_and_no_more_than_it_says() {
    let fresh = Fresh::postgres().await;
    let server = Server::on(&fresh).await;
    let [ada] = server.agents(["ada"]).await;
    let many = i64::from(Limits::LINE_MEETINGS_MAX) + 2;
    let mut psql = fresh.psql().await;
    // The last one is over, and every second one of the others has begun.
    let meetings = "with meeting as (
             insert into meetings (id, topic, meeting_type, status, outcome, max_discussion_rounds, settings, created_at, last_seq)
             select gen_random_uuid(), nth::text, 'user_specified',
                    case when nth > $1 then 'completed' when nth % 2 = 0 then 'pending' else 'in_progress' end,
                    case when nth > $1 then 'tie' end, 3, '{}', '2025-07-01'::timestamptz + nth * interval '1 minute', 1
               from generate_series(1, $1 + 1) as nth
             returning id, created_at)
         insert into meeting_participants (meeting_id, meeting_created_at, agent_id, joined_at, role, speaking_order)
         select id, created_at, $2, created_at, 'participant', 1 from meeting";
    let filled = sqlx::query(meetings).bind(many).bind(ada.id);
    filled.execute(&mut psql).await.unwrap();

    let mut socket = ada.client.line(None).await.unwrap();
    let first = connected(&mut socket).await;
    let topics: Vec<_> = first.meetings.iter().map(|m| m["topic"].clone()).collect();
    let newest = (3..=many).rev().map(|nth| json!(nth.to_string()));
    assert_eq!(topics, newest.collect::<Vec<_>>());
    assert_eq!(first.meetings[0]["status"], "pending");
    assert_eq!(first.meetings[1]["status"], "in_progress");
    for (status, number) in [("pending", many / 2), ("in_progress", many / 2)] {
        let path = format!("/api/v1/meetings?status={status}");
        let all: Value = ada.client.get(&path).await.unwrap();
        assert_eq!(all["total"], json!(number), "the rest is found there");
    }
    server.stop().await;
}

#[tokio::test]
async fn a_line_refuses_what_is_not_for_it() {
    let fresh = Fresh::sqlite().await;
    let server = Server::on(&fresh).await;
    let [ada] = server.agents(["ada"]).await;
    let mut socket = line(&ada, None).await;
    let nobody = Uuid::nil();
    let to = |receiver, content| json!({"type": "direct_message", "receiver_id": receiver, "content": content});
    for (frame, code) in [
        (
            json!({"type": "opinion", "content": "I say"}),
            "invalid_frame",
        ),
        (json!({"type": "leave"}), "invalid_frame"),
        (to(nobody, "anybody?"), "no_such_agent"),
        (to(ada.id, ""), "invalid_frame"),
        (to(ada.id, "a\0b"), "invalid_frame"),
        (
            json!({"type": "direct_message", "content": "to whom?"}),
            "invalid_frame",
        ),
    ] {
        let shown = frame.to_string();
        assert_eq!(refused(&mut socket, frame).await, code, "{shown}");
    }
    let ahead = ada.client.line(Some("9")).await.unwrap();
    assert_eq!(closed(ahead).await.code, CloseCode::BAD_FRAME.code);
    let forged = ada.client.line(Some("forged")).await.unwrap_err();
    assert_eq!(forged.code(), Some("validation_error"));
    let operator = server.admin.line(None).await.unwrap_err();
    assert_eq!(operator.code(), Some("forbidden"));
    server.stop().await;
}

#[tokio::test]
async fn a_revoked_token_closes_its_sockets_wherever_it_was_revoked() {
    let fresh = Fresh::sqlite().await;
    let limits = Limits {
        ownership_interval_ms: 50,
        ..limits()
    };
    let server = Server::with(&fresh, limits).await;
    let [ada, ben] = server.agents(["ada", "ben"]).await;
    let meeting = server.meeting(&[&ada, &ben], json!({})).await;
    let adas = line(&ada, None).await;
    let also = ada.client.attend(meeting, ada.id, None).await.unwrap();
    let mut bens = line(&ben, None).await;
    // Not through this server: as the command line does.
    let id = AgentId(ada.id);
    let now = chrono::DateTime::UNIX_EPOCH;
    assert!(fresh.store.revoke_agent(id, now).await.unwrap());
    for socket in [adas, also] {
        assert_eq!(closed(socket).await.code, CloseCode::REVOKED.code);
    }
    bens.write_to("still", ben.id, "here").await.unwrap();
    assert_eq!(message(&mut bens).await.content, "here");
    server.stop().await;
}

#[tokio::test]
async fn a_new_token_and_a_revoked_one_close_their_sockets_at_once() {
    let fresh = Fresh::sqlite().await;
    let server = Server::on(&fresh).await;
    let [ada, ben] = server.agents(["ada", "ben"]).await;
    let meeting = server.meeting(&[&ada, &ben], json!({})).await;
    let path = format!("/api/v1/agents/{}", ada.id);
    let line_of_old = line(&ada, None).await;
    let also = ada.client.attend(meeting, ada.id, None).await.unwrap();
    let rotated: Value = server
        .admin
        .post(&format!("{path}/token"), &json!({}))
        .await
        .unwrap();
    for socket in [line_of_old, also] {
        assert_eq!(closed(socket).await.code, CloseCode::REVOKED.code);
    }
    let refused = ada.client.line(None).await.unwrap_err();
    assert_eq!(refused.code(), Some("authentication_required"));

    let token = rotated["token"].as_str().unwrap();
    let client = server.admin.with_token(token).unwrap();
    let again = client.line(None).await.unwrap();
    let delete = server.admin.send(http::Method::DELETE, &path, None);
    let revoked: Value = serde_json::from_slice(&delete.await.unwrap()).unwrap();
    assert!(revoked["revoked_at"].is_string(), "{revoked}");
    assert_eq!(closed(again).await.code, CloseCode::REVOKED.code);
    let observer: Value = server
        .admin
        .post(
            "/api/v1/agents",
            &json!({"name": "wall", "role": "observer"}),
        )
        .await
        .unwrap();
    let eyes = server
        .admin
        .with_token(observer["token"].as_str().unwrap())
        .unwrap();
    let watching = eyes.watch(meeting, None).await.unwrap();
    let path = format!("/api/v1/agents/{}", observer["id"].as_str().unwrap());
    server
        .admin
        .send(http::Method::DELETE, &path, None)
        .await
        .unwrap();
    assert_eq!(closed(watching).await.code, CloseCode::REVOKED.code);
    server.stop().await;
}

async fn closed(mut socket: Socket) -> Ended {
    let end = async {
        loop {
            if let Err(ended) = socket.next().await {
                return ended;
            }
        }
    };
    within("the socket is closed", end).await
}
