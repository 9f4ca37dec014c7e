//! What waits for a client to read it.
//!
//! Answers are fetched from their exchanges as soon as they are there, so that no call keeps its backend longer than it
//! needs to because its client is slow. What is fetched waits here, within bounds.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::budget::Budget;

/// Messages that may wait.
const MAX_MESSAGES: usize = 4096;
/// Bytes that may wait; one message may be larger when nothing else waits.
const MAX_BYTES: usize = 64 << 20;
/// How long a client may leave no room for the next message.
const STUCK: Duration = Duration::from_secs(2);

/// The writing end; dropped, the stream ends after what waits.
#[derive(Debug)]
pub(crate) struct Outgoing(Arc<Queue>);

/// The reading end; dropped, the writer learns that the client is gone.
#[derive(Debug)]
pub(crate) struct Reading(Arc<Queue>);

/// The client does not read.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Unread {
    /// Too much waits for this client.
    #[error("more than may wait for a client that does not read")]
    Own,
    /// Too much waits for all clients, and most of it for this one.
    #[error("more than may wait for all clients together, and most of it for this one")]
    Shared,
}

/// What waits for one client.
#[derive(Debug)]
pub(crate) struct Queue {
    /// Its number among those that share the budget.
    pub(crate) number: u64,
    budget: Arc<Budget>,
    state: Mutex<State>,
    came: Notify,
    taken: Notify,
    left: CancellationToken,
    /// How long a client may leave no room for the next message; `None` where nobody suffers from one that does.
    patience: Option<Duration>,
}

#[derive(Debug, Default)]
struct State {
    waiting: VecDeque<Bytes>,
    bytes: usize,
    ended: bool,
}

/// A queue whose bytes count in this budget. A client that does not read loses it.
pub(crate) fn queue(budget: &Arc<Budget>) -> (Outgoing, Reading) {
    queue_of(budget, Some(STUCK))
}

/// A queue of the only client that there is: what it does not read makes it wait for the rest, and nobody else.
pub(crate) fn sole_queue() -> (Outgoing, Reading) {
    queue_of(&Arc::default(), None)
}

fn queue_of(budget: &Arc<Budget>, patience: Option<Duration>) -> (Outgoing, Reading) {
    let queue = budget.share(|number| Queue {
        number,
        budget: Arc::clone(budget),
        state: Mutex::default(),
        came: Notify::new(),
        taken: Notify::new(),
        left: CancellationToken::new(),
        patience,
    });
    (Outgoing(Arc::clone(&queue)), Reading(queue))
}

impl Outgoing {
    /// Puts a message in; waits for room, but not for long.
    ///
    /// # Errors
    /// When there is no room in time. What waited is thrown away then, for nobody would read it.
    pub(crate) async fn put(&self, message: Bytes) -> Result<(), Unread> {
        let size = message.len();
        let refused = match self.waited_for(size).await {
            false => Unread::Own,
            true if !self.0.budget.take(size, &self.0) => Unread::Shared,
            true if self.0.push(message) => return Ok(()),
            true => {
                self.0.budget.give(size);
                Unread::Shared
            }
        };
        self.0.end();
        Err(refused)
    }

    /// Waits for room; `false` when there was none in time.
    async fn waited_for(&self, size: usize) -> bool {
        let room = self.room_for(size);
        match self.0.patience {
            Some(patience) => tokio::time::timeout(patience, room).await.is_ok(),
            None => {
                room.await;
                true
            }
        }
    }

    /// Waits until the client is gone, or given up.
    pub(crate) async fn left(&self) {
        self.0.left.cancelled().await;
    }

    async fn room_for(&self, size: usize) {
        while !self.0.state().has_room(size) {
            // One writer and one reader: a permit of an earlier time only makes it look once more.
            self.0.taken.notified().await;
        }
    }
}

impl Drop for Outgoing {
    fn drop(&mut self) {
        self.0.state().ended = true;
        self.0.came.notify_one();
    }
}

