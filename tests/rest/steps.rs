//! The steps that change a meeting, asked for by somebody who has no part in it.

use http::StatusCode;
use serde_json::{Value, json};
use synod::client::Client;
use uuid::Uuid;

use super::{MEETINGS, is, post, post_refused};
use crate::support::agent::Agent;
use crate::support::database::Fresh;
use crate::support::server::Server;

const STEPS: [&str; 4] = ["start", "pause", "resume", "cancel"];

fn path(meeting: Uuid, step: &str) -> String {
    format!("{MEETINGS}/{meeting}/{step}")
}

/// Meetings of one agent that wait, go on, and are over.
async fn meetings(server: &Server, agent: &Agent, settings: Value) -> [Uuid; 3] {
    let mut meetings = [Uuid::nil(); 3];
    for (meeting, steps) in meetings
        .iter_mut()
        .zip([&[][..], &["start", "pause"], &["cancel"]])
    {
        *meeting = server.meeting(&[agent], settings.clone()).await;
        for step in steps {
            post(&server.admin, &path(*meeting, step), json!({})).await;
        }
    }
    meetings
}

/// What a refused step is told.
async fn refused(client: &Client, meeting: Uuid, step: &str) -> (StatusCode, Value) {
    let refused = post_refused(client, &path(meeting, step), json!({})).await;
    is(&refused, StatusCode::FORBIDDEN, "forbidden");
    let told = refused.refused().unwrap();
    (
        refused.status().unwrap(),
        json!([told.message, told.details]),
    )
}

#[tokio::test]
async fn a_stranger_is_told_the_same_wherever_the_meeting_stands() {
    let fresh = Fresh::sqlite().await;
    let server = Server::on(&fresh).await;
    let [ada, eve] = server.agents(["ada", "eve"]).await;
    let invited = meetings(&server, &ada, json!({"admission": "invited"})).await;
    let open = meetings(&server, &ada, json!({})).await;
    for step in STEPS {
        let first = refused(&eve.client, invited[0], step).await;
        for meeting in invited.into_iter().chain(open) {
            assert_eq!(refused(&eve.client, meeting, step).await, first, "{step}");
        }
    }
    let first = refused(&eve.client, invited[0], "join").await;
    for meeting in invited {
        assert_eq!(refused(&eve.client, meeting, "join").await, first);
    }
    // An open meeting can be joined by anybody, so anybody may know that it is over.
    let [pending, paused, over] = open;
    for meeting in [pending, paused] {
        post(&eve.client, &path(meeting, "join"), json!({})).await;
    }
    let late = post_refused(&eve.client, &path(over, "join"), json!({})).await;
    is(&late, StatusCode::CONFLICT, "meeting_over");
    server.stop().await;
}
