//! `synod serve`: the server.

use std::future::pending;

use anyhow::Context;
use clap::Args;
use tokio::net::TcpListener;

use super::stop;
use crate::config::LogFormat;
use crate::{config, server, telemetry};

/// Run the server until ctrl-c or SIGTERM; it lets its agents go in good order. A second signal ends it at once, with exit code 1.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Serve {
    #[command(flatten)]
    server: config::Server,
    /// Stop, too, when standard input ends: a server that another program started never outlives it.
    #[arg(long, hide = true)]
    stop_with_stdin: bool,
}

const EXAMPLES: &str = "\
Examples:
  synod serve
      Listens on 127.0.0.1:8080. Database and admin token are in ./synod-data.
  synod serve --listen 0.0.0.0:8080 --database-url postgres://synod@db/synod
      For everyone, with PostgreSQL.
  SYNOD_MESSAGE_MAX_MB=20 synod serve --config synod.toml
      A flag comes before the environment, the environment before the file. In the file:
          listen = \"0.0.0.0:8080\"
          message_max_mb = 10
          allowed_origins = [\"https://example.org\"]";

impl Serve {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        let Self {
            server,
            stop_with_stdin,
        } = self;
        telemetry::start(server.log_format == LogFormat::Json, &server.log)?;
        let asked_to_stop = stop::asked()?;
        let wanted = server.listen;
        let listener = TcpListener::bind(wanted).await.with_context(|| {
            format!("cannot listen on {wanted}: choose another address with --listen")
        })?;
        // Told on stdout, so that a program that asked for port 0 learns which it got.
        let address = listener.local_addr()?;
        super::tell(format_args!("listening on http://{address}"))?;
        let stdin_ended = async {
            if stop_with_stdin {
                stop::stdin_ended().await;
            } else {
                pending::<()>().await;
            }
        };
        let told_to_stop = async {
            tokio::select! {
                () = asked_to_stop => {}
                () = stdin_ended => {}
            }
        };
        server::run(server, listener, told_to_stop).await
    }
}
