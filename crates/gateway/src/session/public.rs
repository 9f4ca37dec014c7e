//! What operators call a session.

use sha2::{Digest, Sha256};

use super::Session;

impl Session {
    /// A short id, which lets nobody in: it is made of a digest of the one that does. The session keeps it over restarts
    /// of the gateway.
    #[must_use]
    pub fn public_id(&self) -> String {
        let digest = Sha256::digest(self.id());
        digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect()
    }
}
