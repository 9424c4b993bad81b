//! How the golden journals were made: meetings played by the rules of their day, at a time of their own.
//!
//! A journal that has its file is not made again, so these plays need not give the same under later rules.

use chrono::{DateTime, TimeDelta, Utc};
use synod::actors::journal;
use synod::domain::{
    Admission, AgentId, Caller, Command, CommunicationId, Created, DecisionId, DecisionRule, Input,
    Meeting, MeetingId, MeetingType, Phase, Ratio, Recorded, Rule, Settings, Start, TurnOrder,
    Vote,
};
use synod::storage::JournalRow;
use uuid::Uuid;

/// A journal's name, and how it was made.
pub(crate) type Golden = (&'static str, fn() -> Play);

/// All of them.
pub(crate) const ALL: [Golden; 5] = [
    ("decided", decided),
    ("blind", blind),
    ("interrupted", interrupted),
    ("cancelled", cancelled),
    ("failed", failed),
];

const ADA: AgentId = agent(0xa);
const BEN: AgentId = agent(0xb);
const CHO: AgentId = agent(0xc);
const DAN: AgentId = agent(0xd);

const fn agent(n: u128) -> AgentId {
    AgentId(Uuid::from_u128(
        0x0190_0000_0000_7000_8000_0000_0000_0000 + n,
    ))
}

/// A meeting while it is played.
pub(crate) struct Play {
    meeting: Meeting,
    now: DateTime<Utc>,
    epoch: u64,
    rows: Vec<JournalRow>,
}

impl Play {
    fn of(n: u128, settings: Settings, change: impl FnOnce(&mut Created)) -> Self {
        let named = [(ADA, "Ada"), (BEN, "Ben"), (CHO, "蝶")];
        let mut created = Created {
            meeting: MeetingId(Uuid::from_u128(n)),
            topic: "Wo treffen wir uns? \u{1f9ed} \"\\\u{7f}".to_owned(),
            meeting_type: MeetingType::UserSpecified,
            settings,
            moderator: Some(ADA),
            participants: named.map(|(agent, name)| (agent, name.to_owned())).into(),
            related: Vec::new(),
            decision: DecisionId(Uuid::from_u128(n << 64)),
        };
        change(&mut created);
        let now = "2026-01-02T03:04:05.678901Z".parse().expect("a time");
        let (meeting, first) = Meeting::create(now, created);
        let mut play = Self {
            meeting,
            now,
            epoch: 0,
            rows: Vec::new(),
        };
        play.keep(vec![first], None);
        play.epoch = 1;
        play
    }

    pub(crate) fn rows(self) -> Vec<JournalRow> {
        self.rows
    }

    fn keep(&mut self, events: Vec<Recorded>, mut frame_id: Option<String>) {
        for recorded in events {
            let entry = journal::entry(recorded, frame_id.take());
            self.rows.push(JournalRow {
                seq: entry.recorded.seq,
                epoch: self.epoch,
                kind: entry.kind.to_owned(),
                version: entry.version,
                at: entry.recorded.at,
                payload: entry.payload,
                frame_id: entry.frame_id,
            });
        }
    }

    fn take(mut self, input: Input, frame_id: Option<String>) -> Self {
        self.now += TimeDelta::microseconds(1_234_567);
        let events = self
            .meeting
            .handle(self.now, input)
            .expect("the play goes by the rules");
        self.keep(events, frame_id);
        self
    }

    fn asks(self, from: Caller, command: Command, id: Option<&str>) -> Self {
        let id = id.map(|id| format!("{id:?}"));
        self.take(Input::Command { from, command }, id)
    }

    fn come(self, agents: &[(AgentId, &str)]) -> Self {
        let come = |play: Self, (agent, name): &(AgentId, &str)| {
            play.take(
                Input::Connected {
                    agent: *agent,
                    name: (*name).to_owned(),
                },
                None,
            )
        };
        agents.iter().fold(self, come)
    }

    fn all_come(self) -> Self {
        self.come(&[(ADA, "Ada"), (BEN, "Ben"), (CHO, "蝶")])
    }

    fn goes(self, agent: AgentId) -> Self {
        self.take(Input::Disconnected { agent }, None)
    }

    fn says(self, agent: AgentId, content: &str, proposal: Option<&str>) -> Self {
        let (content, proposal) = (content.to_owned(), proposal.map(str::to_owned));
        let id = format!("said {}", self.rows.len());
        self.asks(
            Caller::Agent(agent),
            Command::Speak { content, proposal },
            Some(&id),
        )
    }

    fn votes(
        self,
        agent: AgentId,
        agrees: Option<bool>,
        rationale: Option<&str>,
        confidence: Option<f64>,
    ) -> Self {
        let vote = Vote {
            agrees,
            rationale: rationale.map(str::to_owned),
            confidence,
        };
        let id = format!("voted {}", self.rows.len());
        self.asks(Caller::Agent(agent), Command::CastVote(vote), Some(&id))
    }

    fn starts(self) -> Self {
        self.asks(Caller::Agent(ADA), Command::Start, Some("a key of REST"))
    }

    /// Lets the time pass until nobody is waited for any longer.
    fn waits(mut self) -> Self {
        self.now = self.meeting.deadline().expect("somebody is waited for");
        self.take(Input::DeadlineReached, None)
    }

    fn later(mut self, ms: i64) -> Self {
        self.now += TimeDelta::milliseconds(ms);
        self
    }

    /// Another server takes over.
    fn taken_over(mut self) -> Self {
        self.epoch += 1;
        self.take(Input::Recovered, None)
    }
}

/// Two rounds by rotation: somebody comes later, somebody leaves for good, one is silent, one comes back; then all agree.
fn decided() -> Play {
    let settings = Settings {
        turn_order: TurnOrder::Rotate,
        ..Settings::default()
    };
    let related = |created: &mut Created| created.related = vec![CommunicationId(agent(0xff).0)];
    Play::of(1, settings, related)
        .all_come()
        .starts()
        .says(ADA, "Zuerst ich.\nUnd noch eine Zeile.", None)
        .come(&[(DAN, "Dan")])
        .goes(BEN)
        .come(&[(BEN, "Ben")])
        .says(
            BEN,
            "At the café, \"of course\".",
            Some("We meet at the café."),
        )
        .waits()
        .votes(ADA, Some(true), Some("It has tea."), Some(0.1))
        .votes(BEN, None, None, None)
        .votes(CHO, Some(false), Some(""), Some(1.0))
        .votes(DAN, Some(true), None, Some(0.0))
        .says(BEN, "Again.", None)
        .asks(Caller::Agent(CHO), Command::Leave, Some("adieu"))
        .says(DAN, "Me too.", None)
        .says(ADA, "Then so be it.", None)
        .votes(ADA, Some(true), Some("Yes."), None)
        .votes(BEN, Some(true), None, Some(0.5))
        .votes(DAN, Some(true), None, None)
}

/// Blind votes with weights, which do not reach two thirds; one of them is missing.
fn blind() -> Play {
    let decision_rule = DecisionRule {
        rule: Rule::Supermajority {
            threshold: Ratio::new(2, 3),
        },
        quorum: Ratio::new(3, 5),
        weights: [(ADA, 3), (BEN, 0), (CHO, 2)].into(),
        blind: true,
    };
    let settings = Settings {
        max_discussion_rounds: 1,
        turn_order: TurnOrder::Shuffle { seed: 7 },
        start: Start::WhenAllJoined,
        decision_rule,
        ..Settings::default()
    };
    let mut play = Play::of(2, settings, |_| {}).all_come();
    while let Phase::Discussing {
        turn: Some(turn), ..
    } = play.meeting.phase()
    {
        let speaker = turn.agent;
        play = play.says(speaker, "I say nothing yet.", None);
    }
    play.votes(ADA, Some(true), Some("a secret reason"), Some(0.75))
        .votes(CHO, Some(false), None, None)
        .waits()
}

/// Two take-overs and a stall; then the journal ends in the middle of a blind ballot, with a vote in it.
fn interrupted() -> Play {
    let decision_rule = DecisionRule {
        blind: true,
        ..DecisionRule::unanimous()
    };
    let settings = Settings {
        opinion_timeout_ms: 40_000,
        decision_rule,
        ..Settings::default()
    };
    Play::of(3, settings, |_| {})
        .all_come()
        .starts()
        .later(39_000)
        .taken_over()
        .all_come()
        .says(ADA, "I was interrupted.", None)
        .goes(BEN)
        .waits()
        .later(15_000)
        .take(Input::Stalled, None)
        .says(CHO, "Where were we?", None)
        .votes(CHO, Some(true), Some("hush"), None)
        .taken_over()
        .come(&[(CHO, "蝶")])
}

/// Paused twice, and cancelled while it stands still.
fn cancelled() -> Play {
    let settings = Settings {
        admission: Admission::Invited,
        ..Settings::default()
    };
    let reason = Some("no more time".to_owned());
    Play::of(4, settings, |_| {})
        .all_come()
        .starts()
        .asks(Caller::Agent(ADA), Command::Pause, None)
        .asks(Caller::Admin, Command::Resume, None)
        .says(ADA, "Go on.", None)
        .asks(Caller::Admin, Command::Pause, Some("another key"))
        .asks(Caller::Agent(ADA), Command::Cancel { reason }, None)
}

/// Nobody moderates it, and the server gives it up.
fn failed() -> Play {
    let auto = |created: &mut Created| {
        created.meeting_type = MeetingType::AutoGenerated;
        created.moderator = None;
    };
    let reason = "it failed 4 times in a row on the server".to_owned();
    Play::of(5, Settings::default(), auto)
        .come(&[(BEN, "Ben")])
        .asks(Caller::Admin, Command::Start, None)
        .take(Input::Fail { reason }, None)
}
