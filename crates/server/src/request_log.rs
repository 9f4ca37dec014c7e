//! One line per request.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use argus_gateway::Relay;
use argus_protocol::{Answer, ByteString};

static NEXT: AtomicU64 = AtomicU64::new(1);

/// Collects what is known of a request and writes its line when it is dropped.
#[derive(Debug)]
pub(crate) struct RequestLog {
    id: u64,
    face: &'static str,
    method: ByteString,
    began: Instant,
    name: Option<ByteString>,
    backend: Option<Arc<str>>,
    pub(crate) outcome: Outcome,
}

/// How a request ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// The client went away first.
    Dropped,
    /// The client cancelled it.
    Cancelled,
    /// It was answered with a result.
    Result,
    /// It was answered with an error.
    Error,
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
            outcome: Outcome::Dropped,
        }
    }

    /// A backend is at work.
    pub(crate) fn relayed(&mut self, relay: &Relay) {
        self.name = relay.name().cloned();
        self.backend = Some(Arc::clone(relay.backend()));
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
        let outcome = match self.outcome {
            Outcome::Dropped => "dropped",
            Outcome::Cancelled => "cancelled",
            Outcome::Result => "result",
            Outcome::Error => "error",
        };
        tracing::info!(
            target: "argus::request",
            id = self.id,
            face = self.face,
            method = &*self.method,
            name = self.name.as_deref().unwrap_or("-"),
            backend = self.backend.as_deref().unwrap_or("-"),
            outcome,
            duration_us = u64::try_from(self.began.elapsed().as_micros()).unwrap_or(u64::MAX),
        );
    }
}
