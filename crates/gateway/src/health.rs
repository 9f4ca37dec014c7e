//! How many backends fare how.

use argus_upstream::Phase;

use crate::Inventory;

/// Backends by state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Totals {
    /// Those that are to run.
    pub total: usize,
    /// Connected now.
    pub connected: usize,
    /// Ready to be called.
    pub healthy: usize,
}

impl Totals {
    pub(crate) fn of(inventory: &Inventory) -> Self {
        let ready = inventory
            .iter()
            .filter(|backend| backend.state().phase == Phase::Ready)
            .count();
        Self {
            total: inventory.iter().count(),
            connected: ready,
            healthy: ready,
        }
    }

    /// Whether traffic can be served: a backend is connected, or none is to be.
    #[must_use]
    pub fn ready(self) -> bool {
        self.total == 0 || self.connected > 0
    }
}
