//! `config.yaml`: one file per section; find, read, expand, check, JSON schema.
//!
//! [`load`] gives a [`Config`] that needs no further checks, or a [`Report`] with everything that is wrong with the
//! file. Each section declares its keys in a table; reading and [`schema`] both follow that table.

mod address;
mod backend;
mod cache;
mod catalogue;
mod conflict;
mod decode;
mod diagnose;
mod diff;
mod expand;
mod filters;
mod flags;
mod load;
mod management;
mod obsolete;
mod root;
mod schema;
mod server;
mod settings;
mod starter;
mod suggest;
mod tree;

pub use address::shown_address;
pub use backend::{
    Auth, Backend, BackendEntry, BackendKind, Health, Process, Protocol, Remote, Sharing, Sse, Timeouts, ToolOverride,
    Transport, UnsetVariable, UnsetVariables, Usage,
};
pub use cache::Cache;
pub use catalogue::Catalogue;
pub use conflict::{ConflictResolution, Strategy};
pub use diagnose::{Finding, Report, Style};
pub use diff::{Changed, Diff, diff};
pub use expand::{ExpandError, Lookup, expanded};
pub use filters::{Filter, Filters};
pub use flags::FeatureFlags;
pub use load::{LoadError, Loaded, Mode, check, load, load_text, locate, read};
pub use management::Management;
pub use root::Config;
pub use schema::schema;
pub use server::{AnnouncedTransport, InvalidOrigin, Server};
pub use settings::{Origin, Setting, Settings};
pub use starter::starter;
