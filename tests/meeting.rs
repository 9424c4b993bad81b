//! A whole meeting over the wire: rounds, ballots, orders, comings and goings, moderation.

use serde_json::{Value, json};
use synod::domain::{AgentId, TurnOrder};
use synod::wire::CloseCode;
use uuid::Uuid;

use crate::support::agent::{Agent, Asked, Does, agreeable, agrees_in_round, always, logs, script};
use crate::support::checker::check;
use crate::support::database::Fresh;
use crate::support::log::Log;
use crate::support::on_each_database;
use crate::support::server::{Server, limits, live, over, step};
use crate::support::talk::{Talk, opinion, vote};

on_each_database!(
    a_motion_that_fails_in_the_first_round_passes_in_the_second,
    a_meeting_that_agrees_on_nothing_keeps_its_points_and_no_decision,
    the_latest_proposal_is_the_motion_and_a_majority_passes_it,
    rotating_speakers_begin_one_further_each_round,
    shuffled_speakers_follow_from_the_recorded_seed,
    a_blind_ballot_says_nothing_before_it_closes,
    an_agent_that_comes_late_votes_now_and_speaks_from_the_next_round,
    a_meeting_that_waits_for_all_starts_with_the_last_of_them,
    a_paused_meeting_takes_nothing_and_goes_on_with_the_time_that_was_left,
    a_cancelled_meeting_is_over_for_everyone,
    an_agent_that_leaves_passes_the_floor_on,
    opinions_that_are_together_larger_than_an_outbox_reach_every_voter,
);

const NO_CONSENSUS: &str = "no_consensus";

fn codes(logs: &[Log]) -> Vec<Option<u16>> {
    logs.iter().map(Log::close_code).collect()
}

fn contents(opinions: &[synod::client::frame::Opinion]) -> Vec<(Uuid, &str)> {
    let said = opinions.iter();
    said.map(|opinion| (opinion.agent_id, opinion.content.as_str()))
        .collect()
}

/// In each of two rounds every agent was asked once to speak and once to vote, on what the last of them had said.
fn was_asked_in_both_rounds(log: &Log, meeting: Uuid, agents: &[&Agent; 3]) {
    assert_eq!(log.opinion_requests.len(), 2, "asked once a round");
    assert_eq!(log.ballots.len(), 2, "asked to vote once a round");
    for ballot in &log.ballots {
        let words = ["think", "think", "doubt"];
        let words = words.map(|verb| format!("what I {verb} in round {}", ballot.round));
        let opinions = agents.iter().zip(&words);
        let opinions: Vec<_> = opinions.map(|(a, words)| (a.id, words.as_str())).collect();
        assert_eq!(contents(&ballot.opinions), opinions);
        assert_eq!(ballot.motion.content, words[2], "the last opinion given");
        assert_eq!(ballot.motion.proposed_by, agents[2].id);
        assert_eq!(ballot.meeting_id, meeting);
    }
    assert!(log.refusals.is_empty(), "{:?}", log.refusals);
    assert_eq!(log.acks.len(), 4, "two opinions and two votes");
}

