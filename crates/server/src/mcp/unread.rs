//! Streams of modern answers, whose clients may stop reading.
//!
//! Who reads the stream asks the call for more, which costs nothing beside. When the client stays away, a task asks in
//! its place from then on, so that neither the backend nor the call's clock waits for it; what comes meanwhile waits
//! within bounds.

use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::task::{Context, Poll};

use argus_gateway::{Presence, Stalls, Watched};
use bytes::Bytes;
use futures::{Stream, StreamExt};
use tokio::task::AbortHandle;

use super::messages::{Item, Messages};
use super::waiting::Waiting;
use crate::request_log;

/// The client left more unread than is kept for it.
#[derive(Debug, thiserror::Error)]
#[error("the client leaves too much unread")]
pub(crate) struct Unread;

/// The messages of an answer, as the client reads them. Dropped, it gives the call up.
pub(super) struct Reader(Arc<Reading>);

struct Reading(Mutex<State>);

enum State {
    /// The reader asks the call.
    Asking {
        first: Option<Item>,
        messages: Messages,
        presence: Presence,
    },
    /// A task asks the call, and the reader reads what waits.
    StoodIn { waiting: Waiting, task: AbortHandle },
    /// All was read, or the rest is lost.
    Over,
}

impl Reader {
    /// Reads an answer of which `first` came already.
    pub(super) fn new(first: Option<Item>, messages: Messages, stalls: &Arc<Stalls>) -> Self {
        let reading = Arc::new(Reading(Mutex::new(State::Asking {
            first,
            messages,
            presence: Presence::default(),
        })));
        let watched: Weak<Reading> = Arc::downgrade(&reading);
        stalls.watch(watched);
        Self(reading)
    }
}

impl Stream for Reader {
    type Item = Result<Bytes, Unread>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let mut state = self.0.state();
        let next = match &mut *state {
            State::Asking {
                first,
                messages,
                presence,
            } => {
                let next = match first.take() {
                    Some(first) => Poll::Ready(Some(first)),
                    None => messages.poll_next_unpin(cx),
                };
                presence.seen(next.is_pending());
                next.map(|item| item.map(|item| Ok(item.into_message())))
            }
            State::StoodIn { waiting, .. } => waiting.poll_next(cx),
            State::Over => Poll::Ready(None),
        };
        if let Poll::Ready(None | Some(Err(_))) = next {
            *state = State::Over;
        }
        next
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        let state = std::mem::replace(&mut *self.0.state(), State::Over);
        if let State::StoodIn { task, .. } = state {
            task.abort();
        }
    }
}

impl Watched for Reading {
    fn look(self: Arc<Self>) -> bool {
        let mut state = self.state();
        let State::Asking { presence, .. } = &mut *state else {
            return false;
        };
        if !presence.look() {
            return true;
        }
        if let State::Asking { first, messages, .. } = std::mem::replace(&mut *state, State::Over) {
            let mut waiting = Waiting::default();
            // Alone, it has room.
            let _ = first.map(|first| waiting.put(first));
            let task = tokio::spawn(Arc::clone(&self).stand_in(messages)).abort_handle();
            *state = State::StoodIn { waiting, task };
        }
        false
    }
}

impl Reading {
    async fn stand_in(self: Arc<Self>, mut messages: Messages) {
        while let Some(item) = messages.next().await {
            match self.with_waiting(|waiting| waiting.put(item)) {
                Some(true) => {}
                Some(false) => return request_log::unread(messages),
                None => return,
            }
        }
        self.with_waiting(Waiting::end);
    }

    /// `None` when the reader is gone.
    fn with_waiting<T>(&self, act: impl FnOnce(&mut Waiting) -> T) -> Option<T> {
        match &mut *self.state() {
            State::StoodIn { waiting, .. } => Some(act(waiting)),
            _ => None,
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
