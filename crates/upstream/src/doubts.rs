//! Tools whose calls were refused for their headers: what was done about that is not done again at once, whatever their
//! backend goes on to say.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::Upstream;

/// For so long.
const PAUSE: Duration = Duration::from_secs(10);

/// What was done a moment ago.
#[derive(Debug, Default)]
pub(crate) struct Doubts {
    /// The lists were read again because of these.
    relisted: Recent,
    /// The marks of these were read again, and helped nothing.
    vain: Recent,
}

/// Names of tools, with the time when they came up.
#[derive(Debug, Default)]
struct Recent(Mutex<HashMap<String, Instant>>);

impl Recent {
    fn has(&self, tool: &str) -> bool {
        self.inside().get(tool).is_some_and(is_recent)
    }

    /// Notes a tool; `false` where it is one already.
    fn note(&self, tool: &str) -> bool {
        let mut inside = self.inside();
        inside.retain(|_, since| is_recent(since));
        if inside.contains_key(tool) {
            return false;
        }
        inside.insert(tool.to_owned(), Instant::now());
        true
    }

    fn inside(&self) -> MutexGuard<'_, HashMap<String, Instant>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn is_recent(since: &Instant) -> bool {
    since.elapsed() < PAUSE
}

impl Upstream {
    /// What the backend lists may have changed without a word, because of what it says of a tool: it is read again,
    /// unless it was a moment ago because of the same one.
    pub fn doubt_lists(&self, tool: &str) {
        if self.doubts.relisted.note(tool) {
            self.relist.notify_one();
        }
    }

    /// The marks of a tool were read again, and the backend still wants other headers, or none that can be known.
    pub fn corrected_in_vain(&self, tool: &str) {
        self.doubts.vain.note(tool);
    }

    /// Whether it may help to read the marks of a tool again.
    #[must_use]
    pub fn may_correct(&self, tool: &str) -> bool {
        !self.doubts.vain.has(tool)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn each_tool_is_noted_for_a_moment() {
        let recent = Recent::default();
        assert!(!recent.has("a") && recent.note("a") && recent.has("a"));
        assert!(!recent.note("a") && !recent.has("b") && recent.note("b"));
        tokio::time::advance(PAUSE).await;
        assert!(!recent.has("a") && recent.note("a"));
        assert_eq!(recent.inside().len(), 1, "what is over is still there");
    }
}