impl Reading {
    /// The next message; `None` at the end.
    pub(crate) async fn next(&mut self) -> Option<Bytes> {
        loop {
            {
                let mut state = self.0.state();
                if let Some(message) = state.waiting.pop_front() {
                    state.bytes -= message.len();
                    drop(state);
                    self.0.budget.give(message.len());
                    self.0.taken.notify_one();
                    return Some(message);
                }
                if state.ended {
                    return None;
                }
            }
            self.0.came.notified().await;
        }
    }
}

impl Drop for Reading {
    fn drop(&mut self) {
        self.0.left.cancel();
    }
}

impl Queue {
    /// The bytes that wait.
    pub(crate) fn bytes(&self) -> usize {
        self.state().bytes
    }

    /// Throws away what waits, for nobody reads it, and ends the stream.
    pub(crate) fn end(&self) {
        let mut state = self.state();
        state.ended = true;
        let thrown = std::mem::take(&mut state.waiting);
        let bytes = std::mem::take(&mut state.bytes);
        drop(state);
        drop(thrown);
        self.budget.give(bytes);
        self.left.cancel();
        self.came.notify_one();
        self.taken.notify_one();
    }

    /// Adds a message, whose bytes are taken from the budget already; `false` when the stream has ended.
    fn push(&self, message: Bytes) -> bool {
        let mut state = self.state();
        if state.ended {
            return false;
        }
        state.bytes += message.len();
        state.waiting.push_back(message);
        drop(state);
        self.came.notify_one();
        true
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Queue {
    fn drop(&mut self) {
        let bytes = self.bytes();
        self.budget.give(bytes);
        self.budget.forget(self.number);
    }
}

impl State {
    fn has_room(&self, size: usize) -> bool {
        let fits = self.bytes + size <= MAX_BYTES && self.waiting.len() < MAX_MESSAGES;
        fits || self.waiting.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn queue() -> (Outgoing, Reading) {
        super::queue(&Arc::default())
    }

    fn large() -> Bytes {
        Bytes::from(vec![b' '; MAX_BYTES])
    }

    #[tokio::test]
    async fn in_order_to_the_end() {
        let (outgoing, mut reading) = queue();
        for text in ["a", "b"] {
            outgoing.put(Bytes::from_static(text.as_bytes())).await.unwrap();
        }
        drop(outgoing);
        assert_eq!(reading.next().await.unwrap(), "a");
        assert_eq!(reading.next().await.unwrap(), "b");
        assert!(reading.next().await.is_none());
    }

    #[tokio::test(start_paused = true)]
    async fn messages_and_bytes_are_bounded_for_a_client_that_does_not_read() {
        let (outgoing, _reading) = queue();
        for _ in 0..MAX_MESSAGES {
            outgoing.put(Bytes::from_static(b"{}")).await.unwrap();
        }
        assert_eq!(outgoing.put(Bytes::from_static(b"{}")).await, Err(Unread::Own));
        assert!(outgoing.0.state().waiting.is_empty(), "what nobody reads is kept");
        let (outgoing, _reading) = queue();
        outgoing.put(large()).await.unwrap();
        assert_eq!(outgoing.put(Bytes::from_static(b"{}")).await, Err(Unread::Own));
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_reads_makes_room() {
        let (outgoing, mut reading) = queue();
        let read = tokio::spawn(async move {
            let mut count = 0;
            while reading.next().await.is_some() {
                count += 1;
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
            count
        });
        for _ in 0..5 {
            outgoing.put(large()).await.unwrap();
        }
        drop(outgoing);
        assert_eq!(read.await.unwrap(), 5);
    }

    #[tokio::test(start_paused = true)]
    async fn the_only_client_is_waited_for() {
        let (outgoing, mut reading) = sole_queue();
        outgoing.put(large()).await.unwrap();
        let put = tokio::spawn(async move { outgoing.put(Bytes::from_static(b"{}")).await });
        tokio::time::sleep(Duration::from_secs(3600)).await;
        assert!(!put.is_finished(), "more waits than may");
        assert_eq!(reading.next().await.unwrap().len(), MAX_BYTES);
        assert_eq!(put.await.unwrap(), Ok(()));
    }

    #[tokio::test]
    async fn a_client_that_is_gone_is_noticed() {
        let (outgoing, reading) = queue();
        drop(reading);
        outgoing.left().await;
    }
}
