//! The open `subscriptions/listen` streams of modern clients, and what waits on each for its client to read it.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use argus_protocol::{ByteString, Raw, method};
use serde_json::json;
use tokio::sync::Notify;

use crate::session::{Bounds, Caller};

/// So many resources may wait as their backends named them; what comes then is reported as a change of the resource that
/// was subscribed to.
const MAX_WAITING: usize = 1000;
/// So many bytes of parameters may wait; of what comes then only the URI is kept.
const MAX_WAITING_BYTES: usize = 1024 * 1024;

/// Why there is no room for another stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum TooMany {
    #[error(
        "{0} streams of subscriptions/listen are open, which is the most there may be (server.max_sessions); try again later"
    )]
    OfAll(usize),
    #[error(
        "{0} streams of subscriptions/listen of this caller are open, which is the most it may have (server.max_sessions_per_caller); close some and try again"
    )]
    OfCaller(usize),
}

/// All open streams: as many as there may be sessions.
#[derive(Debug)]
pub(crate) struct Listens {
    open: Arc<Mutex<Open>>,
    bounds: Bounds,
}

#[derive(Debug, Default)]
struct Open {
    last: u64,
    inboxes: HashMap<u64, Arc<Inbox>>,
    of_callers: HashMap<Caller, usize>,
}

impl Listens {
    pub(crate) fn new(bounds: Bounds) -> Self {
        Self {
            open: Arc::default(),
            bounds,
        }
    }

    /// Adds a stream of a caller that wants these list changes. It is there until what this gives is dropped.
    ///
    /// # Errors
    /// When there are too many.
    pub(crate) fn open(&self, caller: Caller, lists: Vec<&'static str>) -> Result<Listed, TooMany> {
        let inbox = Arc::new(Inbox {
            lists,
            waiting: Mutex::default(),
            news: Notify::new(),
        });
        let mut open = lock(&self.open);
        let theirs = open.of_callers.get(&caller).copied().unwrap_or_default();
        if theirs >= self.bounds.per_caller {
            return Err(TooMany::OfCaller(theirs));
        }
        if open.inboxes.len() >= self.bounds.all {
            return Err(TooMany::OfAll(open.inboxes.len()));
        }
        open.of_callers.insert(caller, theirs + 1);
        open.last += 1;
        let number = open.last;
        open.inboxes.insert(number, Arc::clone(&inbox));
        Ok(Listed {
            inbox,
            number,
            caller,
            of: Arc::downgrade(&self.open),
        })
    }

    /// A list changed, and the snapshot that shows it stands.
    pub(crate) fn list_changed(&self, method: &'static str) {
        for inbox in lock(&self.open).inboxes.values() {
            inbox.list_changed(method);
        }
    }

    /// A resource of a backend changed.
    pub(crate) fn updated(&self, backend: &str, uri: &str, params: &Raw) {
        for inbox in lock(&self.open).inboxes.values() {
            inbox.updated(backend, uri, params);
        }
    }
}

/// A stream in its place among the others.
#[derive(Debug)]
pub(crate) struct Listed {
    inbox: Arc<Inbox>,
    number: u64,
    caller: Caller,
    of: Weak<Mutex<Open>>,
}

impl std::ops::Deref for Listed {
    type Target = Inbox;

    fn deref(&self) -> &Inbox {
        &self.inbox
    }
}

impl Drop for Listed {
    fn drop(&mut self) {
        let Some(open) = self.of.upgrade() else { return };
        let mut open = lock(&open);
        open.inboxes.remove(&self.number);
        if let Entry::Occupied(mut theirs) = open.of_callers.entry(self.caller) {
            *theirs.get_mut() -= 1;
            if *theirs.get() == 0 {
                theirs.remove();
            }
        }
    }
}

/// What one client wants to hear of, and what waits for it: each list and each resource once.
#[derive(Debug)]
pub(crate) struct Inbox {
    lists: Vec<&'static str>,
    waiting: Mutex<Waiting>,
    news: Notify,
}

#[derive(Debug, Default)]
struct Waiting {
    /// The resources that are wanted, by backend.
    wanted: HashMap<Arc<str>, HashSet<ByteString>>,
    lists: Vec<&'static str>,
    /// The resources that changed, in the order in which they did.
    order: VecDeque<ByteString>,
    /// The parameters of their last changes.
    updates: HashMap<ByteString, Raw>,
    bytes: usize,
}

