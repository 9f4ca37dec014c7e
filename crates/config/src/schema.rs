//! The JSON Schema of the file, made from the same tables that it is read with.

use serde_json::{Map, Value, json};

use crate::decode::{Field, Fields, Kind, Preset, Rule, Variant};
use crate::root;

/// A text in which a variable stands, which is allowed wherever a single value is.
const VARIABLE: &str = "\\$\\{";

/// The JSON Schema (draft 2020-12) of `config.yaml`.
///
/// It is as strict as the reader about keys and types; what only the reader can judge (header values, addresses,
/// variables that are not set) it lets pass.
#[must_use]
pub fn schema() -> Value {
    let mut schema = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Argus MCP configuration",
    });
    merge(&mut schema, section(root::FIELDS));
    schema
}

fn section(fields: Fields) -> Value {
    let all = || fields.iter().copied().flatten();
    let properties: Map<String, Value> = all().map(|field| (field.key.to_owned(), property(field))).collect();
    let required: Vec<&str> = all().filter(|field| field.required).map(|field| field.key).collect();
    let mut schema = json!({ "type": "object", "additionalProperties": false, "properties": properties });
    if !required.is_empty() {
        merge(&mut schema, json!({ "required": required }));
    }
    schema
}

fn property(field: &Field) -> Value {
    let mut schema = json!({ "description": field.doc });
    let kind = kind(&field.kind);
    merge(
        &mut schema,
        if field.required {
            kind
        } else {
            json!({ "anyOf": [kind, { "type": "null" }] })
        },
    );
    if let Some(preset) = preset(field.preset) {
        merge(&mut schema, json!({ "default": preset }));
    }
    schema
}

fn preset(preset: Preset) -> Option<Value> {
    match preset {
        Preset::None => None,
        Preset::Text(text) => Some(json!(text)),
        Preset::Flag(flag) => Some(json!(flag)),
        Preset::Whole(number) => Some(json!(number)),
        Preset::Seconds(seconds) => Some(json!(seconds)),
    }
}

fn kind(kind: &Kind) -> Value {
    match *kind {
        Kind::Text(rule) => text(rule),
        Kind::Flag => or_variable(json!({ "type": "boolean" })),
        Kind::Whole { min, max } => or_variable(json!({ "type": "integer", "minimum": min, "maximum": max })),
        Kind::Seconds { min, max } => or_variable(json!({ "type": "number", "minimum": min, "maximum": max })),
        Kind::SecondsOr { min, max, words } => json!({ "anyOf": [
            { "type": "number", "minimum": min, "maximum": max },
            { "enum": words },
            { "type": "string", "pattern": VARIABLE },
        ] }),
        Kind::Choice(words) => or_variable(json!({ "enum": words })),
        Kind::Texts(rule) => json!({ "type": "array", "items": text(rule) }),
        Kind::TextMap { names, values } => mapping(names, text(values)),
        Kind::Section(fields) => section(fields),
        Kind::Sections { names, fields } => mapping(names, section(fields)),
        Kind::Variants(variants) => one_of(variants),
        Kind::NamedVariants { names, variants } => mapping(names, one_of(variants)),
    }
}

/// A text; YAML's numbers and booleans are taken as they are written.
fn text(rule: &Rule) -> Value {
    let mut schema = json!({ "type": ["string", "number", "boolean"] });
    if let Some(pattern) = rule.pattern {
        merge(&mut schema, json!({ "pattern": format!("(?:{pattern})|{VARIABLE}") }));
    }
    schema
}

fn or_variable(schema: Value) -> Value {
    json!({ "anyOf": [schema, { "type": "string", "pattern": VARIABLE }] })
}

fn mapping(names: &Rule, values: Value) -> Value {
    let mut schema = json!({ "type": "object", "additionalProperties": values });
    if let Some(pattern) = names.pattern {
        merge(&mut schema, json!({ "propertyNames": { "pattern": pattern } }));
    }
    schema
}

fn one_of(variants: &[Variant]) -> Value {
    json!({ "anyOf": variants.iter().map(|variant| section(variant.fields)).collect::<Vec<_>>() })
}

fn merge(into: &mut Value, from: Value) {
    if let (Value::Object(into), Value::Object(from)) = (into, from) {
        into.extend(from);
    }
}
