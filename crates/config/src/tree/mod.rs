//! The YAML document as a tree in which every node knows where it was written.

mod parse;

use std::ops::Range;

use crate::obsolete;

pub(crate) use parse::parse;

/// Of longer values the beginning is repeated, in characters.
const MAX_SHOWN: usize = 200;

/// A place in the source text, as byte offsets. Never empty for a node that is visible in the text.
pub(crate) type Span = Range<usize>;

/// One node of the document with its place.
#[derive(Clone, Debug)]
pub(crate) struct Node {
    /// Where the node was written; an alias keeps the place of what it points to.
    pub(crate) span: Span,
    /// What was written.
    pub(crate) value: Value,
}

/// The three kinds of node.
#[derive(Clone, Debug)]
pub(crate) enum Value {
    /// A single value.
    Scalar(Scalar),
    /// `[a, b]` or lines that begin with `-`.
    List(Vec<Node>),
    /// Keys and values, in the order of the file, merge keys resolved, no key twice.
    Mapping(Vec<Entry>),
}

/// A single value: its text and whether YAML may read it as something other than text.
#[derive(Clone, Debug)]
pub(crate) struct Scalar {
    /// The text after YAML's own escapes.
    pub(crate) text: String,
    /// Written without quotes and without a `!!str` tag.
    pub(crate) plain: bool,
}

fn join(key: &str, below: &str) -> String {
    match below.starts_with('[') {
        true => format!("{key}{below}"),
        false => format!("{key}.{below}"),
    }
}

/// A key with its value.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    /// The key's text.
    pub(crate) key: String,
    /// Where the key was written.
    pub(crate) key_span: Span,
    /// The value.
    pub(crate) value: Node,
}

impl Scalar {
    /// Whether the value is YAML's null.
    pub(crate) fn is_null(&self) -> bool {
        self.plain && matches!(self.text.as_str(), "" | "~" | "null" | "Null" | "NULL")
    }
}

/// At most the first characters of a text: a message repeats no file.
struct Cut<'t>(&'t str);

impl std::fmt::Display for Cut<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.0.char_indices().nth(MAX_SHOWN) {
            Some((end, _)) => write!(f, "{}…", &self.0[..end]),
            None => f.write_str(self.0),
        }
    }
}

impl Node {
    /// The innermost key whose name or value is written at a place, with those around it. It ends where a key below may
    /// be a secret that was written there by mistake.
    pub(crate) fn key_at(&self, place: usize) -> Option<String> {
        match &self.value {
            Value::Scalar(_) => None,
            Value::List(items) => {
                let (at, item) = (items.iter().enumerate()).rfind(|(_, item)| item.span.start <= place)?;
                let below = item.key_at(place);
                Some(below.map_or_else(|| format!("[{at}]"), |below| join(&format!("[{at}]"), &below)))
            }
            Value::Mapping(entries) => {
                // What an alias or a merge brought here stands elsewhere.
                let begins = |entry: &&Entry| entry.key_span.start <= place;
                let entry = entries.iter().filter(begins).max_by_key(|entry| entry.key_span.start)?;
                let is_below = (entry.key_span.end..=place).contains(&entry.value.span.start);
                let below = match is_below && !obsolete::is_around_secrets(&entry.key) {
                    true => entry.value.key_at(place),
                    false => None,
                };
                Some(below.map_or_else(|| entry.key.clone(), |below| join(&entry.key, &below)))
            }
        }
    }

    /// Whether the value is YAML's null, which counts as "not given".
    pub(crate) fn is_null(&self) -> bool {
        matches!(&self.value, Value::Scalar(scalar) if scalar.is_null())
    }

    /// What kind of node it is, in words for a message. A text where none belongs may be a secret that has no key of its
    /// own, so it is not repeated.
    pub(crate) fn kind(&self) -> &'static str {
        match &self.value {
            Value::List(_) => "a list",
            Value::Mapping(_) => "a mapping",
            Value::Scalar(scalar) if scalar.is_null() => "empty",
            Value::Scalar(scalar) if scalar.text.is_empty() => "an empty text",
            Value::Scalar(_) => "a text",
        }
    }

    /// What was written, in words for a message about a value that is no secret.
    pub(crate) fn describe(&self) -> String {
        match &self.value {
            Value::Scalar(scalar) if scalar.is_null() || scalar.text.is_empty() => self.kind().to_owned(),
            Value::Scalar(scalar) if scalar.plain => format!("`{}`", Cut(&scalar.text)),
            Value::Scalar(scalar) => format!("the text `{}`", Cut(&scalar.text)),
            _ => self.kind().to_owned(),
        }
    }
}
