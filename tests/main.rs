//! What Synod does, one file per capability.

mod storage;
mod support;
