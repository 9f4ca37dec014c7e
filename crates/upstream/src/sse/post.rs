//! Posting messages: requests several at once, all others in order.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use http::{Response, StatusCode};
use http_body_util::BodyExt;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::duplex::{Demux, Outbound, Queued};
use crate::http::{Endpoint, Received, shown, status_error, version_headers};
use crate::{FeedEvent, LinkError};

/// Requests that are posted at once.
const AT_ONCE: u32 = 16;
/// A server takes a message at once and answers it on the stream. One that does not is given so long before others no
/// longer wait for it.
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

/// Posts what is queued until the connection ends.
pub(super) async fn post_all(queued: Queued, poster: Poster) {
    let stop = poster.stop.clone();
    let poster = Arc::new(poster);
    let post = |outbound| Arc::clone(&poster).post(outbound);
    let _ = stop.run_until_cancelled(in_turn(queued, post)).await;
}

/// Requests are independent of each other. A notification or an answer is about what was said before it, and what
/// comes after may rely on it: it is posted alone.
async fn in_turn<P>(mut queued: Queued, post: impl Fn(Outbound) -> P)
where
    P: Future<Output = ()> + Send + 'static,
{
    let turns = Arc::new(Semaphore::new(AT_ONCE as usize));
    let mut posting = JoinSet::new();
    while let Some(outbound) = queued.take().await {
        let share = if outbound.call.is_some() { 1 } else { AT_ONCE };
        // The semaphore is never closed.
        let Ok(turn) = Arc::clone(&turns).acquire_many_owned(share).await else {
            return;
        };
        posting.spawn(patiently(turn, post(outbound)));
        while posting.try_join_next().is_some() {}
        if posting.len() >= MAX_POSTING {
            posting.join_next().await;
        }
    }
    // What was taken out is still posted.
    while posting.join_next().await.is_some() {}
}

/// Posts, and gives the turn back when it is done, or when it takes too long.
async fn patiently(turn: OwnedSemaphorePermit, post: impl Future<Output = ()>) {
    let mut post = std::pin::pin!(post);
    let in_time = tokio::time::timeout(PATIENCE, &mut post).await;
    drop(turn);
    if in_time.is_err() {
        post.await;
    }
}

impl Poster {
    async fn post(self: Arc<Self>, outbound: Outbound) {
        let Outbound { message, call } = outbound;
        let headers = version_headers(self.demux.server.era, self.version.get());
        let posted = tokio::time::timeout(LONGEST, self.endpoint.post(&headers, message)).await;
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

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use argus_protocol::Era;
    use tokio::time::Instant;

    use super::*;
    use crate::duplex::{Conversation, Server};
    use crate::redact::Redactor;
    use crate::{FeedSink, Outgoing};

    struct Nobody;

    impl FeedSink for Nobody {
        fn deliver(&self, _: FeedEvent) {}
    }

    fn conversation() -> (Conversation, Queued) {
        Conversation::new(Server {
            backend: "b".into(),
            era: Era::Legacy,
            owned: true,
            process: None,
            log: Arc::default(),
            redactor: Redactor::default(),
            sink: Arc::new(Nobody),
        })
    }

    /// When posts began that take so many milliseconds each; the requests of these are called `r`.
    async fn begun(queued: Queued, takes: u64) -> Vec<(u64, &'static str)> {
        let began = Instant::now();
        let begun = Arc::new(Mutex::new(Vec::new()));
        let post = |outbound: Outbound| {
            let begun = Arc::clone(&begun);
            let kind = if outbound.call.is_some() { "r" } else { "n" };
            async move {
                let at = u64::try_from(began.elapsed().as_millis()).unwrap();
                begun.lock().unwrap().push((at, kind));
                tokio::time::sleep(Duration::from_millis(takes)).await;
            }
        };
        in_turn(queued, post).await;
        begun.lock().unwrap().clone()
    }

    #[tokio::test(start_paused = true)]
    async fn requests_are_posted_together_and_notifications_in_order() {
        let (conversation, queued) = conversation();
        let call = || conversation.call(Outgoing::own("tools/call", None));
        conversation.notify("notifications/initialized", None);
        let calls: Vec<_> = (0..20).map(|_| call()).collect();
        conversation.notify("notifications/cancelled", None);
        conversation.notify("notifications/cancelled", None);
        let last = call();
        conversation.demux().end(LinkError::stopped());
        drop((calls, last, conversation));
        let mut expected = vec![(0, "n")];
        expected.extend([(100, "r"); 16]);
        expected.extend([(200, "r"); 4]);
        expected.extend([(300, "n"), (400, "n"), (500, "r")]);
        assert_eq!(begun(queued, 100).await, expected);
    }

    #[tokio::test(start_paused = true)]
    async fn nobody_waits_for_long_for_a_server_that_takes_late() {
        let (conversation, queued) = conversation();
        let calls: Vec<_> = (0..17)
            .map(|_| conversation.call(Outgoing::own("tools/call", None)))
            .collect();
        conversation.notify("notifications/x", None);
        conversation.demux().end(LinkError::stopped());
        drop((calls, conversation));
        let begun = begun(queued, 20_000).await;
        assert_eq!(begun[15..], [(0, "r"), (1000, "r"), (2000, "n")]);
    }
}
