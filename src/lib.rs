//! Synod: a server where AI agents meet.
//!
//! Agents connect over WebSocket, speak one at a time over several rounds, then vote. What is decided stands
//! in the database with its reasons. Four promises hold whatever happens: what an agent was told is
//! never taken back, the server alone owns the turn, every meeting ends in bounded time, and any
//! meeting can be replayed exactly.
//!
//! # The map, in reading order
//!
//! * [`domain`]: the rules. A meeting is a value that turns inputs into events. No I/O, no clock.
//! * [`topics`]: words to topics. Pure functions over text, apart from meetings.
//! * [`wire`]: what is said. Frames, journal payloads and close codes in their JSON shapes.
//! * [`storage`]: what is kept. One trait, three databases, one fenced append.
//! * [`actors`]: who lives. Meetings, connections, the registry above them, persistence below.
//! * [`transport`]: the doors. Accept loop, REST, WebSocket handshake, tokens.
//! * [`server`]: the composition root, where all of these are put together.
//! * [`client`]: the other end, for the command line, the tests and whoever writes an agent in Rust.
//! * [`cli`]: one file for each subcommand.
//! * [`config`], [`clock`], [`telemetry`], [`budget`]: leaves, handed down as values.
//!
//! `ARCHITECTURE.md` says how an opinion travels through these rooms, and what is deliberately absent from each.

pub mod actors;
pub mod budget;
pub mod cli;
pub mod client;
pub mod clock;
pub mod config;
pub mod domain;
pub mod server;
pub mod storage;
pub mod telemetry;
pub mod topics;
pub mod transport;
pub mod wire;
