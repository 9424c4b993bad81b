//! The meeting's tests: scripts of who says what, and the journal that must come of them.
//!
//! [`world`] is the stage: virtual time, agents by letter, one verb per thing that can happen. Every
//! script ends in [`world::check`] against the log it must leave: one line per event or refusal.

mod absence;
mod admission;
mod ballots;
mod endings;
mod leaving;
mod moderation;
mod recovery;
mod rendering;
mod turns;
mod world;
