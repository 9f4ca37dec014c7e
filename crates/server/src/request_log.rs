//! One line per request.

use std::cell::Cell;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use argus_gateway::Relay;
use argus_protocol::{Answer, ByteString, Message, shown};
use axum::extract::Request;
use axum::middleware::Next;
use axum::response::Response;
use http::{Method, StatusCode};
use tokio_util::sync::CancellationToken;

static NEXT: AtomicU64 = AtomicU64::new(1);
thread_local! {
    /// Whether a call is being given up because its answer is not read.
    static UNREAD_CALL: Cell<bool> = const { Cell::new(false) };
}

/// What stands for a method that could not be read.
const UNREAD: ByteString = ByteString::from_static("-");
/// The method of a request that opens a stream.
const GET: ByteString = ByteString::from_static("GET");

/// Collects what is known of a request and writes its line when it is dropped.
#[derive(Debug)]
pub(crate) struct RequestLog {
    id: u64,
    face: &'static str,
    method: ByteString,
    began: Instant,
    name: Option<ByteString>,
    backend: Option<Arc<str>>,
    /// Cancelled when the client does not want the answer any more.
    cancelled: Option<CancellationToken>,
    pub(crate) outcome: Outcome,
}

/// How a request ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// The client went away first.
    Dropped,
    /// The client did not read its answer, and it was given up.
    Unread,
    /// The client cancelled it.
    Cancelled,
    /// It was answered with a result.
    Result,
    /// It was answered with an error.
    Error,
    /// It wanted no answer and was taken.
    Accepted,
    /// A stream ended in good order.
    Ended,
    /// It was refused with this HTTP status.
    Refused(StatusCode),
}

impl Outcome {
    fn of_status(status: StatusCode) -> Self {
        if status.is_client_error() || status.is_server_error() {
            Self::Refused(status)
        } else {
            Self::Accepted
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Dropped => "dropped",
            Self::Unread => "unread",
            Self::Cancelled => "cancelled",
            Self::Result => "result",
            Self::Error => "error",
            Self::Accepted => "accepted",
            Self::Ended => "ended",
            Self::Refused(_) => "refused",
        }
    }

    fn status(self) -> Option<u16> {
        match self {
            Self::Refused(status) => Some(status.as_u16()),
            _ => None,
        }
    }
}

impl RequestLog {
    pub(crate) fn begin(face: &'static str, method: &ByteString) -> Self {
        Self {
            id: NEXT.fetch_add(1, Ordering::Relaxed),
            face,
            method: method.clone(),
            began: Instant::now(),
            name: None,
            backend: None,
            cancelled: None,
            outcome: Outcome::Dropped,
        }
    }

    /// A request that is dropped after this was cancelled was not left, but cancelled by its client.
    pub(crate) fn cancelled_by(mut self, cancelled: CancellationToken) -> Self {
        self.cancelled = Some(cancelled);
        self
    }

    /// Writes the line of a message of a batch that gets no answer of its own.
    pub(crate) fn taken(face: &'static str, message: &Message) {
        let method = method_of(message).unwrap_or(UNREAD);
        Self::begin(face, &method).outcome = Outcome::Accepted;
    }

    /// Writes the line of a part of a batch that is no message.
    pub(crate) fn unreadable(face: &'static str) {
        Self::begin(face, &UNREAD).outcome = Outcome::Error;
    }

    /// A backend is at work.
    pub(crate) fn relayed(&mut self, relay: &Relay) {
        self.name = relay.name().cloned();
        self.backend = Some(Arc::clone(relay.backend()));
    }

    /// How the request ended. (As a method it is called on all of the log, so that a closure takes all of it along.)
    pub(crate) fn end(&mut self, outcome: Outcome) {
        self.outcome = outcome;
    }

    /// The request was answered.
    pub(crate) fn ended(&mut self, answer: &Answer) {
        self.outcome = match answer {
            Answer::Result(_) => Outcome::Result,
            Answer::Error(_) => Outcome::Error,
        };
    }
}

impl Drop for RequestLog {
    fn drop(&mut self) {
        if self.outcome == Outcome::Dropped && self.cancelled.as_ref().is_some_and(CancellationToken::is_cancelled) {
            self.outcome = Outcome::Cancelled;
        }
        if self.outcome == Outcome::Dropped && UNREAD_CALL.get() {
            self.outcome = Outcome::Unread;
            tracing::warn!(
                method = shown(&self.method),
                backend = self.backend.as_deref().unwrap_or("-"),
                "a client leaves too much of an answer unread; its call is given up"
            );
        }
        tracing::info!(
            target: "argus::request",
            id = self.id,
            face = self.face,
            method = shown(&self.method),
            name = shown(self.name.as_deref().unwrap_or("-")),
            backend = self.backend.as_deref().unwrap_or("-"),
            outcome = self.outcome.name(),
            status = self.outcome.status(),
            duration_us = u64::try_from(self.began.elapsed().as_micros()).unwrap_or(u64::MAX),
        );
    }
}

/// Gives a call up, which was not left, but whose answer its client does not read. (Only the call knows what its line
/// says, and it is told in this way, because nothing else would want to tell it anything.)
pub(crate) fn unread<T>(call: T) {
    UNREAD_CALL.set(true);
    drop(call);
    UNREAD_CALL.set(false);
}

/// Marks a response whose request has a [`RequestLog`] already.
#[derive(Debug, Clone, Copy)]
struct Written;

/// The method of the message that a response answers.
#[derive(Debug, Clone)]
struct Named(ByteString);

/// Says that the line of this response's request is written elsewhere. (Where a POST is answered with 200, it always
/// is: nothing needs to be marked on the way of most calls.)
pub(crate) fn written(mut response: Response) -> Response {
    if response.status() != StatusCode::OK {
        response.extensions_mut().insert(Written);
    }
    response
}

/// Says which method was answered, in case that the line is not written elsewhere.
pub(crate) fn named(mut response: Response, method: Option<ByteString>) -> Response {
    if let Some(method) = method
        && response.status() != StatusCode::OK
    {
        response.extensions_mut().insert(Named(method));
    }
    response
}

/// The method of a message; a response has none.
pub(crate) fn method_of(message: &Message) -> Option<ByteString> {
    match message {
        Message::Request { method, .. } | Message::Notification { method, .. } => Some(method.clone()),
        Message::Response { .. } => None,
    }
}

/// Writes the lines of requests that nobody else writes one for: what was refused, and what wants no answer.
pub(crate) async fn rest(face: &'static str, request: Request, next: Next) -> Response {
    let rest = Rest::begin(face, request.method());
    rest.end(next.run(request).await)
}

/// The line of a request, in case that nobody else writes one.
pub(crate) struct Rest {
    face: &'static str,
    unread: ByteString,
    began: Instant,
}

impl Rest {
    pub(crate) fn begin(face: &'static str, method: &Method) -> Self {
        let unread = match *method {
            Method::POST => UNREAD,
            Method::GET => GET,
            ref other => ByteString::from(other.as_str()),
        };
        Self {
            face,
            unread,
            began: Instant::now(),
        }
    }

    pub(crate) fn end(self, response: Response) -> Response {
        let read = self.unread == UNREAD || self.unread == GET;
        let extensions = response.extensions();
        if (response.status() == StatusCode::OK && read) || extensions.get::<Written>().is_some() {
            return response;
        }
        let method = extensions.get().map_or(self.unread, |Named(method)| method.clone());
        let mut log = RequestLog::begin(self.face, &method);
        log.began = self.began;
        log.outcome = Outcome::of_status(response.status());
        response
    }
}
