//! What waits to be read by a process.

use std::borrow::Cow;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use argus_protocol::line;
use bytes::Bytes;
use tokio::sync::mpsc;

use crate::LinkError;

/// Messages that may wait for the process to read them.
const MAX_MESSAGES: usize = 256;
/// Bytes that may wait; one message may be larger when nothing else waits.
const MAX_BYTES: usize = 64 << 20;

/// The sending half.
#[derive(Debug, Clone)]
pub(super) struct Queue {
    lines: mpsc::Sender<Bytes>,
    bytes: Arc<AtomicUsize>,
}

/// The receiving half.
#[derive(Debug)]
pub(super) struct Queued {
    lines: mpsc::Receiver<Bytes>,
    bytes: Arc<AtomicUsize>,
}

pub(super) fn queue() -> (Queue, Queued) {
    let (sender, receiver) = mpsc::channel(MAX_MESSAGES);
    let bytes = Arc::new(AtomicUsize::new(0));
    let queue = Queue {
        lines: sender,
        bytes: Arc::clone(&bytes),
    };
    let queued = Queued { lines: receiver, bytes };
    (queue, queued)
}

impl Queue {
    /// Puts a message in, in order, as one line. Never waits.
    ///
    /// # Errors
    /// When the process does not read.
    pub(super) fn put(&self, message: &Bytes) -> Result<(), LinkError> {
        let line = match line::one_line(message) {
            Cow::Borrowed(_) => message.clone(),
            Cow::Owned(line) => line.into(),
        };
        let size = line.len();
        let waiting = self.bytes.fetch_add(size, Ordering::Relaxed);
        let full = waiting > 0 && waiting + size > MAX_BYTES;
        let put = if full { None } else { Some(self.lines.try_send(line)) };
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
    /// Takes what waits, at most `limit` messages; 0 when nothing can come any more.
    pub(super) async fn take_many(&mut self, into: &mut Vec<Bytes>, limit: usize) -> usize {
        let got = self.lines.recv_many(into, limit).await;
        let size: usize = into.iter().map(Bytes::len).sum();
        self.bytes.fetch_sub(size, Ordering::Relaxed);
        got
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_process_that_does_not_read_is_told_of() {
        let (queue, mut queued) = queue();
        let message = Bytes::from_static(b"{}");
        assert!((0..MAX_MESSAGES).all(|_| queue.put(&message).is_ok()));
        assert!(queue.put(&message).is_err());
        let mut taken = Vec::new();
        assert!(queued.take_many(&mut taken, 2).await == 2 && queue.put(&message).is_ok());
        drop(queued);
        assert_eq!(
            queue.put(&message).unwrap_err().to_string(),
            "it no longer reads its input"
        );
    }

    #[tokio::test]
    async fn bytes_are_bounded_but_one_large_message_passes() {
        let (queue, _queued) = queue();
        assert!(queue.put(&Bytes::from(vec![b' '; MAX_BYTES + 1])).is_ok());
        assert!(queue.put(&Bytes::from_static(b"{}")).is_err());
    }
}
