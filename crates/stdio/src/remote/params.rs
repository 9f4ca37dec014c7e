//! `Mcp-Param-*`: arguments that a tool wants mirrored in headers (MCP 2026-07-28 "Custom headers from tool parameters").
//! A client over stdio knows nothing of headers, so they are made here.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use argus_protocol::{Object, Raw, Sought, header};
use http::{HeaderMap, HeaderName, HeaderValue};
use serde_json::Value;

/// Marks a property of a tool's schema.
const MARK: &str = "x-mcp-header";
static MARKED: Sought = Sought::new(MARK);

/// Which arguments of which tools are to be mirrored, as far as their lists were seen. Clones are the same.
#[derive(Debug, Clone, Default)]
pub(super) struct Tools(Arc<Mutex<HashMap<String, Vec<Mirrored>>>>);

/// An argument that is to be mirrored.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Mirrored {
    path: Vec<String>,
    name: HeaderName,
}

impl Tools {
    /// Learns from a result of `tools/list`.
    pub(super) fn learn(&self, result: &Raw) {
        if !result.may_have(&MARKED) && self.known().is_empty() {
            return;
        }
        let Ok(result) = result.read::<Value>() else { return };
        for tool in result["tools"].as_array().into_iter().flatten() {
            let Some(name) = tool["name"].as_str() else { continue };
            let found = marked(&tool["inputSchema"]);
            if found.is_empty() {
                self.known().remove(name);
            } else {
                self.known().insert(name.to_owned(), found);
            }
        }
    }

    /// The headers of a call of a tool with these arguments; an argument that is not there has none.
    pub(super) fn headers(&self, tool: &str, arguments: Option<&Raw>) -> HeaderMap {
        let wanted = self.known().get(tool).cloned().unwrap_or_default();
        let mut headers = HeaderMap::new();
        for mirrored in wanted {
            let value = arguments.and_then(|arguments| text_at(arguments, &mirrored.path));
            let value = value.and_then(|value| HeaderValue::from_str(&header::encode_value(&value)).ok());
            if let Some(value) = value {
                headers.insert(mirrored.name, value);
            }
        }
        headers
    }

    fn known(&self) -> MutexGuard<'_, HashMap<String, Vec<Mirrored>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The marked properties of a schema; none when a mark is not as it must be.
fn marked(schema: &Value) -> Vec<Mirrored> {
    let mut found = Vec::new();
    let valid = walk(schema, &mut Vec::new(), &mut found);
    let names: HashSet<&HeaderName> = found.iter().map(|mirrored| &mirrored.name).collect();
    if valid && names.len() == found.len() {
        found
    } else {
        Vec::new()
    }
}

/// Looks through `properties` only; `false` when a mark is not as it must be.
fn walk(schema: &Value, path: &mut Vec<String>, found: &mut Vec<Mirrored>) -> bool {
    let Some(properties) = schema["properties"].as_object() else {
        return true;
    };
    properties.iter().all(|(key, property)| {
        path.push(key.clone());
        let valid = match property.get(MARK) {
            None => true,
            Some(mark) => match header_of(property, mark) {
                Some(name) => {
                    found.push(Mirrored {
                        path: path.clone(),
                        name,
                    });
                    true
                }
                None => false,
            },
        };
        let valid = valid && walk(property, path, found);
        path.pop();
        valid
    })
}

fn header_of(property: &Value, mark: &Value) -> Option<HeaderName> {
    matches!(property["type"].as_str(), Some("string" | "integer" | "boolean"))
        .then(|| {
            format!(
                "{}{}",
                header::PARAM_PREFIX,
                mark.as_str().filter(|mark| !mark.is_empty())?
            )
            .parse()
            .ok()
        })
        .flatten()
}

/// A string, or the text of a number or truth value.
fn text_at(arguments: &Raw, path: &[String]) -> Option<String> {
    let (last, before) = path.split_last()?;
    let mut object = Object::parse(arguments).ok()?;
    for key in before {
        object = object.get_object(key)?;
    }
    match object.get_str(last) {
        Some(text) => Some(text.to_string()),
        None => {
            let text = object.get(last)?.as_str();
            let plain = !text.starts_with(['{', '[', 'n']);
            plain.then(|| text.to_owned())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tools(properties: &str) -> Tools {
        let tools = Tools::default();
        let result = format!(
            r#"{{"tools":[{{"name":"plain","inputSchema":{{}}}},{{"name":"t","inputSchema":{{"type":"object","properties":{properties}}}}}]}}"#
        );
        tools.learn(&Raw::parse(result).unwrap());
        tools
    }

    fn made(tools: &Tools, arguments: &str) -> Vec<(String, String)> {
        let arguments = Raw::parse(arguments.to_owned()).unwrap();
        let headers = tools.headers("t", Some(&arguments));
        let mut all: Vec<_> = headers
            .iter()
            .map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned()))
            .collect();
        all.sort();
        all
    }

    #[test]
    fn marked_arguments_become_headers() {
        let tools = tools(
            r#"{"region":{"type":"string","x-mcp-header":"Region"},"n":{"type":"integer","x-mcp-header":"N"},
                "in":{"type":"object","properties":{"b":{"type":"boolean","x-mcp-header":"B"}}},"other":{"type":"string"}}"#,
        );
        let is = |name: &str, value: &str| (format!("mcp-param-{name}"), value.to_owned());
        assert_eq!(
            made(&tools, r#"{"region":"eu \u00e4","n":3,"in":{"b":true},"other":"x"}"#),
            [
                is("b", "true"),
                is("n", "3"),
                is("region", &header::encode_value("eu ä"))
            ]
        );
        assert_eq!(made(&tools, r#"{"region":null,"in":1}"#), []);
        assert!(tools.headers("plain", None).is_empty());
    }

    #[test]
    fn wrong_marks_count_for_nothing() {
        for wrong in [
            r#"{"a":{"type":"number","x-mcp-header":"A"}}"#,
            r#"{"a":{"type":"string","x-mcp-header":"A B"}}"#,
            r#"{"a":{"type":"string","x-mcp-header":""}}"#,
            r#"{"a":{"type":"string","x-mcp-header":"A"},"b":{"type":"string","x-mcp-header":"a"}}"#,
        ] {
            assert_eq!(made(&tools(wrong), r#"{"a":"1","b":"2"}"#), [], "{wrong}");
        }
    }

    #[test]
    fn a_tool_that_changed_is_learned_anew() {
        let tools = tools(r#"{"a":{"type":"string","x-mcp-header":"A"}}"#);
        tools.learn(&Raw::parse(r#"{"tools":[{"name":"t","inputSchema":{}}]}"#).unwrap());
        assert_eq!(made(&tools, r#"{"a":"1"}"#), []);
    }
}
