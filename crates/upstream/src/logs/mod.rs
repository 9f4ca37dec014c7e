//! What the processes of backends write for people: the newest lines of each backend, and who follows them.
//!
//! A log belongs to the name of a backend: it goes on when a process ends, and when another definition takes the
//! place of one. Who follows it has nothing but a place in it, so that a slow one keeps nobody.

mod following;
mod hear;
mod junk;
mod log;
mod quota;
mod text;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

pub use following::LogFollowing;
pub(crate) use hear::{Mouth, hear};
pub(crate) use junk::{Junk, JunkLog};
pub use log::{Log, LogLine, Newest, Start};

/// The logs of all backends, by their names. Clones are the same.
#[derive(Debug, Clone, Default)]
pub struct Logs(Arc<Mutex<HashMap<Arc<str>, Arc<Log>>>>);

impl Logs {
    /// The log of a backend; an empty one if there is none.
    #[must_use]
    pub fn of(&self, backend: &Arc<str>) -> Arc<Log> {
        Arc::clone(self.all().entry(Arc::clone(backend)).or_default())
    }

    /// The log of a backend, if there is one of this name.
    #[must_use]
    pub fn get(&self, backend: &str) -> Option<Arc<Log>> {
        self.all().get(backend).cloned()
    }

    /// Forgets the logs of all other backends; who follows one of them hears of its end.
    pub fn keep_only(&self, wanted: impl Fn(&str) -> bool) {
        self.all().retain(|backend, log| {
            let stays = wanted(backend);
            if !stays {
                log.end();
            }
            stays
        });
    }

    fn all(&self) -> MutexGuard<'_, HashMap<Arc<str>, Arc<Log>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_log_stays_with_its_name_and_ends_with_it() {
        let logs = Logs::default();
        let (a, b) = (Arc::from("a"), Arc::from("b"));
        logs.of(&a).push(Some(1), "x");
        logs.of(&b).push(Some(2), "y");
        let mut following = logs.of(&a).follow(Start::Newest(0));
        logs.keep_only(|name| name == "b");
        assert!(following.next().await.is_none());
        assert!(logs.get("a").is_none());
        assert_eq!(logs.of(&b).newest(9).lines.len(), 1);
        assert!(logs.of(&a).newest(9).lines.is_empty());
    }
}
