//! The tasks that a session began.

use std::collections::{HashSet, VecDeque};
use std::sync::Arc;

use argus_protocol::ByteString;

/// So many are remembered; then the oldest one is forgotten, which is not listed any more, and of which the session
/// hears no more on a connection that it shares.
const MAX_TASKS: usize = 1000;
/// Bytes of their ids.
const MAX_BYTES: usize = 128 * 1024;

/// Tasks by their backend and its own id, the oldest first.
#[derive(Debug, Default)]
pub(super) struct Delegated {
    tasks: VecDeque<(Arc<str>, ByteString)>,
    bytes: usize,
}

impl Delegated {
    pub(super) fn note(&mut self, backend: &Arc<str>, id: &str) {
        if id.len() > MAX_BYTES || self.has(backend, id) {
            return;
        }
        // A copy: what was received would keep the whole result.
        self.tasks
            .push_back((Arc::clone(backend), ByteString::from(id.to_owned())));
        self.bytes += id.len();
        while self.tasks.len() > MAX_TASKS || self.bytes > MAX_BYTES {
            let Some((_, forgotten)) = self.tasks.pop_front() else {
                break;
            };
            self.bytes -= forgotten.len();
        }
    }

    pub(super) fn has(&self, backend: &str, id: &str) -> bool {
        self.tasks.iter().any(|(known, task)| **known == *backend && task == id)
    }

    /// Those at a backend.
    pub(super) fn at(&self, backend: &str) -> HashSet<ByteString> {
        let there = self.tasks.iter().filter(|(known, _)| **known == *backend);
        there.map(|(_, task)| task.clone()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_are_forgotten() {
        let (one, two): (Arc<str>, Arc<str>) = ("one".into(), "two".into());
        let mut tasks = Delegated::default();
        for number in 0..=MAX_TASKS {
            tasks.note(&one, &number.to_string());
            tasks.note(&one, &number.to_string());
        }
        assert!(!tasks.has("one", "0") && tasks.has("one", "1") && !tasks.has("two", "1"));
        assert_eq!(tasks.at("one").len(), MAX_TASKS);
        tasks.note(&two, &"x".repeat(MAX_BYTES));
        assert!(tasks.has("two", &"x".repeat(MAX_BYTES)) && tasks.at("one").is_empty());
        tasks.note(&two, "short");
        assert_eq!(tasks.at("two").len(), 1);
    }
}
