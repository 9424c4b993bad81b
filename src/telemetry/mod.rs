//! Logs: structured, one span for each meeting and each connection, never a token. Metrics: every name in one place.
//!
//! What is deliberately absent: anything process-wide but the log itself. Metrics are handed down as a value.

mod metrics;

use tracing_subscriber::EnvFilter;
use tracing_subscriber::util::SubscriberInitExt;

pub use self::metrics::{Held, Lane, Metrics};

/// Starts writing the log to standard error, for people or, `as_json`, one object a line. A second call changes nothing.
///
/// # Errors
/// If `filter` is not in the syntax of [`EnvFilter`].
pub fn start(as_json: bool, filter: &str) -> anyhow::Result<()> {
    let filter = EnvFilter::try_new(filter).map_err(|e| {
        anyhow::anyhow!("--log {filter:?} is no filter ({e}): try `info` or `synod=debug`")
    })?;
    let is_terminal = std::io::IsTerminal::is_terminal(&std::io::stderr());
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(is_terminal);
    // An embedding program or an earlier test may have set a subscriber; theirs stands.
    let _ = if as_json {
        builder.json().flatten_event(true).finish().try_init()
    } else {
        builder.finish().try_init()
    };
    Ok(())
}
