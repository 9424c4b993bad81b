//! Readers that take nothing cannot take the memory of the real program, nor its time from others.
//!
//! Three attacks, bounded in count: a thousand sockets on a long meeting that is over, two hundred
//! answers that nobody reads, and a meeting of 256 agents most of whom read slowly and resume. Each
//! is held against the read budget and what the program had before; beside it somebody who has
//! nothing to do with it asks and writes, and is always answered.

#![cfg(target_os = "linux")]

mod attacks;
mod bystander;
mod witness;

use serde_json::json;
use synod::client::Client;
use uuid::Uuid;

use self::bystander::Bystander;
use self::witness::Witness;
use crate::support::agent::{Agent, Asked, Does, logs, script};
use crate::support::database::Fresh;
use crate::support::patience::eventually;
use crate::support::process::Process;
use crate::support::raw::Raw;
use crate::support::server::{agents, meeting};

const MB: usize = 1_048_576;
/// Of the program under attack. Rates are not what is tested here.
const FLAGS: &[&str] = &[
    "--read-budget-mb",
    "64",
    "--rate-per-token-per-s",
    "1000000",
    "--burst-per-token",
    "1000000",
];
const BUDGET_BYTES: usize = 64 * MB;
/// What it may have beside the budget: buffers of a thousand sockets, and what its allocator keeps.
const BESIDE_BYTES: usize = 300 * MB;
/// What may be left of it half a minute after an attack.
const LEFT_BYTES: usize = 100 * MB;
/// An opinion or a reason of the largest size.
const LONG_BYTES: usize = 262_144;

/// A program, and somebody who uses it and has nothing to do with the attack.
struct Scene {
    server: Process,
    bystander: Bystander,
    _database: Fresh,
}

impl Scene {
    async fn set() -> Self {
        let fresh = Fresh::sqlite().await;
        let server = Process::serve_with(&fresh, FLAGS).await;
        let bystander = Bystander::of(&server.admin).await;
        Self {
            server,
            bystander,
            _database: fresh,
        }
    }

    /// Holds what the program does under an attack against what it did before. The attack begins
    /// when `begin` is awaited and is over when its value is dropped.
    async fn attacked<T>(mut self, name: &str, begin: impl Future<Output = T>) {
        let quiet = self.bystander.ask_and_write().await;
        let before = self.server.memory_bytes();
        let witness = Witness::watch(&self.server);
        let attack = begin.await;
        let attacked = self.bystander.ask_and_write().await;
        drop(attack);
        let most = witness.most();
        println!(
            "{name}: {} MB before, {} MB at most; a bystander was refused {} times, and waited \
             {attacked}; when it was quiet {quiet}",
            before / MB,
            most / MB,
            attacked.refused,
        );
        assert_eq!(attacked.refused, 0, "{name}: everybody else is answered");
        let bound = BUDGET_BYTES + BESIDE_BYTES;
        assert!(most < bound, "{name}: {} MB", most / MB);
        let left = eventually("the memory is given back", || async {
            let now = self.server.memory_bytes();
            (now < before + LEFT_BYTES).then_some(now)
        })
        .await;
        println!("{name}: {} MB are left", left / MB);
    }
}

/// A meeting that is over, with 40 opinions of the largest size: 10 MB of journal.
async fn long_meeting(server: &Client) -> (Uuid, Agent) {
    let [ada, ben] = agents(server, ["ada", "ben"]).await;
    let settings = json!({"max_discussion_rounds": 20, "start": "when_all_joined"});
    let meeting = meeting(server, &[&ada, &ben], settings).await;
    let at_length = || {
        script(|asked| match asked {
            Asked::ToSpeak(_) => Does::Says("x".repeat(LONG_BYTES)),
            Asked::ToVote(_) => Does::Votes(Some(false)),
        })
    };
    let attending = [&ada, &ben].map(|agent| agent.attend(meeting, at_length()));
    drop(logs(attending).await);
    (meeting, ada)
}

#[tokio::test]
async fn sockets_that_nobody_reads_take_no_more_than_the_budget() {
    let scene = Scene::set().await;
    let admin = scene.server.admin.clone();
    let (meeting, _) = long_meeting(&admin).await;
    let attack = attacks::unread_sockets(&admin, meeting);
    scene.attacked("unread sockets", attack).await;
}

#[tokio::test]
async fn answers_that_nobody_reads_take_no_more_than_the_budget() {
    let scene = Scene::set().await;
    let admin = scene.server.admin.clone();
    let (meeting, ada) = long_meeting(&admin).await;
    let attack = attacks::unread_answers(&admin, &ada.token, meeting);
    scene.attacked("unread answers", attack).await;
}

#[tokio::test]
async fn slow_agents_that_resume_take_no_more_than_the_budget() {
    let scene = Scene::set().await;
    let admin = scene.server.admin.clone();
    let attack = attacks::slow_agents(&admin);
    scene.attacked("slow agents", attack).await;
}
