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
    /// Connected, and passing their checks.
    pub healthy: usize,
}

impl Totals {
    pub(crate) fn of(inventory: &Inventory) -> Self {
        let mut totals = Self {
            total: 0,
            connected: 0,
            healthy: 0,
        };
        let expected = inventory.iter().filter(|backend| !backend.is_disabled());
        for phase in expected.map(|backend| backend.state().phase) {
            totals.total += 1;
            totals.connected += usize::from(phase.is_connected());
            totals.healthy += usize::from(phase == Phase::Ready);
        }
        totals
    }

    /// Whether traffic can be served: a backend is connected, or none is to be.
    #[must_use]
    pub fn ready(self) -> bool {
        self.total == 0 || self.connected > 0
    }
}
