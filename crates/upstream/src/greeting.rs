//! What the gateway and a backend say of themselves to each other.

use argus_protocol::{Object, Raw, meta, method, version};

use crate::{Declared, Hello, Hint, LinkError};

/// How the gateway introduces itself: an `Implementation` object.
#[must_use]
pub fn own_info() -> Raw {
    let info = serde_json::json!({
        "name": "argus-mcp",
        "title": "Argus MCP",
        "version": env!("CARGO_PKG_VERSION"),
    });
    Raw::from_value(&info)
}

/// The parameters of `initialize`.
pub(crate) fn initialize_params(declared: &Declared) -> Raw {
    let base = serde_json::json!({ "protocolVersion": version::NEWEST_LEGACY });
    let base = Raw::from_value(&base);
    let Ok(base) = Object::parse(&base) else {
        return Raw::empty_object();
    };
    base.edit()
        .set("capabilities", declared.capabilities.clone())
        .set("clientInfo", declared.client_info.clone().unwrap_or_else(own_info))
        .finish()
}

/// What a backend says of itself in the answer to `initialize`.
pub(crate) fn legacy_hello(result: &Raw) -> Result<Hello, LinkError> {
    let read = object(result, method::INITIALIZE)?;
    let version = read
        .get_str("protocolVersion")
        .ok_or_else(|| LinkError::Protocol("the answer to `initialize` names no protocolVersion".to_owned()))?;
    Ok(Hello {
        version: version.to_string(),
        capabilities: read.get("capabilities").cloned().unwrap_or_else(Raw::empty_object),
        server_info: read.get("serverInfo").cloned(),
        instructions: read.get_str("instructions").map(|text| text.to_string()),
        hint: None,
    })
}

/// What a backend says of itself in the answer to `server/discover`.
pub(crate) fn modern_hello(result: &Raw) -> Result<Hello, LinkError> {
    let read = object(result, method::DISCOVER)?;
    let versions: Vec<String> = read
        .get("supportedVersions")
        .and_then(|raw| raw.read().ok())
        .unwrap_or_default();
    if !versions.iter().any(|known| known == version::MODERN) {
        return Err(LinkError::Era(version::MODERN));
    }
    Ok(Hello {
        version: version::MODERN.to_owned(),
        capabilities: read.get("capabilities").cloned().unwrap_or_else(Raw::empty_object),
        server_info: read
            .get_object("_meta")
            .and_then(|meta| meta.get(meta::SERVER_INFO).cloned()),
        instructions: read.get_str("instructions").map(|text| text.to_string()),
        hint: Some(Hint::of(&read)),
    })
}

fn object(result: &Raw, method: &str) -> Result<Object, LinkError> {
    Object::parse(result)
        .map_err(|error| LinkError::Protocol(format!("the answer to `{method}` is malformed: {error}")))
}
