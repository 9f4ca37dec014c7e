//! One connection, as its stream sees it.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use argus_gateway::{Caller, Gateway};
use argus_protocol::{ByteString, sse};
use bytes::Bytes;
use futures::StreamExt;
use futures::stream::SelectAll;
use tokio::sync::mpsc;
use tokio::time::{Instant, Sleep};

use super::FACE;
use super::answering::Answering;
use super::client::Client;
use super::connection::Connection;
use super::connections::{Connections, TooMany};
use super::feed::Feed;
use super::outgoing::Outgoing;
use crate::request_log::{Outcome, RequestLog};

/// A client that has not said what it came for within this time is left.
const UNKNOWN: Duration = Duration::from_secs(60);

/// What is said on the stream of one connection. Dropped, it ends the connection: its session is closed, and all that
/// is in flight is cancelled.
pub(super) struct Conversation {
    id: String,
    gateway: Gateway,
    connections: Arc<Connections>,
    client: Arc<Client>,
    requests: mpsc::Receiver<Answering>,
    answers: SelectAll<Answering>,
    feed: Option<Feed>,
    /// Whether more requests are taken.
    taking: bool,
    patience: Pin<Box<Sleep>>,
    log: RequestLog,
}

impl Conversation {
    /// Opens a connection under this id.
    ///
    /// # Errors
    /// When there are too many.
    pub(super) fn open(
        id: String,
        caller: Caller,
        gateway: Gateway,
        connections: Arc<Connections>,
    ) -> Result<Self, TooMany> {
        let (connection, requests) = Connection::new(caller);
        let connection = connections.add(id.clone(), connection)?;
        Ok(Self {
            id,
            gateway,
            connections,
            client: Arc::clone(&connection.client),
            requests,
            answers: SelectAll::new(),
            feed: None,
            taking: true,
            patience: Box::pin(tokio::time::sleep(UNKNOWN)),
            log: RequestLog::begin(FACE, &ByteString::from_static("GET")),
        })
    }

    /// Says everything there is to say, until the end or until the client is gone.
    pub(super) async fn run(mut self, outgoing: Outgoing) {
        loop {
            let message = tokio::select! {
                message = self.next() => message,
                () = outgoing.left() => return,
            };
            let Some(message) = message else { return };
            if let Err(error) = outgoing.put(sse::message(&message)).await {
                tracing::debug!(%error, "a connection on /sse is ended");
                return;
            }
        }
    }

    /// The next message for the client; `None` at the end.
    async fn next(&mut self) -> Option<Bytes> {
        loop {
            if !self.taking && self.answers.is_empty() {
                self.log.end(Outcome::Ended);
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
                () = &mut self.patience => self.look_after(),
            }
        }
    }

    /// The gateway stops, or the session has ended: what is in flight is still answered.
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
        self.patience.as_mut().reset(Instant::now() + UNKNOWN);
    }
}

/// What the session hears; nothing while there is none.
async fn said(feed: Option<&Feed>) -> Option<Bytes> {
    match feed {
        Some(feed) => feed.next().await,
        None => std::future::pending().await,
    }
}

impl Drop for Conversation {
    fn drop(&mut self) {
        self.connections.remove(&self.id);
        if let Some(session) = self.client.end() {
            // When the gateway stops, it may have closed the session itself.
            let _ = self.gateway.close_session(session.id());
        }
    }
}
