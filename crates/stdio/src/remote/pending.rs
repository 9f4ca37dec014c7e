//! The requests on one event stream that are not answered yet.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use argus_protocol::{Answer, Id};
use tokio::sync::{Notify, oneshot};

/// The requests on one event stream that are not answered yet.
#[derive(Debug, Default)]
pub(super) struct Pending {
    open: Mutex<HashMap<Id, Option<Watcher>>>,
    fewer: Notify,
}

/// Somebody here who waits for an answer.
#[derive(Debug)]
struct Watcher {
    told: oneshot::Sender<Answer>,
    /// The request is the relay's own: the client must not hear the answer.
    own: bool,
}

impl Pending {
    /// A request of the client is on its way.
    pub(super) fn add(&self, id: Id) {
        self.open().insert(id, None);
    }

    /// The same, and its answer is waited for here; nothing comes when the stream ends. With `own` the client does not
    /// hear it.
    pub(super) fn watch(&self, id: Id, own: bool) -> oneshot::Receiver<Answer> {
        let (told, answer) = oneshot::channel();
        self.open().insert(id, Some(Watcher { told, own }));
        answer
    }

    /// A request is answered; `true` when the client is to hear it.
    pub(super) fn answered(&self, id: &Id, answer: Answer) -> bool {
        let removed = self.open().remove(id);
        self.fewer.notify_one();
        match removed {
            Some(Some(watcher)) => {
                let own = watcher.own;
                let _ = watcher.told.send(answer);
                !own
            }
            _ => true,
        }
    }

    /// Nobody waits for an answer any more; `true` when the client did.
    pub(super) fn remove(&self, id: &Id) -> bool {
        let removed = self.open().remove(id);
        self.fewer.notify_one();
        removed.is_some_and(|watcher| watcher.is_none_or(|watcher| !watcher.own))
    }

    /// The stream has ended: what the client waits for.
    pub(super) fn end(&self) -> Vec<Id> {
        let all = std::mem::take(&mut *self.open());
        self.fewer.notify_one();
        all.into_iter()
            .filter(|(_, watcher)| watcher.as_ref().is_none_or(|watcher| !watcher.own))
            .map(|(id, _)| id)
            .collect()
    }

    /// How many there are.
    pub(super) fn count(&self) -> usize {
        self.open().len()
    }

    /// Waits until there may be fewer.
    pub(super) async fn fewer(self: Arc<Self>) {
        self.fewer.notified().await;
    }

    fn open(&self) -> MutexGuard<'_, HashMap<Id, Option<Watcher>>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use argus_protocol::Raw;

    use super::*;

    #[tokio::test]
    async fn the_client_hears_what_it_asked_and_nothing_else() {
        let pending = Pending::default();
        let answer = || Answer::Result(Raw::empty_object());
        pending.add(Id::number(1));
        let own = pending.watch(Id::number(2), true);
        let both = pending.watch(Id::number(3), false);
        assert!(pending.answered(&Id::number(1), answer()));
        assert!(!pending.answered(&Id::number(2), answer()));
        assert!(pending.answered(&Id::number(3), answer()));
        assert!(own.await.is_ok() && both.await.is_ok());
        assert!(
            pending.answered(&Id::number(9), answer()),
            "an answer to nothing is not ours to judge"
        );
    }

    #[tokio::test]
    async fn the_end_of_the_stream_is_told_to_all() {
        let pending = Pending::default();
        pending.add(Id::number(1));
        pending.add(Id::number(4));
        let own = pending.watch(Id::number(2), true);
        assert!(pending.remove(&Id::number(4)));
        assert_eq!(pending.end(), [Id::number(1)]);
        assert!(own.await.is_err());
        assert_eq!(pending.count(), 0);
    }
}