impl Inbox {
    /// Wants the updates of a backend's resource.
    pub(crate) fn want(&self, backend: &Arc<str>, uri: &ByteString) {
        let mut waiting = lock(&self.waiting);
        waiting
            .wanted
            .entry(Arc::clone(backend))
            .or_default()
            .insert(uri.clone());
    }

    /// Wants them no longer.
    pub(crate) fn forget(&self, backend: &str, uri: &str) {
        if let Some(uris) = lock(&self.waiting).wanted.get_mut(backend) {
            uris.remove(uri);
        }
    }

    fn list_changed(&self, method: &'static str) {
        let mut waiting = lock(&self.waiting);
        if self.lists.contains(&method) && !waiting.lists.contains(&method) {
            waiting.lists.push(method);
            self.news.notify_one();
        }
    }

    fn updated(&self, backend: &str, uri: &str, params: &Raw) {
        if lock(&self.waiting).updated(backend, uri, params) {
            self.news.notify_one();
        }
    }

    /// What the client should be told next, once there is something.
    pub(crate) async fn next(&self) -> (&'static str, Option<Raw>) {
        loop {
            if let Some(said) = self.take() {
                return said;
            }
            self.news.notified().await;
        }
    }

    /// What the client should be told next, if there is something.
    pub(crate) fn take(&self) -> Option<(&'static str, Option<Raw>)> {
        let mut waiting = lock(&self.waiting);
        if !waiting.lists.is_empty() {
            return Some((waiting.lists.remove(0), None));
        }
        let uri = waiting.order.pop_front()?;
        let params = waiting.updates.remove(&uri)?;
        waiting.bytes -= params.as_str().len();
        Some((method::RESOURCE_UPDATED, Some(params)))
    }
}

impl Waiting {
    /// Notes a change; `false` where it is not wanted.
    fn updated(&mut self, backend: &str, uri: &str, params: &Raw) -> bool {
        let Some(wanted) = self
            .wanted
            .get(backend)
            .and_then(|uris| covering(uri, |wanted| uris.get(wanted)))
        else {
            return false;
        };
        let full = self.order.len() >= MAX_WAITING && !self.updates.contains_key(uri);
        let uri = match full {
            true => wanted.clone(),
            false => ByteString::from(uri.to_owned()),
        };
        let before = self.updates.get(&uri).map(|before| before.as_str().len());
        self.bytes -= before.unwrap_or_default();
        let params = match full || self.bytes + params.as_str().len() > MAX_WAITING_BYTES {
            true => Raw::from_value(&json!({ "uri": &*uri })),
            false => params.clone(),
        };
        self.bytes += params.as_str().len();
        if before.is_none() {
            self.order.push_back(uri.clone());
        }
        self.updates.insert(uri, params);
        true
    }
}

