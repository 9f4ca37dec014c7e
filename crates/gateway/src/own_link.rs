//! Links of sessions of their own.

use std::sync::{Arc, Weak};

use argus_upstream::{Link, LinkError, Upstream};

use crate::core::Core;
use crate::feeds::SessionFeed;
use crate::renew;
use crate::session::Session;

/// Makes a link for a session that can be asked.
pub(crate) async fn own_link(
    core: &Core,
    session: &Arc<Session>,
    upstream: &Arc<Upstream>,
) -> Result<Arc<Link>, LinkError> {
    // Dropped last, also when nobody waits for the link any more.
    let _release = ReleaseIfOver { session, upstream };
    let feed = Arc::new(SessionFeed {
        core: Weak::clone(&core.me),
        session: Arc::downgrade(session),
        backend: Arc::clone(upstream.name()),
    });
    let link = upstream.for_session(session.number(), session.declared(), feed).await?;
    let mut changed = session.note_place(upstream.name(), link.owned()) && core.catalogues.differ();
    // Another call may have kept it already, and what it lists by now.
    if link.owned() && session.keep_link(upstream, &link) {
        let renewing = renew::own(Arc::clone(session), Arc::clone(upstream), Arc::clone(&link));
        core.spawn(renewing);
        changed |= session.forget_own_lists(upstream.name());
    }
    if changed {
        core.links_changed(session);
    }
    Ok(link)
}

/// A session that ended while its link was made: nobody else would release it.
struct ReleaseIfOver<'a> {
    session: &'a Arc<Session>,
    upstream: &'a Arc<Upstream>,
}

impl Drop for ReleaseIfOver<'_> {
    fn drop(&mut self) {
        if self.session.over().is_cancelled() {
            self.upstream.release(self.session.number());
            self.session.drop_links();
        }
    }
}
