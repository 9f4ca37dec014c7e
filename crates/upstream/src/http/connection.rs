//! A session, or a stateless endpoint, and the calls on it.

use std::borrow::Cow;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use argus_protocol::{Answer, Era, Id, Raw, header, method, version, write};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::endpoint::{Endpoint, with_version};
use super::{exchange, standing};
use crate::exchange::AskPeer;
use crate::hearing::Hearing;
use crate::link::{Events, failed};
use crate::outliving::Outliving;
use crate::{FeedSink, LinkError, Outgoing};

/// How long ending a session may take.
const GOODBYE: Duration = Duration::from_secs(2);

/// A backend behind a URL.
pub(crate) struct Connection {
    pub(super) shared: Arc<Shared>,
}

/// What calls and standing streams of one connection share.
pub(super) struct Shared {
    pub(super) backend: Arc<str>,
    pub(super) era: Era,
    pub(super) endpoint: Endpoint,
    pub(super) sink: Arc<dyn FeedSink>,
    pub(super) session: OnceLock<HeaderValue>,
    pub(super) version: OnceLock<String>,
    /// The headers of every request from the agreement on.
    settled: OnceLock<HeaderMap>,
    pub(super) ended: watch::Sender<Option<LinkError>>,
    pub(super) stop: CancellationToken,
    pub(super) tasks: TaskTracker,
    /// The progress tokens of tasks.
    pub(super) outliving: Outliving,
    next_id: AtomicU64,
}

impl Connection {
    /// A connection without a session yet. Nothing is sent.
    pub(crate) fn new(backend: Arc<str>, era: Era, endpoint: Endpoint, sink: Arc<dyn FeedSink>) -> Self {
        let shared = Shared {
            backend,
            era,
            endpoint,
            sink,
            session: OnceLock::new(),
            version: OnceLock::new(),
            settled: match era {
                Era::Modern => OnceLock::from(version_headers(era, None)),
                Era::Legacy => OnceLock::new(),
            },
            ended: watch::Sender::new(None),
            stop: CancellationToken::new(),
            tasks: TaskTracker::new(),
            outliving: Outliving::default(),
            next_id: AtomicU64::new(1),
        };
        Self {
            shared: Arc::new(shared),
        }
    }

    /// Remembers the negotiated revision, which every later request names.
    pub(crate) fn agreed(&self, version: &str) {
        let _ = self.shared.version.set(version.to_owned());
        // A session is given with the agreement, or never.
        let _ = self.shared.settled.set(self.shared.headers_so_far());
    }

    /// Opens the stream on which a legacy backend speaks outside calls.
    pub(crate) fn open_feed(&self, hearing: Arc<Hearing>) {
        self.shared
            .tasks
            .spawn(standing::legacy(Arc::clone(&self.shared), hearing));
    }

    /// Sends a request; the stream ends with its outcome, and dropping it before cancels the request.
    pub(crate) fn call(&self, request: Outgoing) -> Events {
        let number = self.shared.next_number();
        let id = Id::number(number);
        match request.prepare(self.shared.era, &id) {
            Ok((params, token)) => {
                let body = write::request(&id, &request.method, params.as_ref());
                exchange::open(Arc::clone(&self.shared), number, request, token, body)
            }
            Err(error) => failed(LinkError::Unsendable(error.to_string())),
        }
    }

    /// Sends a notification and waits until the backend took it.
    pub(crate) async fn notify_now(&self, method: &str, params: Option<&Raw>) -> Result<(), LinkError> {
        let body = write::notification(method, params);
        self.shared.endpoint.post(&self.shared.headers(), body).await.map(drop)
    }

    pub(crate) fn notify(&self, method: &str, params: Option<&Raw>) {
        self.shared.post_aside(write::notification(method, params));
    }

    pub(crate) fn ended(&self) -> Option<LinkError> {
        self.shared.ended.borrow().clone()
    }

    /// The connection is of no more use.
    pub(crate) fn end(&self, cause: LinkError) {
        self.shared.end(cause);
    }

    pub(crate) async fn wait_ended(&self) -> LinkError {
        let mut ended = self.shared.ended.subscribe();
        let cause = ended
            .wait_for(Option::is_some)
            .await
            .ok()
            .and_then(|cause| cause.clone());
        cause.unwrap_or_else(stopped)
    }

    pub(crate) async fn close(&self) {
        self.shared.end(stopped());
        self.shared.tasks.close();
        let goodbye = async {
            self.shared.say_goodbye().await;
            self.shared.tasks.wait().await;
        };
        let _ = tokio::time::timeout(GOODBYE, goodbye).await;
    }
}

