//! Writing JSON-RPC messages around raw parts.

use bytes::Bytes;

use crate::{Answer, FrameError, Id, Raw, RpcError, code};

/// `text` as a JSON string, quotes included.
#[must_use]
pub fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    push_quoted(&mut out, text);
    out
}

/// Names of methods and members need no escapes, and are written for every call.
fn push_quoted(out: &mut String, text: &str) {
    let needs_escapes = |byte: u8| byte < b' ' || matches!(byte, b'"' | b'\\');
    if text.bytes().any(needs_escapes) {
        out.push_str(&serde_json::Value::from(text).to_string());
    } else {
        out.push('"');
        out.push_str(text);
        out.push('"');
    }
}

/// An object with these members. No name must come twice.
#[must_use]
pub fn object(members: &[(&str, Raw)]) -> Raw {
    let mut out = String::from("{");
    for (key, value) in members {
        member(&mut out, key, value.as_str());
    }
    out.push('}');
    Raw::spliced(out)
}

/// An object with a list in it: the members before the list, the list, the members after it. No name must come twice.
#[must_use]
pub fn object_with_list(before: &[(&str, Raw)], name: &str, items: &[Raw], after: &[(&str, Raw)]) -> Raw {
    let lengths = items.iter().map(|item| item.as_str().len() + 1);
    let mut out = String::with_capacity(lengths.sum::<usize>() + 1024);
    out.push('{');
    for (key, value) in before {
        member(&mut out, key, value.as_str());
    }
    member(&mut out, name, "[");
    for (at, item) in items.iter().enumerate() {
        if at > 0 {
            out.push(',');
        }
        out.push_str(item.as_str());
    }
    out.push(']');
    for (key, value) in after {
        member(&mut out, key, value.as_str());
    }
    out.push('}');
    Raw::spliced(out)
}

/// A member, or the beginning of one, after a comma where another one stands before it.
fn member(out: &mut String, key: &str, value: &str) {
    if !out.ends_with('{') {
        out.push(',');
    }
    push_quoted(out, key);
    out.push(':');
    out.push_str(value);
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

/// An error response.
#[must_use]
pub fn error(id: Option<&Id>, error: &RpcError) -> Bytes {
    response(id, &Answer::Error(error.to_raw()))
}

/// The answer to a body that is no message (JSON-RPC 2.0 section 5.1).
#[must_use]
pub fn unreadable(problem: &FrameError) -> Bytes {
    let (code, id) = match problem {
        FrameError::NotJson(_) => (code::PARSE_ERROR, None),
        FrameError::NotAMessage { id, .. } => (code::INVALID_REQUEST, id.as_ref()),
        FrameError::LongId(_) => (code::INVALID_REQUEST, None),
    };
    error(id, &RpcError::new(code, problem.to_string()))
}

fn open(payload: usize) -> String {
    let mut out = String::with_capacity(payload + 64);
    out.push_str("{\"jsonrpc\":\"2.0\"");
    out
}

fn method_and_params(out: &mut String, method: &str, params: Option<&Raw>) {
    out.push_str(",\"method\":");
    push_quoted(out, method);
    if let Some(params) = params {
        out.push_str(",\"params\":");
        out.push_str(params.as_str());
    }
    out.push('}');
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_list_stands_among_other_members() {
        let raw = |text: &str| Raw::parse(text.to_owned()).unwrap();
        let items = [raw("{\"a\": 1.0}"), raw("2")];
        assert_eq!(object(&[]).as_str(), "{}");
        assert_eq!(
            object(&[("a", raw("1.0")), ("b", raw("{}"))]).as_str(),
            r#"{"a":1.0,"b":{}}"#
        );
        assert_eq!(object_with_list(&[], "x", &[], &[]).as_str(), r#"{"x":[]}"#);
        let made = object_with_list(&[("b", raw("{}"))], "x\"y", &items, &[("c", raw("null"))]);
        assert_eq!(made.as_str(), r#"{"b":{},"x\"y":[{"a": 1.0},2],"c":null}"#);
    }

    proptest! {
        #[test]
        fn quoted_text_is_what_serde_writes(text in any::<String>(), plain in "[ -~é]{0,20}") {
            for text in [text, plain] {
                prop_assert_eq!(quoted(&text), serde_json::to_string(&text).unwrap());
            }
        }
    }

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
