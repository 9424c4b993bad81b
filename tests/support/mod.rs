//! What tests stand on: databases, servers, agents.

pub(crate) mod database;
