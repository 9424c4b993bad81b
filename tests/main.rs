//! What Synod does, one file per capability.

mod cli;
mod examples;
mod storage;
mod support;