/// What `wanted` gives for a URI that a change of `uri` belongs to: itself, or one that it lies below. A backend may
/// report a part of what was subscribed to (MCP 2025-11-25 and 2026-07-28 "Resources").
pub(crate) fn covering<T>(uri: &str, wanted: impl Fn(&str) -> Option<T>) -> Option<T> {
    let mut slashes = uri.rmatch_indices('/').map(|(at, _)| at);
    wanted(uri).or_else(|| slashes.find_map(|at| wanted(&uri[..=at]).or_else(|| wanted(&uri[..at]))))
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listens() -> Listens {
        Listens::new(Bounds {
            all: 3,
            per_caller: 2,
            idle: std::time::Duration::ZERO,
        })
    }

    fn open(listens: &Listens, lists: Vec<&'static str>) -> Listed {
        listens
            .open(Caller::at(std::net::Ipv4Addr::LOCALHOST.into()), lists)
            .unwrap()
    }

    fn params(uri: &str, n: usize) -> Raw {
        Raw::from_value(&json!({ "uri": uri, "n": n }))
    }

    fn all(inbox: &Inbox) -> Vec<(&'static str, Option<String>)> {
        std::iter::from_fn(|| inbox.take())
            .map(|(method, params)| (method, params.map(|raw| raw.as_str().to_owned())))
            .collect()
    }

    #[test]
    fn what_waits_waits_once() {
        let listens = listens();
        let listed = open(&listens, vec![method::TOOLS_CHANGED, method::PROMPTS_CHANGED]);
        let backend: Arc<str> = "b".into();
        for uri in ["x://1", "x://2"] {
            listed.want(&backend, &uri.to_owned().into());
        }
        for n in 0..1000 {
            listens.list_changed(method::PROMPTS_CHANGED);
            listens.list_changed(method::RESOURCES_CHANGED);
            for uri in ["x://2", "x://1", "x://3"] {
                listens.updated("b", uri, &params(uri, n));
                listens.updated("other", uri, &params(uri, n));
            }
            listens.list_changed(method::TOOLS_CHANGED);
        }
        let expected = [
            (method::PROMPTS_CHANGED, None),
            (method::TOOLS_CHANGED, None),
            (method::RESOURCE_UPDATED, Some(params("x://2", 999).as_str().to_owned())),
            (method::RESOURCE_UPDATED, Some(params("x://1", 999).as_str().to_owned())),
        ];
        assert_eq!(all(&listed), expected);
        assert_eq!(lock(&listed.waiting).bytes, 0);
        listens.list_changed(method::TOOLS_CHANGED);
        assert_eq!(
            all(&listed),
            [(method::TOOLS_CHANGED, None)],
            "what was told may change again"
        );
        listed.forget("b", "x://1");
        listens.updated("b", "x://1", &params("x://1", 0));
        assert!(listed.take().is_none());
    }

    #[test]
    fn what_waits_is_bounded() {
        let listens = listens();
        let listed = open(&listens, Vec::new());
        listed.want(&"b".into(), &"x://all".to_owned().into());
        for n in 0..3 * MAX_WAITING {
            let uri = format!("x://all/{n}");
            listens.updated("b", &uri, &params(&uri, n));
        }
        let told = all(&listed);
        assert_eq!(told.len(), MAX_WAITING + 1);
        assert_eq!(
            told.last().unwrap().1.as_deref(),
            Some(r#"{"uri":"x://all"}"#),
            "the rest in one"
        );
        let large = Raw::from_value(&json!({ "uri": "x://all", "large": "x".repeat(MAX_WAITING_BYTES) }));
        listens.updated("b", "x://all", &large);
        assert_eq!(
            all(&listed),
            [(method::RESOURCE_UPDATED, Some(r#"{"uri":"x://all"}"#.to_owned()))]
        );
    }

    #[test]
    fn a_part_of_what_is_wanted_is_wanted() {
        let wanted: HashSet<ByteString> = ["x://a", "x://b/"].map(|uri| uri.to_owned().into()).into();
        for (uri, belongs) in [
            ("x://a", Some("x://a")),
            ("x://a/", Some("x://a")),
            ("x://a/b/c", Some("x://a")),
            ("x://b/c", Some("x://b/")),
            ("x://ab", None),
            ("x://b", None),
            ("x://", None),
        ] {
            let found = covering(uri, |one| wanted.get(one));
            assert_eq!(found.map(|found| &**found), belongs, "{uri}");
        }
    }

    #[test]
    fn one_that_ended_is_forgotten() {
        let listens = listens();
        let (one, other) = (open(&listens, Vec::new()), open(&listens, Vec::new()));
        drop(one);
        assert_eq!(lock(&listens.open).inboxes.len(), 1);
        drop(other);
        let open = lock(&listens.open);
        assert!(open.inboxes.is_empty() && open.of_callers.is_empty());
    }

    #[test]
    fn a_caller_and_all_together_have_so_many() {
        let listens = listens();
        let open = |caller: u8| listens.open(Caller::at([10, 0, 0, caller].into()), Vec::new());
        let (first, _second) = (open(1).unwrap(), open(1).unwrap());
        assert_eq!(open(1).unwrap_err(), TooMany::OfCaller(2));
        let _third = open(2).unwrap();
        assert_eq!(open(3).unwrap_err(), TooMany::OfAll(3));
        drop(first);
        let _fourth = open(1).unwrap();
        assert_eq!(open(1).unwrap_err(), TooMany::OfCaller(2));
    }
}
