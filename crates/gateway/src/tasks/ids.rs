//! The ids by which clients know tasks. Each says which backend has the task, and what it calls it, sealed for one owner:
//! to anybody else it is an id of nothing (MCP "Tasks", "Security considerations").

use sha2::{Digest, Sha256};

use crate::client::Client;
use crate::seal::Seal;

/// No id that was made here is longer, for a backend's own id of up to 1 KiB.
const MAX_ID: usize = 2 * 1024;

/// Who a task belongs to: a legacy session, or who sends a modern request.
pub(crate) struct Ids<'a> {
    seal: &'a Seal,
    context: Vec<u8>,
}

impl<'a> Ids<'a> {
    /// Those of a client's tasks.
    pub(crate) fn of(seal: &'a Seal, client: Client<'_>) -> Self {
        Self::within(seal, "task", client)
    }

    /// Those of places in a client's list of tasks.
    pub(crate) fn of_places(seal: &'a Seal, client: Client<'_>) -> Self {
        Self::within(seal, "place among tasks", client)
    }

    fn within(seal: &'a Seal, kind: &str, client: Client<'_>) -> Self {
        let mut context = format!("{kind} 1\n").into_bytes();
        match client {
            // The id of a session is the same after a restart.
            Client::Legacy(session) => {
                context.push(b's');
                context.extend_from_slice(&Sha256::digest(session.id().as_bytes()));
            }
            Client::Modern(request) => {
                context.push(b'c');
                context.extend_from_slice(&request.caller.identity());
            }
        }
        Self { seal, context }
    }

    /// What the owner knows a backend's task by; always the same for the same task.
    pub(crate) fn expose(&self, backend: &str, id: &str) -> String {
        let mut secret = backend.len().to_be_bytes().to_vec();
        secret.extend_from_slice(backend.as_bytes());
        secret.extend_from_slice(id.as_bytes());
        self.seal.seal_alike(&self.context, &secret)
    }

    /// The backend and its own id of the task; `None` for an id that was not made here for this owner.
    pub(crate) fn lead(&self, exposed: &str) -> Option<(String, String)> {
        if exposed.len() > MAX_ID {
            return None;
        }
        let secret = self.seal.open(&self.context, 0, exposed).ok()?;
        let (length, names) = secret.split_first_chunk()?;
        let (backend, id) = names.split_at_checked(usize::from_be_bytes(*length))?;
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).ok();
        Some((text(backend)?, text(id)?))
    }
}
