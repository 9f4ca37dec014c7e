//! The legacy session at the endpoint, and how to open another one like it.

use argus_protocol::{ByteString, Frame, Id, Message, Object, Raw, header, method};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue};

/// A request that can be made again.
#[derive(Debug, Clone)]
pub(super) struct Repeatable {
    pub(super) id: Id,
    pub(super) body: Bytes,
}

/// The legacy session at the endpoint; there is none before `initialize`, nor where the client is modern.
#[derive(Debug, Default)]
pub(super) struct Session {
    /// Counts the sessions: what was sent in an older one may be sent again in this one.
    pub(super) generation: u64,
    /// The `initialize` that opened it.
    pub(super) opening: Option<Repeatable>,
    /// The session is gone, and could not be opened again yet.
    pub(super) lost: bool,
    pub(super) id: Option<HeaderValue>,
    pub(super) version: Option<HeaderValue>,
    initialized: Option<Bytes>,
    level: Option<Repeatable>,
    subscriptions: Vec<(ByteString, Repeatable)>,
}

impl Session {
    /// The headers of what belongs to it.
    pub(super) fn headers(&self) -> HeaderMap {
        let mut headers = HeaderMap::new();
        let named = [
            (header::SESSION_ID, &self.id),
            (header::PROTOCOL_VERSION, &self.version),
        ];
        for (name, value) in named {
            if let Some(value) = value {
                headers.insert(name, value.clone());
            }
        }
        headers
    }

    /// The session was opened, with this result.
    pub(super) fn opened(&mut self, opening: Repeatable, id: Option<HeaderValue>, result: &Raw) {
        self.generation += 1;
        self.opening = Some(opening);
        self.lost = false;
        self.id = id;
        self.version = version_of(result);
    }

    /// Remembers what would have to be said in another session, too.
    pub(super) fn note(&mut self, body: &Bytes, id: Option<&Id>, method: &str, params: Option<&Raw>) {
        let uri = || Object::parse(params?).ok()?.get_str("uri");
        match (method, id) {
            (method::INITIALIZED, None) => self.initialized = Some(body.clone()),
            (method::SET_LEVEL, Some(id)) => self.level = Some(repeatable(id, body)),
            (method::RESOURCES_SUBSCRIBE, Some(id)) => {
                if let Some(uri) = uri() {
                    self.subscriptions.retain(|(known, _)| *known != uri);
                    self.subscriptions.push((uri, repeatable(id, body)));
                }
            }
            (method::RESOURCES_UNSUBSCRIBE, Some(_)) => {
                if let Some(uri) = uri() {
                    self.subscriptions.retain(|(known, _)| *known != uri);
                }
            }
            _ => {}
        }
    }

    /// The notification that ends the handshake, once the client has sent it.
    pub(super) fn initialized(&self) -> Option<&Bytes> {
        self.initialized.as_ref()
    }

    /// What is to be said in another session, after the handshake.
    pub(super) fn repeated(&self) -> Vec<Repeatable> {
        let subscriptions = self.subscriptions.iter().map(|(_, request)| request);
        self.level.iter().chain(subscriptions).cloned().collect()
    }
}

fn repeatable(id: &Id, body: &Bytes) -> Repeatable {
    Repeatable {
        id: id.clone(),
        body: body.clone(),
    }
}

/// The revision that a result of `initialize` names.
pub(super) fn version_of(result: &Raw) -> Option<HeaderValue> {
    let version = Object::parse(result).ok()?.get_str("protocolVersion")?;
    HeaderValue::from_str(&version).ok()
}

/// The list changes that a result of `initialize` promises to announce.
pub(super) fn announced(result: &Raw) -> Vec<&'static str> {
    let capabilities = Object::parse(result)
        .ok()
        .and_then(|read| read.get_object("capabilities"));
    let promises = |kind: &str| {
        let kind = capabilities.as_ref().and_then(|all| all.get_object(kind));
        kind.is_some_and(|kind| kind.get("listChanged").is_some_and(|raw| raw.as_str() == "true"))
    };
    [
        ("tools", method::TOOLS_CHANGED),
        ("resources", method::RESOURCES_CHANGED),
        ("prompts", method::PROMPTS_CHANGED),
    ]
    .into_iter()
    .filter_map(|(kind, method)| promises(kind).then_some(method))
    .collect()
}

/// Which request a client cancels, if it does.
pub(super) fn cancelled(method: &str, params: Option<&Raw>) -> Option<Id> {
    let params = params.filter(|_| method == method::CANCELLED)?;
    Object::parse(params)
        .ok()?
        .get("requestId")
        .cloned()
        .and_then(Id::from_raw)
}

/// The ids of the requests in a frame.
pub(super) fn asked(frame: &Frame) -> Vec<Id> {
    let id = |message: &Message| match message {
        Message::Request { id, .. } => Some(id.clone()),
        _ => None,
    };
    match frame {
        Frame::One(message) => id(message).into_iter().collect(),
        Frame::Batch(parts) => parts.iter().flatten().filter_map(id).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn raw(text: &str) -> Raw {
        Raw::parse(text.to_owned()).unwrap()
    }

    #[test]
    fn what_is_said_again_in_another_session() {
        let mut session = Session::default();
        let mut note = |method: &str, id: u64, params: &str| {
            let body = Bytes::from(format!("{method} {id}"));
            session.note(&body, Some(&Id::number(id)), method, Some(&raw(params)));
        };
        note("logging/setLevel", 1, r#"{"level":"info"}"#);
        note("logging/setLevel", 2, r#"{"level":"error"}"#);
        note("resources/subscribe", 3, r#"{"uri":"a:/"}"#);
        note("resources/subscribe", 4, r#"{"uri":"b:/"}"#);
        note("resources/subscribe", 5, r#"{"uri":"b:/"}"#);
        note("resources/unsubscribe", 6, r#"{"uri":"a:/"}"#);
        note("tools/call", 7, r#"{"name":"a"}"#);
        let said: Vec<_> = session.repeated().into_iter().map(|one| one.body).collect();
        assert_eq!(said, ["logging/setLevel 2", "resources/subscribe 5"]);
    }

    #[test]
    fn only_promised_changes_are_announced() {
        let result = raw(r#"{"capabilities":{"tools":{"listChanged":true},"prompts":{"listChanged":false}}}"#);
        assert_eq!(announced(&result), [method::TOOLS_CHANGED]);
        assert!(announced(&raw("1")).is_empty());
    }
}
