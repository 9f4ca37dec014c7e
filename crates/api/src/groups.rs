//! `GET /manage/v1/groups`.

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Groups of backends, in the order of the configuration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct GroupList {
    /// By name.
    pub groups: IndexMap<String, Group>,
    /// How many groups these are.
    pub total_groups: usize,
    /// How many backends are in them.
    pub total_servers: usize,
}

/// A group.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Group {
    /// The backends in it, in the order of the configuration.
    pub servers: Vec<String>,
    /// How many these are.
    pub count: usize,
}
