//! What a tool's schema says of the types of its arguments.

use std::collections::BTreeSet;

use anyhow::Context;
use serde_json::Value;
use serde_json::value::RawValue;

/// How deep references and alternatives are followed.
const DEEPEST: usize = 8;

/// The JSON schema of a tool's arguments.
pub(super) struct Schema(Value);

impl Schema {
    pub(super) fn read(schema: Option<&RawValue>) -> Self {
        let parsed = schema.and_then(|schema| serde_json::from_str(schema.get()).ok());
        Self(parsed.unwrap_or_default())
    }

    /// The arguments as an object: JSON where it is of a type that the schema wants, or the schema names none, else a
    /// text. Numbers keep their spelling.
    pub(super) fn fitted(&self, pairs: &[(&str, &str)]) -> anyhow::Result<Box<RawValue>> {
        let members = pairs.iter().map(|&(name, text)| {
            let value = match self.takes(name, text) {
                true => text.trim().to_owned(),
                false => serde_json::to_string(text)?,
            };
            Ok(format!("{}:{value}", serde_json::to_string(name)?))
        });
        let members: Vec<String> = members.collect::<serde_json::Result<_>>()?;
        RawValue::from_string(format!("{{{}}}", members.join(","))).context("the arguments are no JSON")
    }

    /// Whether a text is to be taken as JSON.
    fn takes(&self, name: &str, text: &str) -> bool {
        let Ok(value) = serde_json::from_str::<Value>(text) else {
            return false;
        };
        if value.is_string() {
            // Quotes that are given are meant.
            return false;
        }
        let mut types = BTreeSet::new();
        self.types(&self.0["properties"][name], DEEPEST, &mut types);
        let own = type_of(&value);
        types.is_empty() || types.contains(own) || own == "integer" && types.contains("number")
    }

    /// Collects the types that a schema names.
    fn types<'a>(&'a self, schema: &'a Value, deep: usize, found: &mut BTreeSet<&'a str>) {
        let Some(deep) = deep.checked_sub(1) else { return };
        match &schema["type"] {
            Value::String(one) => drop(found.insert(one)),
            Value::Array(several) => found.extend(several.iter().filter_map(Value::as_str)),
            _ => {
                let values = schema["enum"]
                    .as_array()
                    .into_iter()
                    .flatten()
                    .chain(schema.get("const"));
                for value in values {
                    found.insert(type_of(value));
                }
            }
        }
        for word in ["anyOf", "oneOf", "allOf"] {
            for one in schema[word].as_array().into_iter().flatten() {
                self.types(one, deep, found);
            }
        }
        let reference = schema["$ref"]
            .as_str()
            .and_then(|reference| reference.strip_prefix('#'));
        if let Some(schema) = reference.and_then(|reference| self.0.pointer(reference)) {
            self.types(schema, deep, found);
        }
    }
}

fn type_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.is_f64() => "number",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn values_are_what_the_schema_wants() {
        let schema = Schema(json!({
            "properties": {
                "text": {"type": "string"},
                "count": {"type": "integer"},
                "ratio": {"type": "number"},
                "maybe": {"type": ["string", "null"]},
                "choice": {"anyOf": [{"type": "boolean"}, {"$ref": "#/$defs/list"}]},
                "level": {"enum": ["1", "2"]},
                "again": {"$ref": "#/properties/again"},
            },
            "$defs": {"list": {"type": "array"}},
        }));
        let fitted = |name, text| schema.fitted(&[(name, text)]).unwrap().get().to_owned();
        for (name, text, value) in [
            ("text", "5", r#""5""#),
            ("text", "null", r#""null""#),
            ("text", r#""quoted""#, r#""\"quoted\"""#),
            ("count", "5", "5"),
            ("count", "5.5", r#""5.5""#),
            ("count", "many", r#""many""#),
            ("ratio", "5", "5"),
            ("ratio", "1e2", "1e2"),
            ("maybe", "null", "null"),
            ("maybe", "5", r#""5""#),
            ("choice", "true", "true"),
            ("choice", "[1, 2]", "[1, 2]"),
            ("choice", "{}", r#""{}""#),
            ("level", "1", r#""1""#),
            ("again", "1", "1"),
            ("unknown", "12345678901234567890", "12345678901234567890"),
            ("unknown", "word", r#""word""#),
        ] {
            assert_eq!(fitted(name, text), format!(r#"{{"{name}":{value}}}"#));
        }
    }

    #[test]
    fn without_a_schema_json_is_json() {
        let schema = Schema::read(None);
        assert_eq!(
            schema.fitted(&[("a", "1"), ("b", "x")]).unwrap().get(),
            r#"{"a":1,"b":"x"}"#
        );
    }
}
