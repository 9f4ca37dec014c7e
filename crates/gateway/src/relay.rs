//! A call under way, as a face sees it.

use std::sync::Arc;
use std::task::{Context, Poll};

use argus_protocol::{Answer, ByteString, Object, Raw, RpcError, method};
use argus_upstream::{Event, Exchange};

use crate::ops::mrtr::StateSeal;
use crate::session::Session;

/// What the gateway answers to a request.
#[derive(Debug)]
pub enum Reply {
    /// At once, from what the gateway knows itself.
    Now(Answer),
    /// A backend is at work.
    Relay(Relay),
}

impl Reply {
    pub(crate) fn result(raw: Raw) -> Self {
        Self::Now(Answer::Result(raw))
    }

    pub(crate) fn error(error: &RpcError) -> Self {
        Self::Now(Answer::Error(error.to_raw()))
    }
}

impl From<RpcError> for Reply {
    fn from(error: RpcError) -> Self {
        Self::error(&error)
    }
}

/// An exchange with what has to be done to its events for this client. Dropped before its outcome, it cancels the call
/// at the backend.
#[derive(Debug)]
pub struct Relay {
    pub(crate) exchange: Exchange,
    pub(crate) backend: Arc<str>,
    pub(crate) name: Option<ByteString>,
    pub(crate) finish: Finish,
    /// The session whose log level holds for this call.
    pub(crate) session: Option<Arc<Session>>,
}

/// What becomes of a result.
#[derive(Debug)]
pub(crate) enum Finish {
    /// Nothing.
    AsIs,
    /// A modern backend's `requestState` is sealed.
    Seal(StateSeal),
    /// A legacy backend's result is completed for a modern client.
    Modernise {
        /// Whether the method's results carry cache hints.
        cached: bool,
    },
}

impl Relay {
    /// The backend at work.
    #[must_use]
    pub fn backend(&self) -> &Arc<str> {
        &self.backend
    }

    /// The backend's own name of the tool or prompt, or the URI.
    #[must_use]
    pub fn name(&self) -> Option<&ByteString> {
        self.name.as_ref()
    }

    /// The next event; `None` once the outcome was handed over.
    pub async fn next(&mut self) -> Option<Event<Answer>> {
        std::future::poll_fn(|cx| self.poll_event(cx)).await
    }

    /// Polls for the next event; `None` once the outcome was handed over.
    pub fn poll_event(&mut self, cx: &mut Context<'_>) -> Poll<Option<Event<Answer>>> {
        loop {
            let event = std::task::ready!(self.exchange.poll_event(cx));
            match event {
                Some(Event::Outcome(outcome)) => {
                    let answer = outcome.unwrap_or_else(|cause| Answer::Error(cause.to_rpc(&self.backend).to_raw()));
                    return Poll::Ready(Some(Event::Outcome(self.finish.apply(answer))));
                }
                Some(Event::Notification { method, params }) => {
                    let session = self.session.as_ref().filter(|_| method == method::LOG);
                    if session.is_none_or(|session| session.wants_log(&method, params.as_ref())) {
                        return Poll::Ready(Some(Event::Notification { method, params }));
                    }
                }
                Some(Event::Ask(ask)) => return Poll::Ready(Some(Event::Ask(ask))),
                Some(Event::AskWithdrawn(id)) => return Poll::Ready(Some(Event::AskWithdrawn(id))),
                None => return Poll::Ready(None),
            }
        }
    }
}

impl Finish {
    fn apply(&self, answer: Answer) -> Answer {
        match (self, answer) {
            (Self::Seal(seal), Answer::Result(result)) => Answer::Result(seal.wrap(result)),
            (Self::Modernise { cached }, Answer::Result(result)) => Answer::Result(modernise(&result, *cached)),
            (_, answer) => answer,
        }
    }
}

/// A legacy result with what a modern client needs (MCP 2026-07-28 "Results"). What the result has already stays.
pub(crate) fn modernise(result: &Raw, cached: bool) -> Raw {
    let Ok(read) = Object::parse(result) else {
        return result.clone();
    };
    let mut edit = read.edit();
    let missing = |key: &str| read.get(key).is_none();
    if missing("resultType") {
        edit = edit.set("resultType", Raw::string("complete"));
    }
    if cached && missing("ttlMs") {
        edit = edit.set("ttlMs", Raw::from_value(&0.into()));
    }
    if cached && missing("cacheScope") {
        edit = edit.set("cacheScope", Raw::string("private"));
    }
    edit.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_legacy_result_gains_only_what_is_missing() {
        let raw = |text: &str| Raw::parse(text.to_owned()).unwrap();
        assert_eq!(
            modernise(&raw(r#"{"content":[{"x":1.0}]}"#), false).as_str(),
            r#"{"content":[{"x":1.0}],"resultType":"complete"}"#
        );
        assert_eq!(
            modernise(&raw(r#"{"contents":[],"ttlMs":5}"#), true).as_str(),
            r#"{"contents":[],"ttlMs":5,"resultType":"complete","cacheScope":"private"}"#
        );
    }
}
