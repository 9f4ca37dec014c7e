//! From the file's tree, along the tables that it is read with, to the list of all keys.

use std::cell::RefCell;

use serde_json::{Map, Value};

use super::{HIDDEN, Origin, Setting, Settings};
use crate::address::shown_address;
use crate::decode::{Field, Fields, KeyPath, Kind, Preset, Secrecy, Variant};
use crate::expand::{Lookup, expand};
use crate::root;
use crate::tree::{self, Entry, Node, Scalar};

/// All keys of the file `text`, whose tree is `root`; it must be a good one.
pub(crate) fn gather(root: &Node, text: &str, environment: &Lookup<'_>) -> Settings {
    let newlines = text.match_indices('\n').map(|(at, _)| at + 1);
    let mut gathering = Gathering {
        lines: std::iter::once(0).chain(newlines).collect(),
        environment,
        found: Vec::new(),
    };
    gathering.section(root::FIELDS, entries(Some(root)), &KeyPath::default());
    Settings(gathering.found)
}

struct Gathering<'e> {
    /// Where the lines of the file begin.
    lines: Vec<usize>,
    environment: &'e Lookup<'e>,
    found: Vec<Setting>,
}

/// The values of one key as they are told.
#[derive(Default)]
struct Told {
    variables: Vec<String>,
    /// Whether a variable had a value.
    from_environment: bool,
    written: Option<String>,
}

