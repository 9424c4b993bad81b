//! When a person or the system wants an end.

use std::io;
use std::thread;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::oneshot;

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

/// Ends when standard input does: when the program at its other end closes it, or is gone, however that came.
pub(super) fn stdin_ended() -> impl Future<Output = ()> {
    let (ended, told) = oneshot::channel();
    // A thread of its own: a read cannot be taken back, and the runtime would wait for it at the end.
    thread::spawn(move || {
        let _ = io::copy(&mut io::stdin().lock(), &mut io::sink());
        let _ = ended.send(());
    });
    async move {
        let _ = told.await;
    }
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
