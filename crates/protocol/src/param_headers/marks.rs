//! Marks in the schemas of tools: which arguments are mirrored.

use http::HeaderName;
use serde_json::Value;

use crate::{Object, Raw, Sought, header, shown};

/// Marks a property of a tool's schema.
const MARK: &str = "x-mcp-header";
static MARKED: Sought = Sought::new(MARK);

/// Keywords of JSON Schema that hold a schema or a list of schemas, through which no argument is reached.
const SCHEMAS: [&str; 16] = [
    "additionalItems",
    "additionalProperties",
    "allOf",
    "anyOf",
    "contains",
    "contentSchema",
    "else",
    "if",
    "items",
    "not",
    "oneOf",
    "prefixItems",
    "propertyNames",
    "then",
    "unevaluatedItems",
    "unevaluatedProperties",
];
/// Keywords that hold schemas by name, through which no argument is reached.
const NAMED_SCHEMAS: [&str; 5] = [
    "$defs",
    "definitions",
    "dependencies",
    "dependentSchemas",
    "patternProperties",
];

/// An argument that is mirrored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Mirrored {
    /// The names of the properties that lead to it.
    pub(super) path: Box<[String]>,
    pub(super) header: HeaderName,
}

/// A mark that is not as it must be: clients over Streamable HTTP leave the tool out (MCP 2026-07-28 "Schema extension").
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{}`: x-mcp-header {fault}", shown(.path))]
pub struct BadMark {
    path: String,
    fault: Fault,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
enum Fault {
    #[error("is only allowed on what is reached through `properties` alone")]
    Unreachable,
    #[error("must be a string that can be a part of a header's name")]
    NoToken,
    #[error("is only allowed on the types string, integer and boolean")]
    WrongType,
    #[error("names the same header as another one")]
    Twice,
    #[error("stands in a schema that cannot be read")]
    Unreadable,
}

/// What the definition of a tool marks.
///
/// # Errors
/// When a mark is not as it must be.
pub(super) fn of_tool(tool: &Raw) -> Result<Vec<Mirrored>, BadMark> {
    let mut found = Vec::new();
    if !may_be_in(tool) {
        return Ok(found);
    }
    let schema = Object::parse(tool)
        .ok()
        .and_then(|read| read.get("inputSchema").cloned());
    if let Some(schema) = schema.filter(may_be_in) {
        let schema = schema.read::<Value>().map_err(|_| BadMark {
            path: "inputSchema".to_owned(),
            fault: Fault::Unreadable,
        })?;
        walk(&schema, &mut Vec::new(), true, &mut found)?;
    }
    Ok(found)
}

/// Whether there may be a mark in it.
pub(super) fn may_be_in(schema: &Raw) -> bool {
    schema.may_have(&MARKED)
}

/// Looks for marks wherever a schema can be. Depth is bounded by what the JSON reader reads.
fn walk(schema: &Value, path: &mut Vec<String>, reachable: bool, found: &mut Vec<Mirrored>) -> Result<(), BadMark> {
    let Some(schema) = schema.as_object() else {
        return Ok(());
    };
    if let Some(mark) = schema.get(MARK) {
        let bad = |fault| BadMark {
            path: path.join("."),
            fault,
        };
        if !reachable || path.is_empty() {
            return Err(bad(Fault::Unreachable));
        }
        let header = header_of(mark).ok_or_else(|| bad(Fault::NoToken))?;
        if !matches!(
            schema.get("type").and_then(Value::as_str),
            Some("string" | "integer" | "boolean")
        ) {
            return Err(bad(Fault::WrongType));
        }
        if found.iter().any(|other| other.header == header) {
            return Err(bad(Fault::Twice));
        }
        found.push(Mirrored {
            path: path.clone().into(),
            header,
        });
    }
    for (keyword, value) in schema {
        let (keyword, named) = (keyword.as_str(), value.as_object());
        if keyword == "properties" {
            for (name, property) in named.into_iter().flatten() {
                path.push(name.clone());
                walk(property, path, reachable, found)?;
                path.pop();
            }
        } else if NAMED_SCHEMAS.contains(&keyword) {
            for schema in named.into_iter().flatten().map(|(_, schema)| schema) {
                walk(schema, path, false, found)?;
            }
        } else if SCHEMAS.contains(&keyword) {
            walk(value, path, false, found)?;
            for schema in value.as_array().into_iter().flatten() {
                walk(schema, path, false, found)?;
            }
        }
    }
    Ok(())
}

/// The header that a mark names; `None` where its name is no token (RFC 9110 section 5.6.2).
fn header_of(mark: &Value) -> Option<HeaderName> {
    let mark = mark.as_str().filter(|mark| !mark.is_empty())?;
    HeaderName::try_from(format!("{}{mark}", header::PARAM_PREFIX)).ok()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn raw(text: &str) -> Raw {
        Raw::parse(text.to_owned()).unwrap()
    }

    fn of(schema: Value) -> Result<Vec<Mirrored>, String> {
        let tool = Raw::from_value(&json!({"name": "t", "inputSchema": schema}));
        super::of_tool(&tool).map_err(|error| error.to_string())
    }

    fn properties(properties: Value) -> Result<Vec<Mirrored>, String> {
        of(json!({"type": "object", "properties": properties}))
    }

    #[test]
    fn a_tool_without_marks_has_no_table() {
        assert_eq!(properties(json!({"a": {"type": "string"}})), Ok(Vec::new()));
        assert_eq!(properties(json!({"x-mcp-header": {"type": "string"}})), Ok(Vec::new()));
        assert_eq!(of(json!({"default": {"x-mcp-header": "A"}})), Ok(Vec::new()));
        assert_eq!(of(json!(true)), Ok(Vec::new()));
        let said = raw(r#"{"name":"t","description":"x-mcp-header"}"#);
        assert_eq!(of_tool(&said), Ok(Vec::new()));
    }

    #[test]
    fn marks_that_cannot_be_read_are_told() {
        let schema = r#"{"properties":{"a":{"type":"string","x-mcp-header":"A"},"b":{"maximum":1e400}}}"#;
        let tool = |schema: &str| {
            raw(&format!(
                r#"{{"name":"t","description":"x-mcp-header","inputSchema":{schema}}}"#
            ))
        };
        let error = super::of_tool(&tool(schema)).unwrap_err().to_string();
        assert!(
            error.contains("`inputSchema`: x-mcp-header stands in a schema"),
            "{error}"
        );
        let unmarked = tool(r#"{"properties":{"b":{"maximum":1e400}}}"#);
        assert_eq!(super::of_tool(&unmarked), Ok(Vec::new()));
    }

    #[test]
    fn a_mark_must_name_one_header_of_one_plain_argument() {
        for (wrong, why) in [
            (json!({"a": {"type": "number", "x-mcp-header": "A"}}), "types"),
            (json!({"a": {"type": "object", "x-mcp-header": "A"}}), "types"),
            (json!({"a": {"type": ["string", "null"], "x-mcp-header": "A"}}), "types"),
            (json!({"a": {"x-mcp-header": "A"}}), "types"),
            (json!({"a": {"type": "string", "x-mcp-header": "A B"}}), "name"),
            (json!({"a": {"type": "string", "x-mcp-header": "A\n"}}), "name"),
            (json!({"a": {"type": "string", "x-mcp-header": "A:"}}), "name"),
            (json!({"a": {"type": "string", "x-mcp-header": "é"}}), "name"),
            (json!({"a": {"type": "string", "x-mcp-header": ""}}), "name"),
            (json!({"a": {"type": "string", "x-mcp-header": 1}}), "name"),
            (json!({"a": {"type": "string", "x-mcp-header": null}}), "name"),
            (
                json!({"a": {"type": "string", "x-mcp-header": "A"}, "b": {"properties": {"c": {"type": "string", "x-mcp-header": "a"}}}}),
                "same header",
            ),
        ] {
            let error = properties(wrong.clone()).unwrap_err();
            assert!(error.contains(why), "{wrong}: {error}");
        }
    }

    #[test]
    fn a_mark_must_be_reached_through_properties_alone() {
        let marked = json!({"type": "string", "x-mcp-header": "A"});
        let inside = json!({"properties": {"a": marked}});
        for wrong in [
            marked.clone(),
            json!({"$defs": {"d": marked}}),
            json!({"$defs": {"d": inside}}),
            json!({"properties": {"l": {"items": marked}}}),
            json!({"properties": {"l": {"prefixItems": [inside]}}}),
            json!({"anyOf": [{"type": "object"}, inside]}),
            json!({"properties": {"o": {"allOf": [inside]}}}),
            json!({"then": inside}),
            json!({"not": inside}),
            json!({"additionalProperties": marked}),
            json!({"patternProperties": {"^a": marked}}),
        ] {
            let error = of(wrong.clone()).unwrap_err();
            assert!(error.contains("through `properties` alone"), "{wrong}: {error}");
        }
    }

    #[test]
    fn a_name_of_a_backend_is_cut() {
        let error = properties(json!({"a".repeat(1000): {"type": "string", "x-mcp-header": ""}})).unwrap_err();
        assert!(error.len() < 300, "{error}");
    }
}