async fn a_motion_that_fails_in_the_first_round_passes_in_the_second(fresh: Fresh) {
    let server = Server::on(&fresh).await;
    let [ada, ben, cho] = server.agents(["ada", "ben", "cho"]).await;
    let settings = json!({"max_discussion_rounds": 2, "start": "when_all_joined"});
    let meeting = server.meeting(&[&ada, &ben, &cho], settings).await;
    let logs = logs([
        ada.attend(meeting, agreeable()),
        ben.attend(meeting, agreeable()),
        cho.attend(meeting, agrees_in_round(2)),
    ])
    .await;

    let checked = check(&*fresh.store, meeting, &logs).await;
    let round = [
        &["round_opened"][..],
        &["turn_opened", "opinion_presented"].repeat(3),
        &["ballot_opened"],
        &["vote_recorded"; 3],
        &["ballot_closed"],
    ]
    .concat();
    let expected = [
        &[
            "meeting_created",
            "agent_joined",
            "agent_joined",
            "agent_joined",
            "meeting_started",
        ][..],
        &round,
        &round,
        &["consensus_reached", "meeting_completed"],
    ]
    .concat();
    assert_eq!(checked.kinds(), expected);
    assert_eq!(codes(&logs), [Some(CloseCode::MEETING_OVER.code); 3]);

    for log in &logs {
        was_asked_in_both_rounds(log, meeting, &[&ada, &ben, &cho]);
    }
    let heard_before = |log: &Log| log.opinion_requests[0].opinions.len();
    assert_eq!(logs.iter().map(heard_before).collect::<Vec<_>>(), [0, 1, 2]);

    let shown = cho.client.meeting(meeting).await.unwrap();
    assert_eq!(
        (&shown["status"], &shown["outcome"]),
        (&json!("completed"), &json!("consensus"))
    );
    assert_eq!(
        shown["decision"]["decision_content"],
        "what I doubt in round 2"
    );
    assert_eq!(shown["current_round"], 2);
    assert_eq!(shown["messages"].as_array().map(Vec::len), Some(17));
    server.stop().await;
}

async fn a_meeting_that_agrees_on_nothing_keeps_its_points_and_no_decision(fresh: Fresh) {
    let server = Server::on(&fresh).await;
    let [ada, ben] = server.agents(["ada", "ben"]).await;
    let settings = json!({"max_discussion_rounds": 2, "start": "when_all_joined"});
    let meeting = server.meeting(&[&ada, &ben], settings).await;
    let logs = logs([
        ada.attend(meeting, agreeable()),
        ben.attend(meeting, agrees_in_round(9)),
    ])
    .await;
    let checked = check(&*fresh.store, meeting, &logs).await;
    assert_eq!(checked.outcome(), NO_CONSENSUS);
    assert_eq!(checked.count("consensus_reached"), 0);
    let shown = server.admin.meeting(meeting).await.unwrap();
    assert_eq!(
        (&shown["status"], &shown["decision"]),
        (&json!("completed"), &Value::Null)
    );
    let summary = shown["summary"].as_str().unwrap();
    for point in [
        "ada last said: what I think in round 2",
        "ben last said: what I doubt in round 2",
    ] {
        assert!(summary.contains(point), "{point} is missing in {summary}");
    }
    assert_eq!(server.admin.decision_of(meeting).await.unwrap(), None);
    server.stop().await;
}

async fn the_latest_proposal_is_the_motion_and_a_majority_passes_it(fresh: Fresh) {
    let server = Server::on(&fresh).await;
    let [ada, ben, cho] = server.agents(["ada", "ben", "cho"]).await;
    let settings = json!({"start": "when_all_joined", "decision_rule": {"rule": "majority"}});
    let meeting = server.meeting(&[&ada, &ben, &cho], settings).await;
    let proposes = |motion: &'static str| {
        script(move |asked| match asked {
            Asked::ToSpeak(_) => Does::Proposes("hear me".to_owned(), motion.to_owned()),
            Asked::ToVote(_) => Does::Votes(Some(true)),
        })
    };
    let logs = logs([
        ada.attend(meeting, proposes("the old hall")),
        ben.attend(meeting, proposes("the new hall")),
        cho.attend(meeting, agrees_in_round(9)),
    ])
    .await;
    let checked = check(&*fresh.store, meeting, &logs).await;
    assert_eq!(checked.outcome(), "majority");
    let decision = server.admin.decision_of(meeting).await.unwrap().unwrap();
    assert_eq!(decision["decision_content"], "the new hall");
    assert_eq!(
        decision["participant_agreement"]["proposed_by"],
        json!(ben.id)
    );
    let rationale = decision["rationale"].as_str().unwrap();
    for part in ["majority", "round 1", "2 agree, 1 disagree", "my reason"] {
        assert!(rationale.contains(part), "{part} is missing in {rationale}");
    }
    server.stop().await;
}

