//! A kill at each event of a meeting.

use serde_json::json;

use super::IfThisFails;
use crate::support::agent::{Agent, agrees_in_round, logs};
use crate::support::checker::{Checked, check};
use crate::support::database::Fresh;
use crate::support::on_each_database;
use crate::support::process::Process;
use crate::support::server::{agents, meeting};
use crate::support::talk::Talk;

on_each_database!(a_server_killed_at_any_event_of_a_meeting_goes_on_from_there);

async fn a_server_killed_at_any_event_of_a_meeting_goes_on_from_there(fresh: Fresh) {
    let mut server = Process::serve(&fresh).await;
    let agents = agents(&server.admin, ["ada", "ben", "cho"]).await;
    let undisturbed = sit_through(&fresh, &mut server, &agents, None).await;
    let last = undisturbed.meeting.last_seq;
    assert!(last > 25, "two rounds of three agents: {last} events");
    let mut recovered = 0;
    for seq in 1..=last {
        let _where = IfThisFails(format!("the server was killed at event {seq} of {last}"));
        let killed = sit_through(&fresh, &mut server, &agents, Some(seq)).await;
        recovered += u64::from(killed.count("meeting_recovered") == 1);
    }
    // Before it began and behind its end there was nothing to recover, and towards its end it may have been faster than the kill.
    assert!(
        recovered > last / 2,
        "{recovered} of {last} were killed in the middle"
    );
    assert!(server.terminate().await.success());
}

/// Two rounds of three agents, the server killed when an observer hears event `kill_at`.
async fn sit_through(
    fresh: &Fresh,
    server: &mut Process,
    agents: &[Agent; 3],
    kill_at: Option<u64>,
) -> Checked {
    let settings = json!({"start": "when_all_joined", "max_discussion_rounds": 2,
                          "reconnect_grace_ms": 60_000});
    let meeting = meeting(&server.admin, &agents.each_ref(), settings).await;
    let mut watcher = Talk::watch(&server.admin, meeting, Some(0)).await;
    let attending = agents
        .each_ref()
        .map(|agent| agent.attend(meeting, agrees_in_round(2)));
    if let Some(seq) = kill_at {
        watcher.told(seq).await;
        server.kill().await;
        server.restart().await;
    }
    let mut logs = logs(attending).await;
    let heard_in_full = logs.iter().map(|log| log.events.len()).collect::<Vec<_>>();
    logs.push(watcher.log);
    let checked = check(&*fresh.store, meeting, &logs).await;
    assert_eq!(heard_in_full, [checked.rows.len(); 3], "to the end");
    assert_eq!(checked.outcome(), "consensus");
    let said = ["opinion_presented", "vote_recorded", "turn_timed_out"];
    assert_eq!(said.map(|kind| checked.count(kind)), [6, 6, 0]);
    checked
}