impl Drop for Connection {
    /// A connection that nobody closed ends its session all the same.
    fn drop(&mut self) {
        let lost = self.shared.ended.borrow().is_some();
        self.shared.end(stopped());
        if !lost && self.shared.session.get().is_some() && tokio::runtime::Handle::try_current().is_ok() {
            let shared = Arc::clone(&self.shared);
            let goodbye = async move { tokio::time::timeout(GOODBYE, shared.say_goodbye()).await };
            self.shared.endpoint.client().spawn_farewell(goodbye);
        }
    }
}

fn stopped() -> LinkError {
    LinkError::Closed("the backend was stopped".to_owned())
}

impl std::fmt::Debug for Connection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("http::Connection")
            .field("backend", &self.shared.backend)
            .finish_non_exhaustive()
    }
}

impl Shared {
    /// Headers of every request on this connection.
    pub(super) fn headers(&self) -> Cow<'_, HeaderMap> {
        let settled = self.settled.get().map(Cow::Borrowed);
        settled.unwrap_or_else(|| Cow::Owned(self.headers_so_far()))
    }

    fn headers_so_far(&self) -> HeaderMap {
        let mut headers = version_headers(self.era, self.version.get());
        if let Some(session) = self.session.get() {
            headers.insert(header::SESSION_ID, session.clone());
        }
        headers
    }

    /// The connection is of no more use.
    pub(super) fn end(&self, cause: LinkError) {
        self.ended.send_if_modified(|ended| {
            let first = ended.is_none();
            if first {
                *ended = Some(cause);
            }
            first
        });
        self.stop.cancel();
    }

    pub(super) fn next_number(&self) -> u64 {
        self.next_id.fetch_add(1, Ordering::Relaxed)
    }

    /// Ends the session at the backend (MCP 2025-11-25 "Session management"), if there is one and it is not gone.
    async fn say_goodbye(&self) {
        let gone = matches!(&*self.ended.borrow(), Some(LinkError::SessionLost(_)));
        if !gone && self.session.get().is_some() {
            let _ = self.endpoint.delete(&self.headers()).await;
        }
    }

    /// Waits until the connection is closed; gives why. A session that is gone takes no further calls, but those in
    /// flight may still be answered.
    pub(super) async fn closed(&self) -> LinkError {
        self.stop.cancelled().await;
        let cause = self.ended.borrow().clone();
        match cause {
            Some(LinkError::SessionLost(_)) => std::future::pending().await,
            cause => cause.unwrap_or_else(stopped),
        }
    }

    /// Sends a message that nobody waits for.
    pub(super) fn post_aside(self: &Arc<Self>, body: Bytes) {
        let shared = Arc::clone(self);
        self.tasks.spawn(async move {
            let headers = shared.headers();
            let post = shared.endpoint.post(&headers, body);
            match tokio::time::timeout(Duration::from_secs(30), post).await {
                Ok(Ok(response)) if response.status().is_success() => {}
                Ok(Ok(response)) => {
                    tracing::debug!(backend = %shared.backend, status = %response.status(), "a message was refused");
                }
                Ok(Err(error)) => tracing::debug!(backend = %shared.backend, %error, "a message was lost"),
                Err(_) => tracing::debug!(backend = %shared.backend, "a message was not taken in time"),
            }
        });
    }
}

/// Waits for `work`, unless the connection is [closed](Shared::closed) first. (Pinned, because what waits would else have
/// room for it twice.)
pub(super) async fn unless<T>(
    closed: Pin<&mut impl Future<Output = LinkError>>,
    work: Pin<&mut impl Future<Output = T>>,
) -> Result<T, LinkError> {
    tokio::select! {
        biased;
        done = work => Ok(done),
        cause = closed => Err(cause),
    }
}

/// The headers that name the revision, once one was agreed on.
pub(crate) fn version_headers(era: Era, agreed: Option<&String>) -> HeaderMap {
    let mut headers = HeaderMap::with_capacity(8);
    match (era, agreed) {
        (Era::Modern, _) => with_version(&mut headers, version::MODERN),
        // 2025-03-26 and older know no such header.
        (Era::Legacy, Some(agreed)) if agreed.as_str() > version::ASSUMED => with_version(&mut headers, agreed),
        (Era::Legacy, _) => {}
    }
    headers
}

impl AskPeer for Arc<Shared> {
    fn answer(&self, id: &Id, answer: &Answer) {
        self.post_aside(write::response(Some(id), answer));
    }

    fn notify(&self, method: &str, params: Option<&Raw>) {
        self.post_aside(write::notification(method, params));
    }
}

/// Tells a legacy backend that a request is no longer wanted.
pub(super) fn cancel(shared: &Arc<Shared>, number: u64) {
    let params = Raw::from_value(&serde_json::json!({"requestId": number, "reason": "the caller went away"}));
    shared.post_aside(write::notification(method::CANCELLED, Some(&params)));
}
