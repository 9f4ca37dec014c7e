//! Reading a section: refuses keys that it does not have, then hands out its fields.

use std::path::Path;
use std::time::Duration;

use indexmap::IndexMap;
use secrecy::SecretString;

use super::context::Resolved;
use super::{Context, Field, Fields, KeyPath, Kind, Preset, SecondsOr, Variant, value};
use crate::diagnose::Problem;
use crate::obsolete;
use crate::suggest::hint;
use crate::tree::{Entry, Node, Span, Value};

/// A mapping of the file whose keys are checked against its declared fields.
pub(crate) struct Section<'n> {
    entries: &'n [Entry],
    pub(crate) path: KeyPath,
    /// The place to name when something is missing: the key that opens the section.
    pub(crate) span: Span,
}

/// An entry whose name the reader chose: a backend, an override, a header.
pub(crate) struct Named<'n> {
    pub(crate) name: &'n str,
    pub(crate) name_span: Span,
    pub(crate) node: &'n Node,
    pub(crate) path: KeyPath,
}

impl<'n> Section<'n> {
    /// Opens a section. Reports unknown, refused and missing keys; `None` if the node is no mapping.
    pub(crate) fn open(
        node: &'n Node,
        path: KeyPath,
        span: Span,
        fields: Fields,
        cx: &mut Context<'_>,
    ) -> Option<Self> {
        Self::open_among(node, path, span, fields, &[], cx)
    }

    /// Opens a section that could be of several kinds, so that a key of another kind is told from an unknown one.
    fn open_among(
        node: &'n Node,
        path: KeyPath,
        span: Span,
        fields: Fields,
        variants: &[Variant],
        cx: &mut Context<'_>,
    ) -> Option<Self> {
        let section = Self {
            entries: entries(node, &path, cx)?,
            path,
            span,
        };
        let known = || fields.iter().copied().flatten();
        for entry in section.entries {
            if !known().any(|field| field.key == entry.key) {
                cx.report(unknown_key(
                    entry,
                    &section.path,
                    known().map(|field| field.key),
                    variants,
                ));
            }
        }
        for field in known().filter(|field| field.required && section.node(field).is_none()) {
            let message = format!("`{}` is missing {}", field.key, section.path.place());
            cx.report(
                Problem::new(section.span.clone(), message).help(format!("add `{}: ...`: {}", field.key, field.doc)),
            );
        }
        Some(section)
    }

    /// A section in which nothing is written, so that every field has its default.
    fn empty() -> Self {
        Self {
            entries: &[],
            path: KeyPath::default(),
            span: 0..0,
        }
    }

