//! The methods by which calls are counted.

use argus_protocol::method;

/// A method of a call to a backend. Those that the gateway does not know are one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CallMethod {
    /// `tools/call`.
    ToolsCall,
    /// `resources/read`.
    ResourcesRead,
    /// `prompts/get`.
    PromptsGet,
    /// `completion/complete`.
    Complete,
    /// `resources/subscribe`.
    Subscribe,
    /// `resources/unsubscribe`.
    Unsubscribe,
    /// `tasks/get`.
    TasksGet,
    /// `tasks/cancel`.
    TasksCancel,
    /// `tasks/result`.
    TasksResult,
    /// `tasks/list`.
    TasksList,
    /// `tasks/update`.
    TasksUpdate,
    /// Any other.
    Other,
}

impl CallMethod {
    /// All of them, each at the place of its number.
    pub const ALL: [Self; 12] = [
        Self::ToolsCall,
        Self::ResourcesRead,
        Self::PromptsGet,
        Self::Complete,
        Self::Subscribe,
        Self::Unsubscribe,
        Self::TasksGet,
        Self::TasksCancel,
        Self::TasksResult,
        Self::TasksList,
        Self::TasksUpdate,
        Self::Other,
    ];

    /// Its name; `other` for those that the gateway does not know.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ToolsCall => method::TOOLS_CALL,
            Self::ResourcesRead => method::RESOURCES_READ,
            Self::PromptsGet => method::PROMPTS_GET,
            Self::Complete => method::COMPLETE,
            Self::Subscribe => method::RESOURCES_SUBSCRIBE,
            Self::Unsubscribe => method::RESOURCES_UNSUBSCRIBE,
            Self::TasksGet => method::TASKS_GET,
            Self::TasksCancel => method::TASKS_CANCEL,
            Self::TasksResult => method::TASKS_RESULT,
            Self::TasksList => method::TASKS_LIST,
            Self::TasksUpdate => method::TASKS_UPDATE,
            Self::Other => "other",
        }
    }

    pub(super) fn place(self) -> usize {
        self as usize
    }

    /// Whether its result may be that of a tool, which says itself whether the tool failed.
    pub(super) fn may_fail_in_result(self) -> bool {
        matches!(self, Self::ToolsCall | Self::TasksResult)
    }
}

impl From<&str> for CallMethod {
    fn from(name: &str) -> Self {
        match name {
            method::TOOLS_CALL => Self::ToolsCall,
            method::RESOURCES_READ => Self::ResourcesRead,
            method::PROMPTS_GET => Self::PromptsGet,
            method::COMPLETE => Self::Complete,
            method::RESOURCES_SUBSCRIBE => Self::Subscribe,
            method::RESOURCES_UNSUBSCRIBE => Self::Unsubscribe,
            method::TASKS_GET => Self::TasksGet,
            method::TASKS_CANCEL => Self::TasksCancel,
            method::TASKS_RESULT => Self::TasksResult,
            method::TASKS_LIST => Self::TasksList,
            method::TASKS_UPDATE => Self::TasksUpdate,
            _ => Self::Other,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_is_at_its_place_and_known_by_its_name() {
        for (place, method) in CallMethod::ALL.into_iter().enumerate() {
            assert_eq!((method.place(), CallMethod::from(method.as_str())), (place, method));
        }
        assert_eq!(CallMethod::from("tools/call\"} 1"), CallMethod::Other);
    }
}
