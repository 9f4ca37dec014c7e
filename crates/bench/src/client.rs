//! The two kinds of client, and what they send.

use std::fmt;

/// Which generation a client is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Client {
    /// 2026-07-28: every request stands alone.
    Modern,
    /// 2026-07-28, of a client that answers questions: a legacy backend keeps a connection for each of its calls.
    Asked,
    /// 2025-11-25: with a session.
    Session,
}

/// What is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ask {
    /// `tools/call` of this tool.
    Call(&'static str),
    /// `tools/list`.
    List,
}

/// One message with its header fields.
#[derive(Debug, Clone)]
pub(crate) struct Message {
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: String,
}

/// What a modern client says with each request, with what it declares.
fn meta(capabilities: &str) -> String {
    format!(
        r#""_meta":{{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{capabilities},"io.modelcontextprotocol/clientInfo":{{"name":"bench","version":"1"}}}}"#
    )
}

impl Client {
    /// Those that differ in what a call costs, whatever the backend.
    pub(crate) const ALL: [Self; 2] = [Self::Modern, Self::Session];

    /// A request; a modern client has no session.
    pub(crate) fn request(self, id: usize, ask: Ask, session: Option<&str>) -> Message {
        let method = match ask {
            Ask::Call(_) => "tools/call",
            Ask::List => "tools/list",
        };
        let named = match ask {
            Ask::Call(tool) => Some(format!(r#""name":"{tool}","arguments":{{"text":"hello"}}"#)),
            Ask::List => None,
        };
        let meta = match self {
            Self::Modern => Some(meta("{}")),
            Self::Asked => Some(meta(r#"{"elicitation":{}}"#)),
            Self::Session => None,
        };
        let params = named.into_iter().chain(meta).collect::<Vec<_>>().join(",");
        let mut headers = common(self.version());
        if self != Self::Session {
            headers.push(("mcp-method", method.to_owned()));
            if let Ask::Call(tool) = ask {
                headers.push(("mcp-name", tool.to_owned()));
            }
        }
        headers.extend(session.map(|session| ("mcp-session-id", session.to_owned())));
        Message {
            headers,
            body: format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"{method}","params":{{{params}}}}}"#),
        }
    }

    fn version(self) -> &'static str {
        match self {
            Self::Modern | Self::Asked => "2026-07-28",
            Self::Session => "2025-11-25",
        }
    }
}

impl fmt::Display for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Modern => "modern",
            Self::Asked => "modern, asked",
            Self::Session => "session",
        })
    }
}

impl Message {
    /// The handshake of a session.
    pub(crate) fn initialize() -> Self {
        Self {
            headers: common(Client::Session.version()),
            body: r#"{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"bench","version":"1"}}}"#.to_owned(),
        }
    }

    /// The end of the handshake.
    pub(crate) fn initialized(session: &str) -> Self {
        Self::of_session(session, r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#)
    }

    /// The smallest request of a session.
    pub(crate) fn ping(session: &str) -> Self {
        Self::of_session(session, r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#)
    }

    fn of_session(session: &str, body: &str) -> Self {
        let mut headers = common(Client::Session.version());
        headers.push(("mcp-session-id", session.to_owned()));
        Self {
            headers,
            body: body.to_owned(),
        }
    }

    /// The message as it goes over the wire.
    pub(crate) fn wire(&self, port: u16) -> String {
        let mut text = format!("POST /mcp HTTP/1.1\r\nhost: 127.0.0.1:{port}\r\n");
        for (name, value) in &self.headers {
            text.push_str(&format!("{name}: {value}\r\n"));
        }
        text.push_str(&format!("content-length: {}\r\n\r\n{}", self.body.len(), self.body));
        text
    }
}

fn common(version: &str) -> Vec<(&'static str, String)> {
    vec![
        ("content-type", "application/json".to_owned()),
        ("accept", "application/json, text/event-stream".to_owned()),
        ("mcp-protocol-version", version.to_owned()),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_on_the_wire() {
        let modern = Client::Modern.request(3, Ask::Call("small"), None).wire(80);
        let (head, body) = modern.split_once("\r\n\r\n").unwrap();
        assert!(head.contains("\r\nmcp-name: small\r\n"), "{head}");
        assert!(head.ends_with(&format!("content-length: {}", body.len())), "{head}");
        let body: serde_json::Value = serde_json::from_str(body).unwrap();
        assert_eq!(
            body["params"]["_meta"]["io.modelcontextprotocol/protocolVersion"],
            "2026-07-28"
        );
        let session = Client::Session.request(4, Ask::List, Some("s1"));
        assert!(session.wire(80).contains("\r\nmcp-session-id: s1\r\n"));
        assert_eq!(
            session.body,
            r#"{"jsonrpc":"2.0","id":4,"method":"tools/list","params":{}}"#
        );
    }
}
