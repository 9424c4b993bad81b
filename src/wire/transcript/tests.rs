//! Whole meetings, played by the rules and told; in [`outbreak`], words that try to get out of their quotes.

mod outbreak;

use chrono::{DateTime, TimeDelta, Utc};
use expect_test::expect;
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
    expect![[r"
        # Tea or coffee?

        - Meeting `00000000-0000-0000-0000-000000000001`
        - Status: completed, majority
        - Created: 2030-03-17 17:46:40 UTC
        - Started: 2030-03-17 17:46:43 UTC
        - Ended: 2030-03-17 17:51:46 UTC
        - Moderator: Ada
        - Participants: Ada, Ben
        - Rules: at most 1 round, decided by majority
        - Prompted by message `00000000-0000-0000-0000-000000000002`

        ## Opening

        - 17:46:41 Ada joined.
        - 17:46:42 Ben joined.
        - 17:46:43 The meeting was started by Ada.

        ## Round 1

        Speaking order: Ada, Ben.

        **Ada**, 17:46:44:

        > \# Tea
        >
        > \`\`\`\
        > because_of: \*leaves\*\
        >   \- green

        and proposes:

        > Tea, at 5 o'clock.

        - 17:51:44 Ben did not speak in time.

        ### Ballot of round 1

        The motion, put forward by Ada:

        > Tea, at 5 o'clock.

        Voters, until 17:54:44: Ada, Ben.

        - 17:51:45 Ada agrees, 90 % sure:
          > It is \<b>mine\</b>.\
          > \> It was.
        - 17:51:46 Ben abstains, 90 % sure.

        **Result, 17:51:46: passed.** 2 of 2 voted: 1 agree, 0 disagree, 1 abstain; quorum met.

        ## Decision

        Decided at 17:51:46, as Ada put it:

        > Tea, at 5 o'clock.

        Because:

        > Passed by majority in round 1: 2 of 2 voted, 1 agree, 0 disagree, 1 abstain, quorum met.\
        > Ada (agree): It is \<b>mine\</b>.\
        > \> It was.

        Decision `00000000-0000-0000-0000-000000000003`

        ## End

        17:51:46 The meeting was completed with the outcome majority.
    "]]
    .assert_eq(&decided().told().to_markdown());
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
    expect![[r"
        # Tea or coffee?

        - Meeting `00000000-0000-0000-0000-000000000001`
        - Status: completed, no consensus
        - Created: 2030-03-17 17:46:40 UTC
        - Started: 2030-03-17 17:46:42 UTC
        - Ended: 2030-03-18 17:46:50 UTC
        - Moderator: Ada
        - Participants: Ada, Ben
        - Rules: at most 1 round, decided by majority, blind ballots
        - Prompted by message `00000000-0000-0000-0000-000000000002`

        ## Opening

        - 17:46:41 Ada joined.
        - 17:46:42 The meeting was started by Ada.

        ## Round 1

        Speaking order: Ada, Ben.

        - 17:46:43 The meeting was paused by Ada.
        - 2030-03-18 17:46:43 The meeting was resumed.

        **Ada**, 2030-03-18 17:46:44:

        > Coffee.

        - 2030-03-18 17:46:45 The server came back.
        - 2030-03-18 17:46:46 Ada came back.
        - 2030-03-18 17:46:47 Ben joined.

        **Ben**, 2030-03-18 17:46:48:

        > Tea.

        ### Ballot of round 1

        The motion, put forward by Ben:

        > Tea.

        Voters, until 2030-03-18 17:49:48: Ada, Ben.

        - 2030-03-18 17:46:49 Ada voted in secret.
        - 2030-03-18 17:46:50 Ben left for good.

        The votes were:

        - Ada disagrees, 90 % sure:
          > a secret reason

        **Result, 2030-03-18 17:46:50: rejected.** 1 of 2 voted: 0 agree, 1 disagree, 0 abstain; quorum met.

        ## End

        2030-03-18 17:46:50 The meeting was completed with the outcome no consensus:

        > No decision after 1 of 1 rounds.\
        > Round 1, rejected (1 of 2 voted, 0 agree, 1 disagree, 0 abstain, quorum met): Tea.\
        > Ada last said: Coffee.\
        > Ben last said: Tea.
    "]].assert_eq(&play.told().to_markdown());
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
    expect![[r#"
        {
          "meeting": {
            "id": "00000000-0000-0000-0000-000000000001",
            "topic": "Tea?",
            "meeting_type": "user_specified",
            "status": "in_progress",
            "outcome": null,
            "created_at": "2030-03-17T17:46:40Z",
            "started_at": "2030-03-17T17:46:41Z",
            "completed_at": null,
            "moderator": {
              "agent_id": "00000000-0000-0000-0000-00000000000a",
              "name": "Ada"
            },
            "participants": [
              {
                "agent_id": "00000000-0000-0000-0000-00000000000a",
                "name": "Ada"
              },
              {
                "agent_id": "00000000-0000-0000-0000-00000000000b",
                "name": "Ben"
              }
            ],
            "settings": {
              "max_discussion_rounds": 1,
              "turn_order": "fixed",
              "opinion_timeout_ms": 300000,
              "vote_timeout_ms": 180000,
              "reconnect_grace_ms": 30000,
              "admission": "open",
              "start": "manual",
              "decision_rule": {
                "rule": "unanimous",
                "quorum": 1.0,
                "weights": {},
                "blind": false
              }
            },
            "related_communication_ids": [
              "00000000-0000-0000-0000-000000000002"
            ],
            "last_seq": 6
          },
          "entries": [
            {
              "seq": 2,
              "at": "2030-03-17T17:46:41Z",
              "kind": "meeting_started",
              "by": {
                "agent_id": "00000000-0000-0000-0000-00000000000a",
                "name": "Ada"
              }
            },
            {
              "seq": 3,
              "at": "2030-03-17T17:46:41Z",
              "kind": "round_opened",
              "round": 1,
              "order": [
                {
                  "agent_id": "00000000-0000-0000-0000-00000000000a",
                  "name": "Ada"
                },
                {
                  "agent_id": "00000000-0000-0000-0000-00000000000b",
                  "name": "Ben"
                }
              ]
            },
            {
              "seq": 5,
              "at": "2030-03-17T17:46:42Z",
              "kind": "opinion_presented",
              "round": 1,
              "agent": {
                "agent_id": "00000000-0000-0000-0000-00000000000a",
                "name": "Ada"
              },
              "content": "Tea.",
              "proposal": null
            }
          ]
        }"#]]
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
