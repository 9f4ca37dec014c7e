//! `server`: where the gateway listens and how it starts and stops.

use std::time::Duration;

use secrecy::SecretString;

use crate::decode::{Context, Field, Fields, Kind, Preset, Section, defaults, rules};
use crate::management::{self, Management};

/// Where the gateway listens and how it starts and stops.
#[derive(Clone, Debug)]
pub struct Server {
    /// The host name or address to bind; an IPv6 address stands without brackets.
    pub host: String,
    /// The port to bind; 0 stands for any free port.
    pub port: u16,
    /// Which endpoint is announced at the start; both are always served.
    pub transport: AnnouncedTransport,
    /// The management API.
    pub management: Management,
    /// Hosts (with or without a port) that a request may name; empty: decided by the bound address.
    pub allowed_hosts: Vec<String>,
    /// Origins that browsers may call from, beside the own one; `*` allows any.
    pub allowed_origins: Vec<String>,
    /// The largest body of a request, in bytes.
    pub max_body_bytes: usize,
    /// How many legacy sessions may be open at once.
    pub max_sessions: usize,
    /// How many of them one caller may have.
    pub max_sessions_per_caller: usize,
    /// How long a legacy session may be unused until it ends.
    pub session_idle_timeout: Duration,
    /// How long a call waits for a client without a session to answer what the backend asks.
    pub parked_call_timeout: Duration,
    /// Secrets that seal what clients carry; the first one seals, all open. Empty: a key in the data folder.
    pub seal_keys: Vec<SecretString>,
    /// How many items a page of a list has; `None`: the whole list in one page.
    pub page_size: Option<usize>,
    /// How long the first lists after a start wait for backends that still connect.
    pub startup_wait: Duration,
    /// How long calls in flight may take to finish when the gateway stops.
    pub shutdown_timeout: Duration,
    /// How long calls in flight may take to finish on a backend that a new configuration removes or reaches otherwise.
    pub drain_timeout: Duration,
}

/// Which endpoint is announced at the start.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum AnnouncedTransport {
    /// `/mcp`.
    #[default]
    StreamableHttp,
    /// `/sse`.
    Sse,
}

/// A text that is no origin.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("the origin `{origin}` {objection}; write an origin like `https://app.example.com:8443`, or `*` for any")]
pub struct InvalidOrigin {
    origin: String,
    objection: String,
}

const HOST: Field =
    Field::new("host", Kind::Text(&rules::HOST), "The host name or address to bind.").preset(Preset::Text("127.0.0.1"));
const PORT: Field = Field::new(
    "port",
    Kind::Whole { min: 0, max: 65535 },
    "The port to bind; 0 means any free port.",
)
.preset(Preset::Whole(9000));
/// The transport that is announced as `/sse`.
const SSE: &str = "sse";

const TRANSPORT: Field = Field::new(
    "transport",
    Kind::Choice(&["streamable-http", "http", SSE]),
    "Which endpoint is announced at the start, `/mcp` or `/sse`; `http` is short for `streamable-http`.",
)
.preset(Preset::Text("streamable-http"));
const MANAGEMENT: Field = Field::new("management", Kind::Section(management::FIELDS), "The management API.");
const ALLOWED_HOSTS: Field = Field::new(
    "allowed_hosts",
    Kind::Texts(&rules::HOST_AND_PORT),
    "Hosts that a request may name in its Host header, with or without a port.",
);
const ALLOWED_ORIGINS: Field = Field::new(
    "allowed_origins",
    Kind::Texts(&rules::ORIGIN),
    "Origins that browsers may call from, beside the gateway's own; `*` allows any.",
);
const MAX_BODY_BYTES: Field = Field::new(
    "max_body_bytes",
    Kind::Whole {
        min: 1024,
        max: 104_857_600,
    },
    "The largest body of a request, in bytes.",
)
.preset(Preset::Whole(4 * 1024 * 1024));
const MAX_SESSIONS: Field = Field::new(
    "max_sessions",
    Kind::Whole { min: 1, max: 1_000_000 },
    "How many sessions may be open at once.",
)
.preset(Preset::Whole(10_000));
const MAX_SESSIONS_PER_CALLER: Field = Field::new(
    "max_sessions_per_caller",
    Kind::Whole { min: 1, max: 1_000_000 },
    "How many sessions one caller, which is one IP address, may have open at once.",
)
.preset(Preset::Whole(1000));
const SESSION_IDLE_TIMEOUT: Field = Field::new(
    "session_idle_timeout",
    Kind::Seconds {
        min: 1.0,
        max: 2_592_000.0,
    },
    "How long a session may be unused until it ends, in seconds.",
)
.preset(Preset::Seconds(3600.0));
const PARKED_CALL_TIMEOUT: Field = Field::new(
    "parked_call_timeout",
    Kind::Seconds {
        min: 1.0,
        max: 86_400.0,
    },
    "How long a call waits for a client of 2026-07-28 to answer what a backend asks, in seconds.",
)
.preset(Preset::Seconds(600.0));
const SEAL_KEYS: Field = Field::new(
    "seal_keys",
    Kind::Texts(&rules::SEAL_KEY),
    "Secrets that seal what clients carry for the gateway: the first one seals, all of them open.",
)
.secret();
const PAGE_SIZE: Field = Field::new(
    "page_size",
    Kind::Whole { min: 1, max: 100_000 },
    "How many items a page of a list has; without it a list is one page.",
);
const STARTUP_WAIT: Field = Field::new(
    "startup_wait",
    Kind::Seconds { min: 0.0, max: 600.0 },
    "How long the first lists after a start wait for backends that still connect, in seconds.",
)
.preset(Preset::Seconds(5.0));
const SHUTDOWN_TIMEOUT: Field = Field::new(
    "shutdown_timeout",
    Kind::Seconds { min: 0.0, max: 600.0 },
    "How long calls in flight may take to finish when the gateway stops, in seconds.",
)
.preset(Preset::Seconds(10.0));
const DRAIN_TIMEOUT: Field = Field::new(
    "drain_timeout",
    Kind::Seconds { min: 0.0, max: 3600.0 },
    "How long calls in flight may take to finish on a backend that a reload or an operator takes away, in seconds.",
)
.preset(Preset::Seconds(30.0));

