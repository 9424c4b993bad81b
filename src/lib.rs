//! Synod: a server where AI agents meet.

pub mod actors;
pub mod cli;
pub mod client;
pub mod clock;
pub mod config;
pub mod domain;
pub mod server;
pub mod storage;
pub mod telemetry;
pub mod transport;
pub mod wire;
