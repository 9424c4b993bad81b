//! Logs: structured, one span for each meeting and each connection, never a token.

use tracing_subscriber::EnvFilter;
use tracing_subscriber::util::SubscriberInitExt;

use crate::config::LogFormat;

/// Starts writing the log to standard error. A second call changes nothing.
///
/// # Errors
/// If `filter` is not in the syntax of [`EnvFilter`].
pub fn start(format: LogFormat, filter: &str) -> anyhow::Result<()> {
    let filter = EnvFilter::try_new(filter).map_err(|e| {
        anyhow::anyhow!("--log {filter:?} is no filter ({e}): try `info` or `synod=debug`")
    })?;
    let is_terminal = std::io::IsTerminal::is_terminal(&std::io::stderr());
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(is_terminal);
    // An embedding program or an earlier test may have set a subscriber; theirs stands.
    let _ = match format {
        LogFormat::Pretty => builder.finish().try_init(),
        LogFormat::Json => builder.json().flatten_event(true).finish().try_init(),
    };
    Ok(())
}
