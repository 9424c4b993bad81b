//! The real program, killed and stopped in the middle of things.

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};
use synod::clock::Clock;
use synod::wire::CloseCode;
use tokio::sync::mpsc;

use crate::support::agent::{Asked, Does, Script, agreeable, logs, script};
use crate::support::checker::{Checked, check};
use crate::support::database::Fresh;
use crate::support::on_each_database;
use crate::support::patience::{eventually, within};
use crate::support::process::Process;
use crate::support::server::{agents, live, meeting};

on_each_database!(
    a_meeting_killed_in_the_middle_of_a_turn_goes_on_with_that_turn,
    a_meeting_killed_in_the_middle_of_a_ballot_keeps_the_votes_cast,
    a_deadline_that_passed_while_the_server_was_down_is_moved_to_the_end_of_the_grace,
    a_meeting_killed_again_and_again_loses_nothing_that_anyone_was_told,
    a_server_that_is_asked_to_stop_sends_its_agents_away_in_good_order,
);

/// Agrees to everything, but at first only tells that it was asked to `speak` or to vote, and says nothing.
fn hesitates(speak: bool) -> (Script, mpsc::UnboundedReceiver<DateTime<Utc>>) {
    let (tell, told) = mpsc::unbounded_channel();
    let mut answers = agreeable();
    let mut has_hesitated = false;
    let script = script(move |asked| {
        let (is_it, deadline) = match asked {
            Asked::ToSpeak(request) => (speak, request.deadline),
            Asked::ToVote(request) => (!speak, request.deadline),
        };
        if is_it && !has_hesitated {
            has_hesitated = true;
            tell.send(deadline).expect("the test is there");
            return Does::Nothing;
        }
        answers(asked)
    });
    (script, told)
}

fn time(value: &Value) -> Option<DateTime<Utc>> {
    serde_json::from_value(value.clone()).expect("a time or null")
}

/// The deadline after the restart, if it was moved, and when the server came back.
fn recovery(checked: &Checked) -> (Option<DateTime<Utc>>, DateTime<Utc>) {
    let row = checked.only("meeting_recovered");
    (time(&Checked::data(row)["deadline"]), row.at)
}

async fn a_meeting_killed_in_the_middle_of_a_turn_goes_on_with_that_turn(fresh: Fresh) {
    let mut server = Process::serve(&fresh).await;
    let [ada, ben, cho] = agents(&server.admin, ["ada", "ben", "cho"]).await;
    let settings = json!({"start": "when_all_joined", "opinion_timeout_ms": 120_000,
                          "reconnect_grace_ms": 240_000});
    let meeting = meeting(&server.admin, &[&ada, &ben, &cho], settings).await;
    let (script, mut asked) = hesitates(true);
    let attending = [
        ada.attend(meeting, agreeable()),
        ben.attend(meeting, script),
        cho.attend(meeting, agreeable()),
    ];
    let deadline = within("ben is asked", asked.recv()).await.unwrap();
    server.kill().await;
    server.restart().await;
    let logs = logs(attending).await;
    let checked = check(&*fresh.store, meeting, &logs).await;
    assert_eq!(checked.outcome(), "consensus");
    assert_eq!(checked.count("opinion_presented"), 3);
    assert_eq!(checked.count("turn_opened"), 3, "the turn is the same one");
    assert_eq!(checked.count("turn_timed_out"), 0);
    let (moved, at) = recovery(&checked);
    assert_eq!(moved, Some(at + TimeDelta::milliseconds(240_000)));
    assert!(moved > Some(deadline));
    let again = &logs[1].opinion_requests;
    assert_eq!(again.len(), 2, "ben is asked again");
    assert_eq!(Some(again[1].deadline), moved);
    let heard: Vec<_> = logs.iter().map(|log| log.events.len()).collect();
    assert_eq!(heard, [checked.rows.len(); 3], "everyone heard everything");
}

async fn a_meeting_killed_in_the_middle_of_a_ballot_keeps_the_votes_cast(fresh: Fresh) {
    let mut server = Process::serve(&fresh).await;
    let [ada, ben, cho] = agents(&server.admin, ["ada", "ben", "cho"]).await;
    let settings = json!({"start": "when_all_joined", "reconnect_grace_ms": 60_000});
    let meeting = meeting(&server.admin, &[&ada, &ben, &cho], settings).await;
    let (script, mut asked) = hesitates(false);
    let attending = [
        ada.attend(meeting, agreeable()),
        ben.attend(meeting, agreeable()),
        cho.attend(meeting, script),
    ];
    let deadline = within("cho is asked", asked.recv()).await.unwrap();
    eventually("the others have voted", || async {
        let live = live(&server.admin, meeting).await;
        (live["ballot"]["voted"].as_array()?.len() == 2).then_some(())
    })
    .await;
    server.kill().await;
    server.restart().await;
    let logs = logs(attending).await;
    let checked = check(&*fresh.store, meeting, &logs).await;
    assert_eq!(checked.outcome(), "consensus");
    let (moved, _) = recovery(&checked);
    assert_eq!(moved, None, "there is more time left than the grace");
    assert_eq!(logs[2].ballots.len(), 2, "cho is asked again");
    assert_eq!(logs[2].ballots[1].deadline, deadline);
    let votes = checked
        .rows
        .iter()
        .filter(|row| row.kind == "vote_recorded");
    let recovered = checked.only("meeting_recovered");
    let kept: Vec<_> = votes.map(|vote| vote.epoch < recovered.epoch).collect();
    assert_eq!(
        kept,
        [true, true, false],
        "two before the crash, one after it"
    );
    for log in &logs[..2] {
        assert_eq!(log.ballots.len(), 1, "who has voted is not asked again");
    }
}

