//! HTTP headers of MCP, in the lower case that `http` uses.

use std::borrow::Cow;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderName, HeaderValue};

use crate::{RpcError, code, method};

/// The protocol version of the request (MCP 2025-06-18 and later).
pub const PROTOCOL_VERSION: HeaderName = HeaderName::from_static("mcp-protocol-version");
/// The legacy session (MCP 2025-03-26 to 2025-11-25).
pub const SESSION_ID: HeaderName = HeaderName::from_static("mcp-session-id");
/// The JSON-RPC method, mirrored from the body (MCP 2026-07-28).
pub const METHOD: HeaderName = HeaderName::from_static("mcp-method");
/// The tool or prompt name or the resource URI, mirrored from the body (MCP 2026-07-28).
pub const NAME: HeaderName = HeaderName::from_static("mcp-name");
/// Prefix of the mirrored tool arguments that a schema marks with `x-mcp-header` (MCP 2026-07-28).
pub const PARAM_PREFIX: &str = "mcp-param-";
/// Where a legacy stream is to be resumed (MCP 2025-03-26 to 2025-11-25; WHATWG server-sent events).
pub const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");

const SENTINEL_OPEN: &str = "=?base64?";
const SENTINEL_CLOSE: &str = "?=";

/// Why a header that mirrors the body is refused (MCP 2026-07-28 "Server validation").
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Mismatch {
    /// It is not there.
    #[error("is required")]
    Missing,
    /// It is there more than once: whoever reads it on the way may have believed another one.
    #[error("is there more than once")]
    Repeated,
    /// Its characters, or those that it codes, are none that it may have.
    #[error("cannot be decoded")]
    Undecodable,
    /// It says something else.
    #[error("does not say what the body says")]
    Differs,
    /// It says something where the body says nothing.
    #[error("says what the body does not say")]
    NotInBody,
}

impl Mismatch {
    /// The error for a client. It does not hold the values, which may be nobody else's business.
    #[must_use]
    pub fn of(self, header: &str) -> RpcError {
        RpcError::new(code::HEADER_MISMATCH, format!("the header {header} {self}"))
    }
}

/// What a header says that may be there once; `None` where it is not there.
///
/// # Errors
/// When it is there more than once, or is no visible ASCII.
pub fn the_only<'h>(values: impl IntoIterator<Item = &'h HeaderValue>) -> Result<Option<&'h str>, Mismatch> {
    let mut values = values.into_iter();
    let Some(value) = values.next() else { return Ok(None) };
    if values.next().is_some() {
        return Err(Mismatch::Repeated);
    }
    value.to_str().map(Some).map_err(|_| Mismatch::Undecodable)
}

/// The same of a header whose value may be coded: `Mcp-Name` and `Mcp-Param-*`.
///
/// # Errors
/// As above, or when it is coded wrongly.
pub fn the_only_decoded<'h>(
    values: impl IntoIterator<Item = &'h HeaderValue>,
) -> Result<Option<Cow<'h, str>>, Mismatch> {
    let Some(text) = the_only(values)? else { return Ok(None) };
    decode_value(text).ok_or(Mismatch::Undecodable).map(Some)
}

/// The member of the parameters that `Mcp-Name` mirrors; `None` for methods that have no name (MCP 2026-07-28 "Standard
/// request headers"; for tasks SEP-2663 "Streamable HTTP").
#[must_use]
pub fn name_member(method: &str) -> Option<&'static str> {
    match method {
        method::TOOLS_CALL | method::PROMPTS_GET => Some("name"),
        method::RESOURCES_READ => Some("uri"),
        "tasks/get" | "tasks/update" | "tasks/cancel" => Some("taskId"),
        _ => None,
    }
}

