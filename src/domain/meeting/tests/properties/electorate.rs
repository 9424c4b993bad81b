//! A witness of ballots: reads the journal, and counts again.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, TimeDelta, Utc};

use crate::domain::{
    AgentId, Ballot, CastVote, Event, LeaveReason, Motion, Outcome, Recorded, Rule, Settings,
    Tally, Verdict,
};

/// What the journal has said so far about votes.
#[derive(Debug, Default)]
pub(super) struct Electorate {
    settings: Settings,
    present: BTreeSet<AgentId>,
    round: u32,
    proposal: Option<Motion>,
    /// The last opinion really given in this round.
    opinion: Option<Motion>,
    open: Option<Open>,
    /// The last ballot that closed, and what it was about.
    closed: Option<(Motion, Tally, Verdict)>,
    decided: bool,
    paused: bool,
}

#[derive(Debug)]
struct Open {
    motion: Motion,
    voters: BTreeSet<AgentId>,
    votes: BTreeMap<AgentId, CastVote>,
    deadline: DateTime<Utc>,
}

impl Electorate {
    /// Takes the next event in, and objects if it breaks a rule of ballots.
    pub(super) fn hear(&mut self, recorded: &Recorded) {
        assert!(
            !self.decided || is_completion(&recorded.event),
            "after a decision: {recorded:?}"
        );
        self.attend(&recorded.event);
        self.listen(&recorded.event);
        self.count(recorded);
        self.keep_time(recorded);
    }

    fn attend(&mut self, event: &Event) {
        if let Event::MeetingCreated(created) = event {
            self.settings = created.settings.clone();
            let named = created.participants.iter();
            self.present = named.map(|(agent, _)| *agent).collect();
        } else if let Event::ParticipantAdded { agent, .. } = event {
            self.present.insert(*agent);
        } else if let Event::AgentLeft { agent, reason } = event
            && *reason == LeaveReason::Left
        {
            self.present.remove(agent);
        }
    }

    fn listen(&mut self, event: &Event) {
        if let Event::RoundOpened { round, .. } = event {
            assert!(self.open.is_none(), "a round opened during a ballot");
            self.round = *round;
            self.opinion = None;
        } else if let Event::OpinionPresented {
            agent,
            content,
            proposal,
            ..
        } = event
        {
            assert!(self.open.is_none(), "an opinion during a ballot");
            let proposed_by = *agent;
            let motion = |content: &String| Motion {
                content: content.clone(),
                proposed_by,
            };
            self.opinion = Some(motion(content));
            self.proposal = proposal
                .as_ref()
                .map(motion)
                .or_else(|| self.proposal.take());
        }
    }

    fn count(&mut self, recorded: &Recorded) {
        if let Event::BallotOpened {
            round,
            motion,
            voters,
            deadline,
        } = &recorded.event
        {
            let time = ms(self.settings.vote_timeout_ms);
            assert_eq!((*round, *deadline), (self.round, recorded.at + time));
            self.opened(motion, voters, *deadline);
        } else if let Event::VoteRecorded {
            round,
            agent,
            vote,
            secret,
        } = &recorded.event
        {
            let blind = self.settings.decision_rule.blind;
            assert_eq!((*round, *secret), (self.round, blind));
            let (agent, vote, seq) = (*agent, vote.clone(), recorded.seq);
            self.voted(recorded.at, CastVote { agent, seq, vote });
        } else if let Event::BallotClosed {
            tally,
            verdict,
            votes,
            ..
        } = &recorded.event
        {
            self.closed(recorded.at, *tally, *verdict, votes);
        } else if let Event::ConsensusReached { motion, tally, .. } = &recorded.event {
            let decided = (motion.clone(), *tally, Verdict::Passed);
            assert_eq!(self.closed, Some(decided), "decided is what was voted on");
            self.decided = true;
        } else if let Event::MeetingCompleted { outcome, summary } = &recorded.event {
            self.completed(*outcome, summary.is_some());
        }
    }

