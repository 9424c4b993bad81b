//! Synod: a server where AI agents meet.

pub mod domain;
pub mod storage;
