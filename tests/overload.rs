//! Ten times more than the server can take: what it refuses it refuses at once and with a time to come back, what it accepts
//! it keeps, it grows no larger, and who has nothing to do with it goes on.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use futures_util::future::join_all;
use serde_json::{Value, json};
use synod::client::{Client, ServerFrame, Socket};
use synod::config::Limits;
use uuid::Uuid;

use crate::support::agent::{Asked, Does, logs, script};
use crate::support::checker::check;
use crate::support::database::Fresh;
use crate::support::on_each_database;
use crate::support::patience::{eventually, within};
use crate::support::process::Process;
use crate::support::server::{Server, agents, limits, step};
use crate::support::talk::{Talk, opinion};

on_each_database!(what_is_refused_comes_back_later_and_what_is_accepted_is_kept,);

/// What the small servers here can take at once, and what they are asked at once.
const PLACES: usize = 8;
const ASKED: usize = 10 * PLACES;
const COMMUNICATIONS: &str = "/api/v1/communications";

fn message(receiver: Uuid, id: &str, content: &str) -> Value {
    json!({"type": "direct_message", "receiver_id": receiver, "id": id, "content": content})
}

/// The words of all messages that are kept, without order.
async fn kept(client: &Client) -> Vec<String> {
    let page: Value = client
        .get(&format!("{COMMUNICATIONS}?page_size=500"))
        .await
        .unwrap();
    let rows = page["communications"].as_array().unwrap().iter();
    rows.map(|row| row["message_content"].as_str().unwrap().to_owned())
        .collect()
}

/// Agents that all send at once, each as much as the server reads from it.
struct Crowd {
    receiver: Uuid,
    talks: Vec<(Talk, Vec<String>)>,
}

impl Crowd {
    /// So large that all of it asks ten times what the server can take.
    async fn in_the_hall(server: &Server, receiver: Uuid) -> Self {
        let in_flight = limits().commands_in_flight_max;
        let hall = server.meeting(&[], json!({})).await;
        let mut talks = Vec::new();
        for n in 0..ASKED / in_flight {
            let [agent] = server.agents([format!("agent {n}").as_str()]).await;
            let ids = (0..in_flight).map(|k| format!("{k} of {n}")).collect();
            talks.push((agent.talk(hall).await, ids));
        }
        Self { receiver, talks }
    }

    async fn send(&mut self) {
        for (talk, ids) in &mut self.talks {
            for id in ids {
                talk.send(message(self.receiver, id, id).to_string()).await;
            }
        }
    }

    /// Those of its messages that were taken. One that was not is told when to come back.
    async fn taken(&mut self) -> BTreeSet<String> {
        let mut taken = BTreeSet::new();
        for (talk, ids) in &mut self.talks {
            for id in ids {
                match talk.answer(Some(id)).await {
                    Ok(_) => drop(taken.insert(id.clone())),
                    Err(refusal) => {
                        assert_eq!(refusal.code, "overloaded");
                        assert!(refusal.retry_after_ms >= Some(1_000), "{refusal:?}");
                    }
                }
            }
        }
        taken
    }

    /// Sends all others again, under their old ids, until they are taken.
    async fn insist(&mut self, taken: &BTreeSet<String>) {
        let receiver = self.receiver;
        let again = self.talks.iter_mut().map(async |(talk, ids)| {
            for id in ids.iter().filter(|id| !taken.contains(*id)) {
                while let Err(refusal) = talk.tell_as(id, message(receiver, id, id)).await {
                    assert_eq!(refusal.code, "overloaded");
                }
            }
        });
        join_all(again).await;
    }
}

