//! Writing JSON-RPC messages around raw parts.

use bytes::Bytes;

use crate::{Answer, Id, Raw};

/// `text` as a JSON string, quotes included.
#[must_use]
pub fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// A request.
#[must_use]
pub fn request(id: &Id, method: &str, params: Option<&Raw>) -> Bytes {
    let mut out = open(method.len() + id.as_str().len() + params.map_or(0, |raw| raw.as_str().len()));
    out.push_str(",\"id\":");
    out.push_str(id.as_str());
    method_and_params(&mut out, method, params);
    out.into()
}

/// A notification.
#[must_use]
pub fn notification(method: &str, params: Option<&Raw>) -> Bytes {
    let mut out = open(method.len() + params.map_or(0, |raw| raw.as_str().len()));
    method_and_params(&mut out, method, params);
    out.into()
}

/// A response; `None` as id is written as `null`, for a request whose id could not be read.
#[must_use]
pub fn response(id: Option<&Id>, answer: &Answer) -> Bytes {
    let (member, raw) = match answer {
        Answer::Result(raw) => (",\"result\":", raw),
        Answer::Error(raw) => (",\"error\":", raw),
    };
    let id = id.map_or("null", Id::as_str);
    let mut out = open(id.len() + raw.as_str().len());
    out.push_str(",\"id\":");
    out.push_str(id);
    out.push_str(member);
    out.push_str(raw.as_str());
    out.push('}');
    out.into()
}

fn open(payload: usize) -> String {
    let mut out = String::with_capacity(payload + 64);
    out.push_str("{\"jsonrpc\":\"2.0\"");
    out
}

fn method_and_params(out: &mut String, method: &str, params: Option<&Raw>) {
    out.push_str(",\"method\":");
    out.push_str(&quoted(method));
    if let Some(params) = params {
        out.push_str(",\"params\":");
        out.push_str(params.as_str());
    }
    out.push('}');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shapes() {
        let params = Raw::parse(r#"{"a":1.0}"#).unwrap();
        assert_eq!(
            request(&Id::number(7), "tools/call", Some(&params)),
            r#"{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"a":1.0}}"#
        );
        assert_eq!(notification("x\"y", None), r#"{"jsonrpc":"2.0","method":"x\"y"}"#);
        assert_eq!(
            response(None, &Answer::Error(Raw::empty_object())),
            r#"{"jsonrpc":"2.0","id":null,"error":{}}"#
        );
    }
}
