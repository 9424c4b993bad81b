//! One run: what a seed makes of servers, agents and trouble, and whether all accounts of it agree.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::join_all;
use mad_turmoil::rand::set_rng;
use mad_turmoil::time::SimClocksGuard;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use synod::client::Network;
use synod::client::network::{Connecting, Stream};
use synod::storage::memory::Memory;
use tokio::sync::Notify;
use tokio::time::sleep;
use turmoil::Sim;
use turmoil::net::TcpStream;
use uuid::Uuid;

use super::agent::Sitter;
use super::chronicle::Chronicle;
use super::line::Line;
use super::nemesis::Nemesis;
use super::operator::Operator;
use super::plan::{Plan, dice};
use super::server::{self, PORT};
use super::temper::Temper;
use super::verdict;
use crate::log::Log;

/// What everyone in a run shares.
#[derive(Clone)]
pub(crate) struct World {
    pub(crate) seed: u64,
    pub(crate) plan: Rc<Plan>,
    pub(crate) chronicle: Chronicle,
    /// The one database of all servers.
    pub(crate) database: Rc<Memory>,
    /// Whether all trouble is over.
    pub(crate) is_calm: Arc<AtomicBool>,
    inner: Rc<Inner>,
}

#[derive(Default)]
struct Inner {
    known: RefCell<Option<Rc<Known>>>,
    heard: RefCell<Vec<Heard>>,
    sitters_left: Cell<usize>,
    stops: RefCell<BTreeMap<String, Arc<Notify>>>,
    boots: Cell<u64>,
}

/// What one sitter heard of one meeting.
pub(crate) struct Heard {
    pub(crate) meeting: Uuid,
    pub(crate) temper: Temper,
    pub(crate) log: Log,
}

/// The agents, with their tokens, and the meetings, once the operator has made them.
pub(crate) struct Known {
    pub(crate) agents: Vec<(Uuid, String)>,
    pub(crate) meetings: Vec<Uuid>,
}

/// The simulated network, as a client uses it.
pub(crate) struct Simulated;

impl Network for Simulated {
    fn connect(&self, host: String, port: u16) -> Connecting {
        Box::pin(async move {
            let stream = TcpStream::connect((host, port)).await?;
            Ok(Box::new(stream) as Box<dyn Stream>)
        })
    }
}

impl World {
    fn new(seed: u64) -> Self {
        Self {
            seed,
            plan: Rc::new(Plan::draw(seed)),
            chronicle: Chronicle::default(),
            database: Rc::new(Memory::new()),
            is_calm: Arc::default(),
            inner: Rc::default(),
        }
    }

    /// One of the servers.
    pub(crate) fn any_server(&self, dice: &mut StdRng) -> String {
        let servers = &self.plan.servers;
        format!(
            "http://{}:{PORT}",
            servers[dice.random_range(0..servers.len())]
        )
    }

    /// Counts the starts of servers.
    pub(crate) fn boot(&self, name: &str) -> u64 {
        self.inner.boots.set(self.inner.boots.get() + 1);
        self.inner
            .stops
            .borrow_mut()
            .insert(name.to_owned(), Arc::default());
        self.inner.boots.get()
    }

    /// What asks a server to stop.
    pub(crate) fn stop(&self, name: &str) -> Arc<Notify> {
        Arc::clone(
            self.inner
                .stops
                .borrow_mut()
                .entry(name.to_owned())
                .or_default(),
        )
    }

    pub(crate) fn calm_down(&self) {
        if !self.is_calm.swap(true, Ordering::Relaxed) {
            self.chronicle.note("nemesis", "all is calm");
        }
    }

    pub(crate) fn publish(&self, known: Known) {
        let connections = self.plan.tempers.iter().map(|temper| temper.connections());
        let sitters = connections.sum::<usize>() * known.meetings.len();
        self.inner.sitters_left.set(sitters);
        *self.inner.known.borrow_mut() = Some(Rc::new(known));
    }

    /// Whether every sitter has gone.
    pub(crate) fn all_left(&self) -> bool {
        self.inner.sitters_left.get() == 0
    }

    /// All that was heard, when all is over.
    pub(crate) fn take_heard(&self) -> Vec<Heard> {
        self.inner.heard.take()
    }

    async fn known(&self) -> Rc<Known> {
        loop {
            if let Some(known) = &*self.inner.known.borrow() {
                return Rc::clone(known);
            }
            sleep(LOOK).await;
        }
    }

