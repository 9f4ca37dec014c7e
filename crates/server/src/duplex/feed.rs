//! What a legacy session hears outside its calls.

use std::sync::Arc;

use argus_gateway::{FeedItem, Reading, Session};
use argus_protocol::{Id, write};
use bytes::Bytes;

/// The feed of a session; while it is there, the session is in use.
#[derive(Debug)]
pub(crate) struct Feed {
    session: Arc<Session>,
    reader: u64,
    _in_use: Reading,
}

impl Feed {
    pub(crate) fn of(session: Arc<Session>) -> Self {
        Self {
            reader: session.feed().take_over(),
            _in_use: session.reading(),
            session,
        }
    }

    /// The next message for the client; `None` when the session has ended.
    pub(crate) async fn next(&self) -> Option<Bytes> {
        loop {
            let next = self.session.feed().next(self.reader);
            let item = self.session.over().run_until_cancelled(next).await??;
            if let Some(message) = self.written(item) {
                return Some(message);
            }
        }
    }

    /// `None` for a question that was refused.
    fn written(&self, item: FeedItem) -> Option<Bytes> {
        match item {
            FeedItem::Notification { method, params } => Some(write::notification(&method, params.as_ref())),
            FeedItem::Ask(ask) => {
                let (number, params) = self.session.ask(ask.params, ask.reply)?;
                Some(write::request(&Id::number(number), &ask.method, params.as_ref()))
            }
        }
    }
}
