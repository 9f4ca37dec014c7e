//! Who is at the other end of a connection.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::{Arc, OnceLock};

use argus_gateway::Caller;
use http::{Extensions, Request};
use tokio::task::AbortHandle;

/// The client, as an extension of its requests.
#[derive(Debug, Clone)]
pub(crate) struct Peer {
    address: IpAddr,
    connection: Connection,
}

/// A connection that can be ended, whatever it is at.
#[derive(Debug, Clone, Default)]
pub(crate) struct Connection(Arc<OnceLock<AbortHandle>>);

impl Connection {
    /// The task that serves it.
    pub(crate) fn is_served_by(&self, task: AbortHandle) {
        // It is said once.
        let _ = self.0.set(task);
    }

    /// Ends it at once.
    pub(crate) fn cut(&self) {
        if let Some(task) = self.0.get() {
            task.abort();
        }
    }
}

impl Peer {
    /// The other end of a connection.
    pub(crate) fn new(address: IpAddr, connection: Connection) -> Self {
        Self { address, connection }
    }

    /// Whose requests these are.
    pub(crate) fn caller(&self) -> Caller {
        Caller::at(self.address)
    }

    /// Marks a request that comes from here.
    pub(crate) fn mark<B>(&self, mut request: Request<B>) -> Request<B> {
        request.extensions_mut().insert(self.clone());
        request
    }
}

/// Where a request comes from.
pub(crate) fn address(extensions: &Extensions) -> Option<IpAddr> {
    extensions.get().map(|peer: &Peer| peer.address)
}

/// The connection that it comes on.
pub(crate) fn connection(extensions: &Extensions) -> Option<Connection> {
    extensions.get().map(|peer: &Peer| peer.connection.clone())
}

/// Whose request it is.
pub(crate) fn caller(extensions: &Extensions) -> Caller {
    // Every request comes on a connection, and is marked.
    Caller::at(address(extensions).unwrap_or(Ipv4Addr::UNSPECIFIED.into()))
}
