//! Settings and scripts drawn at random: agents that are silent, slow, loud, or not who they say.

use proptest::collection::{btree_map, vec};
use proptest::option;
use proptest::prelude::{Just, Strategy, any, prop_oneof};

use super::super::world;
use crate::domain::{
    Admission, AgentId, Caller, Created, DecisionRule, Ratio, Settings, Start, TurnOrder,
};

/// A meeting and everything that will happen to it.
#[derive(Clone, Debug)]
pub(super) struct Plot {
    pub(super) settings: Settings,
    /// How many of the agents are named when the meeting is created.
    pub(super) named: usize,
    /// Whether they are all there and the meeting begins before the first step.
    pub(super) seated: bool,
    pub(super) steps: Vec<Step>,
}

/// One thing that happens; agents are places in [`AGENTS`].
#[derive(Clone, Debug)]
pub(super) enum Step {
    /// Time passes, and every deadline in it fires at its instant.
    Wait(i64),
    /// A timer fires now, due or not.
    Timer,
    /// A timer fires now, unless it is due.
    EarlyTimer,
    /// Whoever is waited for does as asked: the holder of the turn speaks, the next voter votes.
    AsAsked {
        proposes: bool,
        answer: Option<bool>,
    },
    Speak(AgentId),
    Vote(AgentId, Option<bool>),
    Connect(AgentId),
    Disconnect(AgentId),
    Leave(AgentId),
    Join {
        by: Caller,
        who: AgentId,
    },
    Start(Caller),
    Pause(Caller),
    Resume(Caller),
    Cancel(Caller),
    /// Time passes, but no timer fires in it.
    StandStill(i64),
    /// The clock is set back.
    SetBack(i64),
    /// The server is down for so long, and comes back.
    Crash(i64),
    Stall,
    Fail,
}

/// Everyone there is; the last one moderates and is never named.
pub(super) const AGENTS: [AgentId; 6] = [
    world::A,
    world::B,
    world::C,
    world::D,
    world::letter('e'),
    world::M,
];

impl Plot {
    pub(super) fn created(&self) -> Created {
        world::created(&AGENTS[..self.named], self.settings.clone())
    }
}

/// Agents do what they like, but the server is well and the moderator lets the meeting run.
pub(super) fn undisturbed() -> impl Strategy<Value = Plot> {
    plot(step_of_agents())
}

/// Pauses, crashes, stalls and bad clocks as well.
pub(super) fn disturbed() -> impl Strategy<Value = Plot> {
    plot(step_disturbed())
}

fn plot(step: impl Strategy<Value = Step>) -> impl Strategy<Value = Plot> {
    let is_seated = prop_oneof![5 => Just(true), 1 => Just(false)];
    (settings(), 0..=4_usize, is_seated, vec(step, 0..60)).prop_map(
        |(settings, named, seated, steps)| Plot {
            settings,
            named,
            seated: seated && named > 0,
            steps,
        },
    )
}

pub(super) fn step_disturbed() -> impl Strategy<Value = Step> {
    let caller = || prop_oneof![3 => Just(Caller::Admin), 1 => agent().prop_map(Caller::Agent)];
    prop_oneof![
        60 => step_of_agents(),
        1 => caller().prop_map(Step::Pause),
        2 => caller().prop_map(Step::Resume),
        1 => (0..150_i64).prop_map(Step::StandStill),
        1 => (0..150_i64).prop_map(Step::SetBack),
        1 => (0..200_i64).prop_map(Step::Crash),
        1 => Just(Step::Stall),
        1 => prop_oneof![
            4 => Just(Step::Stall),
            1 => caller().prop_map(Step::Cancel),
            1 => Just(Step::Fail),
        ],
    ]
}

fn step_of_agents() -> impl Strategy<Value = Step> {
    let caller = || prop_oneof![Just(Caller::Admin), agent().prop_map(Caller::Agent)];
    prop_oneof![
        24 => (any::<bool>(), answer())
            .prop_map(|(proposes, answer)| Step::AsAsked { proposes, answer }),
        4 => (0..8_i64).prop_map(Step::Wait),
        2 => (0..80_i64).prop_map(Step::Wait),
        1 => Just(Step::Timer),
        2 => agent().prop_map(Step::Speak),
        4 => (agent(), answer()).prop_map(|(agent, answer)| Step::Vote(agent, answer)),
        3 => agent().prop_map(Step::Connect),
        3 => agent().prop_map(Step::Disconnect),
        1 => agent().prop_map(Step::Leave),
        1 => (caller(), agent()).prop_map(|(by, who)| Step::Join { by, who }),
        1 => caller().prop_map(Step::Start),
    ]
}

fn agent() -> impl Strategy<Value = AgentId> {
    (0..AGENTS.len()).prop_map(|place| AGENTS[place])
}

fn answer() -> impl Strategy<Value = Option<bool>> {
    prop_oneof![3 => Just(Some(true)), 3 => Just(Some(false)), 1 => Just(None)]
}

fn settings() -> impl Strategy<Value = Settings> {
    let turn_order = prop_oneof![
        Just(TurnOrder::Fixed),
        Just(TurnOrder::Rotate),
        any::<u64>().prop_map(|seed| TurnOrder::Shuffle { seed }),
    ];
    let admission = prop_oneof![3 => Just(Admission::Open), 1 => Just(Admission::Invited)];
    let start = prop_oneof![3 => Just(Start::Manual), 1 => Just(Start::WhenAllJoined)];
    let times = (1..=100_u32, 1..=100_u32, 0..=120_u32);
    (
        1..=3_u32,
        turn_order,
        times,
        admission,
        start,
        decision_rule(),
    )
        .prop_map(
            |(max_discussion_rounds, turn_order, times, admission, start, decision_rule)| {
                Settings {
                    max_discussion_rounds,
                    turn_order,
                    opinion_timeout_ms: times.0,
                    vote_timeout_ms: times.1,
                    reconnect_grace_ms: times.2,
                    admission,
                    start,
                    decision_rule,
                }
            },
        )
}

fn decision_rule() -> impl Strategy<Value = DecisionRule> {
    let thresholds = [
        Ratio::TWO_THIRDS,
        Ratio::new(3, 4),
        Ratio::new(3, 5),
        Ratio::ALL,
    ];
    let rule = prop_oneof![
        Just(DecisionRule::unanimous()),
        Just(DecisionRule::majority()),
        (0..thresholds.len()).prop_map(move |at| DecisionRule::supermajority(thresholds[at])),
    ];
    let quorum = option::weighted(0.2, (0..=4_u32).prop_map(|n| Ratio::new(n, 4)));
    let weights = btree_map(agent(), 1..5_u32, 0..3);
    (rule, quorum, weights, any::<bool>()).prop_map(|(rule, quorum, weights, blind)| DecisionRule {
        quorum: quorum.unwrap_or(rule.quorum),
        weights,
        blind,
        ..rule
    })
}
