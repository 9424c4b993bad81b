//! Who speaks when.

use rand::{SeedableRng, seq::SliceRandom};
use rand_chacha::ChaCha8Rng;

use super::AgentId;

/// How the order of a round follows from the list of participants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TurnOrder {
    /// The order of the list, every round.
    Fixed,
    /// The first speaker moves on by one each round.
    Rotate,
    /// A new order each round, drawn from a recorded seed.
    Shuffle {
        /// Set when the meeting is created; the same seed gives the same orders.
        seed: u64,
    },
}

impl TurnOrder {
    /// Puts `speakers` in the order of round `round`, which counts from 1.
    ///
    /// The order is recorded in the journal, so a replay does not depend on how it was drawn.
    pub fn arrange(self, mut speakers: Vec<AgentId>, round: u32) -> Vec<AgentId> {
        match self {
            Self::Fixed => {}
            Self::Rotate => {
                let by = (round as usize - 1) % speakers.len().max(1);
                speakers.rotate_left(by);
            }
            Self::Shuffle { seed } => {
                let mut rng = ChaCha8Rng::seed_from_u64(seed);
                rng.set_stream(u64::from(round));
                speakers.shuffle(&mut rng);
            }
        }
        speakers
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn agents(count: u128) -> Vec<AgentId> {
        (1..=count).map(|n| AgentId(Uuid::from_u128(n))).collect()
    }

    #[test]
    fn rotate_gives_everyone_the_first_word_in_turn() {
        let first = |round| TurnOrder::Rotate.arrange(agents(3), round)[0];
        assert_eq!(
            [1, 2, 3, 4].map(first),
            [1, 2, 3, 1].map(|n| AgentId(Uuid::from_u128(n)))
        );
    }

    #[test]
    fn shuffle_is_a_function_of_seed_and_round() {
        let order = |seed, round| TurnOrder::Shuffle { seed }.arrange(agents(8), round);
        assert_eq!(order(7, 1), order(7, 1));
        assert_ne!(order(7, 1), order(7, 2));
        assert_ne!(order(7, 1), order(8, 1));
        let mut sorted = order(7, 1);
        sorted.sort_unstable();
        assert_eq!(sorted, agents(8), "nobody is lost or doubled");
    }
}
