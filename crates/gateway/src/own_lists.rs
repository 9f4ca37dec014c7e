//! The lists of sessions that have links of their own.

use std::sync::Arc;
use std::time::Duration;

use argus_protocol::ByteString;

use crate::client::Client;
use crate::core::Core;
use crate::session::{FeedItem, Session};

/// Changes of a session's own lists that are announced this close together are read once.
const GATHER: Duration = Duration::from_millis(10);

impl Core {
    /// A session's own link says that its lists changed: reads them, for this session, and then tells its client. One
    /// read at a time; what is said meanwhile is for the next one.
    pub(crate) fn own_lists_changed(&self, session: &Arc<Session>, backend: Arc<str>, method: ByteString) {
        let Some(core) = self.me.upgrade() else { return };
        if !session.note_change(&backend, method) {
            return;
        }
        let session = Arc::clone(session);
        self.tasks.spawn(async move {
            let reading = async {
                loop {
                    tokio::time::sleep(GATHER).await;
                    let Some(methods) = session.take_changes(&backend) else {
                        return;
                    };
                    core.read_own_lists(&session, &backend).await;
                    // The client is told in any case: something changed, even if it cannot be read.
                    for method in methods {
                        session.feed().push(FeedItem::Notification { method, params: None });
                    }
                }
            };
            let _ = session.over().run_until_cancelled(reading).await;
        });
    }

    async fn read_own_lists(&self, session: &Session, backend: &Arc<str>) {
        let inventory = self.inventory();
        let Some(upstream) = inventory.named(backend) else {
            return;
        };
        let limit = upstream.definition().timeouts.cap_fetch;
        if let Some(link) = session.link_to(&upstream)
            && let Ok(lists) = link.lists(limit).await
        {
            session.keep_own_lists(backend, &link, Arc::new(lists));
            self.catalogues.rebuild_own(&self.inventory(), session);
        }
    }

    /// A session's calls go on other links than before: shows it what these list, and tells its client what differs.
    pub(crate) fn links_changed(&self, session: &Arc<Session>) {
        let before = self.catalogues.of(Client::from(session));
        self.catalogues.rebuild_own(&self.inventory(), session);
        for method in before.differences(&self.catalogues.of(Client::from(session))) {
            session.feed().push(FeedItem::list_change(method));
        }
    }
}
