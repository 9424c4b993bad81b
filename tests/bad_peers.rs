//! Peers that go wrong in the middle of a meeting, with the floor in their hands: each is sent away by its rule and within
//! its limit, and the meeting goes on without it. Slow readers stand in `resume.rs`, what happens before a
//! handshake in `limits/`.

use futures_util::future::join_all;
use serde_json::json;
use synod::config::Limits;
use synod::domain::phase::NO_RESPONSE;
use synod::wire::CloseCode;
use tokio::io::AsyncWriteExt;

use crate::support::agent::{Agent, agreeable, logs};
use crate::support::checker::{Checked, check};
use crate::support::database::Fresh;
use crate::support::on_each_database;
use crate::support::patience::eventually;
use crate::support::raw::{Raw, frame};
use crate::support::server::{Server, limits};

on_each_database!(a_meeting_goes_on_whatever_becomes_of_the_peer_that_has_the_floor);

/// What is wrong with a peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Peer {
    /// It hears everything and never answers a ping.
    NeverPongs,
    /// Its machine is gone, and no packet says so: it neither reads nor writes.
    IsGone,
    /// It begins a frame and never ends it.
    StopsInAFrame,
    /// It goes on with its frame, a byte for each frame that it hears, and never ends it.
    Dawdles,
    /// It has said its last word to TCP, and only listens.
    ClosesItsHalf,
    /// It breaks the protocol.
    Babbles,
}

impl Peer {
    const ALL: [Self; 6] = [
        Self::NeverPongs,
        Self::IsGone,
        Self::StopsInAFrame,
        Self::Dawdles,
        Self::ClosesItsHalf,
        Self::Babbles,
    ];

    /// What it is told at the end; nothing where it said that it goes.
    fn is_told(self) -> Option<CloseCode> {
        match self {
            Self::NeverPongs | Self::IsGone | Self::StopsInAFrame | Self::Dawdles => {
                Some(CloseCode::NO_PONG)
            }
            Self::ClosesItsHalf => None,
            Self::Babbles => Some(CloseCode::PROTOCOL_ERROR),
        }
    }

    /// Comes in, and goes wrong as soon as it has the floor. The connection is kept: only the server can end it.
    async fn misbehave(self, server: &Server, agent: &Agent, path: &str) -> Raw {
        let mut raw = Raw::upgraded(&server.admin, path, &agent.token).await;
        loop {
            let (_, payload) = raw.frame().await.expect("it is asked to speak");
            if payload.starts_with(br#"{"type":"opinion_request""#) {
                break;
            }
        }
        let opinion = frame(0x81, &[b' '; 200]);
        match self {
            Self::NeverPongs | Self::IsGone => {}
            Self::StopsInAFrame | Self::Dawdles => raw.say(&opinion[..20]).await,
            Self::ClosesItsHalf => raw.0.shutdown().await.expect("the half is closed"),
            Self::Babbles => raw.say([0xff; 20]).await,
        }
        raw
    }

    /// Hears how it ends.
    async fn end(self, mut raw: Raw) -> Option<u16> {
        while let Some((first, payload)) = raw.frame().await {
            if let (0x88, [high, low, ..]) = (first, payload.as_slice()) {
                return Some(u16::from_be_bytes([*high, *low]));
            }
            if self == Self::Dawdles {
                // The server may be gone already.
                let _ = raw.0.write_all(b" ").await;
            }
        }
        None
    }
}

async fn a_meeting_goes_on_whatever_becomes_of_the_peer_that_has_the_floor(fresh: Fresh) {
    let limits = Limits {
        ping_interval_ms: 500,
        pong_timeout_ms: 4_000,
        ..limits()
    };
    let server = Server::with(&fresh, limits).await;
    join_all(Peer::ALL.map(|peer| goes_on_without(peer, &server, &fresh))).await;
    // The clients' ends are still open: it was the server that let go.
    eventually("no socket is left", || async {
        let counted = server.metrics.encode();
        counted.contains("\nsynod_sockets 0\n").then_some(())
    })
    .await;
    server.stop().await;
}

async fn goes_on_without(peer: Peer, server: &Server, fresh: &Fresh) {
    let [ada, ben] = server.agents(["ada", "ben"]).await;
    let settings = json!({"max_discussion_rounds": 1, "start": "when_all_joined", "reconnect_grace_ms": 50,
                          "vote_timeout_ms": 2_000, "decision_rule": {"rule": "majority"}});
    let meeting = server.meeting(&[&ada, &ben], settings).await;
    let ben = ben.attend(meeting, agreeable());
    let path = format!("/ws/meetings/{meeting}");
    let raw = peer.misbehave(server, &ada, &path).await;
    let told = peer.is_told().map(|told| told.code);
    // What the dead machine would find, had it come back, is looked at in the end.
    let kept = if peer == Peer::IsGone {
        Some(raw)
    } else {
        assert_eq!(peer.end(raw).await, told, "{peer:?}");
        None
    };
    let logs = logs([ben]).await;
    let checked = check(&*fresh.store, meeting, &logs).await;
    assert_eq!(checked.outcome(), "majority", "{peer:?}");
    let left = Checked::data(checked.only("agent_left"));
    assert_eq!(
        (&left["agent_id"], &left["reason"]),
        (&json!(ada.id), &json!("disconnected"))
    );
    assert_eq!(
        Checked::data(checked.only("turn_timed_out"))["agent_id"],
        json!(ada.id)
    );
    let opinions = &logs[0].ballots[0].opinions;
    assert_eq!(opinions[0].content, NO_RESPONSE, "{peer:?}");
    if let Some(raw) = kept {
        assert_eq!(peer.end(raw).await, told, "{peer:?}");
    }
}
