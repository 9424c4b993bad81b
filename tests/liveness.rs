//! Every meeting ends, whatever its agents do.

use serde_json::{Value, json};
use synod::domain::phase::NO_RESPONSE;

use crate::support::agent::{Does, agreeable, always, logs};
use crate::support::checker::check;
use crate::support::database::Fresh;
use crate::support::on_each_database;
use crate::support::server::{Server, over, step};

on_each_database!(
    an_agent_that_never_answers_loses_its_turn_and_its_vote,
    an_agent_that_is_gone_is_waited_for_no_longer_than_the_grace,
    a_meeting_that_everyone_has_dropped_ends,
    agents_that_come_and_go_do_not_hold_a_meeting_up,
);

async fn an_agent_that_never_answers_loses_its_turn_and_its_vote(fresh: Fresh) {
    let server = Server::on(&fresh).await;
    let [ada, ben, cho] = server.agents(["ada", "ben", "cho"]).await;
    let settings = json!({"max_discussion_rounds": 2, "start": "when_all_joined",
                          "opinion_timeout_ms": 300, "vote_timeout_ms": 300});
    let meeting = server.meeting(&[&ada, &ben, &cho], settings).await;
    let logs = logs([
        ada.attend(meeting, agreeable()),
        ben.attend(meeting, always(|| Does::Nothing)),
        cho.attend(meeting, agreeable()),
    ])
    .await;
    let checked = check(&*fresh.store, meeting, &logs).await;
    assert_ne!(checked.outcome(), "consensus", "not everyone agreed");
    let silent = json!(ben.id);
    let timed_out = |data: &&Value| data["agent_id"] == silent;
    let passed = logs[0]
        .data_of("turn_timed_out")
        .into_iter()
        .filter(timed_out);
    assert_eq!(passed.count(), 2, "once a round");
    for ballot in &logs[1].ballots {
        let ours = ballot
            .opinions
            .iter()
            .find(|opinion| opinion.agent_id == ben.id);
        assert_eq!(
            ours.map(|opinion| opinion.content.as_str()),
            Some(NO_RESPONSE)
        );
        assert_ne!(ballot.motion.content, NO_RESPONSE, "silence is no motion");
    }
    let shown = over(&server.admin, meeting).await;
    let said: Vec<_> = shown["messages"].as_array().unwrap().iter().collect();
    let silences = said.iter().filter(|row| row["agent_id"] == silent);
    assert!(silences.clone().all(|row| row["content"] == NO_RESPONSE));
    assert_eq!(silences.count(), 2);
    server.stop().await;
}

async fn an_agent_that_is_gone_is_waited_for_no_longer_than_the_grace(fresh: Fresh) {
    let server = Server::on(&fresh).await;
    let [ada, ben, cho] = server.agents(["ada", "ben", "cho"]).await;
    let settings = json!({"max_discussion_rounds": 1, "reconnect_grace_ms": 50,
                          "vote_timeout_ms": 500, "decision_rule": {"rule": "majority"}});
    let meeting = server.meeting(&[&ada, &ben, &cho], settings).await;
    // Ben never comes; Cho goes when it is asked.
    let cho = cho.attend(meeting, always(|| Does::Vanishes));
    let mut a = ada.talk_after(meeting, Some(0)).await;
    while a.log.data_of("agent_joined").len() < 2 {
        a.told(a.log.last_seq().unwrap() + 1).await;
    }
    step(&server.admin, meeting, "start").await;
    a.turn().await;
    a.speak("is nobody here?").await;
    a.ballot().await;
    a.vote(Some(true)).await;
    a.ended().await;
    let checked = check(&*fresh.store, meeting, &[a.log, cho.log().await]).await;
    let turns = checked.rows.iter().zip(&checked.rows[1..]);
    let mut waits = Vec::new();
    let mut opened = None;
    for (_, row) in turns {
        match row.kind.as_str() {
            "turn_opened" => opened = Some(row.at),
            "agent_left" => opened = opened.map(|_| row.at),
            "turn_timed_out" => waits.push(row.at - opened.take().unwrap()),
            _ => {}
        }
    }
    assert_eq!(waits.len(), 2);
    for wait in waits {
        let (grace, turn) = (50, 300_000);
        assert!((grace..turn).contains(&wait.num_milliseconds()), "{wait}");
    }
    server.stop().await;
}

async fn a_meeting_that_everyone_has_dropped_ends(fresh: Fresh) {
    let server = Server::on(&fresh).await;
    let [ada, ben] = server.agents(["ada", "ben"]).await;
    let settings = json!({"max_discussion_rounds": 3, "start": "when_all_joined",
                          "reconnect_grace_ms": 20, "vote_timeout_ms": 20});
    let meeting = server.meeting(&[&ada, &ben], settings).await;
    let logs = logs([
        ada.attend(meeting, always(|| Does::Vanishes)),
        ben.attend(meeting, always(|| Does::Vanishes)),
    ])
    .await;
    let shown = over(&server.admin, meeting).await;
    assert_eq!(
        (&shown["status"], &shown["outcome"]),
        (&json!("completed"), &json!("no_consensus"))
    );
    let checked = check(&*fresh.store, meeting, &logs).await;
    assert_eq!(checked.count("turn_timed_out"), 6, "both, in all rounds");
    assert_eq!(
        checked.count("ballot_opened"),
        0,
        "there was nothing to vote on"
    );
    server.stop().await;
}

async fn agents_that_come_and_go_do_not_hold_a_meeting_up(fresh: Fresh) {
    let server = Server::on(&fresh).await;
    let [ada, ben] = server.agents(["ada", "ben"]).await;
    let settings = json!({"max_discussion_rounds": 1, "start": "when_all_joined",
                          "opinion_timeout_ms": 300, "vote_timeout_ms": 300});
    let meeting = server.meeting(&[&ada, &ben], settings).await;
    // However often it is asked, it drops the connection and comes back.
    let logs = logs([
        ada.attend(meeting, always(|| Does::Flaps)),
        ben.attend(meeting, agreeable()),
    ])
    .await;
    let checked = check(&*fresh.store, meeting, &logs).await;
    assert_ne!(checked.outcome(), "consensus");
    assert!(
        logs[0].connected.len() > 2,
        "it was asked again whenever it came back"
    );
    server.stop().await;
}
