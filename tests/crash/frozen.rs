//! A server that stands still for longer than another needs to take its meetings over, and then goes on.

use serde_json::json;
use synod::wire::CloseCode;

use crate::support::agent::Agent;
use crate::support::checker::{Checked, check};
use crate::support::database::{Fresh, somebody_waits};
use crate::support::on_each_database;
use crate::support::process::Process;
use crate::support::server::{agents, meeting, step};
use crate::support::talk::{Talk, opinion};

on_each_database!(a_server_that_was_overtaken_while_it_stood_still_writes_nothing_more);

/// A meeting in the middle of a turn, at a server that stands still.
struct Frozen {
    server: Process,
    meeting: uuid::Uuid,
    agents: [Agent; 2],
    talks: [Talk; 2],
}

impl Frozen {
    /// The first agent has spoken, the second is to.
    async fn of(fresh: &Fresh) -> Self {
        let server = Process::serve(fresh).await;
        let agents = agents(&server.admin, ["ada", "ben"]).await;
        let settings = json!({"reconnect_grace_ms": 60_000});
        let meeting = meeting(&server.admin, &agents.each_ref(), settings).await;
        let [ada, ben] = &agents;
        let mut talks = [ada.talk(meeting).await, ben.talk(meeting).await];
        step(&server.admin, meeting, "start").await;
        talks[0].turn().await;
        talks[0].speak("before").await;
        talks[1].turn().await;
        Self {
            server,
            meeting,
            agents,
            talks,
        }
    }

    /// The same agents at another server, each behind what it heard.
    async fn talks_at(&self, server: &Process) -> [Talk; 2] {
        let [ada, ben] = self.agents.each_ref().map(|agent| agent.at(&server.admin));
        let [a, b] = self.talks.each_ref().map(|talk| talk.log.last_seq());
        [
            ada.talk_after(self.meeting, a).await,
            ben.talk_after(self.meeting, b).await,
        ]
    }

    /// Lets it go on, and waits until it has sent its agents away.
    async fn thaws(&mut self) {
        self.server.thaw();
        for talk in &mut self.talks {
            assert_eq!(talk.ended().await.code, CloseCode::MOVED.code);
        }
    }

    /// Checks what all of them heard, and that nothing was written under the old epoch once there was a new one.
    async fn checks(mut self, fresh: &Fresh, moved: [Talk; 2]) -> Checked {
        let logs: Vec<_> = self.talks.into_iter().chain(moved).map(|t| t.log).collect();
        let checked = check(&*fresh.store, self.meeting, &logs).await;
        assert_eq!(checked.outcome(), "consensus");
        assert_eq!(checked.count("opinion_presented"), 2);
        let recovered = checked.only("meeting_recovered");
        for row in &checked.rows {
            let is_new = row.epoch == recovered.epoch;
            assert_eq!(is_new, row.seq >= recovered.seq, "event {}", row.seq);
        }
        assert!(self.server.terminate().await.success());
        checked
    }
}

async fn agree(talks: &mut [Talk; 2]) {
    for talk in talks.iter_mut() {
        talk.ballot().await;
        talk.vote(Some(true)).await;
    }
    for talk in talks {
        assert_eq!(talk.ended().await.code, CloseCode::MEETING_OVER.code);
    }
}

async fn a_server_that_was_overtaken_while_it_stood_still_writes_nothing_more(fresh: Fresh) {
    let mut first = Frozen::of(&fresh).await;
    first.server.freeze();
    let words = "to the server that stands still";
    first.talks[1].send(opinion(words).to_string()).await;
    let mut second = Process::serve(&fresh).await;
    let mut moved = first.talks_at(&second).await;
    moved[1].turn().await;
    moved[1].speak("to the server that took over").await;
    moved[0].event("ballot_opened").await;
    first.thaws().await;
    let acks = first.talks.each_ref().map(|talk| talk.log.acks.len());
    assert_eq!(acks, [1, 0], "what is not kept is not answered");
    agree(&mut moved).await;
    let checked = first.checks(&fresh, moved).await;
    let is_there = |row: &&_| Checked::data(row)["content"] == words;
    assert_eq!(checked.rows.iter().filter(is_there).count(), 0);
    assert!(second.terminate().await.success());
}

/// Its write was on its way when it stopped, so it was kept before another took over: what it then says of it is true.
#[tokio::test]
async fn a_server_that_stood_still_in_the_middle_of_a_commit_says_only_what_is_kept() {
    let fresh = Fresh::postgres().await;
    let mut first = Frozen::of(&fresh).await;
    let mut held = fresh.hold_writes().await;
    let mut frame = opinion("on its way");
    frame["id"] = "once".into();
    first.talks[1].send(frame.to_string()).await;
    somebody_waits(&mut fresh.psql().await).await;
    first.server.freeze();
    held.release().await;
    let mut second = Process::serve(&fresh).await;
    let mut moved = first.talks_at(&second).await;
    let acked = moved[1].tell_as("once", opinion("on its way")).await;
    first.thaws().await;
    // It learns two things at once: that its write was kept, and that it was overtaken. If it says the former, then truly.
    let said = first.talks[1].log.acks.first();
    assert!(said.is_none_or(|ack| ack.seq == acked.ok()), "{said:?}");
    agree(&mut moved).await;
    first.checks(&fresh, moved).await;
    assert!(second.terminate().await.success());
}
