//! Method names of MCP.

/// Opens a legacy session.
pub const INITIALIZE: &str = "initialize";
/// The legacy client is ready.
pub const INITIALIZED: &str = "notifications/initialized";
/// Asks a legacy peer whether it lives.
pub const PING: &str = "ping";
/// Asks a modern server what it is and can do.
pub const DISCOVER: &str = "server/discover";
/// Opens a modern stream of notifications.
pub const LISTEN: &str = "subscriptions/listen";

/// Lists tools.
pub const TOOLS_LIST: &str = "tools/list";
/// Calls a tool.
pub const TOOLS_CALL: &str = "tools/call";
/// Lists resources.
pub const RESOURCES_LIST: &str = "resources/list";
/// Lists resource templates.
pub const TEMPLATES_LIST: &str = "resources/templates/list";
/// Reads a resource.
pub const RESOURCES_READ: &str = "resources/read";
/// Subscribes a legacy session to a resource.
pub const RESOURCES_SUBSCRIBE: &str = "resources/subscribe";
/// Ends a legacy subscription.
pub const RESOURCES_UNSUBSCRIBE: &str = "resources/unsubscribe";
/// Lists prompts.
pub const PROMPTS_LIST: &str = "prompts/list";
/// Renders a prompt.
pub const PROMPTS_GET: &str = "prompts/get";
/// Completes an argument of a prompt or a resource template.
pub const COMPLETE: &str = "completion/complete";
/// Sets the log level of a legacy session.
pub const SET_LEVEL: &str = "logging/setLevel";

/// What the methods of tasks begin with.
pub const TASKS_PREFIX: &str = "tasks/";
/// Asks how a task fares.
pub const TASKS_GET: &str = "tasks/get";
/// Asks that a task be ended.
pub const TASKS_CANCEL: &str = "tasks/cancel";
/// Waits for the result of a task (MCP 2025-11-25).
pub const TASKS_RESULT: &str = "tasks/result";
/// Lists tasks (MCP 2025-11-25).
pub const TASKS_LIST: &str = "tasks/list";
/// Answers what a task asks (extension of MCP 2026-07-28).
pub const TASKS_UPDATE: &str = "tasks/update";

/// A backend asks the client's model.
pub const SAMPLING: &str = "sampling/createMessage";
/// A backend asks the user.
pub const ELICITATION: &str = "elicitation/create";
/// A backend asks for the client's roots.
pub const ROOTS_LIST: &str = "roots/list";

/// A request is no longer wanted.
pub const CANCELLED: &str = "notifications/cancelled";
/// Progress of a request.
pub const PROGRESS: &str = "notifications/progress";
/// A log message.
pub const LOG: &str = "notifications/message";
/// The tools changed.
pub const TOOLS_CHANGED: &str = "notifications/tools/list_changed";
/// The resources changed.
pub const RESOURCES_CHANGED: &str = "notifications/resources/list_changed";
/// The prompts changed.
pub const PROMPTS_CHANGED: &str = "notifications/prompts/list_changed";
/// The client's roots changed.
pub const ROOTS_CHANGED: &str = "notifications/roots/list_changed";
/// A subscribed resource changed.
pub const RESOURCE_UPDATED: &str = "notifications/resources/updated";
/// A task fares otherwise than before (MCP 2025-11-25).
pub const TASK_STATUS: &str = "notifications/tasks/status";
/// The same in the extension of MCP 2026-07-28.
pub const TASK_CHANGED: &str = "notifications/tasks";
/// A URL elicitation ended.
pub const ELICITATION_COMPLETE: &str = "notifications/elicitation/complete";
/// The first message of a `subscriptions/listen` stream.
pub const LISTEN_ACKNOWLEDGED: &str = "notifications/subscriptions/acknowledged";
