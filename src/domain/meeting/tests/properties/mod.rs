//! What holds for every meeting, whatever its settings and whatever its agents do.
//!
//! [`plot`] draws settings and scripts, [`run`] plays them with a clock that fires every due deadline,
//! and witnesses look on: [`floor`] knows the rules of turns, [`electorate`] those of ballots, both from
//! nothing but the journal; [`identity`] compares who asked with what happened.

mod electorate;
mod floor;
mod identity;
mod plot;
mod run;

use std::collections::BTreeSet;

use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::TestRunner;
use proptest::{collection, proptest};

use self::electorate::Electorate;
use self::floor::Floor;
use self::plot::{Plot, Step, disturbed, undisturbed};
use self::run::{Run, play};
use super::super::Meeting;
use crate::domain::{Event, Outcome, Phase, invariants};

proptest! {
    #[test]
    fn at_most_one_agent_has_the_floor_and_only_it_adds_an_opinion(plot in disturbed()) {
        let mut run = play(&plot, |_| {});
        run.finish(|_| {});
        let mut floor = Floor::default();
        for recorded in run.journal() {
            floor.hear(recorded);
        }
    }

    #[test]
    fn nobody_is_waited_for_longer_than_its_turn_or_its_grace(plot in undisturbed()) {
        let mut run = play(&plot, |_| {});
        run.finish(|_| {});
        let mut floor = Floor::punctual();
        for recorded in run.journal() {
            floor.hear(recorded);
        }
    }

    #[test]
    fn nobody_is_counted_twice_and_nobody_votes_from_outside_the_electorate(plot in disturbed()) {
        let mut run = play(&plot, |_| {});
        run.finish(|_| {});
        let mut electorate = Electorate::default();
        for recorded in run.journal() {
            electorate.hear(recorded);
        }
    }

    #[test]
    fn nobody_acts_in_the_name_of_another_or_beyond_its_rights(plot in disturbed()) {
        play(&plot, identity::check);
    }

    #[test]
    fn the_numbers_have_no_gap_and_time_never_falls(plot in disturbed()) {
        let run = play(&plot, |_| {});
        for (expected, recorded) in (1..).zip(run.journal()) {
            assert_eq!(recorded.seq, expected);
        }
        assert!(run.journal().is_sorted_by_key(|recorded| recorded.at));
        assert_eq!(run.meeting().last_seq(), run.journal().len() as u64);
    }

    #[test]
    fn a_refusal_and_an_empty_answer_change_nothing(plot in disturbed()) {
        play(&plot, |step| match step.answer {
            Ok(events) if !events.is_empty() => {}
            Ok(_) | Err(_) => assert_eq!(step.before, step.after, "after {:?}", step.input),
        });
    }

    #[test]
    fn the_journal_folds_to_the_live_meeting_after_every_step(plot in disturbed()) {
        let check = |step: &run::Handled<'_>| {
            let folded = Meeting::fold(step.journal.iter().cloned());
            assert_eq!(folded.as_ref(), Ok(step.after), "after {:?}", step.input);
        };
        play(&plot, check).finish(check);
    }

    #[test]
    fn the_invariants_hold_after_every_step(plot in disturbed()) {
        let check = |step: &run::Handled<'_>| {
            assert_eq!(invariants::check(step.after), Ok(()), "after {:?}", step.input);
        };
        play(&plot, check).finish(check);
    }

    #[test]
    fn a_meeting_that_is_over_emits_nothing_whatever_comes(
        plot in disturbed(),
        more in collection::vec(plot::step_disturbed(), 1..40),
    ) {
        let mut run = play(&plot, |_| {});
        run.finish(|_| {});
        let (over, seq) = (run.meeting().clone(), run.meeting().last_seq());
        for step in &more {
            run.take(step, &mut |_| {});
        }
        assert_eq!(run.meeting(), &over);
        assert_eq!(run.journal().len() as u64, seq);
    }

    #[test]
    fn a_meeting_ends_in_its_bound_whatever_agents_do(plot in undisturbed()) {
        let mut run = play(&plot, |_| {});
        run.finish(|_| {});
        let (took, bound) = (run.took_ms(), run.bound_ms());
        assert!(took <= bound, "took {took} ms of {bound}");
    }

    #[test]
    fn a_disturbed_meeting_ends_in_its_bound_and_what_the_disturbances_took(plot in disturbed()) {
        let mut run = play(&plot, |_| {});
        run.finish(|_| {});
        let (took, bound) = (run.took_ms(), run.bound_ms() + run.disturbed_ms());
        assert!(took <= bound, "took {took} ms of {bound}");
    }

    #[test]
    fn a_running_meeting_always_waits_for_a_deadline_or_a_resume(plot in disturbed()) {
        play(&plot, |step| {
            let is_running = matches!(step.after.phase(), Phase::Discussing { .. } | Phase::Voting(_));
            let has_clock = step.after.deadline().is_some();
            assert_eq!(has_clock, is_running && step.after.paused_at().is_none());
        });
    }

    #[test]
    fn the_same_script_leaves_the_same_journal(plot in disturbed()) {
        let again = plot.clone();
        assert_eq!(play(&plot, |_| {}).journal(), play(&again, |_| {}).journal());
    }

    #[test]
    fn a_timer_that_fires_too_early_changes_nothing(plot in undisturbed()) {
        let mut nervous = plot.clone();
        let with_timer = |step: &Step| [step.clone(), Step::EarlyTimer];
        nervous.steps = plot.steps.iter().flat_map(with_timer).collect();
        assert_eq!(play(&plot, |_| {}).journal(), play(&nervous, |_| {}).journal());
    }
}

