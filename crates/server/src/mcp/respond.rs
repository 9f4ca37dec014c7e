//! Rendering messages: one JSON body where the response comes soon and alone, else an event stream.

use std::convert::Infallible;
use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use argus_gateway::Stalls;
use argus_protocol::sse;
use axum::body::Body;
use axum::response::{IntoResponse, Response};
use bytes::{Bytes, BytesMut};
use futures::{Stream, StreamExt};
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderName, HeaderValue, StatusCode};

use super::accepts::Accepts;
use super::answer::JsonAnswer;
use super::messages::{Item, Messages};
use super::unread::Reader;

/// A response that comes within this time, with nothing before it, is plain JSON.
const SOON: Duration = Duration::from_secs(1);
/// The pause after which a stream says that it lives.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// The messages of an answer, and how they become an event stream.
pub(crate) trait Answering: Stream<Item = Item> + Send + Unpin + 'static {
    /// The event stream of these messages, `first` before the others. Where the client stops reading it, `stalls` has
    /// somebody go on with the call.
    fn into_stream(self, first: Option<Item>, stalls: &Arc<Stalls>) -> Response;
}

/// Dropped with its response, as modern answers are.
impl Answering for Messages {
    fn into_stream(self, first: Option<Item>, stalls: &Arc<Stalls>) -> Response {
        let messages = Reader::new(first, self, stalls);
        kept_alive(messages.map(|message| message.map(|message| sse::message(&message))))
    }
}

/// Answers one request.
pub(crate) async fn one(mut messages: impl Answering, accepts: Accepts, stalls: &Arc<Stalls>) -> Response {
    if !accepts.stream {
        return whole(messages).await;
    }
    if !accepts.json {
        return messages.into_stream(None, stalls);
    }
    match tokio::time::timeout(SOON, messages.next()).await {
        Ok(Some(Item::Last { message, status })) => JsonAnswer { status, message }.into_response(),
        Ok(Some(first @ Item::Before(_))) => messages.into_stream(Some(first), stalls),
        Ok(None) => cancelled(),
        Err(_) => messages.into_stream(None, stalls),
    }
}

/// Answers a batch with a stream of all its messages (MCP 2025-03-26 "Sending messages to the server").
pub(crate) async fn batch(mut answers: impl Answering, accepts: Accepts, stalls: &Arc<Stalls>) -> Response {
    if accepts.stream {
        return answers.into_stream(None, stalls);
    }
    let mut body = BytesMut::new();
    while let Some(item) = answers.next().await {
        // What comes before a response has no place in the array.
        if let Item::Last { message, .. } = item {
            body.extend_from_slice(if body.is_empty() { b"[" } else { b"," });
            body.extend_from_slice(&message);
        }
    }
    if body.is_empty() {
        // All were cancelled.
        return StatusCode::ACCEPTED.into_response();
    }
    body.extend_from_slice(b"]");
    JsonAnswer {
        status: StatusCode::OK,
        message: body.freeze(),
    }
    .into_response()
}

/// For a client that reads no streams: the response alone.
async fn whole(mut messages: impl Answering) -> Response {
    while let Some(item) = messages.next().await {
        if let Item::Last { message, status } = item {
            return JsonAnswer { status, message }.into_response();
        }
    }
    cancelled()
}

/// A request that was cancelled before anything answered it has no response: its stream is empty.
fn cancelled() -> Response {
    event_stream(futures::stream::empty())
}

/// An event stream of messages, kept alive by comments.
pub(crate) fn event_stream(messages: impl Stream<Item = Bytes> + Send + 'static) -> Response {
    events(messages.map(|message| sse::message(&message)))
}

/// The same, of whole events.
pub(crate) fn events(events: impl Stream<Item = Bytes> + Send + 'static) -> Response {
    kept_alive(events.map(Ok::<_, Infallible>))
}

/// The same, of events that may break off, and the connection with them.
fn kept_alive<E>(events: impl Stream<Item = Result<Bytes, E>> + Send + 'static) -> Response
where
    E: Error + Send + Sync + 'static,
{
    let mut events = Box::pin(events);
    let events = async_stream::stream! {
        loop {
            match tokio::time::timeout(KEEP_ALIVE, events.next()).await {
                Ok(Some(event)) => yield event,
                Ok(None) => return,
                Err(_) => yield Ok(Bytes::from_static(sse::KEEP_ALIVE)),
            }
        }
    };
    let mut response = Response::new(Body::from_stream(events));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache, no-transform"));
    headers.insert(
        HeaderName::from_static("x-accel-buffering"),
        HeaderValue::from_static("no"),
    );
    response
}

#[cfg(test)]
mod tests {
    use argus_protocol::write;

    use super::*;

    /// A message that shows whether it is kept.
    struct Kept {
        text: Bytes,
        _alive: Arc<()>,
    }

    impl AsRef<[u8]> for Kept {
        fn as_ref(&self) -> &[u8] {
            &self.text
        }
    }

    #[tokio::test]
    async fn what_has_no_place_in_an_array_is_not_collected() {
        let kept = Arc::new(());
        let messages = futures::stream::iter(0..200).map({
            let kept = Arc::clone(&kept);
            move |number| {
                assert_eq!(Arc::strong_count(&kept), 2, "only the stream and the test have it");
                let notification = Kept {
                    text: write::notification("notifications/progress", None),
                    _alive: Arc::clone(&kept),
                };
                match number % 100 {
                    99 => Item::legacy(Bytes::from(number.to_string())),
                    _ => Item::Before(Bytes::from_owner(notification)),
                }
            }
        });
        let accepts = Accepts {
            json: true,
            stream: false,
        };
        let answers: Messages = Box::pin(messages);
        let body = batch(answers, accepts, &Arc::default()).await.into_body();
        assert_eq!(axum::body::to_bytes(body, 100).await.unwrap(), "[99,199]");
    }
}
