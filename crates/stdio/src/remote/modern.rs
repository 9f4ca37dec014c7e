//! Modern requests over Streamable HTTP, with the headers that mirror them (MCP 2026-07-28 "Request headers").

use argus_gateway::ModernParams;
use argus_protocol::{Answer, Id, Object, Raw, header, method, write};
use http::{HeaderMap, HeaderValue};

use super::answers::Audience;
use super::call::{Call, Done};
use super::params::Tools;
use super::place::Place;

/// Pages of tools that are read to learn which arguments of a tool are to be mirrored.
const MAX_PAGES: u64 = 50;

/// A modern request.
#[derive(Debug, Clone)]
pub(super) struct Modern {
    pub(super) call: Call,
    does: Does,
}

#[derive(Debug, Clone)]
enum Does {
    /// Lists tools: what it brings is worth knowing.
    List,
    /// Calls this tool.
    Call {
        tool: String,
        arguments: Option<Raw>,
        meta: Option<Raw>,
    },
    Other,
}

impl Modern {
    pub(super) fn new(body: bytes::Bytes, id: Id, method: &str, params: ModernParams) -> Self {
        let call = Call::new(body, mirrored(method, &params), vec![id]);
        let does = match method {
            method::TOOLS_LIST => Does::List,
            method::TOOLS_CALL => match params.text("name") {
                Some(tool) => {
                    let members = params.into_members();
                    Does::Call {
                        tool: tool.to_string(),
                        arguments: members.get("arguments").cloned(),
                        meta: members.get("_meta").cloned(),
                    }
                }
                None => Does::Other,
            },
            _ => Does::Other,
        };
        Self { call, does }
    }

    /// Makes the request. A call that is refused for its headers was not made: it is made again as soon as it is known
    /// which headers its tool wants.
    pub(super) async fn make(self, place: &Place, tools: &Tools) -> Done {
        match &self.does {
            Does::Other => self.call.make(place, Audience::Client).await,
            Does::List => {
                let done = self.call.make(place, Audience::Client).await;
                if let Some(Answer::Result(result)) = &done.answer {
                    tools.learn(result);
                }
                done
            }
            Does::Call { tool, arguments, meta } => {
                let known = tools.headers(tool, arguments.as_ref());
                let done = self.with(&known).make(place, Audience::ClientUnlessMismatch).await;
                if !done.mismatch {
                    return done;
                }
                self.learn(place, tools, meta.as_ref()).await;
                let now = tools.headers(tool, arguments.as_ref());
                self.with(&now).make(place, Audience::Client).await
            }
        }
    }

    fn with(&self, headers: &HeaderMap) -> Call {
        let mut call = self.call.clone();
        call.headers.extend(headers.clone());
        call
    }

    /// Reads the tools as the client would.
    async fn learn(&self, place: &Place, tools: &Tools, meta: Option<&Raw>) {
        let Some(meta) = meta else { return };
        let mut headers = self.call.headers.clone();
        headers.insert(header::METHOD, HeaderValue::from_static(method::TOOLS_LIST));
        headers.remove(header::NAME);
        let mut cursor: Option<Raw> = None;
        for page in 1..=MAX_PAGES {
            let mut members = vec![("_meta", meta.clone())];
            members.extend(cursor.take().map(|cursor| ("cursor", cursor)));
            let id = Id::number(page);
            let body = write::request(&id, method::TOOLS_LIST, Some(&write::object(&members)));
            let done = Call::new(body, headers.clone(), vec![id])
                .make(place, Audience::Nobody)
                .await;
            let Some(Answer::Result(result)) = done.answer else {
                return;
            };
            tools.learn(&result);
            cursor = Object::parse(&result)
                .ok()
                .and_then(|read| read.get("nextCursor").cloned());
            if cursor.as_ref().is_none_or(|cursor| cursor.as_str() == "null") {
                return;
            }
        }
    }
}

/// The headers that mirror any modern request.
fn mirrored(method: &str, params: &ModernParams) -> HeaderMap {
    let name = header::name_member(method).and_then(|member| params.text(member));
    let values = [
        (header::PROTOCOL_VERSION, Some(params.version().to_owned())),
        (header::METHOD, Some(header::encode_value(method))),
        (header::NAME, name.map(|name| header::encode_value(&name))),
    ];
    let mut headers = HeaderMap::new();
    for (name, value) in values {
        if let Some(value) = value.and_then(|value| HeaderValue::from_str(&value).ok()) {
            headers.insert(name, value);
        }
    }
    headers
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_modern_request_is_mirrored() {
        let params = r#"{"uri":"a:/é","_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28"}}"#;
        let params = Raw::parse(params.to_owned()).unwrap();
        let headers = mirrored("resources/read", &ModernParams::of(Some(&params)).unwrap());
        assert_eq!(headers[header::PROTOCOL_VERSION], "2026-07-28");
        assert_eq!(headers[header::METHOD], "resources/read");
        assert_eq!(headers[header::NAME], header::encode_value("a:/é"));
    }
}
