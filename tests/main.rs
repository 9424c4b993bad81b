//! What Synod does, one file per capability.

mod cli;
mod storage;
mod support;
