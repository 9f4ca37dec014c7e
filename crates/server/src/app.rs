//! What the handlers share.

use argus_gateway::Gateway;

/// What the handlers share.
#[derive(Debug, Clone)]
pub(crate) struct App {
    pub(crate) gateway: Gateway,
    /// The longest request body in bytes.
    pub(crate) max_body: usize,
}