/// Three rounds without an agreement, and who spoke in them.
async fn speakers(
    fresh: &Fresh,
    server: &Server,
    agents: &[&Agent],
    order: Value,
) -> Vec<Vec<AgentId>> {
    let mut settings = json!({"max_discussion_rounds": 3, "start": "when_all_joined"});
    for (name, value) in order.as_object().unwrap() {
        settings[name] = value.clone();
    }
    let meeting = server.meeting(agents, settings).await;
    let attending = agents
        .iter()
        .map(|agent| agent.attend(meeting, agrees_in_round(9)));
    let logs = logs(attending.collect::<Vec<_>>()).await;
    let checked = check(&*fresh.store, meeting, &logs).await;
    assert_eq!(checked.outcome(), NO_CONSENSUS);
    let mut rounds = vec![Vec::new(); 3];
    for data in logs[0].data_of("turn_opened") {
        let round = usize::try_from(data["round"].as_u64().unwrap()).unwrap();
        rounds[round - 1].push(AgentId(data["agent_id"].as_str().unwrap().parse().unwrap()));
    }
    rounds
}

async fn rotating_speakers_begin_one_further_each_round(fresh: Fresh) {
    let server = Server::on(&fresh).await;
    let agents = server.agents(["ada", "ben", "cho"]).await;
    let agents = agents.each_ref();
    let rounds = speakers(&fresh, &server, &agents, json!({"turn_order": "rotate"})).await;
    let [a, b, c] = agents.map(|agent| AgentId(agent.id));
    assert_eq!(rounds, [[a, b, c], [b, c, a], [c, a, b]]);
    server.stop().await;
}

async fn shuffled_speakers_follow_from_the_recorded_seed(fresh: Fresh) {
    let server = Server::on(&fresh).await;
    let agents = server.agents(["ada", "ben", "cho", "dee"]).await;
    let agents = agents.each_ref();
    let order = json!({"turn_order": "shuffle", "shuffle_seed": 7});
    let rounds = speakers(&fresh, &server, &agents, order).await;
    let ids = agents.map(|agent| AgentId(agent.id)).to_vec();
    let drawn = |round| TurnOrder::Shuffle { seed: 7 }.arrange(ids.clone(), round);
    assert_eq!(rounds, [drawn(1), drawn(2), drawn(3)]);
    server.stop().await;
}

