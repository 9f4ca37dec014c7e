//! One cell: everything is tried, and what fails is compared to what is known to.

use std::panic::AssertUnwindSafe;

use futures::FutureExt;

use crate::backend::Backend;
use crate::cells::{BACKENDS, GAPS};
use crate::concerns;
use crate::kinds::{Concern, Era};
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
        Self { peer, backend }
    }

    /// Whether the gateway has to say what a legacy backend does not.
    pub(crate) fn completes(&self) -> bool {
        P::ERA == Era::Modern && self.backend.side.era == Era::Legacy
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
    let known: Vec<_> = GAPS
        .iter()
        .filter(|gap| (gap.0, gap.1) == (client, backend))
        .map(|gap| gap.2)
        .collect();
    assert_eq!(failed, known, "what fails, and what `cells::GAPS` says");
}
