//! `backends`: the MCP servers behind the gateway.

mod auth;
mod digest;
mod health;
mod overrides;
mod process;
mod remote;
mod sse;
mod timeouts;
mod usage;

use std::sync::Arc;

use indexmap::IndexMap;

pub use auth::Auth;
pub use health::Health;
pub use overrides::ToolOverride;
pub use process::Process;
pub use remote::Remote;
pub use sse::Sse;
pub use timeouts::Timeouts;
pub use usage::{Sharing, Usage};

use crate::decode::{Context, Field, Fields, Kind, Named, Preset, Section, Unset, Variant, rules, variant};
use crate::diagnose::Problem;
use crate::filters::{self, Filters};

/// A backend as the file has it: usable, or short of variables.
#[derive(Clone, Debug)]
pub struct BackendEntry {
    /// Its name in the file.
    pub name: String,
    /// The group that it belongs to.
    pub group: String,
    /// How it is reached.
    pub kind: BackendKind,
    /// What is said of it for people and programs.
    pub labels: IndexMap<String, String>,
    /// The backend, or the variables without which it cannot be used.
    pub definition: Result<Arc<Backend>, UnsetVariables>,
}

/// How a backend is reached.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum BackendKind {
    /// A process of this machine, over its standard input and output.
    Stdio,
    /// An HTTP endpoint.
    StreamableHttp,
    /// An HTTP endpoint that speaks HTTP+SSE.
    Sse,
}

impl BackendKind {
    /// The kind as the file has it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Stdio => process::STDIO,
            Self::StreamableHttp => remote::STREAMABLE_HTTP,
            Self::Sse => sse::TYPE,
        }
    }
}

impl std::fmt::Display for BackendKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The variables without which a backend cannot be used; never empty.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("not configured: {}", .missing.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
pub struct UnsetVariables {
    /// Each use of an unset variable, in the order of the file.
    pub missing: Vec<UnsetVariable>,
}

/// A use of a variable that is not set and has no default.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct UnsetVariable {
    /// The key whose value needs it, for example `backends.files.env.TOKEN`.
    pub key: String,
    /// The variable's name.
    pub variable: String,
}

impl std::fmt::Display for UnsetVariable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "`{}` needs the environment variable `{}`, which is not set",
            self.key, self.variable
        )
    }
}

/// An MCP server behind the gateway.
#[derive(Clone, Debug)]
pub struct Backend {
    /// Its name in the file.
    pub name: String,
    /// The group that it belongs to.
    pub group: String,
    /// Which generation of the protocol it is spoken to in.
    pub protocol: Protocol,
    /// How it is reached.
    pub transport: Transport,
    /// Which of its capabilities are exposed.
    pub filters: Filters,
    /// New names and descriptions of its tools, by their original names.
    pub tool_overrides: IndexMap<String, ToolOverride>,
    /// How long its answers may take.
    pub timeouts: Timeouts,
    /// How much of it is used at once, and by whom.
    pub usage: Usage,
    /// How it is found out whether it answers.
    pub health: Health,
    /// What is said of it for people and programs; it has no effect.
    pub labels: IndexMap<String, String>,
}

/// Which generation of the protocol a backend is spoken to in.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Protocol {
    /// Found out at the first connection.
    #[default]
    Auto,
    /// With handshake and sessions, up to 2025-11-25.
    Legacy,
    /// Stateless, from 2026-07-28.
    Modern,
}

/// How a backend is reached, with the settings of that way.
#[derive(Clone, Debug)]
pub enum Transport {
    /// A process of this machine, over its standard input and output.
    Stdio(Process),
    /// An HTTP endpoint.
    StreamableHttp(Remote),
    /// An HTTP endpoint that speaks HTTP+SSE.
    Sse(Sse),
}

impl Transport {
    /// The way without its settings.
    #[must_use]
    pub fn kind(&self) -> BackendKind {
        match self {
            Self::Stdio(_) => BackendKind::Stdio,
            Self::StreamableHttp(_) => BackendKind::StreamableHttp,
            Self::Sse(_) => BackendKind::Sse,
        }
    }

    /// The endpoint, if there is one.
    #[must_use]
    pub fn remote(&self) -> Option<&Remote> {
        match self {
            Self::Stdio(_) => None,
            Self::StreamableHttp(remote) | Self::Sse(Sse { remote, .. }) => Some(remote),
        }
    }

    /// The process that is started, if there is one.
    #[must_use]
    pub fn process(&self) -> Option<&Process> {
        match self {
            Self::Stdio(process) => Some(process),
            Self::StreamableHttp(_) => None,
            Self::Sse(Sse { process, .. }) => process.as_ref(),
        }
    }
}

const GROUP: Field = Field::new(
    "group",
    Kind::Text(&rules::NAME),
    "The group that the backend belongs to.",
)
.preset(Preset::Text("default"));
const PROTOCOL: Field = Field::new(
    "protocol",
    Kind::Choice(&["auto", "legacy", "modern"]),
    "Which generation of the protocol the backend is spoken to in; `auto` finds out.",
)
.preset(Preset::Text("auto"));
const FILTERS: Field = Field::new(
    "filters",
    Kind::Section(filters::FIELDS),
    "Which of the backend's capabilities are exposed.",
);
const TOOL_OVERRIDES: Field = Field::new(
    "tool_overrides",
    Kind::Sections {
        names: &rules::NOT_EMPTY,
        fields: overrides::FIELDS,
    },
    "New names and descriptions of tools, by their original names.",
);
const TIMEOUTS: Field = Field::new(
    "timeouts",
    Kind::Section(timeouts::FIELDS),
    "How long the backend's answers may take.",
);

