//! What Synod does, one file per capability.

mod fence;
mod liveness;
mod meeting;
mod refusals;
mod rest;
mod restart;
mod resume;
mod storage;
mod support;
