//! What a server was told, written down for the test that looks later.

use std::collections::BTreeMap;
use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::process::until_some;

/// One thing that happened to a server.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Entry {
    /// The process it happened to.
    pub pid: u32,
    /// `start`, `message`, `get`, `delete`, `closed` (a stream, before its end), `foreign` (a request at an address
    /// that must not be used), `child` (a process that was started: its id is the text), or `end` (of stdin).
    pub what: String,
    /// The message as it came, byte by byte.
    #[serde(default)]
    pub text: String,
    /// The headers it came with.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
}

impl Entry {
    /// The method of a message.
    #[must_use]
    pub fn method(&self) -> Option<String> {
        let method = crate::part(&self.text, "method")?;
        serde_json::from_str(&method).ok()
    }

    /// The parameters of a message, as they came.
    #[must_use]
    pub fn params(&self) -> Option<String> {
        crate::part(&self.text, "params")
    }

    /// The text as the id of a process.
    #[must_use]
    pub fn process(&self) -> Option<u32> {
        self.text.parse().ok()
    }
}

/// A file that servers add to, one line for each entry.
#[derive(Debug, Clone)]
pub struct Journal(PathBuf);

impl Journal {
    /// The journal in this file, which need not be there yet.
    #[must_use]
    pub fn at(path: impl Into<PathBuf>) -> Self {
        Self(path.into())
    }

    /// Its file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.0
    }

    pub(crate) fn add(&self, what: &str, text: &str, headers: BTreeMap<String, String>) -> io::Result<()> {
        let entry = Entry {
            pid: std::process::id(),
            what: what.to_owned(),
            text: text.to_owned(),
            headers,
        };
        let mut line = serde_json::to_vec(&entry)?;
        line.push(b'\n');
        OpenOptions::new()
            .create(true)
            .append(true)
            .open(&self.0)?
            .write_all(&line)
    }

    /// All entries so far.
    #[must_use]
    pub fn entries(&self) -> Vec<Entry> {
        // The end may be half written, also within a character.
        let bytes = fs::read(&self.0).unwrap_or_default();
        String::from_utf8_lossy(&bytes)
            .lines()
            .filter_map(|line| serde_json::from_str(line).ok())
            .collect()
    }

    /// All entries of a kind.
    #[must_use]
    pub fn all(&self, what: &str) -> Vec<Entry> {
        self.entries().into_iter().filter(|entry| entry.what == what).collect()
    }

    /// All messages with a method.
    #[must_use]
    pub fn messages(&self, method: &str) -> Vec<Entry> {
        let named = |entry: &Entry| entry.what == "message" && entry.method().as_deref() == Some(method);
        self.entries().into_iter().filter(named).collect()
    }

    /// The first entry that fits, as soon as there is one; `None` after a while.
    pub async fn find(&self, fits: impl Fn(&Entry) -> bool) -> Option<Entry> {
        until_some(Duration::from_secs(60), || self.entries().into_iter().find(&fits)).await
    }

    /// The first message with a method, as soon as there is one; `None` after a while.
    pub async fn message(&self, method: &str) -> Option<Entry> {
        self.find(|entry| entry.what == "message" && entry.method().as_deref() == Some(method))
            .await
    }
}
