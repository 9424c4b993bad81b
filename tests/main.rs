//! What Synod does, one file per capability.

#![expect(
    clippy::unwrap_used,
    reason = "a test that unwraps what is not there has failed"
)]

mod asyncapi;
mod cli;
mod fence;
#[path = "../benches/support/generated.rs"]
mod generated;
mod limits;
mod liveness;
mod mail;
mod meeting;
mod ownership;
mod python;
mod readme;
mod refusals;
mod rest;
mod restart;
mod resume;
mod retention;
mod schemathesis;
mod storage;
mod support;
mod two_servers;
