//! Looking into one JSON object without reading what its members hold, and changing a member in place.

use std::borrow::Cow;
use std::fmt;

use bytestring::ByteString;
use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use crate::Raw;

/// The members of one JSON object, in order, their values unread.
#[derive(Debug)]
pub struct Object {
    source: ByteString,
    members: Vec<Member>,
}

#[derive(Debug)]
struct Member {
    key: ByteString,
    value: Raw,
    start: usize,
    end: usize,
}

/// Why a value cannot be looked into.
#[derive(Debug, thiserror::Error)]
pub enum ObjectError {
    /// Not an object, or not JSON.
    #[error("expected a JSON object: {0}")]
    NotAnObject(#[from] serde_json::Error),
    /// One member is written twice: the two ends of a hop could each believe another one.
    #[error("the member {0:?} is written twice")]
    Duplicate(String),
}

/// Up to this many members the search for duplicates compares pairs; above it uses a set.
const FEW: usize = 16;

impl Object {
    /// Splits an object into its members.
    ///
    /// # Errors
    /// When `raw` is no object or writes a member twice.
    pub fn parse(raw: &Raw) -> Result<Self, ObjectError> {
        let source = raw.text();
        let Borrowed(found) = serde_json::from_str(&source)?;
        let origin = source.as_ptr() as usize;
        let members = found
            .into_iter()
            .map(|(Text(key), value)| {
                let start = value.get().as_ptr() as usize - origin;
                Member {
                    key: match key {
                        Cow::Borrowed(key) => source.slice_ref(key),
                        Cow::Owned(key) => key.into(),
                    },
                    value: Raw::part_of(&source, value.get()),
                    start,
                    end: start + value.get().len(),
                }
            })
            .collect();
        let object = Self {
            members,
            source: source.clone(),
        };
        object.refuse_duplicates()?;
        Ok(object)
    }

    fn refuse_duplicates(&self) -> Result<(), ObjectError> {
        let twice = if self.members.len() <= FEW {
            let seen_before = |(at, member): (usize, &Member)| self.members[..at].iter().any(|m| m.key == member.key);
            self.members
                .iter()
                .enumerate()
                .find(|pair| seen_before(*pair))
                .map(|(_, member)| member)
        } else {
            let mut seen = std::collections::HashSet::with_capacity(self.members.len());
            self.members.iter().find(|member| !seen.insert(&*member.key))
        };
        twice.map_or(Ok(()), |member| Err(ObjectError::Duplicate(member.key.to_string())))
    }

    /// The value of a member.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Raw> {
        self.members
            .iter()
            .find(|member| member.key == key)
            .map(|member| &member.value)
    }

    /// The value of a member that is a string.
    #[must_use]
    pub fn get_str(&self, key: &str) -> Option<ByteString> {
        let raw = self.get(key)?;
        let Text(text) = raw.read().ok()?;
        Some(match text {
            Cow::Borrowed(text) => self.source.slice_ref(text),
            Cow::Owned(text) => text.into(),
        })
    }

    /// The value of a member that is an object.
    #[must_use]
    pub fn get_object(&self, key: &str) -> Option<Self> {
        self.get(key).and_then(|raw| Self::parse(raw).ok())
    }

    /// Names and values, in order.
    pub fn members(&self) -> impl Iterator<Item = (&str, &Raw)> {
        self.members.iter().map(|member| (&*member.key, &member.value))
    }

    /// Starts a change; nothing that is not named in it changes.
    #[must_use]
    pub fn edit(&self) -> Edit<'_> {
        Edit {
            object: self,
            changes: Vec::new(),
        }
    }
}

/// A change of some members of an [`Object`].
#[derive(Debug)]
pub struct Edit<'a> {
    object: &'a Object,
    changes: Vec<(&'a str, Option<Raw>)>,
}

