//! How the program is told to stop.

use std::sync::OnceLock;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

/// Tells the program to stop.
#[derive(Debug)]
pub(crate) struct Stop {
    shutdown: CancellationToken,
    patience: OnceLock<Duration>,
}

impl Stop {
    /// Whoever serves waits for this token.
    pub(crate) fn new(shutdown: CancellationToken) -> Self {
        Self {
            shutdown,
            patience: OnceLock::new(),
        }
    }

    /// Begins to stop. The first who names a time limit decides about it.
    pub(super) fn begin(&self, patience: Option<Duration>) {
        if let Some(patience) = patience {
            // Somebody was first.
            let _ = self.patience.set(patience);
        }
        self.shutdown.cancel();
    }

    /// How long calls in flight may take, where somebody named it.
    pub(crate) fn patience(&self) -> Option<Duration> {
        self.patience.get().copied()
    }
}
