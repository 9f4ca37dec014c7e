//! A member that is looked for in many texts.

use std::sync::OnceLock;

use memchr::memmem::Finder;

/// The name of a member that most texts do not have; what finds it is made once.
#[derive(Debug)]
pub struct Sought {
    key: &'static str,
    finder: OnceLock<Finder<'static>>,
}

impl Sought {
    /// For a static.
    #[must_use]
    pub const fn new(key: &'static str) -> Self {
        Self {
            key,
            finder: OnceLock::new(),
        }
    }

    pub(crate) fn is_in(&self, text: &[u8]) -> bool {
        let finder = self.finder.get_or_init(|| Finder::new(self.key));
        finder.find(text).is_some()
    }

    pub(crate) fn has_slash(&self) -> bool {
        self.key.contains('/')
    }
}
