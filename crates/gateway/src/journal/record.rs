//! The lines of the journal.

use std::borrow::Cow;

use argus_protocol::Raw;
use argus_upstream::Declared;
use serde::{Deserialize, Serialize};

use crate::session::Key;

/// What the journal begins with: another layout has another number.
pub(super) const LAYOUT: u32 = 1;

/// One line.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Record<'a> {
    /// The first line: the layout, and the time up to which all sessions have ended that are not listed.
    Begin(u32, u64),
    /// A session that has not ended.
    Open(Key),
    /// A session that has.
    Ended(Key),
    /// The level of its log.
    Level(Key, Cow<'a, str>),
    /// Backend and URI.
    Subscribed(Key, Cow<'a, str>, Cow<'a, str>),
    /// Backend and URI.
    Unsubscribed(Key, Cow<'a, str>, Cow<'a, str>),
    /// Capabilities and name of the client, as they were written.
    Declared(Key, Cow<'a, str>, Option<Cow<'a, str>>),
}

impl<'a> Record<'a> {
    pub(super) fn of_declared(key: Key, declared: &'a Declared) -> Self {
        let info = declared.client_info.as_ref().map(|info| info.as_str().into());
        Self::Declared(key, declared.capabilities.as_str().into(), info)
    }

    /// Writes the line.
    pub(super) fn write(&self, text: &mut Vec<u8>) {
        let before = text.len();
        match serde_json::to_writer(&mut *text, self) {
            Ok(()) => text.push(b'\n'),
            // Only a writer could fail, and this one does not.
            Err(_) => text.truncate(before),
        }
    }

    /// Reads a line; `None` where it is damaged.
    pub(super) fn read(line: &[u8]) -> Option<Self> {
        serde_json::from_slice(line).ok()
    }
}

/// What a record says of a client.
pub(super) fn declared(capabilities: &str, info: Option<&str>) -> Option<Declared> {
    Some(Declared {
        capabilities: Raw::parse(capabilities.to_owned()).ok()?,
        client_info: match info {
            None => None,
            Some(info) => Some(Raw::parse(info.to_owned()).ok()?),
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_written_and_read() {
        let key = Key {
            born: 16,
            epoch: 1,
            random: 255,
        };
        let declared = Declared {
            capabilities: Raw::parse(r#"{"a": 1.0}"#.to_owned()).unwrap(),
            client_info: None,
        };
        for (record, line) in [
            (Record::Begin(1, 7), r#"{"begin":[1,7]}"#),
            (Record::Open(key), r#"{"open":"10-1-ff"}"#),
            (Record::Ended(key), r#"{"ended":"10-1-ff"}"#),
            (Record::Level(key, "debug".into()), r#"{"level":["10-1-ff","debug"]}"#),
            (
                Record::Subscribed(key, "b".into(), "x://\n\"".into()),
                r#"{"subscribed":["10-1-ff","b","x://\n\""]}"#,
            ),
            (
                Record::Unsubscribed(key, "b".into(), "x".into()),
                r#"{"unsubscribed":["10-1-ff","b","x"]}"#,
            ),
            (
                Record::of_declared(key, &declared),
                r#"{"declared":["10-1-ff","{\"a\": 1.0}",null]}"#,
            ),
        ] {
            let mut text = Vec::new();
            record.write(&mut text);
            assert_eq!(String::from_utf8(text.clone()).unwrap(), format!("{line}\n"));
            assert_eq!(Record::read(&text).unwrap(), record);
        }
        for odd in [
            "",
            "{",
            r#"{"open":"10-f"#,
            r#"{"open":5}"#,
            r#"{"other":"10-1-ff"}"#,
            "\0\0\0",
        ] {
            assert!(Record::read(odd.as_bytes()).is_none(), "{odd:?}");
        }
    }
}
