//! What a meeting says of itself when it ends: the rationale of a decision, the points of a
//! discussion that came to none.

use std::fmt::Write;

use super::super::{CastVote, Rule, Tally, roster::Roster};
use super::Meeting;

/// The rule, the count and the round, and the voters' own reasons.
pub(super) fn rationale(meeting: &Meeting, tally: Tally, votes: &[CastVote]) -> String {
    let decision_rule = &meeting.settings().decision_rule;
    let rule = match decision_rule.rule {
        Rule::Unanimous => "unanimous consent".to_owned(),
        Rule::Majority => "majority".to_owned(),
        Rule::Supermajority { threshold } => {
            format!(
                "supermajority of {}/{}",
                threshold.numerator, threshold.denominator
            )
        }
    };
    let mut text = format!(
        "Passed by {rule} in round {}: {}.",
        meeting.round,
        count(tally)
    );
    for cast in votes {
        if let Some(reason) = &cast.vote.rationale {
            let (name, answer) = (meeting.roster.name(cast.agent), cast.vote.answer());
            let _ = write!(text, "\n{name} ({answer}): {reason}");
        }
    }
    text
}

/// Every motion that was voted on, and where each participant last stood.
pub(super) fn of(meeting: &Meeting) -> String {
    let mut text = format!(
        "No decision after {} of {} rounds.",
        meeting.round,
        meeting.settings().max_discussion_rounds
    );
    for ballot in &meeting.ballots {
        let (round, verdict, motion) = (
            ballot.round,
            ballot.verdict.as_str(),
            excerpt(&ballot.motion),
        );
        let _ = write!(
            text,
            "\nRound {round}, {verdict} ({}): {motion}",
            count(ballot.tally)
        );
    }
    text.push_str(&positions(meeting, &meeting.roster));
    text
}

fn positions(meeting: &Meeting, roster: &Roster) -> String {
    let mut text = String::new();
    for (agent, words) in &meeting.positions {
        let _ = write!(
            text,
            "\n{} last said: {}",
            roster.name(*agent),
            excerpt(words)
        );
    }
    text
}

fn count(tally: Tally) -> String {
    let votes = tally.votes;
    let quorum = if tally.quorum_met {
        "quorum met"
    } else {
        "quorum not met"
    };
    let mut text = format!(
        "{} of {} voted, {} agree, {} disagree, {} abstain, {quorum}",
        votes.cast, votes.eligible, votes.agree, votes.disagree, votes.abstain
    );
    if tally.weight != votes {
        let weight = tally.weight;
        let _ = write!(
            text,
            "; by weight {} agree, {} disagree of {}",
            weight.agree, weight.disagree, weight.eligible
        );
    }
    text
}

fn excerpt(words: &str) -> String {
    match words.char_indices().nth(MAX_EXCERPT_CHARS) {
        Some((end, _)) => format!("{}…", &words[..end]),
        None => words.to_owned(),
    }
}

/// Enough of each position to recognise it; the whole words stand in the journal.
const MAX_EXCERPT_CHARS: usize = 280;
