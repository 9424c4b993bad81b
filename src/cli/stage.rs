//! A server for the length of one command: a real one, in a process of its own, on a free port, with an embedded database that goes with it.

use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, anyhow, bail};
use backon::{ConstantBuilder, Retryable};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, ChildStdin, Command};

use crate::cli::settings;
use crate::client::Client;
use crate::clock::Clock;
use crate::transport::auth;

/// A server, which ends with this or with the program, however that ends.
pub(super) struct Stage {
    /// The server, seen with the admin's token.
    pub(super) admin: Client,
    /// The admin's token.
    pub(super) token: String,
    server: Child,
    /// Closed to stop the server.
    input: ChildStdin,
    directory: TempDir,
}

impl Stage {
    /// Starts the server with these flags, on another database if one is named, and waits until it is ready.
    pub(super) async fn open(
        clock: &Clock,
        database_url: Option<&str>,
        flags: &[&str],
    ) -> anyhow::Result<Self> {
        let directory = tempfile::Builder::new()
            .prefix("synod-")
            .tempdir()
            .context("cannot make a temporary directory: set TMPDIR to one that can be written")?;
        let (token, _) = auth::issue(clock);
        let program = std::env::current_exe().context("this program's own file is gone")?;
        let mut server = Command::new(program);
        // What is set for another server does not concern this one.
        for variable in settings::variables() {
            server.env_remove(variable);
        }
        server
            .env_remove("SYNOD_CONFIG")
            // In the environment, because all can read a command line.
            .env("SYNOD_ADMIN_TOKEN", &token)
            .args(["serve", "--stop-with-stdin", "--listen=127.0.0.1:0"])
            .arg(format!("--data-dir={}", directory.path().display()))
            .args(flags)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            // A ctrl-c at the terminal is for this program alone, which then ends the server.
            .process_group(0)
            .kill_on_drop(true);
        if let Some(url) = database_url {
            server.env("DATABASE_URL", url);
        }
        let mut server = server.spawn().context("cannot start the server")?;
        // Taken out, because whoever waits for a process closes its input first.
        let input = server.stdin.take().context("its input is a pipe")?;
        let admin = Client::new(&address(&mut server).await?, &token)?;
        let mut stage = Self {
            admin,
            token,
            server,
            input,
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

    /// The server's process.
    pub(super) fn process(&self) -> Option<u32> {
        self.server.id()
    }

    /// Ends only when the server ends by itself, which it should not.
    pub(super) async fn failure(&mut self) -> anyhow::Error {
        match self.server.wait().await {
            Ok(status) => anyhow!("the server ended by itself: {status}"),
            Err(error) => anyhow!(error).context("the server cannot be waited for"),
        }
    }

    /// Stops the server and deletes what it kept.
    pub(super) async fn close(self) -> anyhow::Result<()> {
        let Self {
            mut server,
            input,
            directory,
            ..
        } = self;
        drop(input);
        let status = server.wait().await?;
        if !status.success() {
            bail!("the server failed: {status}");
        }
        let path = directory.path().display().to_string();
        let closed = directory.close();
        closed.with_context(|| format!("cannot delete {path}: delete it by hand"))
    }
}

/// Where it listens, as it says first of all.
async fn address(server: &mut Child) -> anyhow::Result<String> {
    let said = server.stdout.take().context("its output is a pipe")?;
    let said = BufReader::new(said).lines().next_line().await?;
    let said = said.context("the server did not start: what it said stands above")?;
    let address = said.strip_prefix("listening on ");
    let address = address.with_context(|| format!("the server said {said:?} first"))?;
    Ok(address.to_owned())
}