/// A value for `Mcp-Name` and `Mcp-Param-*`: as it is where it is plain visible ASCII without edge spaces, else
/// `=?base64?...?=` (MCP 2026-07-28 "Value encoding"). Nothing at all is coded too, because some on the way drop empty
/// headers.
#[must_use]
pub fn encode_value(value: &str) -> String {
    let plain = !value.is_empty()
        && value.bytes().all(|byte| matches!(byte, b' '..=b'~'))
        && value.trim() == value
        && !(value.starts_with(SENTINEL_OPEN) && value.ends_with(SENTINEL_CLOSE));
    if plain {
        value.to_owned()
    } else {
        format!("{SENTINEL_OPEN}{}{SENTINEL_CLOSE}", STANDARD.encode(value))
    }
}

/// What [`encode_value`] made; `None` where the sentinel holds no base64 of UTF-8.
#[must_use]
pub fn decode_value(value: &str) -> Option<Cow<'_, str>> {
    match value
        .strip_prefix(SENTINEL_OPEN)
        .and_then(|rest| rest.strip_suffix(SENTINEL_CLOSE))
    {
        None => Some(Cow::Borrowed(value)),
        Some(coded) => String::from_utf8(STANDARD.decode(coded).ok()?).ok().map(Cow::Owned),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn plain_values_stay_plain() {
        assert_eq!(encode_value("test://a b/é"), "=?base64?dGVzdDovL2EgYi/DqQ==?=");
        assert_eq!(encode_value("get_time"), "get_time");
        assert_eq!(decode_value("=?base64?!?="), None);
    }

    /// The table of MCP 2026-07-28 "Value encoding".
    #[test]
    fn the_examples_of_the_specification() {
        for (value, coded) in [
            ("us-west1", "us-west1"),
            ("Hello, 世界", "=?base64?SGVsbG8sIOS4lueVjA==?="),
            (" padded ", "=?base64?IHBhZGRlZCA=?="),
            ("line1\nline2", "=?base64?bGluZTEKbGluZTI=?="),
            ("=?base64?literal?=", "=?base64?PT9iYXNlNjQ/bGl0ZXJhbD89?="),
        ] {
            assert_eq!(encode_value(value), coded);
            assert_eq!(decode_value(coded).as_deref(), Some(value));
        }
        assert_eq!(encode_value(""), "=?base64??=");
    }

    #[test]
    fn only_a_whole_sentinel_is_one() {
        for literal in [
            "SGVsbG8=",
            "=?base64?SGVsbG8=",
            "SGVsbG8=?=",
            "=?BASE64?SGVsbG8=?=",
            "=?base64?=",
            "x=?base64?SGVsbG8=?=",
        ] {
            assert_eq!(decode_value(literal).as_deref(), Some(literal));
        }
        for broken in ["SGVsbG8", "SGVs!!!bG8=", "SGVsbG9=", "//4="] {
            assert_eq!(decode_value(&format!("=?base64?{broken}?=")), None, "{broken}");
        }
    }

    #[test]
    fn a_header_is_read_if_it_is_the_only_one() {
        let value = |text: &[u8]| HeaderValue::from_bytes(text).unwrap();
        let (a, coded, odd) = (value(b"a"), value(b"=?base64?w6k=?="), value("é".as_bytes()));
        assert_eq!(the_only([]), Ok(None));
        assert_eq!(the_only([&a]), Ok(Some("a")));
        assert_eq!(the_only([&coded]), Ok(Some("=?base64?w6k=?=")));
        assert_eq!(the_only_decoded([&coded]).unwrap().as_deref(), Some("é"));
        assert_eq!(the_only_decoded([&a, &a]), Err(Mismatch::Repeated));
        assert_eq!(the_only([&odd]), Err(Mismatch::Undecodable));
    }

    proptest! {
        #[test]
        fn round_trip(value in any::<String>()) {
            let coded = encode_value(&value);
            prop_assert!(coded.bytes().all(|byte| (b' '..=b'~').contains(&byte)) && coded.trim() == coded);
            let decoded = decode_value(&coded);
            prop_assert_eq!(decoded.as_deref(), Some(value.as_str()));
        }
    }
}
