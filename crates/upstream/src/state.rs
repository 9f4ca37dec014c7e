//! What is known of a backend now.

use std::sync::Arc;
use std::time::SystemTime;

use crate::remembered::Known;
use crate::{Hello, Lists, Upstream};

/// Where a backend is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Not tried yet.
    Pending,
    /// A connection is being made.
    Initializing,
    /// Connected and listed.
    Ready,
    /// Connected and listed, but it does not answer as it should.
    Degraded,
    /// The last attempt failed; another follows.
    Failed,
    /// The gateway stops.
    ShuttingDown,
}

/// How often a backend said that a list changed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Changes {
    /// `notifications/tools/list_changed`.
    pub tools: u64,
    /// `notifications/resources/list_changed`.
    pub resources: u64,
    /// `notifications/prompts/list_changed`.
    pub prompts: u64,
}

impl Phase {
    /// Whether there is a connection.
    #[must_use]
    pub fn is_connected(self) -> bool {
        matches!(self, Self::Ready | Self::Degraded)
    }
}

/// A backend at one moment.
#[derive(Debug, Clone)]
pub struct State {
    /// Where it is in its life.
    pub phase: Phase,
    /// Since when it is there.
    pub since: SystemTime,
    /// Why it is not ready, for a person.
    pub error: Option<String>,
    /// What it said of itself at the last connection, also of an earlier run.
    pub hello: Option<Arc<Hello>>,
    /// What it listed last, also in an earlier run; the names stay its own also when they are not shown.
    pub lists: Arc<Lists>,
    /// Whether clients see what it listed: not before it was ready, and not once it has been away for too long.
    pub shown: bool,
    /// What its shared legacy process or session listed after it said that its own lists changed.
    pub plain: Option<Arc<Lists>>,
    /// The same of its modern process, where that is not the one that `lists` comes from.
    pub modern: Option<Arc<Lists>>,
    /// The changes it announced and that `lists` shows.
    pub changes: Changes,
    /// Whether the first attempt to connect is over, well or badly.
    pub tried: bool,
    /// When the next attempt begins, while one is waited for.
    pub next_attempt: Option<SystemTime>,
}

impl State {
    /// Whether the first lists after a start should wait for it: nothing is known of it yet.
    #[must_use]
    pub fn is_awaited(&self) -> bool {
        !self.tried && self.hello.is_none()
    }

    /// Before anything happened in this run.
    pub(crate) fn from_before(known: Option<Known>) -> Self {
        match known {
            None => Self::pending(),
            Some(Known { hello, lists }) => Self {
                hello: Some(hello),
                lists,
                shown: true,
                ..Self::pending()
            },
        }
    }

    /// Before anything happened.
    #[must_use]
    pub fn pending() -> Self {
        Self {
            phase: Phase::Pending,
            since: SystemTime::now(),
            error: None,
            hello: None,
            lists: Arc::default(),
            shown: false,
            plain: None,
            modern: None,
            changes: Changes::default(),
            tried: false,
            next_attempt: None,
        }
    }

    /// Before anything happened on new connections to a backend that was like this: it is shown as it was.
    pub(crate) fn anew(before: &Self) -> Self {
        Self {
            hello: before.hello.clone(),
            lists: Arc::clone(&before.lists),
            shown: before.shown,
            ..Self::pending()
        }
    }
}

/// Changes the state and tells those who watch it.
pub(crate) fn set(upstream: &Upstream, change: impl FnOnce(&mut State)) {
    upstream.state.send_modify(|state| {
        let mut next = State::clone(state);
        change(&mut next);
        if next.phase != state.phase {
            next.since = SystemTime::now();
        }
        *state = Arc::new(next);
    });
}
