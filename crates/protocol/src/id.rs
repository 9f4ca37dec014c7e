//! JSON-RPC ids.

use std::fmt;

use crate::Raw;

/// A request id as its peer spelled it: a JSON string or number, never `null` (MCP "Requests").
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Id(Raw);

impl Id {
    /// An id of our own.
    #[must_use]
    pub fn number(value: u64) -> Self {
        Self(Raw::spliced(value.to_string()))
    }

    /// Takes a JSON value as an id, if it is a string or a number.
    #[must_use]
    pub fn from_raw(raw: Raw) -> Option<Self> {
        match raw.as_str().as_bytes().first() {
            Some(b'"' | b'-' | b'0'..=b'9') => Some(Self(raw)),
            _ => None,
        }
    }

    /// The number, if it is spelled as a plain unsigned integer, as ours are.
    #[must_use]
    pub fn as_number(&self) -> Option<u64> {
        self.0.as_str().parse().ok()
    }

    /// Whether it is a JSON string.
    #[must_use]
    pub fn is_string(&self) -> bool {
        self.0.as_str().starts_with('"')
    }

    /// The JSON text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }

    /// The same id in memory of its own: it no longer keeps the message that it was a part of.
    #[must_use]
    pub fn detached(&self) -> Self {
        Self(self.0.detached())
    }

    /// The JSON value.
    #[must_use]
    pub fn raw(&self) -> &Raw {
        &self.0
    }
}

impl fmt::Debug for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.as_str())
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.as_str())
    }
}
