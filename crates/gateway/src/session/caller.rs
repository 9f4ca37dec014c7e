//! Who opens sessions.

use std::fmt::{self, Write};
use std::net::IpAddr;

use sha2::{Digest, Sha256};

/// Whose sessions count together: those of one principal, or without authentication those of one network address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Caller(Who);

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Who {
    Address(IpAddr),
    Known(Principal),
}

/// Who authentication says a caller is: a digest of the name, since it is only compared.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Principal([u8; 16]);

impl Principal {
    /// The principal of a name.
    #[must_use]
    pub fn named(name: &str) -> Self {
        let digest: [u8; 32] = Sha256::digest(name.as_bytes()).into();
        let (half, _) = digest.split_first_chunk().unwrap_or((&[0; 16], &[]));
        Self(*half)
    }
}

/// In hexadecimal.
impl fmt::Display for Principal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Principal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Principal(")?;
        fmt::Display::fmt(self, f)?;
        f.write_char(')')
    }
}

impl Caller {
    /// The caller at the other end of a connection, of whom nothing else is known. An IPv4 address is the same caller
    /// also where it is written as an IPv6 one.
    #[must_use]
    pub fn at(address: IpAddr) -> Self {
        Self(Who::Address(address.to_canonical()))
    }

    /// A caller whom authentication knows, wherever it calls from.
    #[must_use]
    pub fn known(principal: Principal) -> Self {
        Self(Who::Known(principal))
    }

    /// Who its sessions belong to (MCP "Security best practices": session ids are bound to the user). `None` for a
    /// caller that is not authenticated: an address is nobody, and a client that moves to another one keeps its session.
    #[must_use]
    pub fn principal(&self) -> Option<Principal> {
        match self.0 {
            Who::Address(_) => None,
            Who::Known(principal) => Some(principal),
        }
    }

    /// Bytes that are this caller's and nobody else's: what is sealed for a caller, or kept for it, is bound to them.
    pub(crate) fn identity(self) -> [u8; 16] {
        match self.0 {
            Who::Address(IpAddr::V4(address)) => address.to_ipv6_mapped().octets(),
            Who::Address(IpAddr::V6(address)) => address.octets(),
            Who::Known(Principal(digest)) => digest,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_address_is_one_caller() {
        let at = |text: &str| Caller::at(text.parse().unwrap());
        assert_eq!(at("::ffff:10.0.0.1"), at("10.0.0.1"));
        assert_ne!(at("10.0.0.2"), at("10.0.0.1"));
        assert_ne!(at("10.0.0.2").identity(), at("10.0.0.1").identity());
        assert_eq!(at("::ffff:10.0.0.1").identity(), at("10.0.0.1").identity());
        assert_eq!(at("10.0.0.2").principal(), at("10.0.0.1").principal());
    }

    #[test]
    fn principals_are_told_apart_and_not_named() {
        let (alice, bob) = (Principal::named("alice"), Principal::named("bob"));
        assert_ne!(Caller::known(alice).principal(), Caller::known(bob).principal());
        assert_eq!(Caller::known(alice), Caller::known(Principal::named("alice")));
        assert!(!format!("{alice:?}").contains("alice"));
    }
}
