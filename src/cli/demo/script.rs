//! Who says what in the demo: the same seed, the same words.
//!
//! The prose is in `topics/`, one file for each topic, and this file makes a play of it. One agent
//! proposes, one or two object, the others comment. Each objection comes with the clause that would
//! meet it: the proposer takes in the first in the second round and the other in the third, or both at
//! once when there is less time. In the ballot of the last round that is needed, all agree.

use rand::SeedableRng;
use rand::seq::{IndexedRandom, SliceRandom};
use rand_chacha::ChaCha12Rng;
use serde::Deserialize;

/// A meeting as it will go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Script {
    /// What it is about.
    pub(super) topic: String,
    /// Who takes part, in speaking order.
    pub(super) cast: Vec<Part>,
}

/// One agent's part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Part {
    /// Its name.
    pub(super) name: String,
    /// What it is known for.
    pub(super) manner: String,
    /// Round by round.
    pub(super) rounds: Vec<Turn>,
}

/// What one agent does in one round.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Turn {
    /// Its opinion.
    pub(super) content: String,
    /// A motion that it puts forward.
    pub(super) proposal: Option<String>,
    /// Its vote.
    pub(super) agrees: Option<bool>,
    /// Why.
    pub(super) rationale: String,
}

/// The fewest and the most agents for whom there is a part.
pub(super) const AGENTS: std::ops::RangeInclusive<i64> = 2..=12;

impl Script {
    /// The play for so many agents within so many rounds.
    pub(super) fn new(seed: u64, agents: usize, rounds: usize) -> anyhow::Result<Self> {
        let mut dice = ChaCha12Rng::seed_from_u64(seed);
        let topic = TOPICS.choose(&mut dice).copied().unwrap_or_default();
        let mut prose: Prose = toml::from_str(topic)?;
        prose.objections.shuffle(&mut dice);
        prose.voices.shuffle(&mut dice);
        let mut names = NAMES;
        names.shuffle(&mut dice);
        let objectors = if agents > 2 { 2 } else { 1 };
        prose.objections.truncate(objectors);
        prose.voices.truncate(agents.saturating_sub(1 + objectors));
        let plot = Plot {
            rounds: rounds.min(objectors + 1),
            objectors: names[1..=objectors].to_vec(),
            prose,
        };
        Ok(plot.play(&names))
    }
}

/// What is decided before the play is written.
struct Plot {
    prose: Prose,
    /// Names of those who object, in the order in which they will be answered.
    objectors: Vec<&'static str>,
    /// How many rounds it takes.
    rounds: usize,
}

