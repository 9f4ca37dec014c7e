//! The YAML document as a tree in which every node knows where it was written.

mod parse;

use std::ops::Range;

pub(crate) use parse::parse;

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

impl Node {
    /// Whether the value is YAML's null, which counts as "not given".
    pub(crate) fn is_null(&self) -> bool {
        matches!(&self.value, Value::Scalar(scalar) if scalar.is_null())
    }

    /// What the node is, in words for a message: "a list", "the number `9000`"...
    pub(crate) fn describe(&self) -> String {
        match &self.value {
            Value::List(_) => "a list".to_owned(),
            Value::Mapping(_) => "a mapping".to_owned(),
            Value::Scalar(scalar) if scalar.is_null() => "empty".to_owned(),
            Value::Scalar(scalar) if scalar.text.is_empty() => "an empty text".to_owned(),
            Value::Scalar(scalar) if scalar.plain => format!("`{}`", scalar.text),
            Value::Scalar(scalar) => format!("the text `{}`", scalar.text),
        }
    }
}