async fn what_is_refused_comes_back_later_and_what_is_accepted_is_kept(fresh: Fresh) {
    let limits = Limits {
        commands_pending_max: PLACES,
        ..limits()
    };
    let server = Server::with(&fresh, limits).await;
    let [ada, rex] = server.agents(["ada", "rex"]).await;
    let meeting = server.meeting(&[&ada], json!({})).await;
    let mut a = ada.talk(meeting).await;
    step(&server.admin, meeting, "start").await;
    a.turn().await;
    let mut crowd = Crowd::in_the_hall(&server, rex.id).await;

    let mut held = fresh.hold_writes().await;
    crowd.send().await;
    let refusals = format!(
        "synod_refusals_total{{code=\"overloaded\"}} {}\n",
        ASKED - PLACES
    );
    eventually("what is too much is refused", || async {
        server.metrics.encode().contains(&refusals).then_some(())
    })
    .await;
    assert_eq!(a.refused(opinion("now?")).await, "overloaded");
    let logged = json!({"sender_id": ada.id, "receiver_id": rex.id, "message_content": "by REST"});
    refuses(&server.admin, COMMUNICATIONS, &logged).await;
    let pause = format!("/api/v1/meetings/{meeting}/pause");
    refuses(&server.admin, &pause, &json!({})).await;
    assert_eq!(
        kept(&server.admin).await,
        [""; 0],
        "who only reads is not refused"
    );
    held.release().await;

    let taken = crowd.taken().await;
    assert_eq!(taken.len(), PLACES);
    let now = kept(&server.admin).await;
    assert_eq!(
        now.into_iter().collect::<BTreeSet<_>>(),
        taken,
        "no more and no less"
    );
    crowd.insist(&taken).await;
    let all: Vec<_> = crowd.talks.into_iter().flat_map(|(_, ids)| ids).collect();
    let kept = kept(&server.admin).await;
    assert_eq!(kept.len(), ASKED, "each once");
    assert_eq!(
        kept.into_iter().collect::<BTreeSet<_>>(),
        all.into_iter().collect()
    );
    a.speak("now.").await;
    a.ballot().await;
    a.vote(Some(true)).await;
    a.ended().await;
    let checked = check(&*fresh.store, meeting, &[a.log]).await;
    assert_eq!(checked.count("opinion_presented"), 1);
    server.stop().await;
}

async fn refuses(client: &Client, path: &str, body: &Value) {
    let refused = client.post::<Value>(path, body).await.unwrap_err();
    assert_eq!(refused.code(), Some("overloaded"), "{path}");
    assert!(
        refused.refused().unwrap().retry_after_s >= Some(1),
        "{path}"
    );
}

/// Of the real program. Its room, its rates, and what one message has.
const FLAGS: &[&str] = &[
    "--commands-pending-max",
    "256",
    "--rate-per-token-per-s",
    "1000000",
    "--burst-per-token",
    "1000000",
];
const ROOM: usize = 256;
const MESSAGE_BYTES: usize = 16_384;
const FLOODERS: usize = 16;

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_flood_of_ten_times_what_there_is_room_for_takes_no_more_memory() {
    let fresh = Fresh::sqlite().await;
    let server = Process::serve_with(&fresh, FLAGS).await;
    let [ada, rex] = agents(&server.admin, ["ada", "rex"]).await;
    let in_flight = Limits::default().commands_in_flight_max;
    let content = "x".repeat(MESSAGE_BYTES);
    let (mut full, mut flooding) = (Vec::new(), Vec::new());
    for _ in 0..ROOM / in_flight {
        full.push(ada.client.line(None).await.unwrap());
    }
    for _ in 0..FLOODERS {
        flooding.push(ada.client.line(None).await.unwrap());
    }
    let before = server.memory_bytes();
    let mut held = fresh.hold_writes().await;
    for (n, socket) in full.iter_mut().enumerate() {
        for k in 0..in_flight {
            let text = message(rex.id, &format!("{n} {k}"), &content).to_string();
            socket.send_text(text).await.unwrap();
        }
    }
    eventually("there is no room left", || async {
        let shown = server
            .admin
            .send(http::Method::GET, "/metrics", None)
            .await
            .unwrap();
        let shown = String::from_utf8(shown.to_vec()).unwrap();
        shown
            .contains(&format!("synod_commands_pending {ROOM}\n"))
            .then_some(())
    })
    .await;
    let filled = server.memory_bytes();
    let each = 10 * ROOM / FLOODERS;
    join_all(
        flooding
            .iter_mut()
            .map(|socket| flood(socket, rex.id, each, &content)),
    )
    .await;
    let flooded = server.memory_bytes();
    let offered = each * FLOODERS * MESSAGE_BYTES;
    println!(
        "resident: {before} bytes at first, {filled} when the room was full, {flooded} after {offered} bytes were refused"
    );
    assert!(
        flooded.saturating_sub(filled) < offered / 4,
        "what is refused is not kept"
    );
    held.release().await;
    for socket in &mut full {
        for _ in 0..in_flight {
            let answer = heard(socket).await;
            assert!(matches!(answer, ServerFrame::Ack(_)), "{answer:?}");
        }
    }
    let page: Value = server
        .admin
        .get(&format!("{COMMUNICATIONS}?page_size=1"))
        .await
        .unwrap();
    assert_eq!(page["total"], ROOM, "what was accepted, and nothing else");
}

