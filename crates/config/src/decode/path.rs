//! Where a value stands in the configuration: `backends.files.env.TOKEN`.

use std::fmt;

/// The keys from the top of the file to a value.
#[derive(Clone, Debug, Default)]
pub(crate) struct KeyPath(Vec<String>);

impl KeyPath {
    /// The path of a key below this one.
    pub(crate) fn key(&self, key: &str) -> Self {
        let mut parts = self.0.clone();
        parts.push(key.to_owned());
        Self(parts)
    }

    /// The path of an item of the list at this path, counted from 0.
    pub(crate) fn item(&self, index: usize) -> Self {
        let mut parts = self.0.clone();
        if let Some(last) = parts.last_mut() {
            last.push_str(&format!("[{index}]"));
        }
        Self(parts)
    }

    /// The keys, outermost first.
    pub(crate) fn parts(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }

    /// The section in words, for a message about one of its keys.
    pub(crate) fn place(&self) -> String {
        if self.0.is_empty() {
            "at the top of the file".to_owned()
        } else {
            format!("in `{self}`")
        }
    }
}

impl fmt::Display for KeyPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join("."))
    }
}
