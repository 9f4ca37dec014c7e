//! The declared fields of a section, and reading them from the tree.
//!
//! The same declarations make the JSON schema ([`crate::schema`]), so the two cannot drift apart.

mod context;
mod field;
mod path;
pub(crate) mod rules;
mod section;
mod value;

pub(crate) use context::{Context, Unset};
pub(crate) use field::{Field, Fields, Kind, Preset, Rule, SecondsOr, Secrecy, Variant};
pub(crate) use path::KeyPath;
pub(crate) use section::{Named, Section, defaults, variant};