const HEALTH: Field = Field::new(
    "health",
    Kind::Section(health::FIELDS),
    "How it is found out whether the backend answers, and when it is no longer called.",
);
const LABELS: Field = Field::new(
    "labels",
    Kind::TextMap {
        names: &rules::NOT_EMPTY,
        values: &rules::ANY,
    },
    "What is said of the backend for people and programs; the management API shows it.",
);

const SSE_TIMEOUTS: Field = Field::new("timeouts", Kind::Section(timeouts::SSE_FIELDS), TIMEOUTS.doc);

/// The keys of every kind of backend, with the timeouts of most.
const COMMON: &[Field] = &[GROUP, PROTOCOL, FILTERS, TOOL_OVERRIDES, HEALTH, LABELS, TIMEOUTS];
const SSE_COMMON: &[Field] = &[GROUP, PROTOCOL, FILTERS, TOOL_OVERRIDES, HEALTH, LABELS, SSE_TIMEOUTS];

pub(crate) const VARIANTS: &[Variant] = &[
    Variant {
        name: process::STDIO,
        fields: STDIO_FIELDS,
    },
    Variant {
        name: remote::STREAMABLE_HTTP,
        fields: HTTP_FIELDS,
    },
    Variant {
        name: sse::TYPE,
        fields: SSE_FIELDS,
    },
];
const STDIO_FIELDS: Fields = &[process::FIELDS, COMMON, usage::FIELDS];
const HTTP_FIELDS: Fields = &[remote::FIELDS, COMMON, usage::FIELDS];
const SSE_FIELDS: Fields = &[
    sse::TYPE_FIELDS,
    remote::FIELDS_OF_ANY,
    process::FIELDS_FIRST,
    SSE_COMMON,
    usage::FIELDS,
];

/// What could be read of a backend, also when a variable is missing.
struct Draft {
    kind: BackendKind,
    group: String,
    labels: IndexMap<String, String>,
    backend: Option<Backend>,
}

impl BackendEntry {
    /// Reads a backend. `None` after a report.
    pub(crate) fn read(named: &Named<'_>, cx: &mut Context<'_>) -> Option<Self> {
        let problems = cx.problems.len();
        let (draft, unset) = cx.unset_within(|cx| Draft::read(named, cx));
        let definition = match UnsetVariables::of(&unset) {
            Some(missing) => Err(missing),
            None => Ok(Arc::new(draft.backend?)),
        };
        for one in unset {
            let tolerated = tolerated(named.name, &one);
            cx.tolerate(one, tolerated);
        }
        let entry = Self {
            name: named.name.to_owned(),
            group: draft.group,
            kind: draft.kind,
            labels: draft.labels,
            definition,
        };
        (cx.problems.len() == problems).then_some(entry)
    }
}

impl UnsetVariables {
    fn of(unset: &[Unset]) -> Option<Self> {
        let missing = |unset: &Unset| UnsetVariable {
            key: unset.path.to_string(),
            variable: unset.variable.clone(),
        };
        (!unset.is_empty()).then(|| Self {
            missing: unset.iter().map(missing).collect(),
        })
    }
}

fn tolerated(backend: &str, unset: &Unset) -> Problem {
    let Unset { path, variable, span } = unset;
    let message = format!("the backend `{backend}` is not started: `{path}` needs `{variable}`, which is not set");
    Problem::new(span.clone(), message).help(format!("set {variable}, or give a default: `${{{variable}:-...}}`"))
}

impl Draft {
    fn read(named: &Named<'_>, cx: &mut Context<'_>) -> Self {
        let span = named.name_span.clone();
        match variant(named.node, named.path.clone(), span, VARIANTS, cx) {
            Some((kind, section)) => Self::read_section(named.name, kind, &section, cx),
            None => Self {
                kind: BackendKind::StreamableHttp,
                group: "default".to_owned(),
                labels: IndexMap::new(),
                backend: None,
            },
        }
    }

    fn read_section(name: &str, variant: &Variant, section: &Section<'_>, cx: &mut Context<'_>) -> Self {
        let (kind, transport) = match variant.name {
            process::STDIO => (BackendKind::Stdio, Some(Transport::Stdio(Process::read(section, cx)))),
            sse::TYPE => (BackendKind::Sse, Sse::read(section, cx).map(Transport::Sse)),
            _ => (
                BackendKind::StreamableHttp,
                Remote::read(section, cx).map(Transport::StreamableHttp),
            ),
        };
        let group = section.text(&GROUP, cx);
        let protocol = Protocol::read(section, cx);
        let filters = Filters::read(&section.section(&FILTERS, cx), cx);
        let tool_overrides = overrides::read(section, &TOOL_OVERRIDES, cx);
        let of_kind = if kind == BackendKind::Sse {
            &SSE_TIMEOUTS
        } else {
            &TIMEOUTS
        };
        let timeouts = Timeouts::read(&section.section(of_kind, cx), kind, cx);
        let usage = Usage::read(section, cx);
        let health = Health::read(&section.section(&HEALTH, cx), cx);
        let labels = section.labels(&LABELS, cx);
        let backend = transport.map(|transport| Backend {
            name: name.to_owned(),
            group: group.clone(),
            protocol,
            transport,
            filters,
            tool_overrides,
            timeouts,
            usage,
            health,
            labels: labels.clone(),
        });
        Self {
            kind,
            group,
            labels,
            backend,
        }
    }
}

impl Protocol {
    fn read(section: &Section<'_>, cx: &mut Context<'_>) -> Self {
        match section.choice(&PROTOCOL, cx) {
            Some("legacy") => Self::Legacy,
            Some("modern") => Self::Modern,
            _ => Self::Auto,
        }
    }
}
