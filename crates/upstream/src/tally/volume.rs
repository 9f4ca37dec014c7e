//! How many bytes are exchanged with a backend.

use std::sync::atomic::{AtomicU64, Ordering};

/// The bytes of messages: lines of a process, bodies over HTTP.
#[derive(Debug, Default)]
pub(crate) struct Volume {
    sent: AtomicU64,
    received: AtomicU64,
}

impl Volume {
    pub(crate) fn send(&self, bytes: usize) {
        self.sent.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    pub(crate) fn receive(&self, bytes: usize) {
        self.received.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    pub(super) fn sent(&self) -> u64 {
        self.sent.load(Ordering::Relaxed)
    }

    pub(super) fn received(&self) -> u64 {
        self.received.load(Ordering::Relaxed)
    }
}
