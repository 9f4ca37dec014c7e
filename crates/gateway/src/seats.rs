//! Sessions come, make room for others, and go.

use std::sync::Arc;
use std::time::Duration;

use argus_upstream::Declared;

use crate::core::Core;
use crate::events::SessionEnd;
use crate::session::{Caller, Life, Session, SessionError};

/// How often it is looked for what sessions no longer need, and for sessions that nobody uses; more often where these
/// end soon.
const SWEEP: Duration = Duration::from_secs(60);

impl Core {
    /// Opens a session.
    pub(crate) fn open_session(
        &self,
        version: &'static str,
        declared: Declared,
        caller: Caller,
        life: Life,
    ) -> Result<Arc<Session>, SessionError> {
        let session = self.make_room(caller, || self.sessions.open(version, declared.clone(), caller, life))?;
        self.session_news.opened(&session, false);
        Ok(session)
    }

    /// Lets a session in; where there are too many, or too many of the caller, the one of them that nobody has used for
    /// longest ends.
    pub(crate) fn make_room(
        &self,
        caller: Caller,
        let_in: impl Fn() -> Result<Arc<Session>, SessionError>,
    ) -> Result<Arc<Session>, SessionError> {
        let first = let_in();
        let unused = match &first {
            Err(SessionError::TooMany(_)) => {
                let unused = self.sessions.longest_idle(None);
                unused.map(|unused| (unused, SessionEnd::MadeRoom))
            }
            Err(SessionError::TooManyOfCaller(_)) => {
                let unused = self.sessions.longest_idle(Some(caller));
                unused.map(|unused| (unused, SessionEnd::MadeRoomForItsCaller))
            }
            _ => None,
        };
        let session = match unused {
            None => first?,
            Some((unused, how)) => {
                tracing::debug!(session = unused.number(), "a session ends to make room");
                self.end_session(unused.id(), how);
                let_in()?
            }
        };
        if self.catalogues.differ() {
            self.catalogues.rebuild_own(&self.inventory(), &session);
        }
        Ok(session)
    }

    pub(crate) fn end_session(&self, id: &str, how: SessionEnd) -> bool {
        let Some(session) = self.sessions.close(id) else {
            return false;
        };
        self.session_news.ended(&session, how);
        for upstream in self.inventory().upstreams() {
            upstream.release(session.number());
        }
        true
    }
}

/// Ends sessions that nobody uses any more, and lets go what the others no longer need.
pub(crate) async fn sweep_sessions(core: Arc<Core>) {
    let pause = (core.sessions.max_idle() / 2).min(SWEEP);
    while core
        .stopping
        .run_until_cancelled(tokio::time::sleep(pause))
        .await
        .is_some()
    {
        for session in core.sessions.idle() {
            tracing::debug!(session = session.number(), "an idle session ends");
            core.end_session(session.id(), SessionEnd::Expired);
        }
        for session in core.sessions.all() {
            session.expire();
        }
        core.stateless.sweep();
    }
}
