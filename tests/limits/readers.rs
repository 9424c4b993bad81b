//! Readers: how many sockets a token has, how long a slow one waits, and how much a frame shows.

use http::StatusCode;
use serde_json::{Value, json};
use synod::config::Limits;
use synod::wire::CloseCode;
use uuid::Uuid;

use super::MEETINGS;
use super::metrics::becomes;
use crate::support::agent::{Agent, Asked, Does, Script, logs, script};
use crate::support::database::Fresh;
use crate::support::on_each_database;
use crate::support::patience::eventually;
use crate::support::server::{ADMIN_TOKEN, Server, limits, step};
use crate::support::slow::Slow;
use crate::support::talk::Talk;

on_each_database!(
    words_of_everybody_are_cut_in_frames_and_whole_by_rest,
    a_meeting_that_is_over_is_told_in_pages_and_shows_beginnings,
);

/// Speaks at this length, and votes against everything with a reason as long.
fn speaks_at_length(bytes: usize) -> Script {
    script(move |asked| match asked {
        Asked::ToSpeak(_) => Does::Says("x".repeat(bytes)),
        Asked::ToVote(_) => Does::Votes(Some(false)),
    })
}

/// A meeting that is over, with so many opinions of 200 000 bytes.
async fn long_meeting(server: &Server, agent: &Agent, rounds: u32) -> Uuid {
    let settings = json!({"max_discussion_rounds": rounds, "start": "when_all_joined"});
    let meeting = server.meeting(&[agent], settings).await;
    logs([agent.attend(meeting, speaks_at_length(200_000))]).await;
    meeting
}

#[tokio::test]
async fn a_newer_connection_replaces_the_older_in_a_meeting_that_is_over_too() {
    let fresh = Fresh::sqlite().await;
    let limits = Limits {
        close_timeout_ms: 60_000,
        ..limits()
    };
    let server = Server::with(&fresh, limits).await;
    let [ada] = server.agents(["ada"]).await;
    let meeting = long_meeting(&server, &ada, 40).await;
    let path = format!("/ws/meetings/{meeting}?agent_id={}&after=0", ada.id);
    let older = Slow::open(&server.admin, &ada.token, &path).await;
    eventually("it is being told", || async {
        let shown = server.metrics.encode();
        (!shown.contains("\nsynod_read_budget_bytes 0\n")).then_some(())
    })
    .await;
    let mut newer = ada.talk_after(meeting, Some(0)).await;
    assert_eq!(newer.ended().await.code, CloseCode::MEETING_OVER.code);
    let ended = older.read_at_last(|_| ()).await;
    assert_eq!(ended.code, CloseCode::REPLACED.code);
    server.stop().await;
}

#[tokio::test]
async fn a_token_has_so_many_sockets_in_one_meeting_and_others_have_theirs() {
    let fresh = Fresh::sqlite().await;
    let limits = Limits {
        sockets_per_meeting_max: 2,
        ..limits()
    };
    let server = Server::with(&fresh, limits).await;
    let [ada] = server.agents(["ada"]).await;
    let [one, other] = [
        server.meeting(&[&ada], json!({})).await,
        server.meeting(&[&ada], json!({})).await,
    ];
    let first = Talk::watch(&server.admin, one, None).await;
    let _second = Talk::watch(&server.admin, one, None).await;
    let third = server.admin.watch(one, None).await.unwrap_err();
    assert_eq!(third.status(), Some(StatusCode::TOO_MANY_REQUESTS));
    assert_eq!(third.code(), Some("rate_limited"));
    let _elsewhere = Talk::watch(&server.admin, other, None).await;
    let _ada = ada.talk(one).await;
    first.close().await;
    eventually("there is a place again", || async {
        server.admin.watch(one, None).await.ok()
    })
    .await;
    server.stop().await;
}

#[tokio::test]
async fn an_agent_that_reads_too_slowly_again_and_again_waits_longer_each_time() {
    let fresh = Fresh::sqlite().await;
    let limits = Limits {
        write_timeout_ms: 200,
        ..limits()
    };
    let server = Server::with(&fresh, limits).await;
    let [ada] = server.agents(["ada"]).await;
    let meeting = long_meeting(&server, &ada, 40).await;
    let path = format!("/ws/meetings/{meeting}?after=0");
    for times in [1.0, 2.0] {
        let _slow = Slow::open(&server.admin, ADMIN_TOKEN, &path).await;
        let closed = "synod_socket_closes_total{code=\"4100\"}";
        becomes(&server, closed, times).await;
    }
    let early = server.admin.watch(meeting, Some(0)).await.unwrap_err();
    assert_eq!(early.status(), Some(StatusCode::TOO_MANY_REQUESTS));
    let wait = early.refused().unwrap().retry_after_s;
    assert!(wait >= Some(1), "{early}");
    server.stop().await;
}

