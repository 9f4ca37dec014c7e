//! The messages that answer one request, as a stream that both renderings share.

use std::pin::Pin;

use argus_protocol::Answer;
use bytes::Bytes;
use futures::Stream;
use http::StatusCode;

use super::answer;

/// One message of an answer.
#[derive(Debug)]
pub(crate) enum Item {
    /// A notification, or a request to the client; more follows.
    Before(Bytes),
    /// The response.
    Last {
        /// The message.
        message: Bytes,
        /// The HTTP status, for an answer that is this message alone.
        status: StatusCode,
    },
}

impl Item {
    /// The response to a legacy request: errors travel with 200.
    pub(crate) fn legacy(message: Bytes) -> Self {
        Self::Last {
            message,
            status: StatusCode::OK,
        }
    }

    /// The message, for a stream that carries all of them.
    pub(crate) fn into_message(self) -> Bytes {
        match self {
            Self::Before(message) | Self::Last { message, .. } => message,
        }
    }

    /// The response to a modern request.
    pub(crate) fn modern(message: Bytes, answer: &Answer) -> Self {
        Self::Last {
            message,
            status: answer::modern_status(answer),
        }
    }
}

/// The messages that answer one request; ends after the response, or without one when the request was cancelled.
pub(crate) type Messages = Pin<Box<dyn Stream<Item = Item> + Send>>;
