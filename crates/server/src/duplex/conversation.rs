//! One connection, as its stream sees it.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use argus_gateway::Gateway;
use bytes::Bytes;
use futures::StreamExt;
use futures::stream::SelectAll;
use tokio::sync::mpsc;
use tokio::time::{Instant, Sleep};
use tokio_util::sync::CancellationToken;

use super::answering::Answering;
use super::client::Client;
use super::connection::Connection;
use super::feed::Feed;
use super::outgoing::Outgoing;

/// A client that has not said what it came for within this time is left, where others want its place.
const UNKNOWN: Duration = Duration::from_secs(60);

/// What is said on the stream of one connection. Dropped, it ends the connection: its session is closed, and all that
/// is in flight is cancelled.
pub(crate) struct Conversation {
    gateway: Gateway,
    client: Arc<Client>,
    requests: mpsc::Receiver<Answering>,
    answers: SelectAll<Answering>,
    feed: Option<Feed>,
    /// Whether more requests are taken.
    taking: bool,
    /// Cancelled when the client says nothing more.
    silent: CancellationToken,
    patience: Option<Pin<Box<Sleep>>>,
}

impl Conversation {
    /// The conversation on a connection, where the answers to its requests come out.
    pub(crate) fn on(connection: &Connection, requests: mpsc::Receiver<Answering>, gateway: Gateway) -> Self {
        Self {
            gateway,
            client: Arc::clone(&connection.client),
            requests,
            answers: SelectAll::new(),
            feed: None,
            taking: true,
            silent: CancellationToken::new(),
            patience: None,
        }
    }

    /// The same, in which a client is left that does not say what it came for.
    pub(crate) fn leaving_the_unknown(mut self) -> Self {
        self.patience = Some(Box::pin(tokio::time::sleep(UNKNOWN)));
        self
    }

    /// The same, which ends in good order when this is cancelled: what is in flight is still answered.
    pub(crate) fn until(mut self, silent: CancellationToken) -> Self {
        self.silent = silent;
        self
    }

    /// Says everything there is to say, until the end or until the client is gone; `true` when it ended in good order.
    pub(crate) async fn run(&mut self, outgoing: &Outgoing, framed: impl Fn(Bytes) -> Bytes) -> bool {
        loop {
            let message = tokio::select! {
                message = self.next() => message,
                () = outgoing.left() => return false,
            };
            let Some(message) = message else { return true };
            if let Err(error) = outgoing.put(framed(message)).await {
                tracing::debug!(%error, "a connection is ended");
                return false;
            }
        }
    }

    /// The next message for the client; `None` at the end.
    async fn next(&mut self) -> Option<Bytes> {
        loop {
            if !self.taking && self.answers.is_empty() {
                return None;
            }
            if self.taking && self.feed.is_none() {
                self.feed = self.client.session().map(Feed::of);
            }
            tokio::select! {
                Some(answering) = self.requests.recv() => self.answers.push(answering),
                item = self.answers.next(), if !self.answers.is_empty() => {
                    if let Some(item) = item {
                        return Some(item.into_message());
                    }
                }
                said = said(self.feed.as_ref()) => match said {
                    Some(message) => return Some(message),
                    None => self.take_no_more(),
                },
                () = self.gateway.stopping().cancelled(), if self.taking => self.take_no_more(),
                () = self.silent.cancelled(), if self.taking => self.take_no_more(),
                () = waited(self.patience.as_mut()) => self.look_after(),
            }
        }
    }

    /// The gateway stops, the client says nothing more, or the session has ended: what is in flight is still answered.
    fn take_no_more(&mut self) {
        self.taking = false;
        self.feed = None;
        self.requests.close();
        while let Ok(answering) = self.requests.try_recv() {
            self.answers.push(answering);
        }
    }

    /// Leaves a client that is still unknown and waits for nothing.
    fn look_after(&mut self) {
        if !self.client.is_known() && self.answers.is_empty() {
            self.take_no_more();
        }
        if let Some(patience) = &mut self.patience {
            patience.as_mut().reset(Instant::now() + UNKNOWN);
        }
    }
}

/// What the session hears; nothing while there is none.
async fn said(feed: Option<&Feed>) -> Option<Bytes> {
    match feed {
        Some(feed) => feed.next().await,
        None => std::future::pending().await,
    }
}

/// Waits for the end of the patience, where there is one.
async fn waited(patience: Option<&mut Pin<Box<Sleep>>>) {
    match patience {
        Some(patience) => patience.await,
        None => std::future::pending().await,
    }
}

impl Drop for Conversation {
    fn drop(&mut self) {
        if let Some(session) = self.client.end() {
            // When the gateway stops, it may have closed the session itself.
            let _ = self.gateway.close_session(session.id());
        }
    }
}
