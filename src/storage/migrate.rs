//! Stub, thrown away when the storage lands.

use super::{Database, Error};

/// Stub.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Migration {
    /// Stub.
    pub version: i64,
    /// Stub.
    pub description: String,
    /// Stub.
    pub applied: bool,
}

/// Stub.
///
/// # Errors
/// Always.
#[expect(clippy::unused_async, reason = "a stub")]
pub async fn up(_: &Database) -> Result<Vec<Migration>, Error> {
    Err(Error::Unavailable("no storage yet".into()))
}

/// Stub.
///
/// # Errors
/// Always.
#[expect(clippy::unused_async, reason = "a stub")]
pub async fn down(_: &Database, _: usize) -> Result<Vec<Migration>, Error> {
    Err(Error::Unavailable("no storage yet".into()))
}

/// Stub.
///
/// # Errors
/// Always.
#[expect(clippy::unused_async, reason = "a stub")]
pub async fn status(_: &Database) -> Result<Vec<Migration>, Error> {
    Err(Error::Unavailable("no storage yet".into()))
}
