//! A journal that this server cannot read keeps its own meeting still, says what to do, and loses nothing.

use serde_json::{Value, json};
use synod::budget::Reservation;
use synod::domain::MeetingId;
use synod::storage::Part;
use synod::storage::{Database, JournalRow};
use synod::wire::CloseCode;
use uuid::Uuid;

use crate::support::agent::{Agent, agreeable, logs};
use crate::support::checker::check;
use crate::support::database::Fresh;
use crate::support::log::Log;
use crate::support::on_each_database;
use crate::support::raw::{Raw, handshake};
use crate::support::server::{Server, step};

on_each_database!(
    a_meeting_with_an_event_from_the_future_waits_for_a_server_that_knows_it,
    a_meeting_with_a_damaged_row_stands_still_alone,
    a_meeting_at_a_time_that_does_not_exist_stands_still_alone,
    a_meeting_that_is_over_and_cannot_be_read_says_so_on_its_socket,
);

/// A later server wrote two events that this one knows nothing of.
const FROM_THE_FUTURE: &str = r#"
    insert into meeting_events (meeting_id, seq, epoch, kind, version, at, payload)
    select e.meeting_id, e.seq + 1, e.epoch, 'meeting_danced', 1, e.at, '{"deadline":null}'
      from meeting_events e join meetings m on m.id = e.meeting_id and m.last_seq = e.seq where m.topic = 'kind';
    insert into meeting_events (meeting_id, seq, epoch, kind, version, at, payload)
    select e.meeting_id, e.seq + 1, e.epoch, 'meeting_recovered', 2, e.at, '{"deadline":null}'
      from meeting_events e join meetings m on m.id = e.meeting_id and m.last_seq = e.seq where m.topic = 'version';
    update meetings set last_seq = last_seq + 1 where topic in ('kind', 'version')"#;
/// What a later server makes of them.
const UNDERSTOOD: &str = "
    update meeting_events set kind = 'meeting_recovered' where kind = 'meeting_danced';
    update meeting_events set version = 1 where version = 2";

/// A meeting of one agent, which has spoken, and which nobody runs any more.
struct Left {
    agent: Agent,
    meeting: Uuid,
    log: Log,
}

async fn left_at_its_ballot(fresh: &Fresh, topic: &str) -> Left {
    let server = Server::on(fresh).await;
    let [ada] = server.agents(["ada"]).await;
    let meeting = server.meeting(&[&ada], json!({"topic": topic})).await;
    let mut talk = ada.talk(meeting).await;
    step(&server.admin, meeting, "start").await;
    talk.turn().await;
    talk.speak("to be continued").await;
    talk.ballot().await;
    server.stop().await;
    Left {
        agent: ada,
        meeting,
        log: talk.log,
    }
}

async fn journal(fresh: &Fresh, meeting: Uuid) -> Vec<JournalRow> {
    let rows = fresh
        .store
        .journal(
            MeetingId(meeting),
            0,
            Part::of_answer(256),
            &Reservation::unlimited(),
        )
        .await;
    rows.unwrap()
}

/// Holds that a meeting is refused by REST and on the socket, with these words.
async fn stands_still(server: &Server, agent: &Agent, meeting: Uuid, words: &[&str]) {
    let path = format!("/api/v1/meetings/{meeting}");
    let about = |body: &Value| {
        assert_eq!(body["error"], "journal_unreadable", "{body}");
        let message = body["message"].as_str().unwrap();
        assert!(words.iter().all(|word| message.contains(word)), "{message}");
    };
    for path in [
        path.clone(),
        format!("{path}/transcript"),
        format!("{path}/events"),
    ] {
        let refused = server.admin.get::<Value>(&path).await.unwrap_err();
        let refused = refused.refused().unwrap();
        about(&json!({"error": refused.code, "message": refused.message}));
    }
    let cancelled = server
        .admin
        .post::<Value>(&format!("{path}/cancel"), &json!({}))
        .await;
    assert_eq!(cancelled.unwrap_err().code(), Some("journal_unreadable"));
    let mut raw = Raw::to(&server.admin).await;
    raw.say(handshake(&format!("/ws/meetings/{meeting}"), &agent.token))
        .await;
    let (status, body) = raw.answer().await;
    assert_eq!(status, 500);
    about(&body);
}

/// Holds that another meeting comes to its end.
async fn others_go_on(server: &Server, fresh: &Fresh, agent: &Agent) {
    let meeting = server
        .meeting(&[agent], json!({"start": "when_all_joined"}))
        .await;
    let logs = logs([agent.attend(meeting, agreeable())]).await;
    assert_eq!(
        check(&*fresh.store, meeting, &logs).await.outcome(),
        "consensus"
    );
}

