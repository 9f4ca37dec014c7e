//! What all backends offer together, under which names, and where each name leads.
//!
//! A [`Snapshot`] never changes; a new one replaces it. Its order follows the configuration.

mod build;
mod capabilities;
mod changes;
mod clash;
mod hints;
mod items;
mod listing;
mod marks;
mod names;
mod seen;
mod shorten;
mod snapshot;
mod template;
mod view;

pub(crate) use build::build;
pub(crate) use changes::{Change, What};
pub use items::Kind as CapabilityKind;
pub(crate) use listing::BadCursor;
pub(crate) use seen::Seen;
pub(crate) use snapshot::{Route, Rules, Snapshot};
pub use view::{Capability, CatalogueSize};