    /// One agent: in all meetings, and on its line.
    async fn live(self, nth: usize) -> turmoil::Result {
        let known = self.known().await;
        let (agent, token) = known.agents[nth].clone();
        let other = known.agents[(nth + 1) % known.agents.len()].0;
        let name = format!("agent-{nth}");
        let temper = self.plan.tempers[nth];
        let mut sitters = Vec::new();
        for (m, meeting) in known.meetings.iter().enumerate() {
            for connection in 0..temper.connections() {
                let name = format!("{name}/{m}/{connection}");
                sitters.push(Sitter {
                    dice: dice(self.seed, &name),
                    world: self.clone(),
                    name,
                    agent,
                    other,
                    token: token.clone(),
                    meeting: *meeting,
                    temper,
                    log: Log::new(Some(agent), Some(0)),
                    unanswered: Vec::new(),
                });
            }
        }
        let sitting = sitters.into_iter().map(|sitter| {
            let (inner, meeting) = (Rc::clone(&self.inner), sitter.meeting);
            async move {
                let log = sitter.sit().await;
                let heard = Heard {
                    meeting,
                    temper,
                    log,
                };
                inner.heard.borrow_mut().push(heard);
                inner.sitters_left.set(inner.sitters_left.get() - 1);
            }
        });
        let line = Line {
            world: self.clone(),
            dice: dice(self.seed, &format!("{name} line")),
            name: format!("{name} line"),
            agent,
            token,
            // From its first message on.
            cursor: "0".to_owned(),
            told: BTreeSet::new(),
        };
        tokio::join!(join_all(sitting), line.listen());
        Ok(())
    }
}

/// Runs one seed to its end and checks all that is left of it.
pub(crate) fn run(seed: u64) -> Chronicle {
    set_rng(StdRng::seed_from_u64(seed));
    let _clocks = SimClocksGuard::init();
    let panics = count_panics();
    let world = World::new(seed);
    world.chronicle.note("plan", format!("{:?}", world.plan));
    let mut sim = build(&world);
    let mut nemesis = Nemesis::draw(&world);
    let bound = world.plan.bound();
    loop {
        nemesis.act(&mut sim, &world);
        match sim.step() {
            Ok(true) => break,
            Ok(false) => {}
            Err(error) => fail(&world, &error.to_string()),
        }
        if sim.elapsed() > bound {
            fail(&world, &format!("not over after {bound:?}"));
        }
    }
    drop(sim);
    let reached = verdict::reach(&world).now_or_never();
    reached.expect("this database never waits");
    // Actors outlive a panic, which nothing here may cause.
    assert_eq!(panics.load(Ordering::Relaxed), 0, "panics, shown above");
    world.chronicle
}

fn build(world: &World) -> Sim<'static> {
    let mut builder = turmoil::Builder::new();
    builder
        .rng_seed(world.seed)
        .simulation_duration(world.plan.bound() * 2)
        .tick_duration(TICK)
        .min_message_latency(Duration::from_millis(1))
        .max_message_latency(Duration::from_millis(30))
        .tcp_capacity(SEGMENTS_MAX);
    let mut sim = builder.build();
    for name in &world.plan.servers {
        let (world, name) = (world.clone(), name.clone());
        sim.host(name.clone(), move || {
            server::serve(world.clone(), name.clone())
        });
    }
    let operator = Operator {
        dice: dice(world.seed, "operator"),
        world: world.clone(),
    };
    sim.client("operator", async move {
        operator.work().await;
        Ok(())
    });
    for nth in 0..world.plan.tempers.len() {
        sim.client(format!("agent-{nth}"), world.clone().live(nth));
    }
    sim
}

/// Counts panics from now on, wherever they are caught.
fn count_panics() -> Arc<AtomicUsize> {
    let panics = Arc::new(AtomicUsize::new(0));
    let (count, show) = (Arc::clone(&panics), std::panic::take_hook());
    std::panic::set_hook(Box::new(move |panic| {
        count.fetch_add(1, Ordering::Relaxed);
        show(panic);
    }));
    panics
}

fn fail(world: &World, why: &str) -> ! {
    println!("{}", world.chronicle);
    panic!("{why}");
}

/// How finely simulated time goes.
const TICK: Duration = Duration::from_millis(5);
/// How often somebody looks.
const LOOK: Duration = Duration::from_millis(20);
/// More than anybody sends before it is read: the simulated network has no back-pressure of its own.
const SEGMENTS_MAX: usize = 65_536;