/// The next frame that answers something.
async fn heard(socket: &mut Socket) -> ServerFrame {
    loop {
        let frame = within("an answer", socket.next()).await.unwrap();
        if matches!(frame, ServerFrame::Ack(_) | ServerFrame::Error(_)) {
            return frame;
        }
    }
}

/// Sends what there is no room for, and hears that.
async fn flood(socket: &mut Socket, receiver: Uuid, messages: usize, content: &str) {
    for n in 0..messages {
        let text = message(receiver, &format!("flood {n}"), content).to_string();
        socket.send_text(text).await.unwrap();
        let answer = heard(socket).await;
        assert!(
            matches!(&answer, ServerFrame::Error(refusal) if refusal.code == "overloaded"),
            "{answer:?}"
        );
    }
}

/// Frames of a flood that may be answered between two of another meeting's requests: what all flooders can have on
/// their way, for each step that the other meeting's frames take through the server.
const BETWEEN_MAX: usize = 1_000;

#[tokio::test]
async fn a_meeting_goes_on_while_another_is_flooded() {
    let fresh = Fresh::memory();
    let limits = Limits {
        rate_per_token_per_s: 1_000_000,
        burst_per_token: 1_000_000,
        ..limits()
    };
    let server = Server::with(&fresh, limits).await;
    let [ada, ben] = server.agents(["ada", "ben"]).await;
    let flooded = server.meeting(&[&ada], json!({})).await;
    let _speaker = ada.talk(flooded).await;
    step(&server.admin, flooded, "start").await;
    let (answered, is_over) = (
        Arc::new(AtomicUsize::new(0)),
        Arc::new(AtomicBool::new(false)),
    );
    let mut flooders = Vec::new();
    for n in 0..FLOODERS {
        let [agent] = server.agents([format!("flooder {n}").as_str()]).await;
        let socket = agent.client.attend(flooded, agent.id, None).await.unwrap();
        let flood = out_of_turn(socket, Arc::clone(&answered), Arc::clone(&is_over));
        flooders.push(tokio::spawn(flood));
    }
    eventually("the flood has begun", || async {
        (answered.load(Ordering::Relaxed) > 100).then_some(())
    })
    .await;

    let settings = json!({"start": "when_all_joined", "max_discussion_rounds": 20});
    let meeting = server.meeting(&[&ben], settings).await;
    let seen = Arc::clone(&answered);
    let (tell, mut told) = tokio::sync::mpsc::unbounded_channel();
    let counts = script(move |asked| {
        tell.send(seen.load(Ordering::Relaxed))
            .expect("the test is there");
        match asked {
            Asked::ToSpeak(_) => Does::Says("calmly".to_owned()),
            Asked::ToVote(_) => Does::Votes(Some(false)),
        }
    });
    let logs = logs([ben.attend(meeting, counts)]).await;
    is_over.store(true, Ordering::Relaxed);
    for flooder in flooders {
        within("the flooder stops", flooder).await.unwrap();
    }
    let at: Vec<_> = std::iter::from_fn(|| told.try_recv().ok()).collect();
    let between: Vec<_> = at.windows(2).map(|pair| pair[1] - pair[0]).collect();
    println!("frames of the flood between two requests of the other meeting: {between:?}");
    assert_eq!(between.len(), 39, "a turn and a ballot in each round");
    assert!(
        between.iter().all(|frames| *frames <= BETWEEN_MAX),
        "{between:?}"
    );
    assert!(
        between.iter().sum::<usize>() > between.len(),
        "the flood was on: {between:?}"
    );
    assert_eq!(
        check(&*fresh.store, meeting, &logs).await.outcome(),
        "no_consensus"
    );
    let rows = check(&*fresh.store, flooded, &[]).await.rows;
    assert!(
        rows.iter().all(|row| row.kind != "opinion_presented"),
        "not one of the flood was carried out"
    );
    server.stop().await;
}

/// Speaks out of turn, as often as it is let, until it is over.
async fn out_of_turn(mut socket: Socket, answered: Arc<AtomicUsize>, is_over: Arc<AtomicBool>) {
    let in_flight = Limits::default().commands_in_flight_max;
    let text = opinion("me! me! me!").to_string();
    while !is_over.load(Ordering::Relaxed) {
        for _ in 0..in_flight {
            socket.send_text(text.clone()).await.unwrap();
        }
        for _ in 0..in_flight {
            let answer = heard(&mut socket).await;
            assert!(
                matches!(&answer, ServerFrame::Error(refusal) if refusal.code == "not_your_turn"),
                "{answer:?}"
            );
            answered.fetch_add(1, Ordering::Relaxed);
        }
    }
}
