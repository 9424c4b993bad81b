//! The transcript as a page of Markdown.

use chrono::{DateTime, NaiveDate, Utc};

use super::quote::{inline, quote};
use super::{Cast, Entry, Heading, Named, Transcript, What};
use crate::domain::decision_rule::Count;
use crate::domain::{DecisionRule, LeaveReason, Rule, Tally};
use crate::wire::shape::Vote;

/// The whole page.
pub(super) fn page(transcript: &Transcript) -> String {
    let mut page = Page::headed(&transcript.meeting);
    for entry in &transcript.entries {
        page.tell(entry);
    }
    page.text
}

/// A page that is being written: blocks stand apart, items of a list stand together.
struct Page {
    text: String,
    is_in_list: bool,
    /// Times on this day are told without it.
    day: NaiveDate,
}

impl Page {
    fn headed(meeting: &Heading) -> Self {
        let mut page = Self {
            text: format!("# {}\n", inline(&meeting.topic)),
            is_in_list: false,
            day: NaiveDate::MIN,
        };
        let outcome = meeting
            .outcome
            .map(|outcome| format!(", {}", words(outcome.as_str())));
        page.item(&format!("Meeting `{}`", meeting.id));
        page.item(&format!(
            "Status: {}{}",
            words(meeting.status),
            outcome.unwrap_or_default()
        ));
        for (step, at) in [
            ("Created", Some(meeting.created_at)),
            ("Started", meeting.started_at),
            ("Ended", meeting.completed_at),
        ] {
            if let Some(at) = at {
                page.item(&format!("{step}: {} UTC", page.time(at)));
            }
        }
        if let Some(moderator) = &meeting.moderator {
            page.item(&format!("Moderator: {}", inline(&moderator.name)));
        }
        page.item(&format!("Participants: {}", names(&meeting.participants)));
        let rounds = meeting.settings.max_discussion_rounds;
        let plural = if rounds == 1 { "" } else { "s" };
        let rule = rule(&meeting.settings.decision_rule);
        page.item(&format!("Rules: at most {rounds} round{plural}, {rule}"));
        for id in &meeting.related_communication_ids {
            page.item(&format!("Prompted by message `{id}`"));
        }
        page.day = meeting.created_at.date_naive();
        page.block("## Opening");
        page
    }

    fn tell(&mut self, entry: &Entry) {
        let at = self.time(entry.at);
        match &entry.what {
            What::RoundOpened { round, order } => {
                self.block(&format!("## Round {round}"));
                self.block(&format!("Speaking order: {}.", names(order)));
            }
            What::OpinionPresented {
                agent,
                content,
                proposal,
                ..
            } => {
                self.say(&format!("**{}**, {at}:", inline(&agent.name)), content);
                if let Some(proposal) = proposal {
                    self.say("and proposes:", proposal);
                }
            }
            What::BallotOpened { .. }
            | What::VoteRecorded { .. }
            | What::BallotClosed { .. }
            | What::ConsensusReached { .. } => self.tell_ballot(&entry.what, &at),
            What::MeetingCompleted { .. }
            | What::MeetingCancelled { .. }
            | What::MeetingFailed { .. } => self.tell_end(&entry.what, &at),
            What::ParticipantAdded { .. }
            | What::AgentJoined { .. }
            | What::AgentLeft { .. }
            | What::MeetingStarted { .. }
            | What::TurnTimedOut { .. }
            | What::Paused { .. }
            | What::Resumed { .. }
            | What::DeadlineMoved { .. }
            | What::MeetingRecovered { .. } => {
                let passing = self.passing(&entry.what);
                self.item(&format!("{at} {passing}"));
            }
        }
    }

    /// What happened beside the conversation, in one line.
    fn passing(&self, what: &What) -> String {
        let until = |deadline: &DateTime<Utc>| {
            format!("what is open has time until {}", self.time(*deadline))
        };
        match what {
            What::ParticipantAdded { agent } => format!("{} was added.", inline(&agent.name)),
            What::AgentJoined { agent, returning } => {
                let verb = if *returning { "came back" } else { "joined" };
                format!("{} {verb}.", inline(&agent.name))
            }
            What::AgentLeft { agent, reason } => match reason {
                LeaveReason::Disconnected => {
                    format!("{} lost its connection.", inline(&agent.name))
                }
                LeaveReason::Left => format!("{} left for good.", inline(&agent.name)),
            },
            What::MeetingStarted { by } => {
                format!("The meeting was started{}.", by_whom(by.as_ref()))
            }
            What::TurnTimedOut { agent, .. } => {
                format!("{} did not speak in time.", inline(&agent.name))
            }
            What::Paused { by } => format!("The meeting was paused{}.", by_whom(by.as_ref())),
            What::Resumed { by } => format!("The meeting was resumed{}.", by_whom(by.as_ref())),
            What::DeadlineMoved { deadline } => format!("More time: {}.", until(deadline)),
            What::MeetingRecovered { deadline } => {
                let moved = deadline.as_ref().map(|at| format!("; {}", until(at)));
                format!("The server came back{}.", moved.unwrap_or_default())
            }
            _ => String::new(),
        }
    }

