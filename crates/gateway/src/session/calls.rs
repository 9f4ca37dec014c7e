//! The requests of a session that are being worked on.

use std::collections::HashMap;
use std::sync::Arc;

use argus_protocol::Id;
use tokio_util::sync::CancellationToken;

use super::state::{Session, lock};

/// So many requests of one session may be worked on at once.
const MAX_CALLS: usize = 1000;
/// So many bytes the ids of several calls may have together: they are kept with the calls.
const MAX_ID_BYTES: usize = 1024 * 1024;

/// Why a request is not taken.
#[derive(Debug, thiserror::Error)]
pub enum BusyError {
    /// Its id is in use.
    #[error("a request with the id {0} is in flight already")]
    SameId(Id),
    /// Too many are worked on.
    #[error(
        "too many requests of this session are in flight ({MAX_CALLS} may be, fewer where their ids are long); wait for some of them to end"
    )]
    TooMany,
}

/// The requests that are being worked on, with what cancels them.
#[derive(Debug, Default)]
pub(super) struct Calls {
    open: HashMap<Id, CancellationToken>,
    id_bytes: usize,
}

impl Calls {
    pub(super) fn none(&self) -> bool {
        self.open.is_empty()
    }

    fn begin(&mut self, id: &Id) -> Result<CancellationToken, BusyError> {
        if self.open.contains_key(id) {
            return Err(BusyError::SameId(id.clone()));
        }
        let id_bytes = self.id_bytes + id.as_str().len();
        if self.open.len() >= MAX_CALLS || (!self.none() && id_bytes > MAX_ID_BYTES) {
            return Err(BusyError::TooMany);
        }
        let cancelled = CancellationToken::new();
        self.open.insert(id.clone(), cancelled.clone());
        self.id_bytes = id_bytes;
        Ok(cancelled)
    }

    fn end(&mut self, id: &Id) {
        if self.open.remove(id).is_some() {
            self.id_bytes -= id.as_str().len();
        }
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

    #[test]
    fn ids_are_bounded_in_bytes() {
        let id = |length: usize| Id::from_raw(argus_protocol::Raw::string(&"x".repeat(length))).unwrap();
        let mut calls = Calls::default();
        assert!(calls.begin(&id(2 * MAX_ID_BYTES)).is_ok(), "alone it may be any");
        assert!(matches!(calls.begin(&id(1)), Err(BusyError::TooMany)));
        calls.end(&id(2 * MAX_ID_BYTES));
        assert!(calls.begin(&id(MAX_ID_BYTES / 2)).is_ok() && calls.begin(&id(1)).is_ok());
        assert!(matches!(
            calls.begin(&id(MAX_ID_BYTES / 2 + 1)),
            Err(BusyError::TooMany)
        ));
    }
}