async fn a_blind_ballot_says_nothing_before_it_closes(fresh: Fresh) {
    let server = Server::on(&fresh).await;
    let [ada, ben] = server.agents(["ada", "ben"]).await;
    let settings =
        json!({"max_discussion_rounds": 1, "decision_rule": {"rule": "majority", "blind": true}});
    let meeting = server.meeting(&[&ada, &ben], settings).await;
    let mut watcher = Talk::watch(&server.admin, meeting, None).await;
    let (mut a, mut b) = (ada.talk(meeting).await, ben.talk(meeting).await);
    step(&server.admin, meeting, "start").await;
    a.turn().await;
    a.speak("one").await;
    b.turn().await;
    b.speak("two").await;
    a.ballot().await;
    let cast = a
        .tell(vote(Some(false), "the secret reason"))
        .await
        .unwrap();
    b.told(cast).await;
    watcher.told(cast).await;

    let events = format!("/api/v1/meetings/{meeting}/events");
    let mut texts = [
        a.log.texts.clone(),
        b.log.texts.clone(),
        watcher.log.texts.clone(),
    ]
    .concat();
    for client in [&ada.client, &ben.client, &server.admin] {
        texts.push(client.meeting(meeting).await.unwrap().to_string());
        texts.push(client.get::<Value>(&events).await.unwrap().to_string());
    }
    texts.extend(ben.talk_after(meeting, Some(0)).await.close().await.texts);
    for text in &texts {
        assert!(!text.contains("the secret reason"), "{text}");
        assert!(!text.contains(r#""agrees""#), "{text}");
    }
    assert_eq!(
        live(&server.admin, meeting).await["ballot"]["voted"],
        json!([ada.id])
    );

    let said = std::mem::replace(&mut b, ben.talk(meeting).await);
    b.ballot().await;
    b.vote(Some(false)).await;
    let closed = watcher.event("ballot_closed").await;
    assert!(
        closed.data["votes"]
            .to_string()
            .contains("the secret reason")
    );
    let codes = [
        a.ended().await.code,
        b.ended().await.code,
        watcher.ended().await.code,
    ];
    assert_eq!(codes, [CloseCode::MEETING_OVER.code; 3]);
    let logs = [a.log, said.log, b.log, watcher.log];
    check(&*fresh.store, meeting, &logs).await;
    server.stop().await;
}

async fn an_agent_that_comes_late_votes_now_and_speaks_from_the_next_round(fresh: Fresh) {
    let server = Server::on(&fresh).await;
    let [ada, dee, eve] = server.agents(["ada", "dee", "eve"]).await;
    let meeting = server
        .meeting(&[&ada], json!({"max_discussion_rounds": 2}))
        .await;
    let mut a = ada.talk(meeting).await;
    step(&server.admin, meeting, "start").await;
    a.turn().await;
    let mut d = dee.talk(meeting).await;
    assert_eq!(
        d.event("participant_added").await.data["agent_id"],
        json!(dee.id)
    );
    a.speak("alone so far").await;
    a.ballot().await;
    assert_eq!(
        d.ballot().await.round,
        1,
        "it was there when the ballot opened"
    );
    let mut e = eve.talk(meeting).await;
    assert_eq!(e.refused(vote(Some(true), "")).await, "not_a_participant");
    a.vote(Some(true)).await;
    d.vote(Some(false)).await;
    a.turn().await;
    a.speak("again").await;
    assert_eq!(d.turn().await.round, 2);
    d.speak("now me").await;
    assert_eq!(e.turn().await.opinions.len(), 2);
    e.speak("and me").await;
    for talk in [&mut a, &mut d, &mut e] {
        assert_eq!(talk.ballot().await.opinions.len(), 3);
        talk.vote(Some(true)).await;
    }
    for talk in [&mut a, &mut d, &mut e] {
        talk.ended().await;
    }
    let checked = check(&*fresh.store, meeting, &[a.log, d.log, e.log]).await;
    assert_eq!(checked.outcome(), "consensus");
    assert_eq!(checked.count("participant_added"), 2);
    server.stop().await;
}

async fn a_meeting_that_waits_for_all_starts_with_the_last_of_them(fresh: Fresh) {
    let server = Server::on(&fresh).await;
    let [ada, ben] = server.agents(["ada", "ben"]).await;
    let meeting = server
        .meeting(&[&ada, &ben], json!({"start": "when_all_joined"}))
        .await;
    let mut a = ada.talk(meeting).await;
    let first = a.event("agent_joined").await;
    assert_eq!(first.data, json!({"agent_id": ada.id, "returning": false}));
    assert_eq!(live(&server.admin, meeting).await["status"], "pending");
    let mut b = ben.talk(meeting).await;
    assert_eq!(b.event("meeting_started").await.seq, first.seq + 2);
    a.turn().await;
    assert_eq!(
        live(&ada.client, meeting).await["turn"]["agent_id"],
        json!(ada.id)
    );
    let logs = [a.close().await, b.close().await];
    server.stop().await;
    check(&*fresh.store, meeting, &logs).await;
}

async fn a_paused_meeting_takes_nothing_and_goes_on_with_the_time_that_was_left(fresh: Fresh) {
    let server = Server::on(&fresh).await;
    let [ada] = server.agents(["ada"]).await;
    let meeting = server.meeting(&[&ada], json!({})).await;
    let mut a = ada.talk(meeting).await;
    step(&server.admin, meeting, "start").await;
    let asked = a.turn().await;
    let paused = step(&server.admin, meeting, "pause").await;
    assert_eq!(paused["live"]["paused"], true);
    assert_eq!(a.refused(opinion("too soon")).await, "meeting_paused");
    let resumed = step(&server.admin, meeting, "resume").await;
    assert_eq!(resumed["live"]["paused"], false);
    let (paused, resumed) = (a.event("paused").await, a.event("resumed").await);
    let moved: chrono::DateTime<chrono::Utc> =
        serde_json::from_value(resumed.data["deadline"].clone()).unwrap();
    assert_eq!(moved - asked.deadline, resumed.at - paused.at);
    a.speak("now").await;
    a.ballot().await;
    a.vote(Some(true)).await;
    a.ended().await;
    let checked = check(&*fresh.store, meeting, &[a.log]).await;
    assert_eq!(checked.outcome(), "consensus");
    server.stop().await;
}

async fn a_cancelled_meeting_is_over_for_everyone(fresh: Fresh) {
    let server = Server::on(&fresh).await;
    let [ada, ben] = server.agents(["ada", "ben"]).await;
    let wanted = json!({"topic": "Mine", "participant_ids": [ben.id]});
    let meeting = ada.client.create_meeting(&wanted).await.unwrap();
    let mut b = ben.talk(meeting).await;
    let path = format!("/api/v1/meetings/{meeting}/cancel");
    let refused = ben
        .client
        .post::<Value>(&path, &json!({}))
        .await
        .unwrap_err();
    assert_eq!(refused.code(), Some("forbidden"), "only the moderator may");
    let shown: Value = ada
        .client
        .post(&path, &json!({"reason": "no need"}))
        .await
        .unwrap();
    assert_eq!(
        (&shown["status"], &shown["outcome"]),
        (&json!("completed"), &json!("cancelled"))
    );
    let cancelled = b.event("meeting_cancelled").await;
    assert_eq!(cancelled.data, json!({"by": ada.id, "reason": "no need"}));
    assert_eq!(b.ended().await.code, CloseCode::MEETING_OVER.code);
    check(&*fresh.store, meeting, &[b.log]).await;
    server.stop().await;
}

async fn an_agent_that_leaves_passes_the_floor_on(fresh: Fresh) {
    let server = Server::on(&fresh).await;
    let [ada, ben] = server.agents(["ada", "ben"]).await;
    let meeting = server
        .meeting(&[&ada, &ben], json!({"start": "when_all_joined"}))
        .await;
    let logs = logs([
        ada.attend(meeting, always(|| Does::Leaves)),
        ben.attend(meeting, agreeable()),
    ])
    .await;
    assert_eq!(
        codes(&logs),
        [
            Some(CloseCode::NORMAL.code),
            Some(CloseCode::MEETING_OVER.code)
        ]
    );
    let checked = check(&*fresh.store, meeting, &logs).await;
    assert_eq!(checked.outcome(), "consensus", "of those who stayed");
    assert_eq!(checked.count("opinion_presented"), 1);
    let shown = over(&server.admin, meeting).await;
    assert!(!shown["participants"][0]["left_at"].is_null());
    server.stop().await;
}

async fn opinions_that_are_together_larger_than_an_outbox_reach_every_voter(fresh: Fresh) {
    let limits = limits();
    let server = Server::with(&fresh, limits.clone()).await;
    let agents = server
        .agents(["ada", "ben", "cho", "dee", "eve", "fay"])
        .await;
    let settings = json!({"max_discussion_rounds": 1, "start": "when_all_joined"});
    let meeting = server.meeting(&agents.each_ref(), settings).await;
    let words = "x".repeat(limits.opinion_max_bytes - 1_000);
    assert!(words.len() * agents.len() > limits.outbox_max_bytes);
    let speaks_at_length = || {
        let words = words.clone();
        script(move |asked| match asked {
            Asked::ToSpeak(_) => Does::Says(words.clone()),
            Asked::ToVote(_) => Does::Votes(Some(true)),
        })
    };
    let attending = agents.map(|agent| agent.attend(meeting, speaks_at_length()));
    let logs = logs(attending).await;
    let checked = check(&*fresh.store, meeting, &logs).await;
    assert_eq!(checked.outcome(), "consensus");
    assert!(logs.iter().all(|log| log.connected.len() == 1));
    server.stop().await;
}