    fn keep_time(&mut self, recorded: &Recorded) {
        if let Event::Paused { .. } = recorded.event {
            self.paused = true;
        } else if let Event::Resumed { deadline, .. } = recorded.event {
            self.paused = false;
            self.moved(deadline);
        } else if let Event::DeadlineMoved { deadline } = recorded.event {
            self.moved(Some(deadline));
        } else if let Event::MeetingRecovered { deadline } = recorded.event {
            self.moved(deadline);
            let grace_end = recorded.at + ms(self.settings.reconnect_grace_ms);
            let kept = self.open.as_ref().map(|open| open.deadline);
            let is_kept = kept.is_none_or(|kept| kept >= grace_end);
            assert!(is_kept || self.paused, "no time to come back: {recorded:?}");
        }
    }

    fn opened(&mut self, motion: &Motion, voters: &[AgentId], deadline: DateTime<Utc>) {
        assert!(self.open.is_none(), "two ballots at once");
        let expected = self.proposal.as_ref().or(self.opinion.as_ref());
        assert_eq!(Some(motion), expected, "the motion");
        let electorate: BTreeSet<_> = voters.iter().copied().collect();
        assert_eq!(electorate.len(), voters.len(), "a voter is named twice");
        assert_eq!(
            electorate, self.present,
            "everyone who is in votes, and nobody else"
        );
        self.open = Some(Open {
            motion: motion.clone(),
            voters: electorate,
            votes: BTreeMap::new(),
            deadline,
        });
    }

    fn voted(&mut self, at: DateTime<Utc>, cast: CastVote) {
        assert!(!self.paused, "a vote in a pause");
        let agent = cast.agent;
        let open = self.open.as_mut().expect("a vote without a ballot");
        assert!(
            open.voters.contains(&agent),
            "a vote from outside the electorate"
        );
        assert!(self.present.contains(&agent), "a vote of somebody who left");
        assert!(at < open.deadline, "a vote after time was up");
        assert_eq!(open.votes.insert(agent, cast), None, "a second vote");
    }

    fn closed(&mut self, at: DateTime<Utc>, tally: Tally, verdict: Verdict, votes: &[CastVote]) {
        let open = self.open.take().expect("no ballot was open");
        let mut missing = open.voters.intersection(&self.present);
        let all_in = missing.all(|voter| open.votes.contains_key(voter));
        assert!(
            all_in || at >= open.deadline,
            "closed although votes could still come"
        );
        assert!(!self.paused || self.present.is_empty(), "closed in a pause");
        let counted: Vec<_> = open.votes.values().cloned().collect();
        assert_eq!(votes, counted, "every vote once");
        let electorate = open.voters.into_iter().collect();
        let mut ballot = Ballot::new(open.motion.clone(), electorate, open.deadline);
        for vote in counted {
            ballot.record(vote);
        }
        let again = self.settings.decision_rule.judge(&ballot);
        assert_eq!((tally, verdict), again, "counted again");
        self.closed = Some((open.motion, tally, verdict));
    }

    fn completed(&self, outcome: Outcome, is_summed_up: bool) {
        assert!(self.open.is_none(), "it ended during a ballot");
        let unanimous = self.settings.decision_rule.rule == Rule::Unanimous;
        let by_decision = if unanimous {
            Outcome::Consensus
        } else {
            Outcome::Majority
        };
        assert_eq!(outcome == by_decision, self.decided, "{outcome:?}");
        assert_eq!(
            is_summed_up, !self.decided,
            "a decision or a summary, one of the two"
        );
    }

    fn moved(&mut self, deadline: Option<DateTime<Utc>>) {
        if let Some(open) = &mut self.open {
            let deadline = deadline.unwrap_or(open.deadline);
            assert!(deadline >= open.deadline, "a ballot was shortened");
            open.deadline = deadline;
        }
    }
}

fn is_completion(event: &Event) -> bool {
    matches!(event, Event::MeetingCompleted { .. })
}

fn ms(ms: u32) -> TimeDelta {
    TimeDelta::milliseconds(i64::from(ms))
}
