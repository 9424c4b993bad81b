//! Frames that hold everybody's words show no more than [`Limits::WORDS_MAX_BYTES`] of them.
//!
//! Short texts are shown whole; the long ones share what is left equally (max-min fairness), each
//! cut between two characters and marked with `cut: true`. The journal keeps all of them, and
//! `GET /meetings/{id}` has them.

use std::borrow::Cow;

use serde_json::Value;

use super::journal;
use crate::config::Limits;
use crate::domain::{CastVote, Event};

/// The most bytes that each of these texts may show so that all of them together show at most
/// `most`; `usize::MAX` if all may be shown whole.
pub(super) fn share(lengths: impl IntoIterator<Item = usize>, most: usize) -> usize {
    let mut lengths: Vec<_> = lengths.into_iter().collect();
    lengths.sort_unstable();
    let mut room = most;
    for (before, length) in lengths.iter().enumerate() {
        let share = room / (lengths.len() - before);
        if *length > share {
            return share;
        }
        room -= length;
    }
    usize::MAX
}

/// The beginning of a text, and whether that is less than all of it.
pub(super) fn beginning(text: &str, most: usize) -> (&str, bool) {
    let shown = &text[..text.floor_char_boundary(most)];
    (shown, shown.len() < text.len())
}

/// What a frame tells of an event: its payload, without what is secret for now, and of the reasons
/// that a ballot was given no more than their beginnings where they are too long together.
pub(super) fn data<'a>(event: &Event, payload: &'a str) -> Cow<'a, str> {
    let cut = match event {
        Event::BallotClosed { .. } | Event::ConsensusReached { .. }
            if payload.len() > Limits::WORDS_MAX_BYTES =>
        {
            reasons_cut(event, Limits::WORDS_MAX_BYTES)
        }
        _ => None,
    };
    cut.map_or_else(|| journal::told(event, payload), Cow::Owned)
}

/// The payload of a ballot's end with its reasons cut; `None` if they need not be.
fn reasons_cut(event: &Event, most: usize) -> Option<String> {
    let mut event = event.clone();
    let (rationale, votes) = match &mut event {
        Event::BallotClosed { votes, .. } => (None, votes),
        Event::ConsensusReached {
            rationale, votes, ..
        } => (Some(rationale), votes),
        _ => return None,
    };
    // Of a decision both the votes and its rationale have all reasons.
    let most = if rationale.is_some() { most / 2 } else { most };
    let is_rationale_cut = rationale.is_some_and(|text| truncate(text, most));
    let share = share(votes.iter().map(reason_bytes), most);
    let cut: Vec<_> = votes
        .iter_mut()
        .map(|cast| (cast.vote.rationale.as_mut()).is_some_and(|text| truncate(text, share)))
        .collect();
    if !is_rationale_cut && !cut.contains(&true) {
        return None;
    }
    let mut data: Value = serde_json::from_str(&journal::encode(&event).payload).ok()?;
    for (nth, _) in cut.iter().enumerate().filter(|(_, is_cut)| **is_cut) {
        data["votes"][nth]["cut"] = true.into();
    }
    data["cut"] = true.into();
    Some(data.to_string())
}

fn reason_bytes(cast: &CastVote) -> usize {
    cast.vote.rationale.as_ref().map_or(0, String::len)
}

fn truncate(text: &mut String, most: usize) -> bool {
    let shown = beginning(text, most).0.len();
    let is_cut = shown < text.len();
    text.truncate(shown);
    is_cut
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::domain::{AgentId, Tally, Verdict, Vote, decision_rule::Count};

    #[test]
    fn short_texts_are_shown_whole_and_long_ones_share_the_rest() {
        assert_eq!(share([1, 2, 3], 6), usize::MAX);
        assert_eq!(share([9, 1, 9], 7), 3);
        assert_eq!(share([9, 9, 9], 9), 3);
        assert_eq!(share([], 0), usize::MAX);
    }

    #[test]
    fn a_text_is_cut_between_two_characters() {
        assert_eq!(beginning("a\u{e4}b", 2), ("a", true));
        assert_eq!(beginning("a\u{e4}b", 4), ("a\u{e4}b", false));
    }

    fn ballot(reasons: &[&str]) -> Event {
        let cast = |(nth, reason): (usize, &&str)| CastVote {
            agent: AgentId(Uuid::from_u128(nth as u128)),
            seq: 7,
            vote: Vote {
                agrees: Some(true),
                rationale: Some((*reason).to_owned()),
                confidence: None,
            },
        };
        Event::BallotClosed {
            round: 1,
            tally: Tally {
                votes: Count::default(),
                weight: Count::default(),
                quorum_met: true,
            },
            verdict: Verdict::Passed,
            votes: reasons.iter().enumerate().map(cast).collect(),
            secret: false,
        }
    }

    #[test]
    fn long_reasons_are_cut_and_say_so() {
        let event = ballot(&["short", "much longer than that"]);
        assert_eq!(reasons_cut(&event, 100), None);
        let cut = reasons_cut(&event, 13).unwrap();
        let cut: Value = serde_json::from_str(&cut).unwrap();
        let votes = [&cut["votes"][0], &cut["votes"][1]];
        assert_eq!(votes.map(|vote| &vote["rationale"]), ["short", "much lon"]);
        assert_eq!(
            votes.map(|vote| vote.get("cut")),
            [None, Some(&true.into())]
        );
        assert_eq!(cut["cut"], true);
    }

    #[test]
    fn what_is_within_the_bound_is_told_byte_for_byte() {
        let event = ballot(&["short"]);
        let payload = journal::encode(&event).payload;
        assert_eq!(data(&event, &payload), payload);
    }
}
