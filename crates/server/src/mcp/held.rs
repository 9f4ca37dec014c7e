//! Answers to legacy requests, which the session holds where the client's connection breaks: that is no cancellation
//! (MCP "Cancellation").

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use argus_gateway::{Said, Saying, Session, Stalls};
use axum::response::Response;
use futures::{Stream, StreamExt, stream};

use super::messages::{Item, Messages};
use super::respond::Answering;
use super::resume;

/// The messages of an answer. Dropped before the last response, they are taken to their end by the session.
pub(crate) struct Held {
    session: Arc<Session>,
    /// `None` when all was said.
    messages: Option<Messages>,
    /// Responses that are still to come.
    responses: usize,
}

impl Held {
    /// The answer to one request.
    pub(crate) fn one(session: Arc<Session>, messages: Messages) -> Self {
        Self {
            session,
            messages: Some(messages),
            responses: 1,
        }
    }

    /// The answers to a batch.
    pub(crate) fn batch(session: Arc<Session>, answers: Vec<Messages>) -> Self {
        let responses = answers.len();
        Self {
            session,
            messages: Some(Box::pin(stream::select_all(answers))),
            responses,
        }
    }
}

impl Stream for Held {
    type Item = Item;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Item>> {
        let Some(messages) = &mut self.messages else {
            return Poll::Ready(None);
        };
        let item = ready!(messages.poll_next_unpin(cx));
        if let Some(Item::Last { .. }) = &item {
            self.responses = self.responses.saturating_sub(1);
        }
        if item.is_none() || self.responses == 0 {
            self.messages = None;
        }
        Poll::Ready(item)
    }
}

impl Answering for Held {
    /// The session looks after its own readers.
    fn into_stream(mut self, first: Option<Item>, _: &Arc<Stalls>) -> Response {
        let rest = self.messages.take().unwrap_or_else(|| Box::pin(stream::empty()));
        resume::begin(&self.session, saying(first, rest))
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        if let Some(messages) = self.messages.take() {
            self.session.finish(saying(None, messages));
        }
    }
}

fn saying(first: Option<Item>, rest: Messages) -> Saying {
    let messages = stream::iter(first).chain(rest);
    Box::pin(messages.map(|item| match item {
        Item::Before(message) => Said {
            message,
            is_response: false,
        },
        Item::Last { message, .. } => Said {
            message,
            is_response: true,
        },
    }))
}
