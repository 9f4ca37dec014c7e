//! The requests of a session that are being worked on.

use std::collections::HashMap;
use std::sync::Arc;

use argus_protocol::Id;
use tokio_util::sync::CancellationToken;

use super::state::{Session, lock};

/// So many requests of one session may be worked on at once. Their ids are no longer than [`argus_protocol::MAX_ID`].
const MAX_CALLS: usize = 1000;

/// Why a request is not taken.
#[derive(Debug, thiserror::Error)]
pub enum BusyError {
    /// Its id is in use.
    #[error("a request with the id {0} is in flight already")]
    SameId(Id),
    /// Too many are worked on.
    #[error("too many requests of this session are in flight ({MAX_CALLS} may be); wait for some of them to end")]
    TooMany,
}

/// The requests that are being worked on, with what cancels them.
#[derive(Debug, Default)]
pub(super) struct Calls {
    open: HashMap<Id, CancellationToken>,
}

impl Calls {
    pub(super) fn none(&self) -> bool {
        self.open.is_empty()
    }

    fn begin(&mut self, id: &Id) -> Result<CancellationToken, BusyError> {
        if self.open.contains_key(id) {
            return Err(BusyError::SameId(id.clone()));
        }
        if self.open.len() >= MAX_CALLS {
            return Err(BusyError::TooMany);
        }
        let cancelled = CancellationToken::new();
        self.open.insert(id.clone(), cancelled.clone());
        Ok(cancelled)
    }

    fn end(&mut self, id: &Id) {
        self.open.remove(id);
    }
}

impl Session {
    /// Registers a request, so that the client can cancel it.
    ///
    /// # Errors
    /// When it is not taken.
    pub fn begin(self: &Arc<Self>, id: &Id) -> Result<InFlight, BusyError> {
        let cancelled = lock(self.calls()).begin(id)?;
        Ok(InFlight {
            session: Arc::clone(self),
            id: id.clone(),
            cancelled,
        })
    }

    pub(crate) fn cancel(&self, id: &Id) {
        let call = lock(self.calls()).open.get(id).cloned();
        if let Some(call) = call {
            call.cancel();
        }
    }
}

impl Session {
    /// Cancels everything that is being worked on: the client has ended the session, whoever still reads.
    pub(super) fn cancel_all(&self) {
        let calls: Vec<_> = lock(self.calls()).open.values().cloned().collect();
        for call in calls {
            call.cancel();
        }
    }
}

/// A request of the client that is being worked on.
#[derive(Debug)]
pub struct InFlight {
    session: Arc<Session>,
    id: Id,
    cancelled: CancellationToken,
}

impl InFlight {
    /// Is cancelled when the client cancels the request.
    #[must_use]
    pub fn token(&self) -> CancellationToken {
        self.cancelled.clone()
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        lock(self.session.calls()).end(&self.id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_are_bounded() {
        let mut calls = Calls::default();
        for number in 0..1000 {
            calls.begin(&Id::number(number)).unwrap();
        }
        assert!(matches!(calls.begin(&Id::number(5)), Err(BusyError::SameId(_))));
        assert!(matches!(calls.begin(&Id::number(5000)), Err(BusyError::TooMany)));
    }
}
