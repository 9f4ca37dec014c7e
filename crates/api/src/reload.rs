//! `POST /manage/v1/reload`.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What became of a reload.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Reloaded {
    /// Whether the configuration was read and is in effect; else nothing changed.
    pub reloaded: bool,
    /// Backends that are new.
    pub backends_added: Vec<String>,
    /// Backends that are gone.
    pub backends_removed: Vec<String>,
    /// Backends of which some key is another one.
    pub backends_changed: Vec<String>,
    /// Other keys that are different, and take effect at the next start only.
    pub needs_restart: Vec<String>,
    /// Everything that is wrong with the configuration.
    pub errors: Vec<String>,
}
