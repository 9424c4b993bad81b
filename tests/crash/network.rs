//! A bad network between agents and their server.

use std::time::Duration;

use serde_json::json;
use synod::client::{Client, Ended};
use synod::config::Limits;
use synod::wire::CloseCode;
use tokio::sync::mpsc;

use crate::support::agent::{Asked, Does, Script, agrees_in_round, logs, script};
use crate::support::checker::check;
use crate::support::database::Fresh;
use crate::support::patience::within;
use crate::support::proxy::{Network, Proxy};
use crate::support::server::{ADMIN_TOKEN, Server, limits, step};
use crate::support::talk::{Talk, opinion};

/// The same server, over a network that can be bad.
async fn far(server: &Server) -> (Proxy, Client) {
    let address = server.admin.address().trim_start_matches("http://");
    let proxy = Proxy::to(address.parse().unwrap()).await;
    let far = Client::new(&format!("http://{}", proxy.address), ADMIN_TOKEN).unwrap();
    (proxy, far)
}

#[tokio::test]
async fn agents_whose_network_is_cut_again_and_again_hear_all_and_are_heard_once() {
    const CUTS: usize = 4;
    let fresh = Fresh::sqlite().await;
    let server = Server::on(&fresh).await;
    let agents = server.agents(["ada", "ben", "cho"]).await;
    let (proxy, far) = far(&server).await;
    let settings = json!({"start": "when_all_joined", "max_discussion_rounds": 10});
    let meeting = server.meeting(&agents.each_ref(), settings).await;
    let mut watcher = Talk::watch(&server.admin, meeting, Some(0)).await;
    let (tell, mut told) = mpsc::unbounded_channel();
    let counts = |mut answers: Script| {
        let (tell, mut asked) = (tell.clone(), 0);
        script(move |request| {
            asked += 1;
            if asked % 3 == 0 {
                // Nobody listens once the network was cut often enough.
                let _ = tell.send(());
            }
            answers(request)
        })
    };
    let attending = agents
        .each_ref()
        .map(|agent| agent.at(&far).attend(meeting, counts(agrees_in_round(10))));
    for _ in 0..CUTS {
        for _ in &agents {
            watcher.event("agent_joined").await;
        }
        within("it is time to cut", told.recv()).await.unwrap();
        proxy.set(Network::Cut);
        for _ in &agents {
            watcher.event("agent_left").await;
        }
        proxy.set(Network::Fine);
    }
    let mut logs = logs(attending).await;
    for log in &logs {
        let lost = log.endings.iter().filter(|end| end.code == Ended::LOST);
        assert_eq!(lost.count(), CUTS);
        assert_eq!(log.close_code(), Some(CloseCode::MEETING_OVER.code));
    }
    logs.push(watcher.log);
    let checked = check(&*fresh.store, meeting, &logs).await;
    assert_eq!(checked.outcome(), "consensus");
    let said = ["opinion_presented", "vote_recorded", "turn_timed_out"];
    assert_eq!(said.map(|kind| checked.count(kind)), [30, 30, 0]);
    server.stop().await;
}

#[tokio::test]
async fn a_slow_or_narrow_network_costs_agents_time_and_nothing_else() {
    let fresh = Fresh::sqlite().await;
    let server = Server::on(&fresh).await;
    let agents = server.agents(["ada", "ben", "cho"]).await;
    let (proxy, far) = far(&server).await;
    let speaks_at_length = || {
        script(|asked| match asked {
            Asked::ToSpeak(_) => Does::Says("x".repeat(30_000)),
            Asked::ToVote(request) => Does::Votes(Some(request.round >= 2)),
        })
    };
    let bad = [
        Network::Delays(Duration::from_millis(10)),
        Network::Throttles {
            bytes_per_s: 500_000,
        },
    ];
    for network in bad {
        proxy.set(network);
        let settings = json!({"start": "when_all_joined"});
        let meeting = server.meeting(&agents.each_ref(), settings).await;
        let attending = agents
            .each_ref()
            .map(|agent| agent.at(&far).attend(meeting, speaks_at_length()));
        let logs = logs(attending).await;
        let checked = check(&*fresh.store, meeting, &logs).await;
        assert_eq!(checked.outcome(), "consensus", "{network:?}");
        assert_eq!(checked.count("turn_timed_out"), 0);
        for log in &logs {
            assert_eq!(log.connected.len(), 1, "nobody was sent away");
            assert_eq!(log.events.len(), checked.rows.len());
        }
    }
    server.stop().await;
}

#[tokio::test]
async fn an_agent_that_can_be_heard_but_hears_nothing_is_missed_and_comes_back() {
    let fresh = Fresh::sqlite().await;
    let limits = Limits {
        ping_interval_ms: 200,
        pong_timeout_ms: 2_000,
        ..limits()
    };
    let server = Server::with(&fresh, limits).await;
    let [ada, ben] = server.agents(["ada", "ben"]).await;
    let (proxy, far) = far(&server).await;
    let ada = ada.at(&far);
    let settings = json!({"reconnect_grace_ms": 60_000});
    let meeting = server.meeting(&[&ada, &ben], settings).await;
    let (mut deaf, mut b) = (ada.talk(meeting).await, ben.talk(meeting).await);
    step(&server.admin, meeting, "start").await;
    deaf.turn().await;
    proxy.set(Network::HalfOpen);
    let mut frame = opinion("is anybody there?");
    frame["id"] = "once".into();
    deaf.send(frame.to_string()).await;
    let heard = b.event("opinion_presented").await.seq;
    let left = b.event("agent_left").await;
    assert_eq!(left.data["agent_id"], json!(ada.id));
    assert!(deaf.log.last_seq() < Some(heard));

    proxy.set(Network::Fine);
    let mut a = ada.talk_after(meeting, deaf.log.last_seq()).await;
    let again = a.tell_as("once", opinion("is anybody there?")).await;
    assert_eq!(again.ok(), Some(heard), "it was said once");
    b.turn().await;
    b.speak("yes").await;
    for talk in [&mut a, &mut b] {
        talk.ballot().await;
        talk.vote(Some(true)).await;
    }
    a.ended().await;
    b.ended().await;
    let checked = check(&*fresh.store, meeting, &[deaf.log, a.log, b.log]).await;
    assert_eq!(checked.outcome(), "consensus");
    assert_eq!(checked.count("opinion_presented"), 2);
    server.stop().await;
}
