//! What waits for a client that stays away from the stream of its answer.

use std::collections::VecDeque;
use std::task::{Context, Poll, Waker};

use bytes::Bytes;

use super::messages::Item;
use super::unread::Unread;

/// Messages that may wait beside the response.
const MAX_MESSAGES: usize = 4096;
/// Bytes that may wait beside the response; one message may be larger when nothing else waits.
const MAX_BYTES: usize = 4 << 20;

/// What waits.
#[derive(Debug, Default)]
pub(super) struct Waiting {
    messages: VecDeque<Bytes>,
    bytes: usize,
    end: Option<End>,
    reader: Option<Waker>,
}

#[derive(Debug, Clone, Copy)]
enum End {
    /// All was said.
    Complete,
    /// There was no room for more.
    Unread,
}

impl Waiting {
    /// Puts a message in; `false` when there is no room: then all is thrown away, for what is missing would be missed.
    /// The response has room in any case: the backend is done with the call, and nothing follows.
    pub(super) fn put(&mut self, item: Item) -> bool {
        let is_last = matches!(item, Item::Last { .. });
        let message = item.into_message();
        let fits = self.bytes + message.len() <= MAX_BYTES && self.messages.len() < MAX_MESSAGES;
        if fits || is_last || self.messages.is_empty() {
            self.bytes += message.len();
            self.messages.push_back(message);
        } else {
            self.messages = VecDeque::new();
            self.end = Some(End::Unread);
        }
        self.wake();
        self.end.is_none()
    }

    /// Nothing more will come.
    pub(super) fn end(&mut self) {
        self.end = Some(End::Complete);
        self.wake();
    }

    /// The next message, for the reader.
    pub(super) fn poll_next(&mut self, cx: &Context<'_>) -> Poll<Option<Result<Bytes, Unread>>> {
        if let Some(message) = self.messages.pop_front() {
            self.bytes -= message.len();
            return Poll::Ready(Some(Ok(message)));
        }
        match self.end {
            Some(End::Complete) => Poll::Ready(None),
            Some(End::Unread) => Poll::Ready(Some(Err(Unread))),
            None => {
                self.reader = Some(cx.waker().clone());
                Poll::Pending
            }
        }
    }

    fn wake(&mut self) {
        if let Some(reader) = self.reader.take() {
            reader.wake();
        }
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt;
    use futures::future::poll_fn;
    use http::StatusCode;

    use super::*;

    fn before(bytes: usize) -> Item {
        Item::Before(Bytes::from(vec![b' '; bytes]))
    }

    fn last(bytes: usize) -> Item {
        Item::Last {
            message: Bytes::from(vec![b'!'; bytes]),
            status: StatusCode::OK,
        }
    }

    /// The length of the next message; 0 at the end.
    fn next(waiting: &mut Waiting) -> Option<Result<usize, ()>> {
        let next = poll_fn(|cx| waiting.poll_next(cx)).now_or_never()?;
        Some(next.map_or(Ok(0), |message| {
            message.map(|message| message.len()).map_err(|Unread| ())
        }))
    }

    #[test]
    fn in_order_to_the_end() {
        let mut waiting = Waiting::default();
        assert!(waiting.put(before(1)) && waiting.put(last(2)));
        assert_eq!((next(&mut waiting), next(&mut waiting)), (Some(Ok(1)), Some(Ok(2))));
        assert_eq!(next(&mut waiting), None);
        waiting.end();
        assert_eq!(next(&mut waiting), Some(Ok(0)));
    }

    #[test]
    fn what_is_too_much_cuts_the_stream_off() {
        let mut waiting = Waiting::default();
        assert!((0..MAX_MESSAGES).all(|_| waiting.put(before(1))));
        assert!(!waiting.put(before(1)));
        assert!(waiting.messages.is_empty(), "what nobody reads is kept");
        assert_eq!(next(&mut waiting), Some(Err(())));
        let mut waiting = Waiting::default();
        assert!(waiting.put(before(MAX_BYTES + 1)), "alone it has room");
        assert!(waiting.put(last(MAX_BYTES)), "the response is the end of it");
        assert!(!waiting.put(before(1)));
    }
}
