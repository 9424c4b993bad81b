//! What Synod does, one file per capability.

#![expect(
    clippy::unwrap_used,
    reason = "a test that unwraps what is not there has failed"
)]

mod asyncapi;
mod bad_peers;
mod cli;
mod crash;
mod fence;
mod fuzz;
#[path = "../benches/support/generated.rs"]
mod generated;
mod golden;
mod limits;
mod liveness;
mod load;
mod mail;
mod meeting;
mod memory;
mod overload;
mod ownership;
mod python;
mod readme;
mod refusals;
mod rest;
mod restart;
mod resume;
mod retention;
mod rfc6455;
mod schemathesis;
mod storage;
mod suggested_meeting;
mod supervision;
mod support;
mod topics;
mod two_servers;
mod unreadable;
