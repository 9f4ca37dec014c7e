//! Who is at the other end of a connection.

use std::net::{IpAddr, Ipv4Addr};

use argus_gateway::Caller;
use http::{Extensions, Request};

/// The address of the client, as an extension of its requests.
#[derive(Debug, Clone, Copy)]
struct Peer(IpAddr);

/// Marks a request of a connection from this address.
pub(crate) fn mark<B>(address: IpAddr, mut request: Request<B>) -> Request<B> {
    request.extensions_mut().insert(Peer(address));
    request
}

/// Where it comes from.
pub(crate) fn address(extensions: &Extensions) -> Option<IpAddr> {
    extensions.get().map(|Peer(address)| *address)
}

/// Whose request it is.
pub(crate) fn caller(extensions: &Extensions) -> Caller {
    // Every request comes on a connection, and is marked.
    Caller::at(address(extensions).unwrap_or(Ipv4Addr::UNSPECIFIED.into()))
}
