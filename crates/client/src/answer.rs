//! What a gateway answered.

use std::ops::Deref;

use bytes::Bytes;

/// What a gateway answered, as a value, and in its own words.
#[derive(Debug, Clone)]
pub struct Answer<T> {
    value: T,
    text: Bytes,
}

impl<T> Answer<T> {
    pub(crate) fn new(value: T, text: Bytes) -> Self {
        Self { value, text }
    }

    /// The value.
    pub fn into_value(self) -> T {
        self.value
    }

    /// The JSON as it arrived, with what the value does not have.
    #[must_use]
    pub fn text(&self) -> &str {
        // It was read as JSON, so it is text.
        std::str::from_utf8(&self.text).unwrap_or_default()
    }
}

impl<T> Deref for Answer<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}
