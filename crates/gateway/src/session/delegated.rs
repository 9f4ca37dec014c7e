//! The tasks that a session began, or that its client runs for backends.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::Arc;

use argus_protocol::ByteString;

/// So many of one backend are remembered; then the oldest one is forgotten, which is not listed any more, and of which the
/// session hears no more on a connection that it shares.
const MAX_TASKS: usize = 1000;
/// Bytes of their ids.
const MAX_BYTES: usize = 128 * 1024;

/// Tasks by their backend and the id that the one who runs them gave them.
#[derive(Debug, Default)]
pub(super) struct Delegated(HashMap<Arc<str>, There>);

/// Those at one backend, the oldest first.
#[derive(Debug, Default)]
struct There {
    tasks: VecDeque<ByteString>,
    bytes: usize,
}

impl Delegated {
    /// Notes one; gives those at the backend that are forgotten for it.
    pub(super) fn note(&mut self, backend: &Arc<str>, id: &str) -> Vec<ByteString> {
        let there = self.0.entry(Arc::clone(backend)).or_default();
        if id.len() > MAX_BYTES || there.has(id) {
            return Vec::new();
        }
        // A copy: what was received would keep the whole result.
        there.tasks.push_back(ByteString::from(id.to_owned()));
        there.bytes += id.len();
        let mut forgotten = Vec::new();
        while there.tasks.len() > MAX_TASKS || there.bytes > MAX_BYTES {
            let Some(oldest) = there.tasks.pop_front() else { break };
            there.bytes -= oldest.len();
            forgotten.push(oldest);
        }
        forgotten
    }

    pub(super) fn forget(&mut self, backend: &str, id: &str) {
        let Some(there) = self.0.get_mut(backend) else { return };
        there.tasks.retain(|task| task != id);
        there.bytes = there.tasks.iter().map(|task| task.len()).sum();
    }

    pub(super) fn has(&self, backend: &str, id: &str) -> bool {
        self.0.get(backend).is_some_and(|there| there.has(id))
    }

    /// The backend of a task whose id is the client's own.
    pub(super) fn backend_of(&self, id: &str) -> Option<Arc<str>> {
        let mut all = self.0.iter();
        all.find(|(_, there)| there.has(id))
            .map(|(backend, _)| Arc::clone(backend))
    }

    /// Those at a backend.
    pub(super) fn at(&self, backend: &str) -> HashSet<ByteString> {
        let there = self.0.get(backend);
        there.map_or_else(HashSet::new, |there| there.tasks.iter().cloned().collect())
    }
}

impl There {
    fn has(&self, id: &str) -> bool {
        self.tasks.iter().any(|task| task == id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_of_a_backend_are_forgotten() {
        let (one, two): (Arc<str>, Arc<str>) = ("one".into(), "two".into());
        let mut tasks = Delegated::default();
        for number in 0..MAX_TASKS {
            assert!(tasks.note(&one, &number.to_string()).is_empty());
            assert!(tasks.note(&one, &number.to_string()).is_empty());
        }
        assert_eq!(tasks.note(&one, "more"), ["0"]);
        assert!(!tasks.has("one", "0") && tasks.has("one", "1") && !tasks.has("two", "1"));
        assert_eq!(tasks.at("one").len(), MAX_TASKS);
        tasks.note(&two, &"x".repeat(MAX_BYTES));
        assert!(tasks.has("two", &"x".repeat(MAX_BYTES)));
        assert_eq!(
            tasks.at("one").len(),
            MAX_TASKS,
            "what one backend names is no matter of another's"
        );
        assert_eq!(tasks.note(&two, "short").len(), 1);
        assert_eq!(tasks.at("two").len(), 1);
        tasks.forget("two", "short");
        assert!(!tasks.has("two", "short"));
    }
}
