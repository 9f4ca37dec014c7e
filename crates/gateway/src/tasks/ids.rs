//! The ids by which clients know tasks. Each says which backend has the task, and what it calls it, sealed for one owner:
//! to anybody else it is an id of nothing (MCP "Tasks", "Security considerations").

use sha2::{Digest, Sha256};

use crate::client::Client;
use crate::seal::Seal;

/// A backend's own id of a task may be so long, and its cursor in a list of tasks.
pub(crate) const MAX_OWN: usize = 1024;
/// No id that was made here is longer.
const MAX_ID: usize = 4 * 1024;

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

    /// What the owner knows a backend's task by; always the same for the same task. `None` for an id that is too long.
    pub(crate) fn expose(&self, backend: &str, id: &str) -> Option<String> {
        if id.len() > MAX_OWN {
            return None;
        }
        let mut secret = backend.len().to_be_bytes().to_vec();
        secret.extend_from_slice(backend.as_bytes());
        secret.extend_from_slice(id.as_bytes());
        Some(self.seal.seal_alike(&self.context, &secret))
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

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use argus_protocol::{Id, Object, Raw};

    use super::*;
    use crate::modern::{ModernParams, ModernRequest, RequestMeta};
    use crate::session::Caller;

    fn request(last: u8) -> Arc<ModernRequest> {
        let params = r#"{"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{}}}"#;
        let params = Raw::parse(params).unwrap();
        Arc::new(ModernRequest {
            id: Id::number(1),
            method: "tasks/get".into(),
            meta: RequestMeta::of(&ModernParams::of(Some(&params)).unwrap(), || &[]).unwrap(),
            members: Object::parse(&params).unwrap(),
            params: Some(params),
            param_headers: None,
            caller: Caller::at([10, 0, 0, last].into()),
            connection: None,
        })
    }

    #[test]
    fn an_id_is_always_the_same_and_its_owners_alone() {
        let seal = Seal::of_secrets(["key"]).unwrap();
        let (one, two) = (request(1), request(2));
        let ids = Ids::of(&seal, Client::from(&one));
        let exposed = ids.expose("back", "end").unwrap();
        let again = Ids::of(&seal, Client::from(&one)).expose("back", "end");
        assert_eq!(again.as_ref(), Some(&exposed));
        assert_eq!(ids.lead(&exposed), Some(("back".to_owned(), "end".to_owned())));
        assert_ne!(ids.expose("bac", "kend"), Some(exposed.clone()));
        assert_eq!(Ids::of(&seal, Client::from(&two)).lead(&exposed), None);
        assert_eq!(Ids::of_places(&seal, Client::from(&one)).lead(&exposed), None);
        let other = Seal::of_secrets(["other"]).unwrap();
        assert_eq!(Ids::of(&other, Client::from(&one)).lead(&exposed), None);
        let rotated = Seal::of_secrets(["other", "key"]).unwrap();
        assert!(Ids::of(&rotated, Client::from(&one)).lead(&exposed).is_some());
        for forged in ["", "end", &exposed[1..], &"A".repeat(MAX_ID + 1)] {
            assert_eq!(ids.lead(forged), None);
        }
        let (longest, name) = ("x".repeat(MAX_OWN), "n".repeat(1024));
        assert!(ids.lead(&ids.expose(&name, &longest).unwrap()).is_some());
        assert_eq!(ids.expose("back", &"x".repeat(MAX_OWN + 1)), None);
    }
}
