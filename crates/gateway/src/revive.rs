//! A restart of the gateway ends no session: its id says what it is, the journal what has happened since, and the first
//! request that names it brings it back.

use std::sync::Arc;

use crate::core::Core;
use crate::ops::lifecycle;
use crate::renew;
use crate::session::{Caller, Session, SessionError};

impl Core {
    /// The session of an id. One of before a restart is there again from its first request on.
    pub(crate) fn session(&self, id: &str, caller: Caller) -> Result<Arc<Session>, SessionError> {
        if !self.has_sessions() {
            return Err(SessionError::Unknown);
        }
        match self.sessions.get(id, caller) {
            Err(SessionError::Unknown) => self.revive(id, caller),
            found => found,
        }
    }

    fn revive(&self, id: &str, caller: Caller) -> Result<Arc<Session>, SessionError> {
        let returning = self.sessions.returning(id, caller).ok_or(SessionError::Unknown)?;
        let session = self.make_room(caller, || self.sessions.take_in(id, &returning, caller))?;
        if !session.first_time_here() {
            // Another request was quicker.
            return Ok(session);
        }
        tracing::info!(session = session.number(), "a session of before the start goes on");
        self.session_news.opened(&session, true);
        lifecycle::begin_own_links(self, &session);
        if let Some(core) = self.me.upgrade() {
            for backend in session.subscribed_backends() {
                self.spawn(renew::revived(Arc::clone(&core), Arc::clone(&session), backend));
            }
        }
        Ok(session)
    }
}
