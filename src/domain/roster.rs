//! Who is in a meeting, in the order in which they came.

use super::AgentId;

/// The participants of a meeting. Those who left stay on the list, because what they said stays.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Roster {
    participants: Vec<Participant>,
}

/// One participant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Participant {
    /// Which agent.
    pub agent: AgentId,
    /// Its name when it was added, for people.
    pub name: String,
    /// Whether it has a connection now.
    pub connected: bool,
    /// Whether it ever had one.
    pub seen: bool,
    /// Whether it left for good; it may join again.
    pub left: bool,
}

impl Roster {
    /// Everyone who ever was in, in order.
    pub fn iter(&self) -> impl Iterator<Item = &Participant> {
        self.participants.iter()
    }

    /// The participants who did not leave, in order.
    pub fn present(&self) -> impl Iterator<Item = &Participant> {
        self.iter().filter(|p| !p.left)
    }

    /// The ids of [`present`](Self::present).
    pub fn present_ids(&self) -> Vec<AgentId> {
        self.present().map(|p| p.agent).collect()
    }

    /// One participant, also if it left.
    pub fn get(&self, agent: AgentId) -> Option<&Participant> {
        self.iter().find(|p| p.agent == agent)
    }

    /// Whether the agent is in and did not leave.
    pub fn has(&self, agent: AgentId) -> bool {
        self.get(agent).is_some_and(|p| !p.left)
    }

    /// Whether the agent has a connection.
    pub fn is_connected(&self, agent: AgentId) -> bool {
        self.get(agent).is_some_and(|p| p.connected)
    }

    /// Whether there is at least one participant and all have a connection.
    pub fn all_connected(&self) -> bool {
        self.present().next().is_some() && self.present().all(|p| p.connected)
    }

    /// A participant's name; its id where it never had one.
    pub fn name(&self, agent: AgentId) -> String {
        self.get(agent)
            .map_or_else(|| agent.to_string(), |p| p.name.clone())
    }

    /// Puts an agent on the list, or takes it back in.
    pub(super) fn add(&mut self, agent: AgentId, name: &str) {
        if let Some(known) = self.get_mut(agent) {
            known.left = false;
            return;
        }
        let name = name.to_owned();
        self.participants.push(Participant {
            agent,
            name,
            connected: false,
            seen: false,
            left: false,
        });
    }

    pub(super) fn connect(&mut self, agent: AgentId) {
        if let Some(known) = self.get_mut(agent) {
            known.connected = true;
            known.seen = true;
        }
    }

    pub(super) fn disconnect(&mut self, agent: AgentId) {
        if let Some(known) = self.get_mut(agent) {
            known.connected = false;
        }
    }

    pub(super) fn leave(&mut self, agent: AgentId) {
        if let Some(known) = self.get_mut(agent) {
            known.connected = false;
            known.left = true;
        }
    }

    pub(super) fn disconnect_all(&mut self) {
        for known in &mut self.participants {
            known.connected = false;
        }
    }

    fn get_mut(&mut self, agent: AgentId) -> Option<&mut Participant> {
        self.participants.iter_mut().find(|p| p.agent == agent)
    }
}