impl<'a> Edit<'a> {
    /// Puts a value in place of a member's, or adds the member at the end.
    #[must_use]
    pub fn set(mut self, key: &'a str, value: Raw) -> Self {
        self.changes.push((key, Some(value)));
        self
    }

    /// Takes a member out, if it is there.
    #[must_use]
    pub fn remove(mut self, key: &'a str) -> Self {
        self.changes.push((key, None));
        self
    }

    /// The changed object. Bytes outside the named members are as they were.
    #[must_use]
    pub fn finish(self) -> Raw {
        let source = &*self.object.source;
        let mut out = String::with_capacity(source.len() + 64);
        let mut copied = source.find('{').map_or(0, |brace| brace + 1);
        out.push_str(&source[..copied]);
        let mut empty = true;
        for member in &self.object.members {
            match self.change_of(&member.key) {
                Some(None) => copied = member.end,
                Some(Some(value)) => {
                    Self::lead(&mut out, &source[copied..member.start], empty);
                    out.push_str(value.as_str());
                    copied = member.end;
                    empty = false;
                }
                None => {
                    Self::lead(&mut out, &source[copied..member.start], empty);
                    out.push_str(&source[member.start..member.end]);
                    copied = member.end;
                    empty = false;
                }
            }
        }
        for (key, value) in &self.changes {
            if let (Some(value), None) = (value, self.object.get(key)) {
                if !empty {
                    out.push(',');
                }
                out.push_str(&crate::write::quoted(key));
                out.push(':');
                out.push_str(value.as_str());
                empty = false;
            }
        }
        out.push_str(&source[copied..]);
        Raw::spliced(out)
    }

    /// Copies what stands before a value (separator, key, colon); the first member kept loses its comma.
    fn lead(out: &mut String, text: &str, first: bool) {
        out.push_str(if first {
            text.trim_start().strip_prefix(',').unwrap_or(text)
        } else {
            text
        });
    }

    fn change_of(&self, key: &str) -> Option<&Option<Raw>> {
        self.changes
            .iter()
            .rev()
            .find(|(named, _)| *named == key)
            .map(|(_, change)| change)
    }
}

/// A string that is borrowed where it holds no escapes. One that is no Unicode text (JSON can escape half a surrogate
/// pair) is spelled out byte by byte, so that it is still itself.
pub(crate) struct Text<'a>(pub(crate) Cow<'a, str>);

impl<'de> Deserialize<'de> for Text<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct V;
        impl<'de> Visitor<'de> for V {
            type Value = Text<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string")
            }
            fn visit_borrowed_bytes<E>(self, bytes: &'de [u8]) -> Result<Self::Value, E> {
                Ok(Text(match std::str::from_utf8(bytes) {
                    Ok(text) => Cow::Borrowed(text),
                    Err(_) => Cow::Owned(bytes.escape_ascii().to_string()),
                }))
            }
            fn visit_bytes<E>(self, bytes: &[u8]) -> Result<Self::Value, E> {
                Ok(Text(Cow::Owned(match std::str::from_utf8(bytes) {
                    Ok(text) => text.to_owned(),
                    Err(_) => bytes.escape_ascii().to_string(),
                })))
            }
        }
        deserializer.deserialize_bytes(V)
    }
}

/// All members of an object, borrowed.
pub(crate) struct Borrowed<'a>(pub(crate) Vec<(Text<'a>, &'a RawValue)>);

