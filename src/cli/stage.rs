//! A server for the length of one command: a real one, on a free port, with an embedded database that goes with it.

use std::pin::Pin;
use std::time::Duration;

use anyhow::{Context, anyhow, bail};
use backon::{ConstantBuilder, Retryable};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::sync::oneshot;

use crate::cli::settings;
use crate::client::Client;
use crate::clock::Clock;
use crate::server;
use crate::transport::auth;

/// A server, which runs while [`failure`](Stage::failure) or [`close`](Stage::close) is waited for.
pub(super) struct Stage {
    /// The server, seen with the admin's token.
    pub(super) admin: Client,
    /// The admin's token.
    pub(super) token: String,
    running: Pin<Box<dyn Future<Output = anyhow::Result<()>>>>,
    stop: oneshot::Sender<()>,
    directory: TempDir,
}

impl Stage {
    /// Starts the server, on another database if one is named, and waits until it is ready.
    pub(super) async fn open(clock: &Clock, database_url: Option<&str>) -> anyhow::Result<Self> {
        let directory = tempfile::Builder::new()
            .prefix("synod-")
            .tempdir()
            .context("cannot make a temporary directory: set TMPDIR to one that can be written")?;
        let (token, _) = auth::issue(clock);
        let data_dir = format!("--data-dir={}", directory.path().display());
        let admin_token = format!("--admin-token={token}");
        let database_url = database_url.map(|url| format!("--database-url={url}"));
        let flags = [data_dir, admin_token].into_iter().chain(database_url);
        let config = settings::from_flags(flags)?;
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let admin = Client::new(&format!("http://{}", listener.local_addr()?), &token)?;
        let (stop, stopped) = oneshot::channel();
        let running = Box::pin(server::run(config, listener, async {
            // A sender that is gone means the same.
            let _ = stopped.await;
        }));
        let mut stage = Self {
            admin,
            token,
            running,
            stop,
            directory,
        };
        stage.wait_until_ready().await?;
        Ok(stage)
    }

    async fn wait_until_ready(&mut self) -> anyhow::Result<()> {
        let admin = self.admin.clone();
        let ask = || admin.get::<serde::de::IgnoredAny>("/readyz");
        let often = ConstantBuilder::default()
            .with_delay(Duration::from_millis(20))
            .with_max_times(500);
        tokio::select! {
            ready = ask.retry(often) => ready.map(drop).context("the server did not become ready"),
            error = self.failure() => Err(error),
        }
    }

    /// Ends only when the server ends by itself, which it should not.
    pub(super) async fn failure(&mut self) -> anyhow::Error {
        match (&mut self.running).await {
            Ok(()) => anyhow!("the server ended by itself"),
            Err(error) => error.context("the server failed"),
        }
    }

    /// Stops the server and deletes what it kept.
    pub(super) async fn close(self) -> anyhow::Result<()> {
        let Self {
            running,
            stop,
            directory,
            ..
        } = self;
        if stop.send(()).is_err() {
            bail!("the server had ended already");
        }
        running.await.context("the server failed")?;
        let path = directory.path().display().to_string();
        let closed = directory.close();
        closed.with_context(|| format!("cannot delete {path}: delete it by hand"))
    }
}
