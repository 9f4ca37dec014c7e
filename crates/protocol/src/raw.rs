//! A JSON value as text.

use std::fmt;

use bytes::Bytes;
use bytestring::ByteString;
use memchr::memmem;
use serde_json::value::RawValue;

use crate::Sought;

/// One JSON value, kept as the text it arrived in: cloning shares, nothing is re-serialised.
///
/// `Debug` shows the length only, because payloads may hold secrets.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Raw(ByteString);

impl Raw {
    /// Checks that `text` is one JSON value and keeps it.
    ///
    /// # Errors
    /// What `serde_json` says of text that is not one JSON value.
    pub fn parse(text: impl Into<ByteString>) -> Result<Self, serde_json::Error> {
        let text = text.into();
        let value: &RawValue = serde_json::from_str(&text)?;
        Ok(Self(text.slice_ref(value.get())))
    }

    /// The text of a value that was built here.
    #[must_use]
    pub fn from_value(value: &serde_json::Value) -> Self {
        Self(value.to_string().into())
    }

    /// A JSON string.
    #[must_use]
    pub fn string(text: &str) -> Self {
        Self(crate::write::quoted(text).into())
    }

    /// A part of `source` that was already checked while `source` was read.
    pub(crate) fn part_of(source: &ByteString, part: &str) -> Self {
        Self(source.slice_ref(part))
    }

    /// Text that the caller has spliced from checked parts.
    pub(crate) fn spliced(text: String) -> Self {
        Self(text.into())
    }

    /// The empty object.
    #[must_use]
    pub fn empty_object() -> Self {
        Self(ByteString::from_static("{}"))
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The text as shared bytes.
    #[must_use]
    pub fn bytes(&self) -> Bytes {
        self.0.as_bytes().clone()
    }

    /// The text as shared text.
    #[must_use]
    pub fn text(&self) -> ByteString {
        self.0.clone()
    }

    /// The items of a list; none where it is no list.
    #[must_use]
    pub fn items(&self) -> Vec<Self> {
        let items: Vec<&RawValue> = self.read().unwrap_or_default();
        items
            .into_iter()
            .map(|item| Self::part_of(&self.0, item.get()))
            .collect()
    }

    /// The same value in memory of its own: it no longer keeps what it was a part of.
    #[must_use]
    pub fn detached(&self) -> Self {
        Self(ByteString::from(self.0.to_string()))
    }

    /// Whether an object in this text may have a member `key`: a quick look before the value is read. `false` is
    /// certain, also where letters are written as escapes; `true` is not.
    #[must_use]
    pub fn may_have(&self, key: &Sought) -> bool {
        let text = self.0.as_bytes();
        let has = |part: &[u8]| memmem::find(text, part).is_some();
        // Hardly any text has an escape at all.
        let escaped = || memchr::memchr(b'\\', text).is_some() && (has(b"\\u") || (key.has_slash() && has(b"\\/")));
        key.is_in(text) || escaped()
    }

    /// Reads the value into a type.
    ///
    /// # Errors
    /// What `serde_json` says when the value does not fit.
    pub fn read<'a, T: serde::Deserialize<'a>>(&'a self) -> Result<T, serde_json::Error> {
        serde_json::from_str(&self.0)
    }
}

impl fmt::Debug for Raw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Raw({} bytes)", self.0.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_the_spelling() {
        let raw = Raw::parse(r#"  {"b":1.0,"a":12345678901234567890, "u":"\u00e9é"} "#).unwrap();
        assert_eq!(raw.as_str(), r#"{"b":1.0,"a":12345678901234567890, "u":"\u00e9é"}"#);
    }

    #[test]
    fn refuses_what_is_not_one_value() {
        assert!(Raw::parse("{} {}").is_err());
        assert!(Raw::parse("").is_err());
    }

    #[test]
    fn a_quick_look_sees_through_escapes() {
        let may_have = |text: &str, key: &'static str| Raw::parse(text.to_owned()).unwrap().may_have(&Sought::new(key));
        assert!(may_have(r#"{"a/b":1}"#, "a/b"));
        assert!(may_have(r#"{"a\/b":1}"#, "a/b"));
        assert!(may_have(r#"{"\u0061/b":1}"#, "a/b"));
        assert!(!may_have(r#"{"a\\nb":"\t"}"#, "a/b"));
        assert!(!may_have(r#"{"x":"a\/c"}"#, "ab"));
    }

    #[test]
    fn debug_hides_the_payload() {
        assert_eq!(format!("{:?}", Raw::string("s3cret")), "Raw(8 bytes)");
    }
}
