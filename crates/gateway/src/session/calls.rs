//! The requests of a session that are being worked on.

use std::collections::HashMap;
use std::sync::Arc;

use argus_protocol::Id;
use tokio_util::sync::CancellationToken;

use super::state::{Session, lock};

/// So many requests of one session may be worked on at once.
const MAX_CALLS: usize = 1000;
/// Longer ids are refused, in bytes: they are kept with the call.
const MAX_ID: usize = 1024;

/// Why a request is not taken.
#[derive(Debug, thiserror::Error)]
pub enum BusyError {
    /// Its id is in use.
    #[error("a request with the id {0} is in flight already")]
    SameId(Id),
    /// Its id is too long.
    #[error("the id of the request is too long; at most {MAX_ID} bytes are taken")]
    LongId,
    /// Too many are worked on.
    #[error("{MAX_CALLS} requests of this session are in flight; wait for some of them to end")]
    TooMany,
}

/// The requests that are being worked on, with what cancels them.
#[derive(Debug, Default)]
pub(super) struct Calls(HashMap<Id, CancellationToken>);

impl Calls {
    pub(super) fn none(&self) -> bool {
        self.0.is_empty()
    }

    fn begin(&mut self, id: &Id) -> Result<CancellationToken, BusyError> {
        if id.as_str().len() > MAX_ID {
            return Err(BusyError::LongId);
        }
        if self.0.contains_key(id) {
            return Err(BusyError::SameId(id.clone()));
        }
        if self.0.len() >= MAX_CALLS {
            return Err(BusyError::TooMany);
        }
        let cancelled = CancellationToken::new();
        self.0.insert(id.clone(), cancelled.clone());
        Ok(cancelled)
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
        let call = lock(self.calls()).0.get(id).cloned();
        if let Some(call) = call {
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
        lock(self.session.calls()).0.remove(&self.id);
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

    #[test]
    fn ids_are_bounded() {
        let id = |length: usize| Id::from_raw(argus_protocol::Raw::string(&"x".repeat(length))).unwrap();
        let mut calls = Calls::default();
        assert!(calls.begin(&id(1022)).is_ok(), "and two quotes");
        assert!(matches!(calls.begin(&id(1023)), Err(BusyError::LongId)));
    }
}