async fn a_meeting_with_an_event_from_the_future_waits_for_a_server_that_knows_it(fresh: Fresh) {
    let meetings = [
        (left_at_its_ballot(&fresh, "kind").await, "meeting_danced"),
        (left_at_its_ballot(&fresh, "version").await, "version 2"),
    ];
    fresh.execute(FROM_THE_FUTURE).await;
    let mut before = Vec::new();
    for (left, _) in &meetings {
        before.push(journal(&fresh, left.meeting).await);
    }
    let server = Server::on(&fresh).await;
    for (Left { agent, meeting, .. }, what) in &meetings {
        let agent = agent.at(&server.admin);
        let words = [
            what,
            "run that version of synod or a later one",
            "nothing was changed",
        ];
        stands_still(&server, &agent, *meeting, &words).await;
        others_go_on(&server, &fresh, &agent).await;
        let part = format!("/api/v1/meetings/{meeting}/events?limit=5");
        let part: Value = server.admin.get(&part).await.unwrap();
        let read = part["events"].as_array().map(Vec::len);
        assert_eq!(read, Some(5), "what is before it can be read");
    }
    server.stop().await;
    for ((left, _), before) in meetings.iter().zip(before) {
        let now = journal(&fresh, left.meeting).await;
        assert_eq!(now, before, "nothing was changed");
    }

    fresh.execute(UNDERSTOOD).await;
    let later = Server::on(&fresh).await;
    for (left, _) in meetings {
        let agent = left.agent.at(&later.admin);
        let mut talk = agent.talk_after(left.meeting, Some(0)).await;
        talk.ballot().await;
        talk.vote(Some(true)).await;
        talk.ended().await;
        let checked = check(&*fresh.store, left.meeting, &[left.log, talk.log]).await;
        assert_eq!(checked.outcome(), "consensus");
    }
    later.stop().await;
}

async fn a_meeting_with_a_damaged_row_stands_still_alone(fresh: Fresh) {
    let Left { agent, meeting, .. } = left_at_its_ballot(&fresh, "damaged").await;
    let last =
        "update meeting_events set payload = '{\"round\":\"one\"}' where kind = 'ballot_opened'";
    fresh.execute(last).await;
    let server = Server::on(&fresh).await;
    let ada = agent.at(&server.admin);
    stands_still(
        &server,
        &ada,
        meeting,
        &["ballot_opened", "restore the journal from a backup"],
    )
    .await;
    others_go_on(&server, &fresh, &ada).await;
    server.stop().await;
}

async fn a_meeting_at_a_time_that_does_not_exist_stands_still_alone(fresh: Fresh) {
    let Left { agent, meeting, .. } = left_at_its_ballot(&fresh, "when?").await;
    let never = match fresh.database {
        Some(Database::Postgres(_)) => "update meeting_events set at = 'infinity' where seq = 3",
        _ => "update meeting_events set at = 9223372036854775807 where seq = 3",
    };
    fresh.execute(never).await;
    let server = Server::on(&fresh).await;
    let agent = agent.at(&server.admin);
    let shown = server.admin.meeting(meeting).await;
    assert_eq!(shown.unwrap_err().code(), Some("internal_error"));
    let attended = agent.client.attend(meeting, agent.id, None).await;
    assert_eq!(attended.unwrap_err().code(), Some("journal_unreadable"));
    others_go_on(&server, &fresh, &agent).await;
    server.stop().await;
}

async fn a_meeting_that_is_over_and_cannot_be_read_says_so_on_its_socket(fresh: Fresh) {
    let server = Server::on(&fresh).await;
    let [ada] = server.agents(["ada"]).await;
    let meeting = server
        .meeting(&[&ada], json!({"start": "when_all_joined"}))
        .await;
    logs([ada.attend(meeting, agreeable())]).await;
    fresh
        .execute("update meeting_events set version = 7 where kind = 'turn_opened'")
        .await;
    let path = format!("/ws/meetings/{meeting}?after=0");
    let mut raw = Raw::upgraded(&server.admin, &path, &ada.token).await;
    let (_, error) = raw.frame().await.unwrap();
    let error: Value = serde_json::from_slice(&error).unwrap();
    assert_eq!(
        (&error["type"], &error["code"]),
        (&json!("error"), &json!("journal_unreadable"))
    );
    assert!(
        error["message"].as_str().unwrap().contains("version 7"),
        "{error}"
    );
    let (first, close) = raw.frame().await.unwrap();
    assert_eq!(
        (first, &close[..2]),
        (0x88, CloseCode::INTERNAL.code.to_be_bytes().as_slice())
    );
    server.stop().await;
}
