//! What a client declares of itself in a handshake.

use argus_protocol::{Object, Raw};

/// The capabilities and the name under which a link introduces itself to a backend.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Declared {
    /// `capabilities` of `initialize`, or `clientCapabilities` of a modern request.
    pub capabilities: Raw,
    /// `clientInfo`; `None` stands for the gateway itself.
    pub client_info: Option<Raw>,
}

impl Declared {
    /// A client that offers nothing.
    #[must_use]
    pub fn nothing() -> Self {
        Self {
            capabilities: Raw::empty_object(),
            client_info: None,
        }
    }

    /// What the catalogue link declares, so that backends list all they have: everything that can be relayed, but
    /// `roots`, which belong to one session.
    #[must_use]
    pub fn everything() -> Self {
        let capabilities = serde_json::json!({
            "sampling": {"context": {}, "tools": {}},
            "elicitation": {"form": {}, "url": {}},
        });
        Self {
            capabilities: Raw::from_value(&capabilities),
            client_info: None,
        }
    }

    /// Whether a capability is declared.
    #[must_use]
    pub fn offers(&self, capability: &str) -> bool {
        Object::parse(&self.capabilities).is_ok_and(|read| read.get(capability).is_some())
    }
}
