//! How the gateway ends.

use std::sync::{PoisonError, Weak};

use crate::core::Core;
use crate::events::{News, Stage};

impl Core {
    /// Ends all listeners and standing streams.
    pub(crate) fn drain(&self) {
        if self.stopping.is_cancelled() {
            return;
        }
        let stopping = "Argus MCP stops; calls in flight may finish";
        self.events
            .publish(News::info(Stage::Status, stopping).with("state", "stopping"));
        self.stopping.cancel();
    }

    /// The same once whoever applies a configuration is done; from then on nobody begins to. One who applies may write
    /// files meanwhile, so no thread of the runtime waits for it.
    async fn drained(&self) {
        let Some(core) = self.me.upgrade() else {
            return self.drain();
        };
        let draining = tokio::task::spawn_blocking(move || {
            let _applied = core.applying.lock().unwrap_or_else(PoisonError::into_inner);
            core.drain();
        });
        if draining.await.is_err() {
            self.drain();
        }
    }

    /// Ends all listeners, and what sessions hold in this process, and stops all backends. Bounded in time.
    pub(crate) async fn stop(&self) {
        self.drained().await;
        // Their backends hear of it while they are there.
        self.parked.given_up().await;
        let living = self.sessions.all();
        if let Some(journal) = self.sessions.journal() {
            journal.last(living.clone());
        }
        for session in living {
            self.sessions.leave(session.id());
        }
        if let Some(journal) = self.sessions.journal() {
            journal.finish();
        }
        let mut upstreams: Vec<_> = self.inventory().upstreams().cloned().collect();
        let left = std::mem::take(&mut *self.left.lock().unwrap_or_else(PoisonError::into_inner));
        upstreams.extend(left.iter().filter_map(Weak::upgrade));
        futures::future::join_all(upstreams.iter().map(|upstream| upstream.stop())).await;
        self.tasks.close();
        self.tasks.wait().await;
    }
}
