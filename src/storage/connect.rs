//! Stub, thrown away when the storage lands.

use std::path::PathBuf;
use std::sync::Arc;

use super::{Error, Store};

/// Stub.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Database {
    /// Stub.
    Postgres(String),
    /// Stub.
    Sqlite(PathBuf),
}

/// Stub.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the database's URL must be postgres://… or sqlite://…")]
pub struct WrongUrl;

impl Database {
    /// Stub.
    ///
    /// # Errors
    /// If it is none.
    pub fn parse(url: &str) -> Result<Self, WrongUrl> {
        if url.starts_with("postgres://") {
            return Ok(Self::Postgres(url.to_owned()));
        }
        let path = url.strip_prefix("sqlite://").ok_or(WrongUrl)?;
        Ok(Self::Sqlite(path.into()))
    }
}

/// Stub.
///
/// # Errors
/// Always.
#[expect(clippy::unused_async, reason = "a stub")]
pub async fn connect(_: &Database, _: u32) -> Result<Arc<dyn Store>, Error> {
    Err(Error::Unavailable("no storage yet".into()))
}
