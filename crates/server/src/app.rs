//! What the handlers share.

use std::sync::Arc;

use argus_gateway::Gateway;

use crate::manage::{Running, Watchers};
use crate::metrics::Traffic;
use crate::sse::Connections;

/// What the handlers share.
#[derive(Debug, Clone)]
pub(crate) struct App {
    pub(crate) gateway: Gateway,
    /// The longest request body in bytes.
    pub(crate) max_body: usize,
    /// The program around the gateway.
    pub(crate) running: Arc<Running>,
    /// The open streams of events.
    pub(crate) watchers: Arc<Watchers>,
    /// The open connections of HTTP+SSE.
    pub(crate) connections: Arc<Connections>,
    /// What goes over the port.
    pub(crate) traffic: Arc<Traffic>,
}
