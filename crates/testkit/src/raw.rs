//! Looking into messages without changing a byte.

use std::collections::HashMap;

use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

/// The text of a member of a JSON object, exactly as it is written there; `None` if there is no such member.
#[must_use]
pub fn part(object: &str, member: &str) -> Option<String> {
    let members: HashMap<String, &RawValue> = serde_json::from_str(object).ok()?;
    members.get(member).map(|value| value.get().to_owned())
}

/// A member that is there, also when it is `null`.
pub(crate) fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Box<RawValue>>, D::Error> {
    Box::deserialize(deserializer).map(Some)
}

/// A JSON-RPC message as it is read off the wire.
#[derive(Debug, Deserialize)]
pub(crate) struct Envelope {
    #[serde(default)]
    pub(crate) id: Option<Box<RawValue>>,
    #[serde(default)]
    pub(crate) method: Option<String>,
    #[serde(default)]
    pub(crate) params: Option<Box<RawValue>>,
    #[serde(default, deserialize_with = "present")]
    pub(crate) result: Option<Box<RawValue>>,
    #[serde(default, deserialize_with = "present")]
    pub(crate) error: Option<Box<RawValue>>,
}

impl Envelope {
    pub(crate) fn parse(text: &str) -> Option<Self> {
        serde_json::from_str(text).ok()
    }

    /// Whether this answers a request.
    pub(crate) fn is_answer(&self) -> bool {
        self.method.is_none() && (self.result.is_some() || self.error.is_some())
    }

    pub(crate) fn id(&self) -> Option<&str> {
        self.id.as_deref().map(RawValue::get)
    }

    pub(crate) fn params(&self) -> Option<&str> {
        self.params.as_deref().map(RawValue::get)
    }
}
