//! Who opens sessions.

use std::net::IpAddr;

/// Whose sessions count together: without authentication, those of one network address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Caller(IpAddr);

impl Caller {
    /// The caller at the other end of a connection. An IPv4 address is the same caller also where it is written as an
    /// IPv6 one.
    #[must_use]
    pub fn at(address: IpAddr) -> Self {
        Self(address.to_canonical())
    }

    /// Bytes that are this caller's and nobody else's: what is sealed for a caller, or kept for it, is bound to them.
    pub(crate) fn identity(self) -> [u8; 16] {
        match self.0 {
            IpAddr::V4(address) => address.to_ipv6_mapped().octets(),
            IpAddr::V6(address) => address.octets(),
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
    }
}
