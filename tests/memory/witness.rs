//! Looks at the memory of a process again and again, and remembers the most.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::task::AbortHandle;

use crate::support::process::Process;

/// Between two looks.
const PAUSE: Duration = Duration::from_millis(20);

pub(super) struct Witness {
    most: Arc<AtomicUsize>,
    watching: AbortHandle,
}

impl Witness {
    pub(super) fn watch(process: &Process) -> Self {
        let most = Arc::new(AtomicUsize::new(0));
        let (seen, look) = (Arc::clone(&most), process.memory());
        let watching = tokio::spawn(async move {
            loop {
                seen.fetch_max(look().unwrap_or(0), Ordering::Relaxed);
                tokio::time::sleep(PAUSE).await;
            }
        });
        let watching = watching.abort_handle();
        Self { most, watching }
    }

    /// The most that was seen.
    pub(super) fn most(self) -> usize {
        self.most.load(Ordering::Relaxed)
    }
}

impl Drop for Witness {
    fn drop(&mut self) {
        self.watching.abort();
    }
}