async fn a_deadline_that_passed_while_the_server_was_down_is_moved_to_the_end_of_the_grace(
    fresh: Fresh,
) {
    let clock = Clock::system();
    let mut server = Process::serve(&fresh).await;
    let [ada] = agents(&server.admin, ["ada"]).await;
    let settings = json!({"start": "when_all_joined", "opinion_timeout_ms": 2_000,
                          "reconnect_grace_ms": 60_000});
    let meeting = meeting(&server.admin, &[&ada], settings).await;
    let (script, mut asked) = hesitates(true);
    let attending = ada.attend(meeting, script);
    let deadline = within("ada is asked", asked.recv()).await.unwrap();
    server.kill().await;
    eventually("the deadline has passed", || async {
        (clock.now() > deadline).then_some(())
    })
    .await;
    server.restart().await;
    let checked = check(&*fresh.store, meeting, &[attending.log().await]).await;
    assert_eq!(checked.outcome(), "consensus");
    assert_eq!(
        checked.count("turn_timed_out"),
        0,
        "the server was late, not ada"
    );
    let (moved, at) = recovery(&checked);
    assert_eq!(moved, Some(at + TimeDelta::milliseconds(60_000)));
}

async fn a_meeting_killed_again_and_again_loses_nothing_that_anyone_was_told(fresh: Fresh) {
    let mut server = Process::serve(&fresh).await;
    let [ada, ben, cho] = agents(&server.admin, ["ada", "ben", "cho"]).await;
    let settings = json!({"start": "when_all_joined", "max_discussion_rounds": 30,
                          "reconnect_grace_ms": 60_000});
    let meeting = meeting(&server.admin, &[&ada, &ben, &cho], settings).await;
    // Every so many requests, whichever the server is at then, it is killed; nobody waits for that.
    let (tell, mut told) = mpsc::unbounded_channel();
    let counts = |every: u32| {
        let (tell, mut count) = (tell.clone(), 0);
        script(move |asked| {
            count += 1;
            if count % every == 0 {
                // Nobody listens once it was killed often enough.
                let _ = tell.send(());
            }
            match asked {
                Asked::ToSpeak(request) => Does::Says(format!("round {}", request.round)),
                Asked::ToVote(_) => Does::Votes(Some(false)),
            }
        })
    };
    let attending = [
        ada.attend(meeting, counts(7)),
        ben.attend(meeting, counts(11)),
        cho.attend(meeting, counts(13)),
    ];
    for _ in 0..5 {
        within("it is time to kill", told.recv()).await.unwrap();
        server.kill().await;
        server.restart().await;
    }
    let logs = logs(attending).await;
    let checked = check(&*fresh.store, meeting, &logs).await;
    assert_eq!(checked.outcome(), "no_consensus");
    assert_eq!(checked.count("opinion_presented"), 90, "once a round each");
    assert_eq!(checked.count("vote_recorded"), 90);
    assert!(checked.meeting.epoch >= 5);
    for log in &logs {
        assert!(log.refusals.is_empty(), "{:?}", log.refusals);
    }
}

async fn a_server_that_is_asked_to_stop_sends_its_agents_away_in_good_order(fresh: Fresh) {
    let mut server = Process::serve(&fresh).await;
    let [ada, ben] = agents(&server.admin, ["ada", "ben"]).await;
    let settings = json!({"start": "when_all_joined", "reconnect_grace_ms": 60_000});
    let meeting = meeting(&server.admin, &[&ada, &ben], settings).await;
    let (script, mut asked) = hesitates(true);
    let attending = [
        ada.attend(meeting, agreeable()),
        ben.attend(meeting, script),
    ];
    within("ben is asked", asked.recv()).await.unwrap();
    let status = server.terminate().await;
    assert_eq!(status.code(), Some(0), "{status}");
    assert!(!server.admin.is_ready().await);
    server.restart().await;
    let logs = logs(attending).await;
    let checked = check(&*fresh.store, meeting, &logs).await;
    assert_eq!(checked.outcome(), "consensus");
    let ends = [CloseCode::DRAINING.code, CloseCode::MEETING_OVER.code];
    for log in &logs {
        let codes: Vec<_> = log.endings.iter().map(|ended| ended.code).collect();
        assert_eq!(codes, ends);
    }
}
