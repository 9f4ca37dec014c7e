//! What the gateway declares on behalf of all backends, and what it tells clients about them.

use std::collections::HashSet;

use argus_protocol::{Object, Raw, capability, version};
use argus_upstream::Hello;
use serde_json::json;

/// A backend that is there, as it introduced itself.
pub(super) struct Introduced<'a> {
    pub(super) name: &'a str,
    pub(super) hello: &'a Hello,
}

/// `capabilities` for legacy clients.
pub(super) fn legacy(backends: &[Introduced<'_>]) -> Raw {
    let any = |capability: &str| backends.iter().any(|one| one.hello.has(capability));
    let mut declared = json!({
        "tools": {"listChanged": true},
        "resources": {"listChanged": true},
        "prompts": {"listChanged": true},
    });
    if backends.iter().any(|one| one.hello.has_flag("resources", "subscribe")) {
        declared["resources"]["subscribe"] = true.into();
    }
    for capability in ["logging", "completions"] {
        if any(capability) {
            declared[capability] = json!({});
        }
    }
    with_union(&declared, backends, "experimental")
}

/// `capabilities` for modern clients: what of the legacy ones the revision still knows, and extensions.
pub(super) fn modern(backends: &[Introduced<'_>]) -> Raw {
    with_union_of(legacy(backends), backends, "extensions")
}

fn with_union(declared: &serde_json::Value, backends: &[Introduced<'_>], member: &'static str) -> Raw {
    with_union_of(Raw::from_value(declared), backends, member)
}

/// Adds the members of all backends' `member` objects; the first backend that has a key gives its value.
fn with_union_of(declared: Raw, backends: &[Introduced<'_>], member: &'static str) -> Raw {
    let mut seen = HashSet::new();
    let mut parts = Vec::new();
    for backend in backends {
        let own = Object::parse(&backend.hello.capabilities)
            .ok()
            .and_then(|read| read.get_object(member));
        // The tasks of one era are not those of the other.
        let legacy = backend.hello.version != version::MODERN;
        let foreign = |key: &str| legacy && key == capability::TASKS_EXTENSION;
        for (key, value) in own.iter().flat_map(Object::members).filter(|(key, _)| !foreign(key)) {
            if seen.insert(key.to_owned()) {
                parts.push(format!("{}:{}", argus_protocol::write::quoted(key), value.as_str()));
            }
        }
    }
    if parts.is_empty() {
        return declared;
    }
    match (Object::parse(&declared), Raw::parse(format!("{{{}}}", parts.join(",")))) {
        (Ok(read), Ok(union)) => read.edit().set(member, union).finish(),
        _ => declared,
    }
}

/// One backend's instructions as they are; those of several under a heading each.
pub(super) fn instructions(backends: &[Introduced<'_>], configured: usize) -> Option<String> {
    let given: Vec<(&str, &str)> = backends
        .iter()
        .filter_map(|one| Some((one.name, one.hello.instructions.as_deref()?)))
        .filter(|(_, text)| !text.trim().is_empty())
        .collect();
    match given.as_slice() {
        [] => None,
        [(_, only)] if configured == 1 => Some((*only).to_owned()),
        several => {
            let parts: Vec<String> = several
                .iter()
                .map(|(name, text)| format!("## {name}\n\n{text}"))
                .collect();
            Some(parts.join("\n\n"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hello(capabilities: serde_json::Value, instructions: Option<&str>) -> Hello {
        Hello {
            version: "2025-11-25".into(),
            capabilities: Raw::from_value(&capabilities),
            server_info: None,
            instructions: instructions.map(str::to_owned),
            hint: None,
        }
    }

    fn read(raw: &Raw) -> serde_json::Value {
        raw.read().unwrap()
    }

    #[test]
    fn what_any_backend_can_is_declared() {
        let one = hello(json!({"logging": {}, "experimental": {"x": {"a": 1.0}, "y": 1}}), None);
        let two = hello(
            json!({"resources": {"subscribe": true}, "experimental": {"y": 2}, "extensions": {"e": {}}}),
            None,
        );
        let both = [
            Introduced {
                name: "one",
                hello: &one,
            },
            Introduced {
                name: "two",
                hello: &two,
            },
        ];
        assert_eq!(
            read(&legacy(&both)),
            json!({
                "tools": {"listChanged": true},
                "resources": {"listChanged": true, "subscribe": true},
                "prompts": {"listChanged": true},
                "logging": {},
                "experimental": {"x": {"a": 1.0}, "y": 1},
            })
        );
        assert_eq!(read(&modern(&both))["extensions"], json!({"e": {}}));
        assert_eq!(read(&legacy(&[]))["tools"], json!({"listChanged": true}));
    }

    #[test]
    fn instructions_pass_or_are_joined() {
        let (one, two) = (hello(json!({}), Some("Use a.")), hello(json!({}), Some("Use b.")));
        let (one, two) = (
            Introduced {
                name: "one",
                hello: &one,
            },
            Introduced {
                name: "two",
                hello: &two,
            },
        );
        assert_eq!(instructions(&[], 1), None);
        assert_eq!(instructions(std::slice::from_ref(&one), 1).as_deref(), Some("Use a."));
        assert_eq!(
            instructions(&[one, two], 2).as_deref(),
            Some("## one\n\nUse a.\n\n## two\n\nUse b.")
        );
    }
}