    fn tell_ballot(&mut self, what: &What, at: &str) {
        match what {
            What::BallotOpened {
                round,
                motion,
                voters,
                deadline,
            } => {
                self.block(&format!("### Ballot of round {round}"));
                let by = inline(&motion.proposed_by.name);
                self.say(
                    &format!("The motion, put forward by {by}:"),
                    &motion.content,
                );
                let until = self.time(*deadline);
                self.block(&format!("Voters, until {until}: {}.", names(voters)));
            }
            What::VoteRecorded { agent, vote, .. } => match vote {
                Some(vote) => self.tell_vote(&format!("{at} "), agent, vote),
                None => self.item(&format!("{at} {} voted in secret.", inline(&agent.name))),
            },
            What::BallotClosed {
                verdict,
                tally,
                votes,
                secret,
                ..
            } => {
                if *secret {
                    self.block("The votes were:");
                    for Cast { agent, vote } in votes {
                        self.tell_vote("", agent, vote);
                    }
                }
                let (verdict, count) = (words(verdict.as_str()), figures(tally));
                self.block(&format!("**Result, {at}: {verdict}.** {count}"));
            }
            What::ConsensusReached {
                decision_id,
                motion,
                rationale,
                ..
            } => {
                self.block("## Decision");
                let by = inline(&motion.proposed_by.name);
                self.say(
                    &format!("Decided at {at}, as {by} put it:"),
                    &motion.content,
                );
                self.say("Because:", rationale);
                self.block(&format!("Decision `{decision_id}`"));
            }
            _ => {}
        }
    }

    fn tell_vote(&mut self, at: &str, agent: &Named, vote: &Vote) {
        let answer = match vote.agrees {
            Some(true) => "agrees",
            Some(false) => "disagrees",
            None => "abstains",
        };
        let sure = vote
            .confidence
            .map(|share| format!(", {:.0} % sure", share * 100.0));
        let (name, sure) = (inline(&agent.name), sure.unwrap_or_default());
        let reason = vote.rationale.as_deref().unwrap_or_default();
        let end = if reason.is_empty() { "." } else { ":" };
        self.item(&format!("{at}{name} {answer}{sure}{end}"));
        if !reason.is_empty() {
            self.text.push_str(&quote(reason, "  "));
        }
    }

    fn tell_end(&mut self, what: &What, at: &str) {
        self.block("## End");
        let (how, reason) = match what {
            What::MeetingCompleted { outcome, summary } => (
                format!("completed with the outcome {}", words(outcome.as_str())),
                summary.as_deref(),
            ),
            What::MeetingCancelled { by, reason } => (
                format!("cancelled{}", by_whom(by.as_ref())),
                reason.as_deref(),
            ),
            What::MeetingFailed { reason } => {
                ("given up by the server".to_owned(), Some(reason.as_str()))
            }
            _ => return,
        };
        let end = if reason.is_some() { ":" } else { "." };
        let line = format!("{at} The meeting was {how}{end}");
        match reason {
            Some(reason) => self.say(&line, reason),
            None => self.block(&line),
        }
    }

    fn block(&mut self, text: &str) {
        self.text.push('\n');
        self.text.push_str(text);
        self.text.push('\n');
        self.is_in_list = false;
    }

    fn item(&mut self, text: &str) {
        if !self.is_in_list {
            self.text.push('\n');
        }
        self.text.push_str("- ");
        self.text.push_str(text);
        self.text.push('\n');
        self.is_in_list = true;
    }

    /// A line of ours, and under it the words of somebody.
    fn say(&mut self, line: &str, said: &str) {
        self.block(line);
        self.text.push('\n');
        self.text.push_str(&quote(said, ""));
    }

    fn time(&self, at: DateTime<Utc>) -> String {
        let format = if at.date_naive() == self.day {
            "%H:%M:%S"
        } else {
            "%Y-%m-%d %H:%M:%S"
        };
        at.format(format).to_string()
    }
}

fn names(agents: &[Named]) -> String {
    if agents.is_empty() {
        return "nobody".to_owned();
    }
    let names: Vec<_> = agents.iter().map(|agent| inline(&agent.name)).collect();
    names.join(", ")
}

fn by_whom(by: Option<&Named>) -> String {
    by.map_or_else(String::new, |agent| format!(" by {}", inline(&agent.name)))
}

fn rule(rule: &DecisionRule) -> String {
    let votes = match rule.rule {
        Rule::Unanimous => "decided by unanimous consent".to_owned(),
        Rule::Majority => "decided by majority".to_owned(),
        Rule::Supermajority { threshold } => format!(
            "decided by a supermajority of {}/{}",
            threshold.numerator, threshold.denominator
        ),
    };
    let blind = if rule.blind { ", blind ballots" } else { "" };
    let weighted = if rule.weights.is_empty() {
        ""
    } else {
        ", weighted votes"
    };
    format!("{votes}{blind}{weighted}")
}

fn figures(tally: &Tally) -> String {
    let count = |count: &Count| {
        format!(
            "{} of {} voted: {} agree, {} disagree, {} abstain",
            count.cast, count.eligible, count.agree, count.disagree, count.abstain
        )
    };
    let weight = if tally.weight == tally.votes {
        String::new()
    } else {
        format!("; by weight {}", count(&tally.weight))
    };
    let quorum = if tally.quorum_met { "met" } else { "not met" };
    format!("{}{weight}; quorum {quorum}.", count(&tally.votes))
}

/// One of our words, such as `no_quorum`, as people write it.
fn words(word: &str) -> String {
    word.replace('_', " ")
}