/// The first frame that was heard of this kind.
fn heard(talk: &Talk, is_it: impl Fn(&Value) -> bool) -> Value {
    let frames = talk.log.texts.iter();
    let mut frames = frames.map(|text| serde_json::from_str(text).unwrap());
    frames.find(is_it).unwrap()
}

/// What `opinions` shows: how many bytes of each, and how many are cut.
fn shown(opinions: &Value) -> (Vec<usize>, usize) {
    let opinions = opinions.as_array().unwrap().iter();
    let bytes = opinions.clone();
    let bytes = bytes.map(|opinion| opinion["content"].as_str().unwrap().len());
    let cut = opinions.filter(|opinion| opinion["cut"] == true).count();
    (bytes.collect(), cut)
}

async fn words_of_everybody_are_cut_in_frames_and_whole_by_rest(fresh: Fresh) {
    const EACH: usize = 250_000;
    let server = Server::with(&fresh, limits()).await;
    let agents = server.agents(["a", "b", "c", "d", "e", "f"]).await;
    let settings = json!({"max_discussion_rounds": 1});
    let all: Vec<_> = agents.iter().collect();
    let meeting = server.meeting(&all, settings).await;
    let mut watcher = Talk::watch(&server.admin, meeting, None).await;
    let mut talks = Vec::new();
    for agent in &agents {
        talks.push(agent.talk(meeting).await);
    }
    step(&server.admin, meeting, "start").await;
    for (nth, talk) in talks.iter_mut().enumerate() {
        talk.turn().await;
        let bytes = if nth == 0 { 10 } else { EACH };
        talk.speak(&"x".repeat(bytes)).await;
    }
    talks[0].ballot().await;
    let asked = heard(&talks[0], |frame| frame["type"] == "consensus_request");
    let share = (Limits::WORDS_MAX_BYTES - 10) / 5;
    let expected = (vec![10, share, share, share, share, share], 5);
    assert_eq!(shown(&asked["opinions"]), expected);
    let late = Talk::watch(&server.admin, meeting, None).await;
    let connected = heard(&late, |frame| frame["type"] == "connected");
    assert_eq!(shown(&connected["state"]["opinions"]), expected);
    let reason = "y".repeat(EACH);
    for (nth, talk) in talks.iter_mut().enumerate() {
        if nth > 0 {
            talk.ballot().await;
        }
        let vote = json!({"type": "consensus_vote", "agrees": false, "rationale": reason});
        talk.tell(vote).await.unwrap();
    }
    watcher.event("ballot_closed").await;
    let closed = heard(&watcher, |frame| frame["event"] == "ballot_closed");
    let votes = closed["data"]["votes"].as_array().unwrap();
    let reasons: usize = votes
        .iter()
        .map(|vote| vote["rationale"].as_str().unwrap().len())
        .sum();
    assert!(reasons <= Limits::WORDS_MAX_BYTES, "{reasons}");
    assert!(votes.iter().all(|vote| vote["cut"] == true));
    assert_eq!(closed["data"]["cut"], true);
    let path = format!("{MEETINGS}/{meeting}");
    let whole: Value = server.admin.get(&path).await.unwrap();
    let messages = whole["messages"].as_array().unwrap().iter();
    let said = messages.filter(|message| message["message_type"] != "meta");
    let whole = said.filter(|message| message["content"].as_str().unwrap().len() >= EACH);
    assert_eq!(whole.count(), 5 + 6, "opinions and votes are whole here");
    server.stop().await;
}

async fn a_meeting_that_is_over_is_told_in_pages_and_shows_beginnings(fresh: Fresh) {
    let server = Server::with(&fresh, limits()).await;
    let [ada] = server.agents(["ada"]).await;
    let meeting = long_meeting(&server, &ada, 2).await;
    let mut talk = ada.talk_after(meeting, Some(0)).await;
    assert_eq!(talk.ended().await.code, CloseCode::MEETING_OVER.code);
    let connected = heard(&talk, |frame| frame["type"] == "connected");
    let state = &connected["state"];
    assert_eq!(
        shown(&state["opinions"]),
        (vec![Limits::ENDED_OPINION_MAX_BYTES], 1)
    );
    assert_eq!(state["participants"][0]["connected"], false);
    assert_eq!(state["phase"], "concluded");
    let opinions = talk.log.data_of("opinion_presented").into_iter();
    let whole = opinions.filter(|data| data["content"].as_str().unwrap().len() == 200_000);
    assert_eq!(whole.count(), 2);
    server.stop().await;
}
