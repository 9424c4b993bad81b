//! Whole meetings, played by the rules and told; in [`outbreak`], words that try to get out of their quotes.

mod outbreak;

use chrono::{DateTime, TimeDelta, Utc};
use expect_test::expect_file;
use uuid::Uuid;

use super::Transcript;
use crate::domain::{
    AgentId, Caller, Command, CommunicationId, Created, DecisionId, DecisionRule, Input, Meeting,
    MeetingId, MeetingType, Recorded, Settings, Vote,
};
use crate::wire::journal;

const ADA: AgentId = AgentId(Uuid::from_u128(0xa));
const BEN: AgentId = AgentId(Uuid::from_u128(0xb));

/// A meeting that is being played, and its journal so far.
struct Play {
    meeting: Meeting,
    journal: Vec<Recorded>,
    now: DateTime<Utc>,
}

impl Play {
    /// A meeting of two that has one round; Ada moderates.
    fn of(topic: &str, names: [&str; 2], decision_rule: DecisionRule) -> Self {
        let now = DateTime::from_timestamp(1_900_000_000, 0).unwrap();
        let settings = Settings {
            max_discussion_rounds: 1,
            decision_rule,
            ..Settings::default()
        };
        let created = Created {
            meeting: MeetingId(Uuid::from_u128(1)),
            topic: topic.to_owned(),
            meeting_type: MeetingType::UserSpecified,
            settings,
            moderator: Some(ADA),
            participants: vec![(ADA, names[0].to_owned()), (BEN, names[1].to_owned())],
            related: vec![CommunicationId(Uuid::from_u128(2))],
            decision: DecisionId(Uuid::from_u128(3)),
        };
        let (meeting, first) = Meeting::create(now, created);
        let journal = vec![first];
        Self {
            meeting,
            journal,
            now,
        }
    }

    /// One thing more, `seconds` later.
    fn then(mut self, seconds: i64, input: Input) -> Self {
        self.now += TimeDelta::seconds(seconds);
        self.journal
            .extend(self.meeting.handle(self.now, input).unwrap());
        self
    }

    fn does(self, agent: AgentId, command: Command) -> Self {
        let from = Caller::Agent(agent);
        self.then(1, Input::Command { from, command })
    }

    fn says(self, agent: AgentId, content: &str, proposal: Option<&str>) -> Self {
        let (content, proposal) = (content.to_owned(), proposal.map(str::to_owned));
        self.does(agent, Command::Speak { content, proposal })
    }

    fn votes(self, agent: AgentId, agrees: Option<bool>, rationale: Option<&str>) -> Self {
        let (rationale, confidence) = (rationale.map(str::to_owned), Some(0.9));
        self.does(
            agent,
            Command::CastVote(Vote {
                agrees,
                rationale,
                confidence,
            }),
        )
    }

    fn connects(self, agent: AgentId) -> Self {
        self.then(
            1,
            Input::Connected {
                agent,
                name: "by its token".to_owned(),
            },
        )
    }

    fn told(&self) -> Transcript {
        Transcript::of(&self.journal).unwrap()
    }
}

fn decided() -> Play {
    Play::of("Tea or coffee?", ["Ada", "Ben"], DecisionRule::majority())
        .connects(ADA)
        .connects(BEN)
        .does(ADA, Command::Start)
        .says(
            ADA,
            "# Tea\n\n```\nbecause_of: *leaves*\n  - green",
            Some("Tea, at 5 o'clock."),
        )
        .then(300, Input::DeadlineReached)
        .votes(ADA, Some(true), Some("It is <b>mine</b>.\n> It was."))
        .votes(BEN, None, None)
}

fn disturbed() -> Play {
    let blind = DecisionRule {
        blind: true,
        ..DecisionRule::majority()
    };
    Play::of("Tea or coffee?", ["Ada", "Ben"], blind)
        .connects(ADA)
        .does(ADA, Command::Start)
        .does(ADA, Command::Pause)
        .then(
            86_400,
            Input::Command {
                from: Caller::Admin,
                command: Command::Resume,
            },
        )
        .says(ADA, "Coffee.", None)
        .then(1, Input::Recovered)
        .connects(ADA)
        .connects(BEN)
        .says(BEN, "Tea.", None)
        .votes(ADA, Some(false), Some("a secret reason"))
}

#[test]
fn a_meeting_that_decided_reads_like_minutes() {
    expect_file!["tests/decided.md"].assert_eq(&decided().told().to_markdown());
}

#[test]
fn pauses_recoveries_and_departures_are_told_and_a_secret_vote_is_not() {
    let play = disturbed();
    let before = play.told();
    assert!(!before.to_markdown().contains("a secret reason"));
    assert!(
        !serde_json::to_string(&before)
            .unwrap()
            .contains("a secret reason")
    );
    let play = play.does(BEN, Command::Leave);
    expect_file!["tests/disturbed.md"].assert_eq(&play.told().to_markdown());
}

#[test]
fn a_meeting_that_was_cancelled_says_why() {
    let reason = Some("the kettle is broken".to_owned());
    let play = disturbed().does(ADA, Command::Cancel { reason });
    let cancelled = play.told().to_markdown();
    let end = "The meeting was cancelled by Ada:\n\n> the kettle is broken\n";
    assert!(cancelled.ends_with(end), "{cancelled}");
}

#[test]
fn as_json_it_is_typed_and_names_everyone() {
    let play = Play::of("Tea?", ["Ada", "Ben"], DecisionRule::unanimous())
        .does(ADA, Command::Start)
        .says(ADA, "Tea.", None);
    expect_file!["tests/begun.json"]
        .assert_eq(&serde_json::to_string_pretty(&play.told()).unwrap());
}

#[test]
fn its_words_for_what_happened_are_those_of_the_journal() {
    let mut plays = vec![decided(), disturbed()];
    plays.push(disturbed().then(
        1,
        Input::Fail {
            reason: "out of tea".to_owned(),
        },
    ));
    for play in plays {
        let told = serde_json::to_value(play.told()).unwrap();
        for entry in told["entries"].as_array().unwrap() {
            let seq = usize::try_from(entry["seq"].as_u64().unwrap()).unwrap();
            assert_eq!(entry["kind"], journal::kind(&play.journal[seq - 1].event));
        }
    }
}

#[test]
fn a_journal_with_a_hole_is_not_told() {
    let mut journal = decided().journal;
    journal.remove(3);
    assert!(Transcript::of(&journal).is_err());
}
