//! The management API's requests and responses: one file per resource. The server writes them, clients read them, and
//! the OpenAPI document describes them.
//!
//! Times are RFC 3339 in UTC, to the millisecond at most; those of events to the microsecond.

mod backend_detail;
mod backends;
mod batch;
mod calls;
mod capabilities;
mod config;
mod error;
mod events;
mod groups;
mod health;
mod logs;
mod ready;
mod reauth;
mod reconnect;
mod reload;
mod sessions;
mod shutdown;
mod status;

pub use backend_detail::{
    BackendDetail, BackendFilter, BackendFilters, BackendTimeouts, Calls, Era, Latency, Reach, Restarts, ServerName,
};
pub use backends::{
    Backend, BackendHealth, BackendList, BackendType, Breaker, BreakerState, CapabilityCount, Condition, HealthStatus,
    Phase, State,
};
pub use batch::Batch;
pub use calls::{PromptGet, PromptResult, ResourceRead, ResourceResult, ToolCall, ToolResult};
pub use capabilities::{CapabilityList, CapabilityType, Prompt, Resource, ResourceTemplate, Tool};
pub use config::{ConfigChanges, ConfigCheck, ConfigFinding, ConfigSource, ConfigValue, ConfigView};
pub use error::{ErrorBody, ErrorName};
pub use events::{Event, EventList, Severity};
pub use groups::{Group, GroupList};
pub use health::{BackendTotals, Health, OverallStatus};
pub use logs::{BackendLogs, LogLine};
pub use ready::Ready;
pub use reauth::Reauth;
pub use reconnect::{BackendAction, Reconnected};
pub use reload::Reloaded;
pub use sessions::{Session, SessionList, TransportType};
pub use shutdown::{Shutdown, ShutdownRequest};
pub use status::{ConfigStatus, FeatureFlags, Service, ServiceState, Status, TransportStatus};