/// What the scripts of `plots` reach, so that no property above holds for want of cases.
fn reached(plots: impl Strategy<Value = Plot>) -> (BTreeSet<&'static str>, Vec<Run>) {
    let mut runner = TestRunner::deterministic();
    let mut words = BTreeSet::new();
    let mut runs = Vec::new();
    for _ in 0..400 {
        let plot = plots.new_tree(&mut runner).expect("no filter").current();
        let mut run = play(&plot, |step| {
            if let Err(refusal) = step.answer {
                words.insert(refusal.code());
            }
        });
        run.finish(|_| {});
        for recorded in run.journal() {
            words.insert(word(&recorded.event));
        }
        runs.push(run);
    }
    (words, runs)
}

#[test]
fn the_scripts_reach_every_event_every_outcome_and_every_refusal() {
    let (words, _) = reached(disturbed());
    let kinds = [
        "participant added",
        "joined",
        "disconnected",
        "left",
        "started",
        "round",
        "turn",
        "opinion",
        "timeout",
        "ballot",
        "vote",
        "ballot closed",
        "decided",
        "paused",
        "resumed",
        "moved",
        "recovered",
    ];
    let refusals = [
        "not_your_turn",
        "no_open_ballot",
        "already_voted",
        "not_a_participant",
        "already_participant",
        "forbidden",
        "no_participants",
        "meeting_not_in_progress",
        "meeting_already_started",
        "meeting_over",
        "meeting_paused",
        "meeting_not_paused",
    ];
    let outcomes = Outcome::ALL.iter().map(|outcome| outcome.as_str());
    let missing: Vec<_> = kinds
        .into_iter()
        .chain(refusals)
        .chain(outcomes)
        .filter(|word| !words.contains(word))
        .collect();
    assert_eq!(missing, [""; 0]);
}

#[test]
fn the_scripts_come_close_to_the_bound_of_liveness() {
    let (_, runs) = reached(undisturbed());
    let share = |run: &Run| run.took_ms() * 100 / run.bound_ms();
    let most = runs.iter().map(share).max();
    assert!(most > Some(90), "the slowest took {most:?} % of its bound");
}

fn word(event: &Event) -> &'static str {
    match event {
        Event::MeetingCreated(_) => "created",
        Event::ParticipantAdded { .. } => "participant added",
        Event::AgentJoined { .. } => "joined",
        Event::AgentLeft { reason, .. } => reason.as_str(),
        Event::MeetingStarted { .. } => "started",
        Event::RoundOpened { .. } => "round",
        Event::TurnOpened { .. } => "turn",
        Event::OpinionPresented { .. } => "opinion",
        Event::TurnTimedOut { .. } => "timeout",
        Event::BallotOpened { .. } => "ballot",
        Event::VoteRecorded { .. } => "vote",
        Event::BallotClosed { .. } => "ballot closed",
        Event::ConsensusReached { .. } => "decided",
        Event::MeetingCompleted { outcome, .. } => outcome.as_str(),
        Event::MeetingCancelled { .. } => Outcome::Cancelled.as_str(),
        Event::MeetingFailed { .. } => Outcome::Failed.as_str(),
        Event::Paused { .. } => "paused",
        Event::Resumed { .. } => "resumed",
        Event::DeadlineMoved { .. } => "moved",
        Event::MeetingRecovered { .. } => "recovered",
    }
}