impl Gathering<'_> {
    fn section(&mut self, fields: Fields, entries: &[Entry], path: &KeyPath) {
        for field in fields.iter().copied().flatten() {
            let written = |entry: &&Entry| entry.key == field.key && !entry.value.is_null();
            let entry = entries.iter().find(written);
            self.field(field, entry.map(|entry| &entry.value), &path.key(field.key));
        }
    }

    fn field(&mut self, field: &Field, node: Option<&Node>, path: &KeyPath) {
        match field.kind {
            Kind::Section(fields) => self.section(fields, entries(node), path),
            Kind::Variants(variants) => match node {
                Some(node) => self.variant(variants, node, path),
                None => self.unwritten(path, Value::Null),
            },
            Kind::Sections { .. } | Kind::NamedVariants { .. } | Kind::TextMap { .. } => {
                let named = entries(node);
                if named.is_empty() {
                    self.unwritten(path, Value::Object(Map::new()));
                }
                for entry in named {
                    self.named(field, entry, &path.key(&entry.key));
                }
            }
            Kind::Texts(_) => match node {
                Some(node) => self.list(field, node, path),
                None => self.unwritten(path, Value::Array(Vec::new())),
            },
            Kind::Text(_)
            | Kind::Flag
            | Kind::Whole { .. }
            | Kind::Seconds { .. }
            | Kind::SecondsOr { .. }
            | Kind::Choice(_) => match node {
                Some(node) => self.single(field, node, path),
                None => self.unwritten(path, preset(field.preset)),
            },
        }
    }

    /// One of those whose names the reader chose.
    fn named(&mut self, field: &Field, entry: &Entry, path: &KeyPath) {
        match field.kind {
            Kind::Sections { fields, .. } => self.section(fields, entries(Some(&entry.value)), path),
            Kind::NamedVariants { variants, .. } => self.variant(variants, &entry.value, path),
            _ => self.single(field, &entry.value, path),
        }
    }

    fn variant(&mut self, variants: &[Variant], node: &Node, path: &KeyPath) {
        let entries = entries(Some(node));
        let kind = entries.iter().find(|entry| entry.key == "type");
        let kind = kind.and_then(|entry| self.expanded(scalar(&entry.value)?));
        if let Some(variant) = variants.iter().find(|variant| Some(variant.name) == kind.as_deref()) {
            self.section(variant.fields, entries, path);
        }
    }

    fn list(&mut self, field: &Field, node: &Node, path: &KeyPath) {
        let tree::Value::List(items) = &node.value else { return };
        let mut told = Told::default();
        let values = items.iter().filter_map(scalar);
        let values = values.map(|item| self.value(field, item, &mut told)).collect();
        self.push(path, Value::Array(values), node, told);
    }

    fn single(&mut self, field: &Field, node: &Node, path: &KeyPath) {
        let mut told = Told::default();
        if let Some(scalar) = scalar(node) {
            let value = self.value(field, scalar, &mut told);
            self.push(path, value, node, told);
        }
    }

    /// What may be shown of a value.
    fn value(&self, field: &Field, scalar: &Scalar, told: &mut Told) -> Value {
        let variables = RefCell::new(Vec::new());
        let asked = |name: &str| {
            let value = (self.environment)(name);
            let has_value = value.as_ref().is_some_and(|value| !value.is_empty());
            variables.borrow_mut().push((name.to_owned(), has_value));
            value
        };
        // A file that was accepted can be expanded, but for variables that are not set.
        let expansion = expand(&scalar.text, &asked).unwrap_or_default();
        for (name, has_value) in variables.into_inner() {
            told.from_environment |= has_value;
            if !told.variables.contains(&name) {
                told.variables.push(name);
            }
        }
        match (field.secrecy, &field.kind) {
            // An empty one is none, as an operator should see.
            (Secrecy::Secret, _) if expansion.text.is_empty() => "".into(),
            (Secrecy::Secret, _) => HIDDEN.into(),
            (Secrecy::Address, _) => shown_address(&scalar.text).into(),
            (Secrecy::Open, Kind::Text(_) | Kind::Texts(_) | Kind::TextMap { .. }) => scalar.text.clone().into(),
            (Secrecy::Open, kind) => {
                if expansion.expanded {
                    told.written = Some(scalar.text.clone());
                }
                typed(kind, expansion.text)
            }
        }
    }

    fn expanded(&self, scalar: &Scalar) -> Option<String> {
        Some(expand(&scalar.text, self.environment).ok()?.text)
    }

    fn unwritten(&mut self, path: &KeyPath, value: Value) {
        self.found.push(Setting {
            key: path.to_string(),
            value,
            origin: Origin::Default,
            line: None,
            variables: Vec::new(),
            written: None,
        });
    }

    fn push(&mut self, path: &KeyPath, value: Value, node: &Node, told: Told) {
        let Told {
            variables,
            from_environment,
            written,
        } = told;
        self.found.push(Setting {
            key: path.to_string(),
            value,
            origin: match from_environment {
                true => Origin::Environment,
                false => Origin::File,
            },
            line: Some(self.lines.partition_point(|begin| *begin <= node.span.start)),
            variables,
            written,
        });
    }
}

fn entries(node: Option<&Node>) -> &[Entry] {
    match node.map(|node| &node.value) {
        Some(tree::Value::Mapping(entries)) => entries,
        _ => &[],
    }
}

fn scalar(node: &Node) -> Option<&Scalar> {
    match &node.value {
        tree::Value::Scalar(scalar) => Some(scalar),
        _ => None,
    }
}

fn preset(preset: Preset) -> Value {
    match preset {
        Preset::None => Value::Null,
        Preset::Text(text) => text.into(),
        Preset::Flag(flag) => flag.into(),
        Preset::Whole(number) => number.into(),
        Preset::Seconds(seconds) => seconds.into(),
    }
}

/// The value as what it is; a text where it is none of it.
fn typed(kind: &Kind, text: String) -> Value {
    let typed = match kind {
        Kind::Flag => text.to_lowercase().parse::<bool>().ok().map(Value::from),
        Kind::Whole { .. } => text.parse::<u64>().ok().map(Value::from),
        Kind::Seconds { .. } | Kind::SecondsOr { .. } => text.parse::<f64>().ok().map(Value::from),
        _ => None,
    };
    typed.unwrap_or_else(|| text.into())
}
