//! SIGTERM and SIGINT: the first asks the gateway to stop, the second ends it at once.

use std::io;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::sync::CancellationToken;
use tracing::info;

use crate::output;

/// The signals that end the gateway.
pub(crate) struct Signals {
    interrupt: Signal,
    terminate: Signal,
}

impl Signals {
    /// From here on the signals no longer end the process by themselves.
    pub(crate) fn take() -> io::Result<Self> {
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
        })
    }

    /// Cancels `shutdown` at the first signal; a second one ends the process with 128 and the signal's number.
    pub(crate) async fn watch(mut self, shutdown: CancellationToken) {
        self.next().await;
        info!("stopping; a second signal ends the program at once");
        shutdown.cancel();
        let code = self.next().await;
        output::say("stopped at once");
        std::process::exit(code);
    }

    /// Waits for a signal and gives the exit code that stands for it.
    async fn next(&mut self) -> i32 {
        tokio::select! {
            _ = self.interrupt.recv() => 128 + SignalKind::interrupt().as_raw_value(),
            _ = self.terminate.recv() => 128 + SignalKind::terminate().as_raw_value(),
        }
    }
}
