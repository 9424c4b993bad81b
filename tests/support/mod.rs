//! What tests stand on: databases, servers, agents.
