//! Modern requests in flight: on a stream they are cancelled by name, as on stdio (MCP 2026-07-28 "Cancellation").

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use argus_protocol::Id;
use tokio_util::sync::CancellationToken;

/// The modern requests of one connection that are in flight.
#[derive(Debug, Default)]
pub(crate) struct InFlight(Mutex<HashMap<Id, CancellationToken>>);

/// One of them; dropped, it is over.
#[derive(Debug)]
pub(crate) struct Entry {
    all: Arc<InFlight>,
    id: Id,
    cancelled: CancellationToken,
}

impl InFlight {
    /// Notes a request; `None` when its id is in use.
    pub(crate) fn begin(self: &Arc<Self>, id: &Id) -> Option<Entry> {
        let mut all = self.lock();
        if all.contains_key(id) {
            return None;
        }
        let cancelled = CancellationToken::new();
        all.insert(id.clone(), cancelled.clone());
        Some(Entry {
            all: Arc::clone(self),
            id: id.clone(),
            cancelled,
        })
    }

    /// The client no longer wants the answer to this request. An unknown one is over already.
    pub(crate) fn cancel(&self, id: &Id) {
        let cancelled = self.lock().get(id).cloned();
        if let Some(cancelled) = cancelled {
            cancelled.cancel();
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Id, CancellationToken>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Entry {
    /// Cancelled when the client cancels the request.
    pub(crate) fn cancelled(&self) -> &CancellationToken {
        &self.cancelled
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        self.all.lock().remove(&self.id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_in_use_until_its_request_is_over() {
        let all = Arc::new(InFlight::default());
        let one = all.begin(&Id::number(1)).unwrap();
        assert!(all.begin(&Id::number(1)).is_none());
        all.cancel(&Id::number(2));
        assert!(!one.cancelled().is_cancelled());
        all.cancel(&Id::number(1));
        assert!(one.cancelled().is_cancelled());
        drop(one);
        assert!(!all.begin(&Id::number(1)).unwrap().cancelled().is_cancelled());
    }
}
