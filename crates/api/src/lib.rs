//! The management API's requests and responses: one file per resource. The server writes them, clients read them, and
//! the OpenAPI document describes them.
//!
//! Times are RFC 3339 in UTC, to the millisecond at most.

mod backends;
mod error;
mod groups;
mod health;
mod ready;
mod status;

pub use backends::{
    Backend, BackendHealth, BackendList, BackendType, Breaker, BreakerState, CapabilityCount, Condition, HealthStatus,
    Phase, State,
};
pub use error::{ErrorBody, ErrorName};
pub use groups::{Group, GroupList};
pub use health::{BackendTotals, Health, OverallStatus};
pub use ready::Ready;
pub use status::{ConfigStatus, FeatureFlags, Service, ServiceState, Status, TransportStatus};
