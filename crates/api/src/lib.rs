//! The management API's requests and responses: one file per resource. The server writes them, clients read them, and
//! the OpenAPI document describes them.
//!
//! Times are RFC 3339 in UTC, to the millisecond at most; those of events to the microsecond.

mod backends;
mod batch;
mod calls;
mod capabilities;
mod error;
mod events;
mod groups;
mod health;
mod ready;
mod reauth;
mod sessions;
mod shutdown;
mod status;

pub use backends::{
    Backend, BackendHealth, BackendList, BackendType, Breaker, BreakerState, CapabilityCount, Condition, HealthStatus,
    Phase, State,
};
pub use batch::Batch;
pub use calls::{PromptGet, PromptResult, ResourceRead, ResourceResult, ToolCall, ToolResult};
pub use capabilities::{CapabilityList, CapabilityType, Prompt, Resource, ResourceTemplate, Tool};
pub use error::{ErrorBody, ErrorName};
pub use events::{Event, EventList, Severity};
pub use groups::{Group, GroupList};
pub use health::{BackendTotals, Health, OverallStatus};
pub use ready::Ready;
pub use reauth::Reauth;
pub use sessions::{Session, SessionList, TransportType};
pub use shutdown::{Shutdown, ShutdownRequest};
pub use status::{ConfigStatus, FeatureFlags, Service, ServiceState, Status, TransportStatus};