impl<'de> Deserialize<'de> for Borrowed<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct V;
        impl<'de> Visitor<'de> for V {
            type Value = Borrowed<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = Vec::with_capacity(6);
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Borrowed(members))
            }
        }
        deserializer.deserialize_map(V)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn object(text: &str) -> Object {
        Object::parse(&Raw::parse(text.to_owned()).unwrap()).unwrap()
    }

    fn json(text: &str) -> Raw {
        Raw::parse(text.to_owned()).unwrap()
    }

    #[test]
    fn reads_members_without_reading_values() {
        let read = object(r#"{ "na\u006de" : "a\"b", "n":1.0 }"#);
        assert_eq!(read.get_str("name").as_deref(), Some("a\"b"));
        assert_eq!(read.get("n").map(Raw::as_str), Some("1.0"));
        assert!(read.get("none").is_none());
    }

    #[test]
    fn a_member_written_twice_is_refused() {
        let twice = Raw::parse(r#"{"name":"a","na\u006de":"b"}"#).unwrap();
        assert!(matches!(Object::parse(&twice), Err(ObjectError::Duplicate(key)) if key == "name"));
        let many: String = (0..40).map(|n| format!("\"k{n}\":1,")).collect();
        assert!(Object::parse(&json(&format!("{{{many}\"k3\":2}}"))).is_err());
    }

    #[test]
    fn half_a_surrogate_pair_is_no_obstacle() {
        let text = r#"{"\ud800":1,"\ud801":2,"name":"x","s":"\udc00"}"#;
        let read = object(text);
        assert_eq!(read.get_str("name").as_deref(), Some("x"));
        assert!(read.get_str("s").is_some());
        assert_eq!(
            read.edit().set("name", json("\"y\"")).finish().as_str(),
            text.replace("\"x\"", "\"y\"")
        );
        assert!(Object::parse(&json("[1]")).is_err());
    }

    #[test]
    fn edits_keep_every_other_byte() {
        let source = object("{ \"a\" : 1.0 ,\n \"b\":{\"x\":[1, 2]}, \"c\":\"é\"}");
        assert_eq!(
            source.edit().finish().as_str(),
            "{ \"a\" : 1.0 ,\n \"b\":{\"x\":[1, 2]}, \"c\":\"é\"}"
        );
        assert_eq!(
            source.edit().set("b", json("7")).finish().as_str(),
            "{ \"a\" : 1.0 ,\n \"b\":7, \"c\":\"é\"}"
        );
        assert_eq!(
            source.edit().remove("a").finish().as_str(),
            "{\n \"b\":{\"x\":[1, 2]}, \"c\":\"é\"}"
        );
        assert_eq!(
            source.edit().remove("b").finish().as_str(),
            "{ \"a\" : 1.0, \"c\":\"é\"}"
        );
        assert_eq!(
            source.edit().remove("c").finish().as_str(),
            "{ \"a\" : 1.0 ,\n \"b\":{\"x\":[1, 2]}}"
        );
    }

    #[test]
    fn adds_what_is_missing() {
        assert_eq!(object("{}").edit().set("a", json("1")).finish().as_str(), r#"{"a":1}"#);
        assert_eq!(
            object(r#"{"b":2 }"#).edit().set("a", json("1")).finish().as_str(),
            r#"{"b":2,"a":1 }"#
        );
        assert_eq!(
            object(r#"{"b":2}"#)
                .edit()
                .remove("b")
                .set("a", json("1"))
                .finish()
                .as_str(),
            r#"{"a":1}"#
        );
    }

    proptest! {
        #[test]
        fn an_edit_changes_what_it_names(
            keys in proptest::collection::btree_set("[a-d]", 0..4),
            named in "[a-e]",
            take in any::<bool>(),
        ) {
            let text = serde_json::to_string_pretty(
                &keys.iter().map(|key| (key.clone(), serde_json::json!([key]))).collect::<serde_json::Map<_, _>>(),
            ).unwrap();
            let read = object(&text);
            let edit = if take { read.edit().remove(&named) } else { read.edit().set(&named, json("0")) };
            let got: serde_json::Map<String, serde_json::Value> = edit.finish().read().unwrap();
            let mut want: serde_json::Map<String, serde_json::Value> = serde_json::from_str(&text).unwrap();
            if take { want.shift_remove(&named); } else { want.insert(named, 0.into()); }
            prop_assert_eq!(got, want);
        }
    }
}
