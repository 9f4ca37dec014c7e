//! What an operator sees of a session.

use std::fmt::Write;
use std::time::Duration;

use argus_protocol::{Object, shown};
use sha2::{Digest, Sha256};

use super::{Session, Transport};
use crate::catalogue::Snapshot;

/// Bytes of the public id, of which there are twice as many hexadecimal digits.
const ID: usize = 8;

/// What an operator sees of a session.
#[derive(Debug, Clone)]
pub struct SessionView {
    /// Tells sessions apart. It lets nobody in.
    pub id: String,
    /// How its client is connected.
    pub transport: Transport,
    /// The negotiated revision.
    pub version: &'static str,
    /// What its client calls itself.
    pub client: Option<String>,
    /// Tools, resources and prompts that it sees.
    pub counts: [usize; 3],
    /// Since it was opened.
    pub age: Duration,
    /// Since it was used last; nothing while a call or a stream is open.
    pub idle: Duration,
}

impl SessionView {
    /// A session that sees this catalogue.
    pub(crate) fn of(session: &Session, catalogue: &Snapshot) -> Self {
        Self {
            id: public_id(session.id()),
            transport: session.transport(),
            version: session.version(),
            client: client_name(session),
            counts: catalogue.counts(),
            age: session.age(),
            idle: session.last_use().map_or(Duration::ZERO, |last| last.elapsed()),
        }
    }
}

/// A part of the digest of an id, which itself is what lets the client in.
fn public_id(id: &str) -> String {
    let digest = Sha256::digest(id.as_bytes());
    let mut text = String::with_capacity(2 * ID);
    for byte in digest.iter().take(ID) {
        // Nothing fails that writes to a string.
        let _ = write!(text, "{byte:02x}");
    }
    text
}

fn client_name(session: &Session) -> Option<String> {
    let info = session.declared().client_info.as_ref()?;
    let name = Object::parse(info).ok()?.get_str("name")?;
    Some(shown(&name).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_public_id_is_short_and_always_the_same() {
        let token = "2f8c5b1d9e0a47c3b6d1f0e9a8b7c6d5";
        let id = public_id(token);
        assert_eq!(id.len(), 2 * ID);
        assert_eq!(id, public_id(token));
        assert_ne!(id, public_id(&token.replace('5', "6")));
        assert!(!token.contains(&id));
    }
}
