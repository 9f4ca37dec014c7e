//! What waits to be sent to a backend.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use tokio::sync::mpsc;

use crate::LinkError;

/// Messages that may wait for the backend to take them.
const MAX_MESSAGES: usize = 8192;
/// Bytes that may wait; one message may be larger when nothing else waits.
const MAX_BYTES: usize = 64 << 20;

/// One message on its way to the backend.
#[derive(Debug)]
pub(crate) struct Outbound {
    /// The message.
    pub(crate) message: Bytes,
    /// The call that it is the request of, if it is one.
    pub(crate) call: Option<u64>,
}

/// The sending half.
#[derive(Debug, Clone)]
pub(super) struct Queue {
    messages: mpsc::Sender<Outbound>,
    bytes: Arc<AtomicUsize>,
}

/// The receiving half.
#[derive(Debug)]
pub(crate) struct Queued {
    messages: mpsc::Receiver<Outbound>,
    bytes: Arc<AtomicUsize>,
}

pub(super) fn queue() -> (Queue, Queued) {
    let (sender, receiver) = mpsc::channel(MAX_MESSAGES);
    let bytes = Arc::new(AtomicUsize::new(0));
    let queue = Queue {
        messages: sender,
        bytes: Arc::clone(&bytes),
    };
    let queued = Queued {
        messages: receiver,
        bytes,
    };
    (queue, queued)
}

impl Queue {
    /// Puts a message in, in order. Never waits.
    ///
    /// # Errors
    /// When the backend does not read.
    pub(super) fn put(&self, outbound: Outbound) -> Result<(), LinkError> {
        let size = outbound.message.len();
        let waiting = self.bytes.fetch_add(size, Ordering::Relaxed);
        let full = waiting > 0 && waiting + size > MAX_BYTES;
        let put = if full {
            None
        } else {
            Some(self.messages.try_send(outbound))
        };
        match put {
            Some(Ok(())) => Ok(()),
            refused => {
                self.bytes.fetch_sub(size, Ordering::Relaxed);
                let gone = matches!(refused, Some(Err(mpsc::error::TrySendError::Closed(_))));
                let cause = if gone {
                    "it no longer reads its input"
                } else {
                    "it does not read its input"
                };
                Err(LinkError::Closed(cause.to_owned()))
            }
        }
    }
}

impl Queued {
    /// Takes what waits now; `None` when nothing does.
    pub(crate) fn take_waiting(&mut self) -> Option<Outbound> {
        let outbound = self.messages.try_recv().ok()?;
        self.bytes.fetch_sub(outbound.message.len(), Ordering::Relaxed);
        Some(outbound)
    }

    /// Takes the next message; `None` when nothing can come any more.
    pub(crate) async fn take(&mut self) -> Option<Outbound> {
        let outbound = self.messages.recv().await?;
        self.bytes.fetch_sub(outbound.message.len(), Ordering::Relaxed);
        Some(outbound)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outbound(message: impl Into<Bytes>) -> Outbound {
        Outbound {
            message: message.into(),
            call: None,
        }
    }

    #[tokio::test]
    async fn a_backend_that_does_not_read_is_told_of() {
        let (queue, mut queued) = queue();
        assert!((0..MAX_MESSAGES).all(|_| queue.put(outbound("{}")).is_ok()));
        assert!(queue.put(outbound("{}")).is_err());
        assert!(queued.take_waiting().is_some() && queue.put(outbound("{}")).is_ok());
        drop(queued);
        assert_eq!(
            queue.put(outbound("{}")).unwrap_err().to_string(),
            "it no longer reads its input"
        );
    }

    #[tokio::test]
    async fn bytes_are_bounded_but_one_large_message_passes() {
        let (queue, mut queued) = queue();
        assert!(queue.put(outbound(vec![b' '; MAX_BYTES + 1])).is_ok());
        assert!(queue.put(outbound("{}")).is_err());
        assert!(queued.take().await.is_some());
        assert!(queue.put(outbound("{}")).is_ok());
    }
}
