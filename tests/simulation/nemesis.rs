//! What goes wrong between and with the servers, when, and when it is well again.

use std::collections::BTreeMap;
use std::time::Duration;

use rand::RngExt;
use rand::rngs::StdRng;
use turmoil::Sim;

use super::plan::{between, dice};
use super::world::World;

/// Trouble.
#[derive(Clone, Debug)]
enum Trouble {
    /// Nothing passes between an agent and a server.
    Partition(String, String),
    /// Nothing passes in one direction.
    HalfOpen(String, String),
    /// All is late.
    Hold(String, String),
    /// The server is killed.
    Crash(String),
    /// The server is asked to stop.
    Stop(String),
}

/// All trouble to come, in order of time, each with its end.
pub(crate) struct Nemesis {
    begins: Vec<(Duration, Trouble)>,
    ends: BTreeMap<Duration, Trouble>,
    chaos: Duration,
}

impl Nemesis {
    pub(crate) fn draw(world: &World) -> Self {
        let dice = &mut dice(world.seed, "nemesis");
        let chaos = world.plan.chaos;
        let mut begins: Vec<_> = (0..dice.random_range(0..=10))
            .map(|_| {
                (
                    dice.random_range(Duration::ZERO..chaos),
                    trouble(world, dice),
                )
            })
            .collect();
        begins.sort_by_key(|(at, _)| std::cmp::Reverse(*at));
        let lasts = |(at, trouble): &(Duration, Trouble), dice: &mut StdRng| {
            (
                (*at + between(dice, 100..=8_000)).min(chaos),
                trouble.clone(),
            )
        };
        let mut ends = BTreeMap::new();
        for begin in &begins {
            let (mut at, trouble) = lasts(begin, dice);
            while ends.contains_key(&at) {
                at += Duration::from_millis(1);
            }
            ends.insert(at, trouble);
        }
        Self {
            begins,
            ends,
            chaos,
        }
    }

    /// Does what is due.
    pub(crate) fn act(&mut self, sim: &mut Sim<'_>, world: &World) {
        let now = sim.elapsed();
        while let Some((_, trouble)) = self.begins.pop_if(|(at, _)| *at <= now) {
            world
                .chronicle
                .note("nemesis", format!("begins {trouble:?}"));
            begin(sim, world, &trouble);
        }
        while let Some(entry) = self.ends.first_entry().filter(|entry| *entry.key() <= now) {
            let trouble = entry.remove();
            world.chronicle.note("nemesis", format!("ends {trouble:?}"));
            end(sim, &trouble);
        }
        if now >= self.chaos && self.begins.is_empty() && self.ends.is_empty() {
            world.calm_down();
            // One that was asked to stop takes a while.
            for server in &world.plan.servers {
                if !sim.is_host_running(server.as_str()) {
                    sim.bounce(server.as_str());
                }
            }
        }
    }
}

fn trouble(world: &World, dice: &mut StdRng) -> Trouble {
    let server = world.plan.servers[dice.random_range(0..world.plan.servers.len())].clone();
    let agent = format!("agent-{}", dice.random_range(0..world.plan.tempers.len()));
    match dice.random_range(0..7) {
        0 => Trouble::Partition(agent, server),
        1 => Trouble::HalfOpen(agent, server),
        2 => Trouble::HalfOpen(server, agent),
        3 => Trouble::Hold(agent, server),
        4 => Trouble::Stop(server),
        _ => Trouble::Crash(server),
    }
}

fn begin(sim: &mut Sim<'_>, world: &World, trouble: &Trouble) {
    match trouble {
        Trouble::Partition(one, other) => sim.partition(one.as_str(), other.as_str()),
        Trouble::HalfOpen(from, to) => sim.partition_oneway(from.as_str(), to.as_str()),
        Trouble::Hold(one, other) => sim.hold(one.as_str(), other.as_str()),
        Trouble::Crash(server) => {
            if sim.is_host_running(server.as_str()) {
                sim.crash(server.as_str());
            }
        }
        Trouble::Stop(server) => {
            if sim.is_host_running(server.as_str()) {
                world.stop(server).notify_one();
            }
        }
    }
}

fn end(sim: &mut Sim<'_>, trouble: &Trouble) {
    match trouble {
        Trouble::Partition(one, other) => sim.repair(one.as_str(), other.as_str()),
        Trouble::HalfOpen(from, to) => sim.repair_oneway(from.as_str(), to.as_str()),
        Trouble::Hold(one, other) => sim.release(one.as_str(), other.as_str()),
        Trouble::Crash(server) | Trouble::Stop(server) => {
            if !sim.is_host_running(server.as_str()) {
                sim.bounce(server.as_str());
            }
        }
    }
}
