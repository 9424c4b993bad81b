//! The attacks. Each is under way as long as its value is there.

use futures_util::future::join_all;
use futures_util::{StreamExt, stream};
use serde_json::{Value, json};
use synod::client::{Client, ServerFrame, Socket};
use tokio::io::AsyncReadExt;
use tokio::sync::watch;
use tokio::task::JoinSet;
use uuid::Uuid;

use super::{LONG_BYTES, Raw};
use crate::support::agent::Agent;
use crate::support::patience::eventually;
use crate::support::raw::{handshake, status};
use crate::support::server::{agents, meeting, step};

/// Sockets that take nothing of a meeting that is over.
const SOCKETS: usize = 1_000;
/// Tokens among which they are spread, so that each has fewer than it may.
const OBSERVERS: usize = 10;
/// Answers of which nothing is read.
const ANSWERS: usize = 200;
/// Agents that speak and vote at length in the large meeting, and those that read slowly there.
const SPEAKERS: usize = 24;
const VOTERS: usize = 40;
const PARTICIPANTS: usize = 256;
/// A slow agent takes so much at once, and then pauses.
const SIP_BYTES: usize = 16_384;
const PAUSE: std::time::Duration = std::time::Duration::from_millis(100);
/// Connections that are opened at the same time.
const AT_ONCE: usize = 64;

/// Opens sockets from the first event on, and reads nothing.
pub(super) async fn unread_sockets(admin: &Client, meeting: Uuid) -> Vec<Raw> {
    let tokens = join_all((0..OBSERVERS).map(|_| observer(admin))).await;
    let path = format!("/ws/meetings/{meeting}?after=0");
    let open = |n: usize| {
        let request = handshake(&path, &tokens[n % tokens.len()]);
        async move {
            let mut raw = Raw::to(admin).await;
            raw.say(request).await;
            raw
        }
    };
    let opened = stream::iter(0..SOCKETS).map(open).buffer_unordered(AT_ONCE);
    opened.collect().await
}

/// Asks for a long meeting again and again, with two tokens, and reads no answer.
pub(super) async fn unread_answers(admin: &Client, agent: &str, meeting: Uuid) -> Vec<Raw> {
    let observer = observer(admin).await;
    let mut asked = Vec::with_capacity(ANSWERS);
    for n in 0..ANSWERS {
        let token = [agent, &observer][n % 2];
        let mut raw = Raw::to(admin).await;
        let head = format!("GET /api/v1/meetings/{meeting} HTTP/1.1\r\nhost: x\r\n");
        raw.say(format!("{head}authorization: Bearer {token}\r\n\r\n"))
            .await;
        asked.push(raw);
    }
    asked
}

/// A meeting of 256 agents: some speak and vote at length, the others read slowly and resume from
/// the first event as often as the server lets them. It has begun when all that is long was said.
pub(super) async fn slow_agents(admin: &Client) -> JoinSet<()> {
    let names: Vec<_> = (0..PARTICIPANTS).map(|n| format!("agent {n}")).collect();
    let made = stream::iter(names).map(async |name: String| {
        let [agent] = agents(admin, [name.as_str()]).await;
        agent
    });
    let all: Vec<Agent> = made.buffered(AT_ONCE).collect().await;
    let (voters, slow) = all.split_at(VOTERS);
    let settings = json!({"max_discussion_rounds": 1});
    let meeting = meeting(admin, &voters.iter().collect::<Vec<_>>(), settings).await;
    let mut here = JoinSet::new();
    let (go, gone) = watch::channel(false);
    for (nth, voter) in voters.iter().enumerate() {
        let socket = voter.client.attend(meeting, voter.id, None).await;
        let words = if nth < SPEAKERS { LONG_BYTES } else { 1 };
        let socket = socket.expect("it is let in");
        here.spawn(take_part(socket, words, gone.clone()));
    }
    // Those who come in the first round speak in the second, which never comes, and vote.
    step(admin, meeting, "start").await;
    for agent in slow {
        here.spawn(sip(admin.clone(), agent.clone(), meeting));
    }
    eventually("all are there", || async {
        let shown: Value = admin
            .get(&format!("/api/v1/meetings/{meeting}"))
            .await
            .ok()?;
        (shown["participants"].as_array()?.len() == PARTICIPANTS).then_some(())
    })
    .await;
    go.send(true).expect("the speakers are there");
    here
}

/// Speaks for so many bytes when it is asked to and all are there, and votes for as many as it may.
async fn take_part(mut socket: Socket, words: usize, mut go: watch::Receiver<bool>) {
    let reason = "y".repeat(LONG_BYTES);
    while let Ok(frame) = socket.next().await {
        let answered = match frame {
            ServerFrame::OpinionRequest(_) => {
                go.wait_for(|go| *go).await.expect("it begins");
                socket.speak("o", &"x".repeat(words), None).await
            }
            ServerFrame::ConsensusRequest(_) => socket.vote("v", Some(true), Some(&reason)).await,
            _ => Ok(()),
        };
        answered.expect("the server takes its answer");
    }
}

/// Reads slowly, and resumes from the first event as soon as it is let in again.
async fn sip(admin: Client, agent: Agent, meeting: Uuid) {
    let path = format!("/ws/meetings/{meeting}?agent_id={}&after=0", agent.id);
    let mut sip = vec![0; SIP_BYTES];
    loop {
        let mut raw = Raw::to(&admin).await;
        raw.say(handshake(&path, &agent.token)).await;
        if status(&raw.head().await) == 101 {
            while matches!(raw.0.read(&mut sip).await, Ok(1..)) {
                tokio::time::sleep(PAUSE).await;
            }
        }
        tokio::time::sleep(PAUSE).await;
    }
}

/// The token of a new observer.
async fn observer(admin: &Client) -> String {
    let observer = json!({"name": "observer", "role": "observer"});
    let made: Value = admin
        .post("/api/v1/agents", &observer)
        .await
        .expect("an observer");
    made["token"].as_str().expect("a token").to_owned()
}
