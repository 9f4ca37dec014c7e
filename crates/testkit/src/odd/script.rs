//! What a server does on which message.
//!
//! A script is a JSON object. A key is a method, or a method, a blank and the `name`, `uri`, `cursor` or `taskId` of the
//! parameters, or the first resource that a `subscriptions/listen` wants (which wins); with `#1` at its end it holds
//! after the first `turn` step, with `#2` after the second, and so on; a name with `+` at its end is for calls that bring
//! `inputResponses`. A key with `modern:` before it is for requests of 2026-07-28, and wins over one without. `*` stands
//! for every method that has no key. Its value is a list of steps, each an object:
//!
//! | step | what it does |
//! |---|---|
//! | `{"result": X}` | answers with exactly the text X |
//! | `{"error": X}` | answers with exactly this error object |
//! | `{"notify": "method", "params": X}` | sends a notification |
//! | `{"feed": "method", "params": X}` | the same, but outside every call: over HTTP on the GET streams |
//! | `{"ask": "method", "params": X}` | asks the client, and waits for the answer |
//! | `{"ask_all": ["method", ...], "params": X}` | asks the client all this at once, and waits for all answers |
//! | `{"ask_aside": "method", "params": X}` | asks the client outside every call, and does not wait |
//! | `{"line": "text"}` | writes this line, whatever it is |
//! | `{"stderr": "text"}` | writes this line on stderr |
//! | `{"big": N}` | answers with a text of N bytes |
//! | `{"flood": N}` | writes N bytes without the end of a line |
//! | `{"bytes": "text"}` | writes this text, without the end of a line |
//! | `{"sleep": N}` | waits N milliseconds |
//! | `{"gate": "file"}` | waits until there is such a file |
//! | `{"turn": true}` | goes on with the keys of the next number |
//! | `{"exit": N}` | ends the process |
//! | `{"close": true}` | closes stdout, or the stream over HTTP+SSE |
//! | `{"status": N}` | answers over HTTP, or its POST over HTTP+SSE, with this status and no message |
//! | `{"type": "text"}` | answers over HTTP with this content type |
//! | `{"forget": true}` | forgets all HTTP sessions |
//!
//! In every X the strings of [`super::fill`] are replaced.

use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::value::RawValue;

/// What to do on which message.
#[derive(Debug, Clone, Default)]
pub(crate) struct Script(HashMap<String, Vec<Step>>);

/// One step. Exactly one member, besides `params`, is there.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Step {
    #[serde(default, deserialize_with = "crate::raw::present")]
    pub(crate) result: Option<Box<RawValue>>,
    #[serde(default, deserialize_with = "crate::raw::present")]
    pub(crate) error: Option<Box<RawValue>>,
    #[serde(default)]
    pub(crate) notify: Option<String>,
    #[serde(default)]
    pub(crate) feed: Option<String>,
    #[serde(default)]
    pub(crate) ask: Option<String>,
    #[serde(default)]
    pub(crate) ask_all: Option<Vec<String>>,
    #[serde(default)]
    pub(crate) ask_aside: Option<String>,
    #[serde(default)]
    pub(crate) params: Option<Box<RawValue>>,
    #[serde(default)]
    pub(crate) line: Option<String>,
    #[serde(default)]
    pub(crate) stderr: Option<String>,
    #[serde(default)]
    pub(crate) big: Option<usize>,
    #[serde(default)]
    pub(crate) flood: Option<usize>,
    #[serde(default)]
    pub(crate) bytes: Option<String>,
    #[serde(default)]
    pub(crate) sleep: Option<u64>,
    #[serde(default)]
    pub(crate) gate: Option<PathBuf>,
    #[serde(default)]
    pub(crate) turn: bool,
    #[serde(default)]
    pub(crate) exit: Option<i32>,
    #[serde(default)]
    pub(crate) close: bool,
    #[serde(default)]
    pub(crate) status: Option<u16>,
    #[serde(default, rename = "type")]
    pub(crate) content_type: Option<String>,
    #[serde(default)]
    pub(crate) forget: bool,
}

impl Script {
    pub(crate) fn parse(text: &str) -> io::Result<Self> {
        let entries = serde_json::from_str(text).map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))?;
        Ok(Self(entries))
    }

    pub(crate) fn read(path: &Path) -> io::Result<Self> {
        Self::parse(&std::fs::read_to_string(path)?)
    }

    /// The entries of both; those of `other` win.
    pub(crate) fn and(mut self, other: Self) -> Self {
        self.0.extend(other.0);
        self
    }

    /// The steps for a message with one of these keys, the best one first.
    pub(crate) fn steps(&self, keys: &[String], turn: usize) -> Option<&[Step]> {
        let marked = keys.iter().flat_map(|key| {
            let mark = |turn| if turn == 0 { String::new() } else { format!("#{turn}") };
            (0..=turn).rev().map(move |turn| format!("{key}{}", mark(turn)))
        });
        marked.filter_map(|key| self.0.get(&key)).map(Vec::as_slice).next()
    }

    /// The steps for methods that have no key.
    pub(crate) fn otherwise(&self) -> Option<&[Step]> {
        self.0.get("*").map(Vec::as_slice)
    }

    /// The names that a method has keys for, in order.
    pub(crate) fn names(&self, method: &str) -> Vec<&str> {
        let named =
            |key: &'_ String| -> Option<usize> { key.starts_with(&format!("{method} ")).then(|| method.len() + 1) };
        let mut names: Vec<&str> = self.0.keys().filter_map(|key| Some(&key[named(key)?..])).collect();
        names.sort_unstable();
        names
    }
}
