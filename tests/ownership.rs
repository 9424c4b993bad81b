//! Why every append locks the row that holds the meeting's epoch: a model of two servers that both believe to own a meeting,
//! explored in every order of steps.
//!
//! A server takes a meeting over by adding one to its epoch, reads the journal, and writes on. A write may be on its way for as
//! long as it likes, a paused server's longer than its successor's take-over. With the fence nothing goes wrong in any order; without
//! it, and where the epoch is only read before the write, the model finds the order in which it does.

use stateright::{Checker, Model, Property};

/// What the database looks at when a write arrives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fence {
    /// Only whether the number in the journal is free.
    None,
    /// The epoch, some time before the write.
    Read,
    /// The epoch, in the step that writes: the row is locked.
    Lock,
}

/// Two servers and a database.
struct Ownership {
    fence: Fence,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
struct State {
    epoch: u8,
    journal: Vec<Row>,
    servers: [Server; 2],
}

/// An event in the journal.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Row {
    seq: u8,
    epoch: u8,
    /// The epochs of all events that its writer had folded.
    known: Vec<u8>,
    /// The meeting's epoch when it was written.
    written_in: u8,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
struct Server {
    /// The epoch in which it believes to own the meeting; none if it does not.
    owns: Option<u8>,
    /// The epochs of the events that it has folded.
    known: Vec<u8>,
    /// Its write that is on its way.
    write: Option<Write>,
    /// What it has told its agents.
    told: Vec<(u8, u8)>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Write {
    row: Row,
    /// Whether the epoch was looked at and found right.
    is_checked: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Action {
    TakeOver(usize),
    Submit(usize),
    /// The epoch is read.
    Check(usize),
    /// The write arrives, and its server hears what came of it.
    Arrive(usize),
    /// The server dies, its write still on its way: nobody will hear of it.
    Crash(usize),
}

impl Model for Ownership {
    type State = State;
    type Action = Action;

    fn init_states(&self) -> Vec<State> {
        vec![State::default()]
    }

    fn actions(&self, state: &State, actions: &mut Vec<Action>) {
        for (nth, server) in state.servers.iter().enumerate() {
            if state.epoch < EPOCHS_MAX && server.write.is_none() {
                actions.push(Action::TakeOver(nth));
            }
            match &server.write {
                None if server.owns.is_some() && state.journal.len() < EVENTS_MAX => {
                    actions.push(Action::Submit(nth));
                }
                Some(write) => {
                    let must_check = self.fence == Fence::Read && !write.is_checked;
                    actions.push(if must_check {
                        Action::Check(nth)
                    } else {
                        Action::Arrive(nth)
                    });
                }
                None => {}
            }
            if server.owns.is_some() {
                actions.push(Action::Crash(nth));
            }
        }
    }

    fn next_state(&self, last: &State, action: Action) -> Option<State> {
        let mut state = last.clone();
        let State {
            epoch,
            journal,
            servers,
        } = &mut state;
        match action {
            Action::TakeOver(nth) => {
                *epoch += 1;
                let server = &mut servers[nth];
                server.owns = Some(*epoch);
                server.known = journal.iter().map(|row| row.epoch).collect();
            }
            Action::Submit(nth) => {
                let server = &mut servers[nth];
                let row = Row {
                    seq: u8::try_from(server.known.len()).ok()? + 1,
                    epoch: server.owns?,
                    known: server.known.clone(),
                    written_in: 0,
                };
                server.write = Some(Write {
                    row,
                    is_checked: false,
                });
            }
            Action::Check(nth) => {
                let server = &mut servers[nth];
                let write = server.write.as_mut()?;
                write.is_checked = write.row.epoch == *epoch;
                if !write.is_checked {
                    server.stop();
                }
            }
            Action::Arrive(nth) => {
                let server = &mut servers[nth];
                let Row { seq, epoch: by, .. } = server.write.as_ref()?.row;
                let is_free = journal.iter().all(|row| row.seq != seq);
                let is_owner = self.fence != Fence::Lock || by == *epoch;
                if !(is_free && is_owner) {
                    server.stop();
                    return Some(state);
                }
                let written_in = *epoch;
                let row = server.write.take()?.row;
                journal.push(Row { written_in, ..row });
                if server.owns == Some(by) {
                    server.known.push(by);
                    server.told.push((by, seq));
                }
            }
            Action::Crash(nth) => servers[nth].owns = None,
        }
        Some(state)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![
            Property::always("the journal has no gap", |_, state: &State| {
                let seqs = state.journal.iter().map(|row| usize::from(row.seq));
                seqs.eq(1..=state.journal.len())
            }),
            Property::always(ONE_OWNER, |_, state: &State| {
                let mut rows = state.journal.iter();
                rows.all(|row| row.epoch == row.written_in)
            }),
            Property::always("epochs never fall", |_, state: &State| {
                state.journal.is_sorted_by_key(|row| row.epoch)
            }),
            Property::always("what was told is kept", |_, state: &State| {
                let told = state.servers.iter().flat_map(|server| &server.told);
                told.into_iter().all(|told| {
                    let mut journal = state.journal.iter();
                    journal.any(|row| (row.epoch, row.seq) == *told)
                })
            }),
            Property::always(
                "who writes knows all that was written",
                |_, state: &State| {
                    let epochs: Vec<_> = state.journal.iter().map(|row| row.epoch).collect();
                    let mut rows = state.journal.iter().enumerate();
                    rows.all(|(place, row)| row.known == epochs[..place])
                },
            ),
            Property::sometimes("a meeting goes on at another server", |_, state: &State| {
                let by = |epoch| state.journal.iter().any(|row| row.epoch == epoch);
                by(1) && by(2)
            }),
        ]
    }
}

impl Server {
    /// It was fenced: it sends its agents away, and writes no more.
    fn stop(&mut self) {
        self.write = None;
        self.owns = None;
    }
}

#[test]
fn with_the_fence_nothing_goes_wrong_in_any_order() {
    let model = Ownership { fence: Fence::Lock };
    let checker = model.checker().spawn_bfs().join();
    assert!(checker.unique_state_count() > 1_000);
    checker.assert_properties();
}

#[test]
fn without_the_fence_a_paused_owner_writes_into_its_successors_journal() {
    for fence in [Fence::None, Fence::Read] {
        let checker = Ownership { fence }.checker().spawn_bfs().join();
        let found = checker.discovery(ONE_OWNER);
        let found = found.unwrap_or_else(|| panic!("{fence:?} holds"));
        let steps = found.into_actions();
        let take_overs = steps
            .iter()
            .filter(|step| matches!(step, Action::TakeOver(_)));
        assert!(take_overs.count() >= 2, "{fence:?}: {steps:?}");
    }
}

/// What the fence is for.
const ONE_OWNER: &str = "after a take-over only the new owner writes";
/// Take-overs in one run: enough for a server to come back.
const EPOCHS_MAX: u8 = 4;
/// Events in one run.
const EVENTS_MAX: usize = 4;
