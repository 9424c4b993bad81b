//! Two servers on one database: a meeting has one owner, and who lost it writes nothing more.

use serde_json::json;
use synod::budget::Reservation;
use synod::config::Limits;
use synod::domain::MeetingId;
use synod::wire::CloseCode;

use crate::support::agent::{Agent, agreeable, logs};
use crate::support::checker::check;
use crate::support::database::Fresh;
use crate::support::on_each_database;
use crate::support::server::{Server, limits, step};
use crate::support::talk::opinion;

on_each_database!(
    a_meeting_goes_on_at_the_server_that_took_it_over,
    of_two_servers_that_write_at_once_one_is_sent_away,
    agents_at_two_servers_never_make_both_write,
    a_server_that_lost_a_quiet_meeting_sends_its_agents_to_the_owner,
);

async fn a_meeting_goes_on_at_the_server_that_took_it_over(fresh: Fresh) {
    let first = Server::on(&fresh).await;
    let [ada, ben] = first.agents(["ada", "ben"]).await;
    let meeting = first.meeting(&[&ada, &ben], json!({})).await;
    let (mut a, mut b) = (ada.talk(meeting).await, ben.talk(meeting).await);
    step(&first.admin, meeting, "start").await;
    a.turn().await;
    let spoken = a.speak("at the first server").await;
    b.turn().await;

    let second = Server::on(&fresh).await;
    b.send(opinion("too late").to_string()).await;
    assert_eq!(b.ended().await.code, CloseCode::MOVED.code);
    assert_eq!(a.ended().await.code, CloseCode::MOVED.code);
    assert!(b.log.acks.is_empty(), "what is not kept is not answered");

    let last = [a.log.last_seq(), b.log.last_seq()];
    let (ada, ben) = (ada.at(&second.admin), ben.at(&second.admin));
    let mut moved_a = ada.talk_after(meeting, last[0]).await;
    let mut moved_b = ben.talk_after(meeting, last[1]).await;
    let asked = moved_b.turn().await;
    assert_eq!(asked.opinions[0].content, "at the first server");
    moved_b.speak("at the second server").await;
    for talk in [&mut moved_a, &mut moved_b] {
        talk.ballot().await;
        talk.vote(Some(true)).await;
    }
    moved_a.ended().await;
    moved_b.ended().await;
    let checked = check(
        &*fresh.store,
        meeting,
        &[a.log, b.log, moved_a.log, moved_b.log],
    )
    .await;
    assert_eq!(checked.outcome(), "consensus");
    assert_eq!(
        checked.count("opinion_presented"),
        2,
        "not the one that came too late"
    );
    let recovered = checked.only("meeting_recovered");
    assert!(recovered.seq > spoken);
    for row in &checked.rows {
        let is_new = row.epoch == recovered.epoch;
        assert_eq!(is_new, row.seq >= recovered.seq, "event {}", row.seq);
    }
    first.stop().await;
    second.stop().await;
}

async fn of_two_servers_that_write_at_once_one_is_sent_away(fresh: Fresh) {
    let mut servers = [Server::on(&fresh).await, Server::on(&fresh).await];
    let [ada, ben] = servers[0].agents(["ada", "ben"]).await;
    let settings = json!({"max_discussion_rounds": 50});
    let meeting = servers[0].meeting(&[&ada, &ben], settings).await;
    let mut logs = Vec::new();
    let mut a = ada.talk(meeting).await;
    step(&servers[0].admin, meeting, "start").await;
    for round in 1..=5 {
        // Ada is at the server that owns the meeting; Ben comes in at the other one, which takes it over.
        assert_eq!(a.turn().await.round, round);
        let mut b = ben.at(&servers[1].admin).talk(meeting).await;
        let (said, ended) = (opinion("both of us").to_string(), a.log.acks.len());
        a.send(said).await;
        assert_eq!(a.ended().await.code, CloseCode::MOVED.code);
        assert_eq!(a.log.acks.len(), ended);
        logs.push(a.log);
        let mut moved = ada.at(&servers[1].admin).talk(meeting).await;
        moved.turn().await;
        moved.speak("again").await;
        b.turn().await;
        b.speak("me too").await;
        for talk in [&mut moved, &mut b] {
            talk.ballot().await;
            talk.vote(Some(false)).await;
        }
        logs.push(b.close().await);
        a = moved;
        servers.swap(0, 1);
    }
    step(&servers[0].admin, meeting, "cancel").await;
    assert_eq!(a.ended().await.code, CloseCode::MEETING_OVER.code);
    logs.push(a.log);
    let checked = check(&*fresh.store, meeting, &logs).await;
    assert_eq!(checked.count("opinion_presented"), 10, "each once a round");
    assert_eq!(checked.count("vote_recorded"), 10);
    assert_eq!(
        checked.count("meeting_recovered"),
        5,
        "one take-over a round"
    );
    for server in servers {
        server.stop().await;
    }
}

/// Each comes back to its own server whenever it is sent away, so the meeting is taken over back and forth.
async fn agents_at_two_servers_never_make_both_write(fresh: Fresh) {
    let servers = [Server::on(&fresh).await, Server::on(&fresh).await];
    let agents = servers[0].agents(["ada", "ben"]).await;
    let settings = json!({"max_discussion_rounds": 2, "opinion_timeout_ms": 2_000,
                          "vote_timeout_ms": 2_000, "reconnect_grace_ms": 200});
    let [ada, ben]: [Agent; 2] = agents;
    let meeting = servers[0].meeting(&[&ada, &ben], settings).await;
    step(&servers[0].admin, meeting, "start").await;
    let attending = [
        ada.attend(meeting, agreeable()),
        ben.at(&servers[1].admin).attend(meeting, agreeable()),
    ];
    let logs = logs(attending).await;
    let checked = check(&*fresh.store, meeting, &logs).await;
    assert!(checked.meeting.header.completed_at.is_some());
    for server in servers {
        server.stop().await;
    }
    let row = fresh
        .store
        .meeting(MeetingId(meeting), &Reservation::unlimited())
        .await
        .unwrap();
    assert_eq!(row.unwrap().last_seq, checked.meeting.last_seq);
}

async fn a_server_that_lost_a_quiet_meeting_sends_its_agents_to_the_owner(fresh: Fresh) {
    let watchful = Limits {
        ownership_interval_ms: 10,
        ..limits()
    };
    let first = Server::with(&fresh, watchful).await;
    let [ada] = first.agents(["ada"]).await;
    let meeting = first.meeting(&[&ada], json!({})).await;
    let mut a = ada.talk(meeting).await;
    // Nobody says or starts anything: the first server has nothing to write from which it could learn.
    let second = Server::on(&fresh).await;
    assert_eq!(a.ended().await.code, CloseCode::MOVED.code);
    let ada = ada.at(&second.admin);
    let mut moved = ada.talk_after(meeting, a.log.last_seq()).await;
    moved.event("agent_joined").await;
    let moved = moved.close().await;
    second.stop().await;
    check(&*fresh.store, meeting, &[a.log, moved]).await;
    first.stop().await;
}