pub(crate) const FIELDS: Fields = &[&[
    HOST,
    PORT,
    TRANSPORT,
    MANAGEMENT,
    ALLOWED_HOSTS,
    ALLOWED_ORIGINS,
    MAX_BODY_BYTES,
    MAX_SESSIONS,
    MAX_SESSIONS_PER_CALLER,
    SESSION_IDLE_TIMEOUT,
    PARKED_CALL_TIMEOUT,
    SEAL_KEYS,
    PAGE_SIZE,
    STARTUP_WAIT,
    SHUTDOWN_TIMEOUT,
    DRAIN_TIMEOUT,
]];

impl Server {
    pub(crate) fn read(section: &Section<'_>, cx: &mut Context<'_>) -> Self {
        Self {
            host: section.text(&HOST, cx).trim_matches(['[', ']']).to_owned(),
            port: section
                .whole(&PORT, cx)
                .and_then(|port| port.try_into().ok())
                .unwrap_or_default(),
            transport: AnnouncedTransport::read(section, cx),
            management: Management::read(&section.section(&MANAGEMENT, cx), cx),
            allowed_hosts: only_texts(section.texts(&ALLOWED_HOSTS, cx)),
            allowed_origins: only_texts(section.texts(&ALLOWED_ORIGINS, cx)),
            max_body_bytes: section.whole(&MAX_BODY_BYTES, cx).and_then(size).unwrap_or_default(),
            max_sessions: section.whole(&MAX_SESSIONS, cx).and_then(size).unwrap_or_default(),
            max_sessions_per_caller: section
                .whole(&MAX_SESSIONS_PER_CALLER, cx)
                .and_then(size)
                .unwrap_or_default(),
            session_idle_timeout: section.seconds(&SESSION_IDLE_TIMEOUT, cx).unwrap_or_default(),
            parked_call_timeout: section.seconds(&PARKED_CALL_TIMEOUT, cx).unwrap_or_default(),
            seal_keys: only_texts(section.texts(&SEAL_KEYS, cx))
                .into_iter()
                .map(SecretString::from)
                .collect(),
            page_size: section.whole(&PAGE_SIZE, cx).and_then(size),
            startup_wait: section.seconds(&STARTUP_WAIT, cx).unwrap_or_default(),
            shutdown_timeout: section.seconds(&SHUTDOWN_TIMEOUT, cx).unwrap_or_default(),
            drain_timeout: section.seconds(&DRAIN_TIMEOUT, cx).unwrap_or_default(),
        }
    }

    /// Adds the origins of a list with commas, as the variable `ARGUS_ALLOWED_ORIGINS` has it.
    ///
    /// # Errors
    /// The first text in the list that is no origin; nothing is added then.
    pub fn allow_origins(&mut self, list: &str) -> Result<(), InvalidOrigin> {
        let origins: Vec<&str> = list
            .split(',')
            .map(str::trim)
            .filter(|origin| !origin.is_empty())
            .collect();
        for origin in &origins {
            (rules::ORIGIN.check)(origin).map_err(|objection| InvalidOrigin {
                origin: (*origin).to_owned(),
                objection,
            })?;
        }
        self.allowed_origins.extend(origins.into_iter().map(str::to_owned));
        Ok(())
    }
}

impl Default for Server {
    fn default() -> Self {
        defaults(Self::read)
    }
}

impl AnnouncedTransport {
    fn read(section: &Section<'_>, cx: &mut Context<'_>) -> Self {
        match section.choice(&TRANSPORT, cx) {
            Some(SSE) => Self::Sse,
            _ => Self::StreamableHttp,
        }
    }

    /// The path of the endpoint.
    #[must_use]
    pub fn path(self) -> &'static str {
        match self {
            Self::StreamableHttp => "/mcp",
            Self::Sse => "/sse",
        }
    }
}

fn only_texts(texts: Vec<(String, crate::tree::Span)>) -> Vec<String> {
    texts.into_iter().map(|(text, _)| text).collect()
}

fn size(number: u64) -> Option<usize> {
    number.try_into().ok()
}
