//! Stub, thrown away when the transport lands.

pub mod auth;
