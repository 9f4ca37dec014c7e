//! What happens when a legacy link ends: those who use it are told, and the shared one is made anew.

use std::sync::{Arc, PoisonError};
use std::time::Duration;

use tokio::sync::watch;

use crate::state::State;
use crate::{FeedEvent, FeedSink, Life, Link, Upstream};

impl Upstream {
    /// Watches a fresh legacy link.
    pub(crate) fn revive(self: &Arc<Self>, link: &Arc<Link>, sink: Arc<dyn FeedSink>) {
        if !link.owned() {
            self.plain_backoff().ready();
        }
        let (upstream, link) = (Arc::clone(self), Arc::clone(link));
        self.tasks.spawn(async move {
            let Some(cause) = upstream.stop.run_until_cancelled(link.wait_ended()).await else {
                return;
            };
            let owned = link.owned();
            drop(link);
            if !owned {
                let cause = upstream.connector.told(&cause);
                upstream.tell(Life::SharedLost { cause: &cause });
            }
            sink.deliver(FeedEvent::Ended);
            if !owned && let Some(stands) = upstream.while_in_place(upstream.restore_plain()).await {
                if stands {
                    upstream.tell(Life::SharedBack);
                }
                sink.deliver(FeedEvent::Renewed);
            }
        });
    }

    /// Makes the shared legacy link anew, however long that takes; `false` when the backend turns out to be only modern.
    async fn restore_plain(self: &Arc<Self>) -> bool {
        let mut states = self.watch();
        loop {
            let pause = self.plain_backoff().pause();
            wait_for_chance(&mut states, pause).await;
            // An attempt is an attempt, not the memory of one that failed.
            self.plain.forgive();
            let made = self.plain_legacy().await;
            if made.is_ok() {
                self.answered(None);
            }
            if made.is_ok() || self.verdict().legacy == Some(false) {
                return made.is_ok();
            }
        }
    }

    fn plain_backoff(&self) -> std::sync::MutexGuard<'_, crate::backoff::Backoff> {
        self.plain_backoff.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Waits for the end of the pause, or for the moment in which the backend becomes ready again.
async fn wait_for_chance(states: &mut watch::Receiver<Arc<State>>, pause: Duration) {
    states.mark_unchanged();
    let ready = async {
        while states.changed().await.is_ok() {
            if states.borrow_and_update().phase.is_connected() {
                return;
            }
        }
    };
    let _ = tokio::time::timeout(pause, ready).await;
}
