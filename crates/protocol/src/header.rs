//! HTTP headers of MCP, in the lower case that `http` uses.

use std::borrow::Cow;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// The protocol version of the request (MCP 2025-06-18 and later).
pub const PROTOCOL_VERSION: &str = "mcp-protocol-version";
/// The legacy session (MCP 2025-03-26 to 2025-11-25).
pub const SESSION_ID: &str = "mcp-session-id";
/// The JSON-RPC method, mirrored from the body (MCP 2026-07-28).
pub const METHOD: &str = "mcp-method";
/// The tool or prompt name or the resource URI, mirrored from the body (MCP 2026-07-28).
pub const NAME: &str = "mcp-name";
/// Prefix of the mirrored tool arguments that a schema marks with `x-mcp-header` (MCP 2026-07-28).
pub const PARAM_PREFIX: &str = "mcp-param-";
/// Where a legacy stream is to be resumed (MCP 2025-03-26 to 2025-11-25; WHATWG server-sent events).
pub const LAST_EVENT_ID: &str = "last-event-id";

const SENTINEL_OPEN: &str = "=?base64?";
const SENTINEL_CLOSE: &str = "?=";

/// A value for `Mcp-Name` and `Mcp-Param-*`: as it is where it is plain visible ASCII without edge spaces, else
/// `=?base64?...?=` (MCP 2026-07-28 "Header value encoding").
#[must_use]
pub fn encode_value(value: &str) -> String {
    let plain = value.bytes().all(|byte| matches!(byte, b' '..=b'~'))
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

    proptest! {
        #[test]
        fn round_trip(value in any::<String>()) {
            let coded = encode_value(&value);
            let decoded = decode_value(&coded);
            prop_assert_eq!(decoded.as_deref(), Some(value.as_str()));
        }
    }
}
