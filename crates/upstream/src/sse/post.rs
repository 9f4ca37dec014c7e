//! Posting messages, in order.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use http::{Response, StatusCode};
use http_body_util::BodyExt;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::duplex::{Demux, Outbound, Queued};
use crate::http::{Endpoint, Received, shown, status_error, version_headers};
use crate::{FeedEvent, LinkError};

/// A server takes a message at once and answers it on the stream. One that does not is given so long before the next
/// message is posted.
const PATIENCE: Duration = Duration::from_secs(1);
/// How long a message may take to be taken.
const LONGEST: Duration = Duration::from_secs(30);
/// Messages that may be on their way to a server that takes none.
const MAX_POSTING: usize = 64;
/// What is read of the answer to a post, so that its connection can be used again.
const MAX_ANSWER: usize = 64 << 10;

/// Where messages go.
pub(super) struct Poster {
    /// The address that the backend named.
    pub(super) endpoint: Endpoint,
    pub(super) demux: Arc<Demux>,
    /// The revision that was agreed on, which every later message names.
    pub(super) version: Arc<OnceLock<String>>,
    /// Whether the backend has taken a message yet.
    pub(super) taken: AtomicBool,
    /// Ends the connection.
    pub(super) stop: CancellationToken,
}

/// Posts what is queued, one message after the other, until the connection ends.
pub(super) async fn post_all(queued: Queued, poster: Poster) {
    let stop = poster.stop.clone();
    let _ = stop.run_until_cancelled(post_each(queued, Arc::new(poster))).await;
}

async fn post_each(mut queued: Queued, poster: Arc<Poster>) {
    let mut late = JoinSet::new();
    while let Some(outbound) = queued.take().await {
        let mut post = Box::pin(Arc::clone(&poster).post(outbound));
        if tokio::time::timeout(PATIENCE, &mut post).await.is_err() {
            late.spawn(post);
        }
        while late.try_join_next().is_some() {}
        if late.len() >= MAX_POSTING {
            late.join_next().await;
        }
    }
}

impl Poster {
    async fn post(self: Arc<Self>, outbound: Outbound) {
        let Outbound { message, call } = outbound;
        let headers = version_headers(self.demux.server.era, self.version.get());
        let posted = tokio::time::timeout(LONGEST, self.endpoint.post(headers, message)).await;
        let cause = match posted {
            Ok(Ok(response)) if response.status().is_success() => {
                self.taken.store(true, Ordering::Relaxed);
                // What it says is on the stream.
                let _ = tokio::time::timeout(LONGEST, read_to_end(response)).await;
                return;
            }
            Ok(Ok(response)) => self.refused(response.status()),
            Ok(Err(cause)) => cause,
            Err(_) => LinkError::Timeout {
                what: "POST",
                after: LONGEST,
            },
        };
        if matches!(cause, LinkError::Unreachable { .. }) {
            // It may have been started anew.
            self.demux.server.sink.deliver(FeedEvent::Interrupted);
        }
        if call.is_none() {
            tracing::warn!(backend = %self.demux.server.backend, error = %cause, "a message to the backend was lost");
        }
        if matches!(cause, LinkError::SessionLost(_)) {
            self.demux.lose(call, cause);
            self.stop.cancel();
        } else if let Some(call) = call {
            self.demux.fail(call, cause);
        }
    }

    /// What a status means that is no success. A backend that no longer knows an address where it took messages has
    /// lost the session.
    fn refused(&self, status: StatusCode) -> LinkError {
        let unknown = matches!(status, StatusCode::NOT_FOUND | StatusCode::GONE);
        if unknown && self.taken.load(Ordering::Relaxed) {
            LinkError::SessionLost(shown(self.endpoint.url()))
        } else {
            status_error(self.endpoint.url(), status)
        }
    }
}

/// Reads the answer to a post, which says nothing.
async fn read_to_end(mut response: Response<Received>) {
    let mut read = 0;
    while let Some(Ok(frame)) = response.body_mut().frame().await {
        read += frame.data_ref().map_or(0, bytes::Bytes::len);
        if read > MAX_ANSWER {
            return;
        }
    }
}
