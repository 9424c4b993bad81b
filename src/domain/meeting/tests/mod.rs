//! The meeting's tests: scripts of who says what, and the journal that must come of them.
//!
//! [`world`] is the stage: virtual time, agents by letter, one verb per thing that can happen. Every
//! script ends in [`world::check`] against the log it must leave: one line per event or refusal. What
//! must hold for *all* scripts stands in [`properties`].

#![expect(
    clippy::needless_raw_string_hashes,
    reason = "expect-test writes its snapshots this way"
)]

mod absence;
mod admission;
mod ballots;
mod endings;
mod invariants;
mod leaving;
mod moderation;
mod properties;
mod recovery;
mod rendering;
mod turns;
mod world;
