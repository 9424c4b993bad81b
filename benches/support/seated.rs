//! A meeting of well-behaved agents, without sockets, JSON or a database.

use chrono::DateTime;
use synod::domain::{
    AgentId, Caller, Command, Created, DecisionId, Input, Meeting, MeetingId, MeetingType, Phase,
    Recorded, Settings, Vote,
};
use uuid::Uuid;

/// Of the meeting.
pub(crate) const AGENTS: usize = 20;
/// Of one opinion.
pub(crate) const OPINION_BYTES: usize = 300;

/// A meeting in its first turn with everybody there, and its journal until then.
pub(crate) fn seated(rounds: u32) -> (Meeting, Vec<Recorded>) {
    let agents: Vec<_> = (1..=AGENTS as u128)
        .map(|n| AgentId(Uuid::from_u128(n)))
        .collect();
    let created = Created {
        meeting: MeetingId(Uuid::from_u128(1)),
        topic: "What a rule costs".to_owned(),
        meeting_type: MeetingType::UserSpecified,
        settings: Settings {
            max_discussion_rounds: rounds,
            ..Settings::default()
        },
        moderator: None,
        participants: agents
            .iter()
            .map(|agent| (*agent, agent.to_string()))
            .collect(),
        related: Vec::new(),
        decision: DecisionId(Uuid::from_u128(2)),
    };
    let (mut meeting, first) = Meeting::create(DateTime::UNIX_EPOCH, created);
    let mut journal = vec![first];
    for agent in agents {
        let name = agent.to_string();
        journal.extend(step(&mut meeting, Input::Connected { agent, name }));
    }
    let start = Input::Command {
        from: Caller::Admin,
        command: Command::Start,
    };
    journal.extend(step(&mut meeting, start));
    (meeting, journal)
}

/// Plays a meeting to its end; every motion is rejected.
pub(crate) fn hold(mut meeting: Meeting, mut heard: impl FnMut(Vec<Recorded>)) -> Meeting {
    while !matches!(meeting.phase(), Phase::Concluded { .. }) {
        while let Some(input) = opinion(&meeting) {
            heard(step(&mut meeting, input));
        }
        for input in votes(&meeting) {
            heard(step(&mut meeting, input));
        }
    }
    meeting
}

/// One input, which is not refused.
pub(crate) fn step(meeting: &mut Meeting, input: Input) -> Vec<Recorded> {
    // Time stands still: no deadline comes near.
    meeting
        .handle(DateTime::UNIX_EPOCH, input)
        .expect("a well-behaved agent is not refused")
}

/// The opinion that is waited for.
pub(crate) fn opinion(meeting: &Meeting) -> Option<Input> {
    let Phase::Discussing {
        turn: Some(turn), ..
    } = meeting.phase()
    else {
        return None;
    };
    let command = Command::Speak {
        content: "o".repeat(OPINION_BYTES),
        proposal: None,
    };
    Some(Input::Command {
        from: Caller::Agent(turn.agent),
        command,
    })
}

/// The votes that are waited for.
pub(crate) fn votes(meeting: &Meeting) -> Vec<Input> {
    let Phase::Voting(ballot) = meeting.phase() else {
        return Vec::new();
    };
    let vote = |voter: &AgentId| {
        let vote = Vote {
            agrees: Some(false),
            rationale: None,
            confidence: Some(0.5),
        };
        Input::Command {
            from: Caller::Agent(*voter),
            command: Command::CastVote(vote),
        }
    };
    ballot.voters.iter().map(vote).collect()
}
