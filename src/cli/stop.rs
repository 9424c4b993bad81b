//! When a person or the system wants an end.

use std::io;

use tokio::signal::unix::{Signal, SignalKind, signal};

/// Watches for ctrl-c and SIGTERM from now on, and ends when the first of them comes. The next one after it ends the
/// process at once.
///
/// # Errors
/// If the system does not let the program watch.
pub(super) fn asked() -> io::Result<impl Future<Output = ()>> {
    let mut signals = Signals {
        interrupt: signal(SignalKind::interrupt())?,
        terminate: signal(SignalKind::terminate())?,
    };
    Ok(async move {
        signals.next().await;
        tokio::spawn(async move {
            signals.next().await;
            tracing::warn!("asked to stop a second time: ends at once");
            std::process::exit(1);
        });
    })
}

struct Signals {
    interrupt: Signal,
    terminate: Signal,
}

impl Signals {
    async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}
