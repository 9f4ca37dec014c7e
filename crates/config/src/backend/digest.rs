//! A backend's digest: what is learned about a backend is kept under it.

use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};

use indexmap::IndexMap;

use super::{Auth, Backend, Process, Protocol, Remote, Transport};
use crate::filters::Filter;

impl Backend {
    /// SHA-256 over the whole definition, in hexadecimal. Equal definitions have equal digests, also in another run
    /// of the program; any change of a key gives another one. It covers secrets: do not show it.
    #[must_use]
    pub fn digest(&self) -> String {
        let mut feed = Feed(Sha256::new());
        feed.text(&self.name).text(&self.group).text(protocol(self.protocol));
        match &self.transport {
            Transport::Stdio(process) => feed.text("stdio").process(process),
            Transport::StreamableHttp(remote) => {
                feed.text("streamable-http").remote(remote);
            }
            Transport::Sse(sse) => {
                feed.text("sse").remote(&sse.remote).count(sse.process.iter().len());
                sse.process.iter().for_each(|process| feed.process(process));
            }
        }
        for filter in [&self.filters.tools, &self.filters.resources, &self.filters.prompts] {
            feed.filter(filter);
        }
        feed.count(self.tool_overrides.len());
        for (original, tool) in &self.tool_overrides {
            feed.text(original)
                .optional(tool.name.as_deref())
                .optional(tool.description.as_deref());
        }
        let timeouts = &self.timeouts;
        for duration in [timeouts.init, timeouts.cap_fetch, timeouts.startup, timeouts.call] {
            feed.bytes(&duration.as_nanos().to_le_bytes());
        }
        let usage = &self.usage;
        feed.text(usage.sharing.as_str());
        for count in [usage.max_processes, usage.max_concurrent_calls, usage.max_waiting_calls] {
            feed.count(count);
        }
        let health = &self.health;
        feed.count(health.enabled.into()).count(health.failures as usize);
        for duration in [health.interval, health.timeout, health.slow, health.cooldown] {
            feed.bytes(&duration.as_nanos().to_le_bytes());
        }
        feed.count(self.labels.len());
        for (name, text) in &self.labels {
            feed.text(name).text(text);
        }
        if let Transport::Sse(_) = self.transport {
            feed.bytes(&timeouts.sse_startup.as_nanos().to_le_bytes());
        }
        feed.finish()
    }
}

fn protocol(protocol: Protocol) -> &'static str {
    match protocol {
        Protocol::Auto => "auto",
        Protocol::Legacy => "legacy",
        Protocol::Modern => "modern",
    }
}

/// Feeds values to the hash, each with its length, so that no two sequences of values look alike.
struct Feed(Sha256);

impl Feed {
    fn bytes(&mut self, bytes: &[u8]) -> &mut Self {
        self.count(bytes.len());
        self.0.update(bytes);
        self
    }

    fn count(&mut self, count: usize) -> &mut Self {
        self.0.update((count as u64).to_le_bytes());
        self
    }

    fn text(&mut self, text: &str) -> &mut Self {
        self.bytes(text.as_bytes())
    }

    fn optional(&mut self, text: Option<&str>) -> &mut Self {
        match text {
            Some(text) => self.count(1).text(text),
            None => self.count(0),
        }
    }

    fn texts(&mut self, texts: &[String]) -> &mut Self {
        self.count(texts.len());
        for text in texts {
            self.text(text);
        }
        self
    }

    fn secrets(&mut self, secrets: &IndexMap<String, SecretString>) -> &mut Self {
        self.count(secrets.len());
        for (name, secret) in secrets {
            self.text(name).text(secret.expose_secret());
        }
        self
    }

    fn process(&mut self, process: &Process) {
        self.text(&process.command).texts(&process.args).secrets(&process.env);
        self.optional(process.cwd.as_ref().map(|cwd| cwd.to_string_lossy()).as_deref());
    }

    fn remote(&mut self, remote: &Remote) -> &mut Self {
        self.text(remote.url.as_str()).secrets(&remote.headers);
        match &remote.auth {
            Some(Auth::Static { headers }) => self.text("static").secrets(headers),
            None => self.text(""),
        }
    }

    fn filter(&mut self, filter: &Filter) {
        self.texts(filter.allow()).texts(filter.deny());
    }

    fn finish(self) -> String {
        self.0.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
    }
}
