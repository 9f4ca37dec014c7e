//! The answer to one request while it is under way.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures::{FutureExt, Stream, StreamExt};
use tokio_util::sync::WaitForCancellationFutureOwned;

use super::in_flight::Entry;
use super::load::Place;
use crate::mcp::messages::{Item, Messages};

/// The messages that answer one request, with what the request holds of the connection until its response is out.
/// Dropped before, it gives the request up.
pub(crate) struct Answering {
    /// Fetched before anybody waits for it.
    first: Option<Item>,
    messages: Messages,
    holds: Option<Holds>,
}

/// What a request holds of its connection.
struct Holds {
    _place: Arc<Place>,
    modern: Option<Modern>,
}

struct Modern {
    _entry: Entry,
    cancelled: Pin<Box<WaitForCancellationFutureOwned>>,
}

impl Answering {
    /// An answer that is there already.
    pub(crate) fn now(item: Item) -> Self {
        Self {
            first: None,
            messages: Box::pin(futures::stream::iter([item])),
            holds: None,
        }
    }

    /// The answer to a legacy request; its session knows how to cancel it.
    pub(crate) fn legacy(messages: Messages, place: Arc<Place>) -> Self {
        Self::begin(messages, place, None)
    }

    /// The answer to a modern request. It ends without a response when the request is cancelled.
    pub(crate) fn modern(messages: Messages, place: Arc<Place>, entry: Entry) -> Self {
        let cancelled = Box::pin(entry.cancelled().clone().cancelled_owned());
        Self::begin(
            messages,
            place,
            Some(Modern {
                _entry: entry,
                cancelled,
            }),
        )
    }

    /// Begins the work at once: a client may cancel a request as soon as its POST is answered, and what is to be
    /// cancelled must be known by then.
    fn begin(mut messages: Messages, place: Arc<Place>, modern: Option<Modern>) -> Self {
        let first = messages.next().now_or_never().flatten();
        Self {
            first,
            messages,
            holds: Some(Holds { _place: place, modern }),
        }
    }

    fn poll_cancelled(&mut self, cx: &mut Context<'_>) -> bool {
        let modern = self.holds.as_mut().and_then(|holds| holds.modern.as_mut());
        modern.is_some_and(|modern| modern.cancelled.poll_unpin(cx).is_ready())
    }
}

impl Stream for Answering {
    type Item = Item;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Item>> {
        if self.poll_cancelled(cx) {
            return Poll::Ready(None);
        }
        let item = match self.first.take() {
            Some(first) => Some(first),
            None => std::task::ready!(self.messages.poll_next_unpin(cx)),
        };
        if matches!(item, Some(Item::Last { .. })) {
            // The client may use the id again as soon as it reads the response.
            self.holds = None;
        }
        Poll::Ready(item)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};

    use argus_protocol::Id;
    use bytes::Bytes;

    use super::*;
    use crate::duplex::in_flight::InFlight;
    use crate::duplex::load::Load;

    fn place() -> Arc<Place> {
        Arc::new(Arc::new(Load::default()).take(1, 1).unwrap())
    }

    #[tokio::test]
    async fn the_work_begins_before_anybody_waits_for_it() {
        let begun = Arc::new(AtomicBool::new(false));
        let messages = futures::stream::once({
            let begun = Arc::clone(&begun);
            async move {
                begun.store(true, Ordering::Relaxed);
                tokio::task::yield_now().await;
                Item::legacy(Bytes::from_static(b"{}"))
            }
        });
        let mut answering = Answering::legacy(Box::pin(messages), place());
        assert!(begun.load(Ordering::Relaxed));
        assert!(matches!(answering.next().await, Some(Item::Last { .. })));
        assert!(answering.next().await.is_none());
    }

    #[tokio::test]
    async fn the_id_is_free_as_soon_as_the_response_is_out() {
        let all = Arc::new(InFlight::default());
        let items = [
            Item::Before(Bytes::from_static(b"{}")),
            Item::legacy(Bytes::from_static(b"{}")),
        ];
        let messages = Box::pin(futures::stream::iter(items));
        let entry = all.begin(&Id::number(1)).unwrap();
        let mut answering = Answering::modern(messages, place(), entry);
        assert!(matches!(answering.next().await, Some(Item::Before(_))));
        assert!(all.begin(&Id::number(1)).is_none());
        assert!(matches!(answering.next().await, Some(Item::Last { .. })));
        assert!(all.begin(&Id::number(1)).is_some());
    }
}
