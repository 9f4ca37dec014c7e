//! `GET /manage/v1/batch`.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{BackendList, CapabilityList, EventList, Status};

/// What a client that polls wants, in one answer. Each part is that of the operation of its own.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Batch {
    /// As `GET status`.
    pub status: Status,
    /// As `GET backends`.
    pub backends: BackendList,
    /// As `GET capabilities`.
    pub capabilities: CapabilityList,
    /// As `GET events`.
    pub events: EventList,
}
