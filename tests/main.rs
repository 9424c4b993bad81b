//! What Synod does, one file per capability.

mod cli;
mod fence;
mod liveness;
mod meeting;
mod python;
mod refusals;
mod rest;
mod restart;
mod resume;
mod storage;
mod support;
