//! Stub, thrown away when the server lands.

use tokio::net::TcpListener;

use crate::config;
use crate::storage::Database;

/// Stub.
///
/// # Errors
/// Always.
#[expect(clippy::unused_async, reason = "a stub")]
pub async fn run(
    _: config::Server,
    _: TcpListener,
    _: impl Future<Output = ()> + Send,
) -> anyhow::Result<()> {
    anyhow::bail!("no server yet")
}

/// Stub.
///
/// # Errors
/// If the URL is none.
#[expect(clippy::unused_async, reason = "a stub")]
pub async fn database(data: &config::Data) -> anyhow::Result<Database> {
    match &data.database_url {
        Some(url) => Ok(Database::parse(url)?),
        None => Ok(Database::Sqlite(data.data_dir.join("synod.db"))),
    }
}
