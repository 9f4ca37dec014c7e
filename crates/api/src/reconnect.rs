//! `POST /manage/v1/reconnect/{name}` and `POST /manage/v1/backends/{name}/enable|disable|restart`.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What came of a reconnect. A failed one (502) has the same shape.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Reconnected {
    /// The backend.
    pub name: String,
    /// Whether it is connected anew.
    pub reconnected: bool,
    /// Why not.
    pub error: Option<String>,
}

/// What came of enabling, disabling or restarting a backend.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct BackendAction {
    /// The backend.
    pub name: String,
    /// `enabled`, `disabled` or `restarted`.
    pub action: String,
    /// Whether it is so now.
    pub ok: bool,
    /// Why not.
    pub error: Option<String>,
}
