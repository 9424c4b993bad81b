//! What Synod does, one file per capability.

mod support;
