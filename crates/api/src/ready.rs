//! `GET /manage/v1/ready`.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Whether the gateway is ready for traffic.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Ready {
    /// Whether at least one backend is connected, or none is to be.
    pub ready: bool,
    /// Why.
    pub reason: String,
}
