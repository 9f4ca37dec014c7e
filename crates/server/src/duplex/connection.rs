//! One connection, as what takes messages from its client sees it.

use std::fmt;
use std::sync::Arc;

use argus_gateway::{Caller, Transport};
use bytes::Bytes;
use tokio::sync::mpsc;
use tokio::sync::mpsc::error::TrySendError;

use super::answering::Answering;
use super::client::Client;
use super::load::{Load, MAX_REQUESTS, Place};
use crate::mcp::messages::Item;

/// Refusals that may wait, beside the requests in flight, for a client that does not read.
const MAX_REFUSALS: usize = 256;

/// One open connection, as what takes messages from its client sees it.
pub(crate) struct Connection {
    /// What the log calls the face that it belongs to.
    pub(crate) face: &'static str,
    requests: mpsc::Sender<Answering>,
    pub(crate) client: Arc<Client>,
    load: Arc<Load>,
}

/// Why requests cannot be handed over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NotTaken {
    /// Too many wait, because the client does not read.
    #[error("too many answers wait on the stream of this connection; read them first")]
    Full,
    /// The stream has ended.
    #[error("the stream of this connection has ended; open another with GET /sse")]
    Ended,
}

impl Connection {
    /// A connection, and where the answers to its requests come out.
    pub(crate) fn new(face: &'static str, transport: Transport, caller: Caller) -> (Self, mpsc::Receiver<Answering>) {
        let (requests, answers) = mpsc::channel(MAX_REQUESTS + MAX_REFUSALS);
        let connection = Self {
            face,
            requests,
            client: Arc::new(Client::new(transport, caller)),
            load: Arc::default(),
        };
        (connection, answers)
    }

    /// A place for the requests of one body; `None` when there is too much in flight.
    pub(crate) fn place(&self, requests: usize, bytes: usize) -> Option<Arc<Place>> {
        self.load.take(requests, bytes).map(Arc::new)
    }

    /// Waits until so many requests can be handed over; `false` when the stream has ended.
    pub(crate) async fn room(&self, requests: usize) -> bool {
        self.requests.reserve_many(requests).await.is_ok()
    }

    /// Hands over a message for the client that answers no request.
    ///
    /// # Errors
    /// When the stream has ended, or the client does not read it.
    pub(crate) fn say(&self, message: Bytes) -> Result<(), NotTaken> {
        self.hand_over(vec![message], |message| Answering::now(Item::legacy(message)))
    }

    /// Makes answers and hands them over to the stream: all of them, or none.
    ///
    /// # Errors
    /// When the stream has ended, or the client does not read it.
    pub(crate) fn hand_over<T>(
        &self,
        requests: Vec<T>,
        mut answering: impl FnMut(T) -> Answering,
    ) -> Result<(), NotTaken> {
        let room = self.requests.try_reserve_many(requests.len());
        let room = room.map_err(|refused| match refused {
            TrySendError::Full(()) => NotTaken::Full,
            TrySendError::Closed(()) => NotTaken::Ended,
        })?;
        for (place, request) in room.zip(requests) {
            place.send(answering(request));
        }
        Ok(())
    }
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection")
            .field("client", &self.client)
            .field("load", &self.load)
            .finish_non_exhaustive()
    }
}