    /// The node of a field; an empty value counts as not written.
    fn node(&self, field: &Field) -> Option<&'n Node> {
        self.entry(field).map(|entry| &entry.value)
    }

    fn entry(&self, field: &Field) -> Option<&'n Entry> {
        self.entries
            .iter()
            .find(|entry| entry.key == field.key && !entry.value.is_null())
    }

    /// The place of a field's value; `None` where it is not written.
    pub(crate) fn place_of(&self, field: &Field) -> Option<Span> {
        self.node(field).map(|node| node.span.clone())
    }

    /// The place of a key in the mapping that is a field's value.
    pub(crate) fn key_span(&self, field: &Field, key: &str) -> Span {
        let within = match self.node(field).map(|node| &node.value) {
            Some(Value::Mapping(entries)) => entries.iter().find(|entry| entry.key == key),
            _ => None,
        };
        within.map_or_else(|| self.span.clone(), |entry| entry.key_span.clone())
    }

    /// The path and the place of a key that is written.
    pub(crate) fn written(&self, field: &Field) -> Option<(KeyPath, Span)> {
        self.entry(field)
            .map(|entry| (self.path(field), entry.key_span.clone()))
    }

    fn path(&self, field: &Field) -> KeyPath {
        self.path.key(field.key)
    }

    /// A text, or its default.
    pub(crate) fn text(&self, field: &Field, cx: &mut Context<'_>) -> String {
        self.maybe_text(field, cx).unwrap_or_else(|| match field.preset {
            Preset::Text(text) => text.to_owned(),
            _ => String::new(),
        })
    }

    /// A text that may be left out.
    pub(crate) fn maybe_text(&self, field: &Field, cx: &mut Context<'_>) -> Option<String> {
        let Kind::Text(rule) = field.kind else { return None };
        value::text(self.node(field)?, &self.path(field), rule, cx)
    }

    /// A flag, or its default.
    pub(crate) fn flag(&self, field: &Field, cx: &mut Context<'_>) -> bool {
        let written = self
            .node(field)
            .and_then(|node| value::flag(node, &self.path(field), &field.kind, cx));
        written.unwrap_or(matches!(field.preset, Preset::Flag(true)))
    }

    /// A whole number, or its default.
    pub(crate) fn whole(&self, field: &Field, cx: &mut Context<'_>) -> Option<u64> {
        let written = self
            .node(field)
            .and_then(|node| value::whole(node, &self.path(field), &field.kind, cx));
        written.or(match field.preset {
            Preset::Whole(number) => Some(number),
            _ => None,
        })
    }

    /// A duration, or its default.
    pub(crate) fn seconds(&self, field: &Field, cx: &mut Context<'_>) -> Option<Duration> {
        let written = self
            .node(field)
            .and_then(|node| value::seconds(node, &self.path(field), &field.kind, cx));
        let seconds = written.or(match field.preset {
            Preset::Seconds(seconds) => Some(seconds),
            _ => None,
        });
        seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
    }

    /// A duration, or a word in its place; `None` after a report.
    pub(crate) fn seconds_or(&self, field: &Field, cx: &mut Context<'_>) -> Option<SecondsOr> {
        let written = self
            .node(field)
            .map(|node| value::seconds_or(node, &self.path(field), &field.kind, cx));
        match written {
            Some(written) => written,
            None => self.seconds(field, cx).map(SecondsOr::Seconds),
        }
    }

    /// One of a few words.
    pub(crate) fn choice(&self, field: &Field, cx: &mut Context<'_>) -> Option<&'static str> {
        let Kind::Choice(words) = field.kind else { return None };
        let written = self
            .node(field)
            .and_then(|node| value::choice(node, &self.path(field), words, cx));
        written.or(match field.preset {
            Preset::Text(word) => Some(word),
            _ => None,
        })
    }

    /// A list of texts, each with its place.
    pub(crate) fn texts(&self, field: &Field, cx: &mut Context<'_>) -> Vec<(String, Span)> {
        let read = self.resolved(field, cx).into_iter();
        read.map(|(resolved, span)| (resolved.text, span)).collect()
    }

    /// The same, with what is known of their variables.
    pub(crate) fn resolved(&self, field: &Field, cx: &mut Context<'_>) -> Vec<(Resolved, Span)> {
        let (Kind::Texts(rule), Some(node)) = (field.kind, self.node(field)) else {
            return Vec::new();
        };
        let path = self.path(field);
        let Value::List(items) = &node.value else {
            let help = "write it as a list: `[first, second]`, or one line `- item` for each";
            let message = format!("`{path}` must be a list of texts, not {}", node.kind());
            cx.report(Problem::new(node.span.clone(), message).help(help));
            return Vec::new();
        };
        let read =
            |(index, item)| value::resolved(item, &path.item(index), rule, cx).map(|text| (text, item.span.clone()));
        items.iter().enumerate().filter_map(read).collect()
    }

    /// Secret texts under their names.
    pub(crate) fn secrets(&self, field: &Field, cx: &mut Context<'_>) -> IndexMap<String, SecretString> {
        let Kind::TextMap { values, .. } = field.kind else {
            return IndexMap::new();
        };
        let named = self.named(field, cx);
        let read = |named: &Named<'_>| {
            let secret = value::text(named.node, &named.path, values, cx).map(SecretString::from)?;
            Some((named.name.to_owned(), secret))
        };
        named.iter().filter_map(read).collect()
    }

    /// Texts under their names.
    pub(crate) fn labels(&self, field: &Field, cx: &mut Context<'_>) -> IndexMap<String, String> {
        let Kind::TextMap { values, .. } = field.kind else {
            return IndexMap::new();
        };
        let named = self.named(field, cx);
        let read = |named: &Named<'_>| {
            let text = value::text(named.node, &named.path, values, cx)?;
            Some((named.name.to_owned(), text))
        };
        named.iter().filter_map(read).collect()
    }

    /// The entries of a mapping whose names the reader chose; wrong names are reported and left out.
    pub(crate) fn named(&self, field: &Field, cx: &mut Context<'_>) -> Vec<Named<'n>> {
        let (Some(names), Some(node)) = (field.kind.names(), self.node(field)) else {
            return Vec::new();
        };
        let path = self.path(field);
        let Some(entries) = entries(node, &path, cx) else {
            return Vec::new();
        };
        let mut named = Vec::new();
        for entry in entries {
            match (names.check)(&entry.key) {
                Ok(()) => named.push(Named {
                    name: &entry.key,
                    name_span: entry.key_span.clone(),
                    node: &entry.value,
                    path: path.key(&entry.key),
                }),
                Err(objection) => {
                    let message = match path.is_secret() {
                        true => format!("a name in `{path}` {objection}"),
                        false => format!("the name `{}` in `{path}` {objection}", entry.key),
                    };
                    cx.report(Problem::new(entry.key_span.clone(), message).help(format!("write {}", names.noun)));
                }
            }
        }
        named
    }

    /// A section within this one; an empty one if it is not written.
    pub(crate) fn section(&self, field: &Field, cx: &mut Context<'_>) -> Section<'n> {
        let (Kind::Section(fields), Some(entry)) = (field.kind, self.entry(field)) else {
            return Section::empty();
        };
        Section::open(&entry.value, self.path(field), entry.key_span.clone(), fields, cx).unwrap_or_else(Section::empty)
    }

    /// A section whose kind is decided by its `type`.
    pub(crate) fn variant(&self, field: &Field, cx: &mut Context<'_>) -> Option<(&'static Variant, Section<'n>)> {
        let Kind::Variants(variants) = field.kind else {
            return None;
        };
        let entry = self.entry(field)?;
        variant(&entry.value, self.path(field), entry.key_span.clone(), variants, cx)
    }
}

impl<'n> Named<'n> {
    /// The place of a key that is written in the entry.
    pub(crate) fn key_span(&self, key: &str) -> Option<Span> {
        let Value::Mapping(entries) = &self.node.value else {
            return None;
        };
        let written = |entry: &&Entry| entry.key == key && !entry.value.is_null();
        entries.iter().find(written).map(|entry| entry.key_span.clone())
    }

    /// Opens the entry as a section.
    pub(crate) fn open(&self, fields: Fields, cx: &mut Context<'_>) -> Option<Section<'n>> {
        Section::open(self.node, self.path.clone(), self.name_span.clone(), fields, cx)
    }
}

/// What a section is when nothing of it is written.
pub(crate) fn defaults<T>(read: impl FnOnce(&Section<'static>, &mut Context<'_>) -> T) -> T {
    read(&Section::empty(), &mut Context::new(&|_| None, Path::new("")))
}

/// Opens a section whose kind is decided by its `type`. `None` after a report, or when a variable is unset.
pub(crate) fn variant<'n>(
    node: &'n Node,
    path: KeyPath,
    span: Span,
    variants: &'static [Variant],
    cx: &mut Context<'_>,
) -> Option<(&'static Variant, Section<'n>)> {
    let words: Vec<&'static str> = variants.iter().map(|variant| variant.name).collect();
    let Some(kind) = entries(node, &path, cx)?
        .iter()
        .find(|entry| entry.key == "type" && !entry.value.is_null())
    else {
        let help = format!("add `type: ...`, one of {}", crate::suggest::list(words));
        cx.report(Problem::new(span, format!("`type` is missing {}", path.place())).help(help));
        return None;
    };
    let word = value::choice(&kind.value, &path.key("type"), &words, cx)?;
    let variant = variants.iter().find(|variant| variant.name == word)?;
    Section::open_among(node, path, span, variant.fields, variants, cx).map(|section| (variant, section))
}

/// The entries of a mapping; an empty value is an empty mapping.
fn entries<'n>(node: &'n Node, path: &KeyPath, cx: &mut Context<'_>) -> Option<&'n [Entry]> {
    match &node.value {
        Value::Mapping(entries) => Some(entries),
        Value::Scalar(scalar) if scalar.is_null() => Some(&[]),
        _ => {
            let name = if path.parts().next().is_none() {
                "the file".to_owned()
            } else {
                format!("`{path}`")
            };
            let message = format!("{name} must be a mapping of keys to values, not {}", node.kind());
            cx.report(Problem::new(node.span.clone(), message).help("write it as lines of `key: value`"));
            None
        }
    }
}

fn unknown_key<'f>(
    entry: &Entry,
    section: &KeyPath,
    known: impl Iterator<Item = &'f str> + Clone,
    variants: &[Variant],
) -> Problem {
    let key = &entry.key;
    let span = entry.key_span.clone();
    if let Some(sentence) = obsolete::refused_key(&section.key(key)) {
        let message = format!("the key `{key}` {} is not available", section.place());
        return Problem::new(span, message).help(sentence);
    }
    let help = match variants.iter().find(|variant| variant.has(key)) {
        Some(other) => format!("it belongs to `type: {}`; remove it or change the type", other.name),
        None => hint(key, known),
    };
    let message = match section.is_around_secrets() {
        true => format!("unknown key {}", section.place()),
        false => format!("unknown key `{key}` {}", section.place()),
    };
    Problem::new(span, message).help(help)
}