impl Plot {
    fn play(&self, names: &[&'static str]) -> Script {
        let part = |name: &str, manner: &str, turn: &dyn Fn(usize) -> Turn| Part {
            name: name.to_owned(),
            manner: manner.to_owned(),
            rounds: (0..self.rounds).map(turn).collect(),
        };
        let proposer = &self.prose.proposer;
        let mut cast = vec![part(names[0], &proposer.manner, &|round| {
            self.propose(round)
        })];
        for (index, objection) in self.prose.objections.iter().enumerate() {
            let turn = |round| self.object(objection, index, round);
            cast.push(part(self.objectors[index], &objection.manner, &turn));
        }
        let free = &names[1 + self.objectors.len()..];
        for (index, (voice, name)) in self.prose.voices.iter().zip(free).enumerate() {
            let turn = |round| self.comment(voice, index, round);
            // Between the objectors, so that nobody is answered before somebody else has spoken.
            let seat = if index == 0 { 2 } else { cast.len() };
            cast.insert(seat, part(name, &voice.manner, &turn));
        }
        Script {
            topic: self.prose.topic.clone(),
            cast,
        }
    }

    fn propose(&self, round: usize) -> Turn {
        let proposer = &self.prose.proposer;
        let content = match round {
            0 => &proposer.opens,
            1 => &proposer.amends,
            _ => &proposer.amends_again,
        };
        Turn {
            content: named(content, self.news(round)),
            proposal: Some(self.motion(self.answered(round))),
            agrees: Some(true),
            rationale: proposer.votes[self.vote(round)].clone(),
        }
    }

    fn object(&self, objection: &Objection, index: usize, round: usize) -> Turn {
        let is_answered = index < self.answered(round);
        let was_answered = index < self.answered(round.saturating_sub(1));
        let content = match round {
            0 => &objection.objects,
            _ if was_answered => &objection.supports,
            _ if is_answered => &objection.relents,
            _ => &objection.insists,
        };
        // With one round there is no time to be answered: whoever objects brings the clause.
        let proposal = (self.rounds == 1).then(|| self.motion(index + 1));
        let agrees = is_answered || self.rounds == 1;
        let rationale = if agrees {
            &objection.agrees
        } else {
            &objection.disagrees[round.min(1)]
        };
        Turn {
            content: named(content, self.news(round)),
            proposal,
            agrees: Some(agrees),
            rationale: rationale.clone(),
        }
    }

    fn comment(&self, voice: &Voice, index: usize, round: usize) -> Turn {
        let waits = round == 0 && self.rounds > 1 && index == 1;
        let rationale = if waits {
            named(&self.prose.waits, &self.objectors)
        } else {
            voice.votes[self.vote(round)].clone()
        };
        Turn {
            content: voice.says[round].clone(),
            proposal: None,
            agrees: (!waits).then_some(true),
            rationale,
        }
    }

    /// How many objections the proposal of this round has met.
    fn answered(&self, round: usize) -> usize {
        if round + 1 == self.rounds && round > 0 {
            self.objectors.len()
        } else {
            round
        }
    }

    /// Whose objections are met for the first time in this round.
    fn news(&self, round: usize) -> &[&'static str] {
        let before = self.answered(round.saturating_sub(1));
        self.objectors
            .get(before..self.answered(round))
            .unwrap_or_default()
    }

    /// The reasons for a vote are for the first ballot, those between, and the last.
    fn vote(&self, round: usize) -> usize {
        if round + 1 == self.rounds {
            2
        } else {
            round.min(1)
        }
    }

    fn motion(&self, clauses: usize) -> String {
        let met = self.prose.objections.iter().take(clauses);
        let sentences = met.map(|objection| objection.clause.as_str());
        let proposal = self.prose.proposer.proposal.as_str();
        let sentences: Vec<&str> = std::iter::once(proposal).chain(sentences).collect();
        sentences.join(" ")
    }
}

fn named(text: &str, names: &[&str]) -> String {
    text.replace("{objectors}", &names.join(" and "))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Prose {
    topic: String,
    waits: String,
    proposer: Proposer,
    objections: Vec<Objection>,
    voices: Vec<Voice>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Proposer {
    manner: String,
    opens: String,
    proposal: String,
    amends: String,
    amends_again: String,
    votes: [String; 3],
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Objection {
    manner: String,
    objects: String,
    disagrees: [String; 2],
    insists: String,
    clause: String,
    relents: String,
    supports: String,
    agrees: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Voice {
    manner: String,
    says: [String; 3],
    votes: [String; 3],
}

const TOPICS: [&str; 3] = [
    include_str!("topics/fridays.toml"),
    include_str!("topics/memory.toml"),
    include_str!("topics/night.toml"),
];

const NAMES: [&str; 20] = [
    "Ada", "Bruno", "Clara", "Dario", "Edda", "Felix", "Greta", "Hugo", "Ines", "Jonas", "Kira",
    "Leo", "Mira", "Nils", "Olga", "Pablo", "Rosa", "Sven", "Thea", "Viktor",
];

#[cfg(test)]
mod tests {
    use super::*;

    fn scripts() -> impl Iterator<Item = (usize, usize, Script)> {
        let sizes = (0..12).flat_map(|seed| (2..=12).map(move |agents| (seed, agents)));
        sizes.flat_map(|(seed, agents)| {
            (1..=4).map(move |rounds| (agents, rounds, Script::new(seed, agents, rounds).unwrap()))
        })
    }

    fn votes(script: &Script, round: usize) -> Vec<Option<bool>> {
        let votes = script.cast.iter().map(|part| part.rounds[round].agrees);
        votes.collect()
    }

    #[test]
    fn every_topic_has_parts_for_all() {
        for topic in TOPICS {
            let topic: Prose = toml::from_str(topic).unwrap();
            assert!(topic.objections.len() >= 2 && topic.voices.len() >= 9);
        }
    }

    #[test]
    fn the_same_seed_has_the_same_words() {
        assert_eq!(Script::new(7, 4, 3).unwrap(), Script::new(7, 4, 3).unwrap());
        let topics: std::collections::BTreeSet<String> = (0..20)
            .map(|seed| Script::new(seed, 4, 3).unwrap().topic)
            .collect();
        assert_eq!(topics.len(), TOPICS.len(), "a seed leads to every topic");
    }

    #[test]
    fn they_disagree_before_they_agree() {
        for (agents, rounds, script) in scripts() {
            assert_eq!(script.cast.len(), agents);
            let taken = script.cast[0].rounds.len();
            assert!(taken <= rounds);
            for round in 0..taken {
                let all_agree = votes(&script, round).iter().all(|vote| *vote == Some(true));
                assert_eq!(all_agree, round + 1 == taken, "round {round} of {taken}");
            }
            assert_eq!(taken, rounds.min(if agents > 2 { 3 } else { 2 }));
        }
    }

    #[test]
    fn every_objection_is_in_the_decision() {
        for (agents, _, script) in scripts() {
            let mut proposals = script.cast.iter().filter_map(|part| {
                let last = part.rounds.last()?;
                last.proposal.clone()
            });
            let motion = proposals.next_back().unwrap();
            let objections = if agents > 2 { 2 } else { 1 };
            let topic = TOPICS.iter().find(|text| text.contains(&script.topic));
            let topic: Prose = toml::from_str(topic.unwrap()).unwrap();
            let met = topic
                .objections
                .iter()
                .filter(|o| motion.contains(&o.clause));
            assert_eq!(met.count(), objections);
            assert!(motion.starts_with(&topic.proposer.proposal));
        }
    }

    #[test]
    fn nobody_says_what_is_in_braces() {
        for (_, _, script) in scripts() {
            for part in &script.cast {
                for turn in &part.rounds {
                    let said = [&turn.content, &turn.rationale];
                    assert!(
                        said.iter()
                            .all(|text| !text.is_empty() && !text.contains('{'))
                    );
                }
            }
        }
    }
}
