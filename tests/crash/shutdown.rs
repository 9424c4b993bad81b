//! A server that is asked to stop in the middle of its work.

use http::{Request, StatusCode};
use http_body_util::{BodyExt, Empty};
use hyper::body::Bytes;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use nix::sys::signal::Signal;
use serde_json::json;
use synod::wire::CloseCode;
use tokio::net::TcpStream;
use uuid::Uuid;

use super::load::Load;
use super::outage::{FLAGS, WORK};
use crate::support::agent::Agent;
use crate::support::checker::check;
use crate::support::database::{Fresh, Held, somebody_waits};
use crate::support::on_each_database;
use crate::support::patience::{eventually, within};
use crate::support::process::Process;
use crate::support::server::{agents, meeting, step};
use crate::support::talk::{Talk, opinion};

on_each_database!(
    a_server_that_is_asked_to_stop_at_work_loses_nothing,
    a_server_waits_for_a_silent_peer_no_longer_than_it_may,
);

/// It has a day for its end: it does not end because its time is up, but because all is said.
async fn a_server_that_is_asked_to_stop_at_work_loses_nothing(fresh: Fresh) {
    let mut server = Process::serve_with(&fresh, FLAGS).await;
    let load = Load::begin(&server.admin).await;
    for _ in 0..3 {
        load.pulse.after(WORK).await;
        assert!(server.terminate().await.success());
        server.restart().await;
    }
    load.pulse.after(WORK).await;
    let tally = load.end(&fresh).await;
    assert_eq!((tally.lost, tally.doubled), (0, 0), "{tally:?}");
    let ends = [CloseCode::DRAINING.code, CloseCode::MEETING_OVER.code];
    assert_eq!(tally.endings, ends.into(), "nobody was cut off");
    assert!(server.terminate().await.success());
}

/// It has a day to wait for the answer to its goodbye, and a moment for its end.
async fn a_server_waits_for_a_silent_peer_no_longer_than_it_may(fresh: Fresh) {
    let flags = &[
        "--close-timeout-ms",
        "86400000",
        "--shutdown-timeout-ms",
        "300",
    ];
    let mut server = Process::serve_with(&fresh, flags).await;
    let [ada] = agents(&server.admin, ["ada"]).await;
    let meeting = meeting(&server.admin, &[&ada], json!({})).await;
    let mut silent = ada.talk(meeting).await;
    assert!(server.terminate().await.success());
    assert_eq!(silent.ended().await.code, CloseCode::DRAINING.code);
}

/// A server that is asked to stop while a command is on its way to the database, which does not take it yet.
struct Stopping {
    server: Process,
    held: Held,
    meeting: Uuid,
    ada: Agent,
    talk: Talk,
    /// A connection that was there before.
    old: SendRequest<Empty<Bytes>>,
}

impl Stopping {
    async fn of(fresh: &Fresh) -> Self {
        let server = Process::serve_with(fresh, FLAGS).await;
        let [ada] = agents(&server.admin, ["ada"]).await;
        let settings = json!({"reconnect_grace_ms": 60_000});
        let meeting = meeting(&server.admin, &[&ada], settings).await;
        let mut talk = ada.talk(meeting).await;
        step(&server.admin, meeting, "start").await;
        talk.turn().await;
        let stream = TcpStream::connect(address(&server)).await.unwrap();
        let (old, connection) = handshake(TokioIo::new(stream)).await.unwrap();
        tokio::spawn(connection);
        let held = fresh.hold_writes().await;
        let mut frame = opinion("on its way");
        frame["id"] = "once".into();
        talk.send(frame.to_string()).await;
        somebody_waits(&mut fresh.psql().await).await;
        let mut stopping = Self {
            server,
            held,
            meeting,
            ada,
            talk,
            old,
        };
        assert_eq!(stopping.readiness().await, StatusCode::OK);
        stopping.server.signal(Signal::SIGTERM);
        let goes_down = async { while stopping.readiness().await == StatusCode::OK {} };
        within("the server is not ready", goes_down).await;
        stopping
    }

    /// What it answers on the old connection.
    async fn readiness(&mut self) -> StatusCode {
        let request = Request::get("/readyz").header("host", "synod");
        let request = request.body(Empty::new()).unwrap();
        self.old.ready().await.unwrap();
        let answer = self.old.send_request(request).await.unwrap();
        let status = answer.status();
        answer.into_body().collect().await.unwrap();
        status
    }

    /// The meeting goes on to its end, and what was said on the way is in it once.
    async fn goes_on(mut self, fresh: &Fresh) {
        self.server.restart().await;
        let after = self.talk.log.last_seq();
        let mut again = self.ada.talk_after(self.meeting, after).await;
        let acked = again.tell_as("once", opinion("on its way")).await;
        assert!(acked.is_ok());
        again.ballot().await;
        again.vote(Some(true)).await;
        again.ended().await;
        let checked = check(&*fresh.store, self.meeting, &[self.talk.log, again.log]).await;
        assert_eq!(checked.outcome(), "consensus");
        assert_eq!(checked.count("opinion_presented"), 1);
        assert!(self.server.terminate().await.success());
    }
}

fn address(server: &Process) -> &str {
    server.admin.address().trim_start_matches("http://")
}

#[tokio::test]
async fn a_server_that_is_asked_to_stop_is_not_ready_takes_nobody_new_and_answers_what_it_has() {
    let fresh = Fresh::postgres().await;
    let mut stopping = Stopping::of(&fresh).await;
    eventually("nobody new is taken", || async {
        let refused = TcpStream::connect(address(&stopping.server)).await;
        refused.is_err().then_some(())
    })
    .await;
    let unready = StatusCode::SERVICE_UNAVAILABLE;
    assert_eq!(stopping.readiness().await, unready, "who is there is told");
    stopping.held.release().await;
    let answer = stopping.talk.answer(Some("once")).await;
    assert!(answer.is_ok(), "what was on its way is answered");
    let ended = stopping.talk.ended().await;
    assert_eq!(ended.code, CloseCode::DRAINING.code);
    assert!(stopping.server.ended().await.success());
    stopping.goes_on(&fresh).await;
}

#[tokio::test]
async fn a_server_that_is_asked_twice_ends_at_once() {
    let fresh = Fresh::postgres().await;
    let mut stopping = Stopping::of(&fresh).await;
    stopping.server.signal(Signal::SIGTERM);
    assert_eq!(stopping.server.ended().await.code(), Some(1));
    stopping.held.release().await;
    assert!(stopping.talk.log.acks.is_empty());
    stopping.goes_on(&fresh).await;
}
