//! Whose the tasks are that shared connections name.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use argus_protocol::ByteString;

use crate::session::Session;

/// So many entries are kept before those of sessions that are gone are looked for.
const ENOUGH: usize = 1024;

/// Sessions by a backend and its own id of a task. A backend that forgets its tasks may give an id again: the last one
/// who began such a task has it.
#[derive(Debug, Default)]
pub(crate) struct Owners(Mutex<Index>);

#[derive(Debug, Default)]
struct Index {
    of: HashMap<Arc<str>, HashMap<ByteString, Owner>>,
    count: usize,
    /// Of entries, after the last tidying.
    left: usize,
}

#[derive(Debug)]
struct Owner {
    session: Weak<Session>,
    /// Whether it was seen to begin the task; else it only knew the id.
    began: bool,
}

impl Owners {
    /// The session began a task; gives the one whose the id was before.
    pub(super) fn began(&self, backend: &Arc<str>, id: &str, session: &Arc<Session>) -> Option<Arc<Session>> {
        let before = self.put(backend, id, session, true)?.session.upgrade()?;
        (!Arc::ptr_eq(&before, session)).then_some(before)
    }

    /// The session knows an id that was made for it, maybe by an earlier process; `false` where the task is another's.
    pub(super) fn knows(&self, backend: &Arc<str>, id: &str, session: &Arc<Session>) -> bool {
        match self.owner(backend, id) {
            Some((owner, _)) if Arc::ptr_eq(&owner, session) => true,
            Some((_, true)) => false,
            _ => {
                self.put(backend, id, session, false);
                true
            }
        }
    }

    /// The session whose a task is.
    pub(super) fn of(&self, backend: &str, id: &str) -> Option<Arc<Session>> {
        let (session, _) = self.owner(backend, id)?;
        (!session.over().is_cancelled()).then_some(session)
    }

    /// A session no longer remembers a task.
    pub(super) fn forget(&self, backend: &str, id: &str, session: &Arc<Session>) {
        let mut index = self.lock();
        if let Some(tasks) = index.of.get_mut(backend)
            && tasks.get(id).is_some_and(|owner| owner.is(session))
        {
            tasks.remove(id);
            index.count -= 1;
        }
    }

    fn owner(&self, backend: &str, id: &str) -> Option<(Arc<Session>, bool)> {
        let index = self.lock();
        let owner = index.of.get(backend)?.get(id)?;
        Some((owner.session.upgrade()?, owner.began))
    }

    fn put(&self, backend: &Arc<str>, id: &str, session: &Arc<Session>, began: bool) -> Option<Owner> {
        let mut index = self.lock();
        if index.count >= ENOUGH.max(2 * index.left) {
            index.tidy();
        }
        let owner = Owner {
            session: Arc::downgrade(session),
            began,
        };
        let tasks = index.of.entry(Arc::clone(backend)).or_default();
        let before = tasks.insert(id.to_owned().into(), owner);
        index.count += usize::from(before.is_none());
        before
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Index> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Owner {
    fn is(&self, session: &Arc<Session>) -> bool {
        self.session.as_ptr() == Arc::as_ptr(session)
    }
}

impl Index {
    /// Lets go those of sessions that are over.
    fn tidy(&mut self) {
        for tasks in self.of.values_mut() {
            tasks.retain(|_, owner| owner.session.strong_count() > 0);
        }
        self.count = self.of.values().map(HashMap::len).sum();
        self.left = self.count;
    }
}
