//! One cell: everything is tried, and what fails is compared to what is known to.

use std::panic::AssertUnwindSafe;
use std::time::Duration;

use futures::FutureExt;

use crate::backend::Backend;
use crate::cells::{BACKENDS, GAPS};
use crate::concerns;
use crate::kinds::{Concern, Era, Speaks};
use crate::peer::Peer;

/// A client at a backend.
pub(crate) struct Cell<P> {
    // Fields are dropped in this order: the client and its gateway before the backend.
    pub(crate) peer: P,
    pub(crate) backend: Backend,
}

impl<P: Peer> Cell<P> {
    async fn open(backend: &str) -> Self {
        let side = BACKENDS.iter().find(|side| side.name == backend).unwrap();
        let backend = Backend::start(*side);
        let peer = P::open(&backend.config()).await;
        let mut cell = Self { peer, backend };
        cell.settle().await;
        cell
    }

    /// That a process is modern too is found out while its first modern clients are served in the other generation.
    async fn settle(&mut self) {
        if self.backend.side.speaks != Speaks::Both {
            return;
        }
        for _ in 0..100 {
            self.peer.result("tools/call", r#"{"name":"call"}"#).await;
            let called = self.backend.journal.messages("tools/call").pop().unwrap();
            let is_modern = called.text.contains("io.modelcontextprotocol/protocolVersion");
            if is_modern == (P::ERA == Era::Modern) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        panic!("a backend that speaks both generations is not called in that of its client");
    }

    /// The generation in which the backend is called.
    pub(crate) fn era(&self) -> Era {
        self.backend.side.speaks.to(P::ERA)
    }

    /// Whether the gateway has to say what a legacy backend does not.
    pub(crate) fn completes(&self) -> bool {
        P::ERA == Era::Modern && self.era() == Era::Legacy
    }
}

/// Tries everything between a client and a backend.
pub(crate) async fn cell<P: Peer>(client: &str, backend: &str) {
    let mut failed = Vec::new();
    let mut cell = Cell::<P>::open(backend).await;
    for concern in Concern::ALL {
        let tried = AssertUnwindSafe(concerns::check(concern, &mut cell))
            .catch_unwind()
            .await;
        if tried.is_err() {
            failed.push(concern);
            // Nobody knows what was left half done.
            cell = Cell::open(backend).await;
        }
    }
    cell.peer.close().await;
    cell.backend.assert_gone().await;
    let known: Vec<_> = GAPS
        .iter()
        .filter(|gap| (gap.0, gap.1) == (client, backend))
        .map(|gap| gap.2)
        .collect();
    assert_eq!(failed, known, "what fails, and what `cells::GAPS` says");
}
