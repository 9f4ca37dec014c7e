//! One event.

use std::sync::{Arc, OnceLock};
use std::time::SystemTime;

use bytes::Bytes;
use serde_json::{Map, Value};

/// The longest message in bytes.
const MAX_MESSAGE: usize = 1000;
/// The largest details in bytes.
const MAX_DETAILS: usize = 6000;

/// How much an event matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Severity {
    /// For who looks for something.
    Debug,
    /// As it should be.
    Info,
    /// Somebody should know.
    Warning,
    /// Somebody should act.
    Error,
}

/// What an event is about. The names are those of the API.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Stage {
    /// The gateway itself starts or stops.
    Status,
    /// A backend is being connected to.
    BackendInit,
    /// A backend is connected and has listed what it has.
    BackendReady,
    /// The connection to a backend ended.
    BackendDisconnected,
    /// A backend cannot be connected to.
    BackendFailed,
    /// The shared connection of a backend, beside the one of the catalogue, ended or stands again.
    BackendLink,
    /// A backend is connected, but does not answer as it should.
    BackendDegraded,
    /// A backend answers as it should again.
    BackendRecovered,
    /// A backend failed too often and is not called for a while.
    BreakerOpen,
    /// A backend is called again.
    BreakerClosed,
    /// An operator had something done to a backend.
    BackendAction,
    /// A condition of a backend came, changed or went.
    BackendCondition,
    /// What clients see of a backend changed.
    CapabilityChange,
    /// A session was opened.
    SessionOpened,
    /// A session was ended by its client, or made room for another one.
    SessionClosed,
    /// A session ended because nobody used it.
    SessionExpired,
    /// The configuration was read again, and is in effect or was refused.
    Reload,
    /// Events are no longer there for who follows.
    EventsMissed,
}

impl Stage {
    /// The name in the API.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Status => "status",
            Self::BackendInit => "backend_init",
            Self::BackendReady => "backend_ready",
            Self::BackendDisconnected => "backend_disconnected",
            Self::BackendFailed => "backend_failed",
            Self::BackendLink => "backend_link",
            Self::BackendDegraded => "backend_degraded",
            Self::BackendRecovered => "backend_recovered",
            Self::BreakerOpen => "breaker_open",
            Self::BreakerClosed => "breaker_closed",
            Self::BackendAction => "backend_action",
            Self::BackendCondition => "backend_condition",
            Self::CapabilityChange => "capability_change",
            Self::SessionOpened => "session_opened",
            Self::SessionClosed => "session_closed",
            Self::SessionExpired => "session_expired",
            Self::Reload => "reload",
            Self::EventsMissed => "events_missed",
        }
    }
}

/// Something to tell. It becomes an [`Event`] when it is published.
#[derive(Debug, Clone, PartialEq)]
pub struct News {
    /// What it is about.
    pub stage: Stage,
    /// How much it matters.
    pub severity: Severity,
    /// What happened, for a person. Nothing secret may be in it.
    pub message: String,
    /// The backend that it happened to.
    pub backend: Option<Arc<str>>,
    /// More, for programs.
    pub details: Map<String, Value>,
}

impl News {
    /// Something to tell.
    #[must_use]
    pub fn new(stage: Stage, severity: Severity, message: impl Into<String>) -> Self {
        Self {
            stage,
            severity,
            message: message.into(),
            backend: None,
            details: Map::new(),
        }
    }

    /// For who looks for something.
    #[must_use]
    pub fn debug(stage: Stage, message: impl Into<String>) -> Self {
        Self::new(stage, Severity::Debug, message)
    }

    /// As it should be.
    #[must_use]
    pub fn info(stage: Stage, message: impl Into<String>) -> Self {
        Self::new(stage, Severity::Info, message)
    }

    /// Somebody should know.
    #[must_use]
    pub fn warning(stage: Stage, message: impl Into<String>) -> Self {
        Self::new(stage, Severity::Warning, message)
    }

    /// Somebody should act.
    #[must_use]
    pub fn error(stage: Stage, message: impl Into<String>) -> Self {
        Self::new(stage, Severity::Error, message)
    }

    /// It happened to this backend.
    #[must_use]
    pub fn of(mut self, backend: &Arc<str>) -> Self {
        self.backend = Some(Arc::clone(backend));
        self
    }

    /// With a detail.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.details.insert(name.to_owned(), value.into());
        self
    }

    /// The same within bounds, and its size in bytes.
    pub(super) fn bounded(mut self) -> (Self, usize) {
        if self.message.len() > MAX_MESSAGE {
            self.message.truncate(self.message.floor_char_boundary(MAX_MESSAGE));
            self.message.push('…');
        }
        let length = |details: &Map<String, Value>| serde_json::to_string(details).map_or(0, |text| text.len());
        let mut size = length(&self.details);
        if size > MAX_DETAILS {
            let left_out = format!("{size} bytes of details are too many");
            self.details = Map::from_iter([("left_out".to_owned(), left_out.into())]);
            size = length(&self.details);
        }
        let size = size + self.message.len() + self.backend.as_ref().map_or(0, |backend| backend.len());
        (self, size)
    }
}

/// Something that happened.
#[derive(Debug)]
pub struct Event {
    /// `evt_...`: unique, and in the order of the events.
    pub id: String,
    /// When; no two events of a run have the same time, to the microsecond.
    pub time: SystemTime,
    /// What.
    pub news: News,
    /// As it is written to who follows, once for all of them.
    pub written: OnceLock<Bytes>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_told_is_bounded() {
        let told = |news: News| news.bounded();
        let (news, size) = told(News::info(Stage::Status, "é".repeat(5000)).with("a", 1));
        assert!(news.message.len() <= MAX_MESSAGE + 3 && news.message.ends_with('…'));
        assert_eq!((size, news.details["a"].as_i64()), (news.message.len() + 7, Some(1)));
        let (news, size) = told(News::info(Stage::Status, "short").with("long", "x".repeat(MAX_DETAILS)));
        assert!(size < 100 && news.details["left_out"].as_str().unwrap().contains("6011"));
    }
}
