//! How a legacy client is introduced to modern backends.

use argus_protocol::{Object, Raw, capability};
use argus_upstream::Declared;

/// The capabilities that let a backend ask.
const ASKABLE: [&str; 3] = ["sampling", "elicitation", "roots"];

/// What `initialize` declared, as the `clientCapabilities` of a modern request (MCP 2026-07-28 "Request metadata"). The
/// two eras spell capabilities alike; the tasks of one era are not those of the other, and what is not an object declares
/// nothing.
pub(crate) fn introduced(declared: &Declared) -> Declared {
    Declared {
        capabilities: modern_capabilities(&declared.capabilities).unwrap_or_else(Raw::empty_object),
        client_info: declared.client_info.clone(),
    }
}

fn modern_capabilities(declared: &Raw) -> Option<Raw> {
    let read = Object::parse(declared).ok()?;
    let mut edit = read.edit().remove(capability::TASKS);
    for asked in ASKABLE {
        if read.get_object(asked).is_none() {
            edit = edit.remove(asked);
        }
    }
    if let Some(extensions) = read.get_object(capability::EXTENSIONS) {
        let legacy = extensions.edit().remove(capability::TASKS_EXTENSION).finish();
        edit = edit.set(capability::EXTENSIONS, legacy);
    }
    Some(edit.finish())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn modern(declared: &str) -> String {
        let declared = Declared {
            capabilities: Raw::parse(declared.to_owned()).unwrap(),
            client_info: None,
        };
        introduced(&declared).capabilities.as_str().to_owned()
    }

    #[test]
    fn what_means_the_same_in_both_eras_passes() {
        let same = r#"{"sampling":{"tools":{}}, "elicitation":{"url":{}},"roots":{"listChanged":true},"experimental":{"x":1.0}}"#;
        assert_eq!(modern(same), same);
        assert_eq!(modern("{}"), "{}");
    }

    #[test]
    fn tasks_and_what_is_malformed_do_not() {
        assert_eq!(
            modern(
                r#"{"tasks":{"list":{}},"sampling":null,"elicitation":true,"roots":{},"extensions":{"io.modelcontextprotocol/tasks":{},"a/b":{}}}"#
            ),
            r#"{"roots":{},"extensions":{"a/b":{}}}"#
        );
    }
}
