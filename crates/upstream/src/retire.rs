//! A new configuration: other settings for the same links, or the end of an upstream whose place another one has.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use argus_config::Backend;
use tokio_util::sync::{CancellationToken, WaitForCancellationFuture};

use crate::Upstream;

/// How often it is looked whether calls are still under way. (Nobody pays for being told in the path of a call.)
const LOOK: Duration = Duration::from_millis(20);

/// Whether another upstream, or none, has taken the place of one.
#[derive(Debug, Default)]
pub(crate) struct Retired {
    /// The same as `begun`, without its lock: every call looks here.
    is: AtomicBool,
    begun: CancellationToken,
}

impl Retired {
    /// In one order with the turns that are taken.
    pub(crate) fn is(&self) -> bool {
        self.is.load(Ordering::SeqCst)
    }

    /// Does something until it has begun; `None` when that is first.
    pub(crate) async fn unless_begun<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        self.begun.run_until_cancelled(work).await
    }

    fn begin(&self) {
        self.is.store(true, Ordering::SeqCst);
        self.begun.cancel();
    }
}

impl Upstream {
    /// Takes another definition, with which the backend is reached in the same way: no connection is made anew.
    pub fn redefine(&self, definition: Arc<Backend>) {
        self.turns.bound(&definition.usage);
        self.connector
            .context
            .verdicts
            .save(&definition.digest(), self.verdict());
        self.connector.redefine(definition);
        // Who keeps the lists keeps them by the definition.
        self.state.send_modify(|_| ());
    }

    /// Another upstream has taken the place of this one, or none: no call gets a turn here any more. Those under way may
    /// finish within `limit`, then everything stops.
    pub async fn retire(&self, limit: Duration) {
        self.retired.begin();
        // Those who wait for a turn go to the next one, each when the one before it is there.
        self.turns.pass_on();
        let finished = async {
            while !self.turns.none() {
                tokio::time::sleep(LOOK).await;
            }
        };
        let in_time = self
            .stop
            .run_until_cancelled(tokio::time::timeout(limit, finished))
            .await;
        if matches!(in_time, Some(Err(_))) {
            tracing::warn!(
                backend = %self.name(),
                "calls are still in flight at the end of server.drain_timeout and are cut off"
            );
        }
        self.stop().await;
        self.connector.succession.end().await;
    }

    /// Does something for as long as this neither stops nor is retired.
    pub(crate) async fn while_in_place<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        let work = self.retired.unless_begun(work);
        self.stop.run_until_cancelled(work).await.flatten()
    }

    /// Ends when [`Self::retire`] begins.
    pub fn retired(&self) -> WaitForCancellationFuture<'_> {
        self.retired.begun.cancelled()
    }
}
