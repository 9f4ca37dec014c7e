//! Where a value stands in the configuration: `backends.files.env.TOKEN`.

use std::fmt;

use crate::obsolete;

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

    /// Whether what stands here, or is meant to, is nobody's business: no message repeats it, be it the value of another
    /// key that came here by mistake.
    pub(crate) fn is_secret(&self) -> bool {
        self.parts().any(|part| {
            let key = part.split('[').next();
            key.is_some_and(obsolete::holds_secrets)
        })
    }

    /// Whether an unknown key here may be a secret itself.
    pub(crate) fn is_around_secrets(&self) -> bool {
        self.is_secret() || self.parts().any(obsolete::is_around_secrets)
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
