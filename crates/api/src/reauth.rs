//! `POST /manage/v1/reauth/{name}`.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Whether a login at a backend was begun.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Reauth {
    /// The backend.
    pub name: String,
    /// Whether it was.
    pub reauth_initiated: bool,
    /// Why not.
    pub error: Option<String>,
}
