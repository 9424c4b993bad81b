//! Metrics: what goes on in a server can be counted from outside.

use serde_json::{Value, json};

use super::{AGENTS, COMMUNICATIONS};
use crate::support::database::Fresh;
use crate::support::on_each_database;
use crate::support::patience::eventually;
use crate::support::server::{Server, step};
use crate::support::talk::opinion;

on_each_database!(what_happens_is_counted);

/// The number behind a name and its labels; `None` where nothing was counted yet.
fn counted(server: &Server, name: &str) -> Option<f64> {
    let text = server.metrics.encode();
    let mut lines = text.lines();
    lines.find_map(|line| line.strip_prefix(name)?.strip_prefix(' ')?.parse().ok())
}

pub(super) async fn becomes(server: &Server, name: &str, number: f64) {
    eventually(&format!("{name} is {number}"), || async {
        (counted(server, name) == Some(number)).then_some(())
    })
    .await;
}

async fn what_happens_is_counted(fresh: Fresh) {
    let server = Server::on(&fresh).await;
    let [ada, ben] = server.agents(["ada", "ben"]).await;
    let meeting = server.meeting(&[&ada, &ben], json!({})).await;
    let mut a = ada.talk(meeting).await;
    let b = ben.talk(meeting).await;
    assert_eq!(counted(&server, "synod_sockets"), Some(2.0));
    assert_eq!(counted(&server, "synod_meetings"), Some(1.0));
    assert!(counted(&server, "synod_connections") >= Some(3.0));
    assert_eq!(
        a.refused(opinion("too early")).await,
        "meeting_not_in_progress"
    );
    let too_early = "synod_refusals_total{code=\"meeting_not_in_progress\"}";
    becomes(&server, too_early, 1.0).await;
    becomes(&server, "synod_frames_total{direction=\"in\"}", 1.0).await;
    step(&server.admin, meeting, "start").await;
    a.turn().await;
    a.speak("one").await;
    let rows = counted(&server, "synod_committed_rows_total{lane=\"journal\"}");
    assert!(rows >= Some(6.0), "{rows:?}");
    assert!(counted(&server, "synod_frames_total{direction=\"out\"}") > Some(6.0));
    assert!(counted(&server, "synod_commit_seconds_count{lane=\"journal\"}") > Some(1.0));
    becomes(&server, "synod_commands_pending", 0.0).await;
    let message = json!({"sender_id": ada.id, "receiver_id": ben.id, "message_content": "hello"});
    let logged: Value = ada.client.post(COMMUNICATIONS, &message).await.unwrap();
    assert_eq!(logged["message_content"], "hello");
    becomes(&server, "synod_committed_rows_total{lane=\"log\"}", 1.0).await;
    let stranger = server.admin.with_token("wrong").unwrap();
    stranger.get::<Value>(AGENTS).await.unwrap_err();
    let no_token = "synod_refusals_total{code=\"authentication_required\"}";
    assert_eq!(counted(&server, no_token), Some(1.0));
    b.close().await;
    becomes(&server, "synod_sockets", 1.0).await;
    step(&server.admin, meeting, "cancel").await;
    a.ended().await;
    becomes(&server, "synod_sockets", 0.0).await;
    becomes(&server, "synod_meetings", 0.0).await;
    server.stop().await;
}
