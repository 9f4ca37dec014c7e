//! The resources that clients want to hear updates of, for each backend.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use argus_protocol::ByteString;
use tokio::sync::watch;

/// All that is wanted, by backend.
#[derive(Debug, Default)]
pub(crate) struct Wanted(Mutex<HashMap<Arc<str>, Arc<WantedUris>>>);

impl Wanted {
    /// What is wanted of one backend.
    pub(crate) fn at(&self, backend: &Arc<str>) -> Arc<WantedUris> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(all.entry(Arc::clone(backend)).or_default())
    }
}

/// The URIs that are wanted of one backend. Each is there once, however many want it.
#[derive(Debug)]
pub(crate) struct WantedUris {
    counts: Mutex<BTreeMap<ByteString, usize>>,
    /// Grows with each change of the set; sent while `counts` is locked.
    version: watch::Sender<u64>,
}

impl Default for WantedUris {
    fn default() -> Self {
        Self {
            counts: Mutex::default(),
            version: watch::Sender::new(0),
        }
    }
}

impl WantedUris {
    /// Wants a URI, until what this gives is dropped.
    pub(crate) fn want(self: &Arc<Self>, uri: &str) -> Want {
        let mut counts = self.counts();
        let uri = match counts.get_key_value(uri) {
            Some((known, _)) => known.clone(),
            // A copy: what was received would keep the whole request.
            None => ByteString::from(uri.to_owned()),
        };
        let count = counts.entry(uri.clone()).or_default();
        *count += 1;
        if *count == 1 {
            self.changed();
        }
        drop(counts);
        Want {
            of: Arc::clone(self),
            uri,
        }
    }

    /// The URIs, and the version of the set.
    pub(crate) fn now(&self) -> (u64, BTreeSet<ByteString>) {
        let counts = self.counts();
        (self.version(), counts.keys().cloned().collect())
    }

    /// Whether nobody wants anything.
    pub(crate) fn is_empty(&self) -> bool {
        self.counts().is_empty()
    }

    /// Whether somebody wants a URI.
    pub(crate) fn has(&self, uri: &str) -> bool {
        self.counts().contains_key(uri)
    }

    /// The version of the set.
    pub(crate) fn version(&self) -> u64 {
        *self.version.borrow()
    }

    /// Follows the version of the set.
    pub(crate) fn watch(&self) -> watch::Receiver<u64> {
        self.version.subscribe()
    }

    fn changed(&self) {
        self.version.send_modify(|version| *version += 1);
    }

    fn counts(&self) -> MutexGuard<'_, BTreeMap<ByteString, usize>> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One who wants a URI. Dropped, it wants it no longer.
#[derive(Debug)]
pub(crate) struct Want {
    of: Arc<WantedUris>,
    uri: ByteString,
}

impl Want {
    /// The URI.
    pub(crate) fn uri(&self) -> &ByteString {
        &self.uri
    }
}

impl Drop for Want {
    fn drop(&mut self) {
        let mut counts = self.of.counts();
        if let Some(count) = counts.get_mut(&self.uri) {
            *count -= 1;
            if *count == 0 {
                counts.remove(&self.uri);
                self.of.changed();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_set_changes_with_the_first_and_the_last_who_want_a_uri() {
        let wanted = Wanted::default();
        let backend: Arc<str> = "b".into();
        let uris = wanted.at(&backend);
        let one = uris.want("x://1");
        let other = wanted.at(&backend).want("x://1");
        assert_eq!(uris.now(), (1, BTreeSet::from([ByteString::from("x://1")])));
        drop(one);
        assert_eq!(uris.version(), 1, "somebody still wants it");
        assert!(wanted.at(&"other".into()).now().1.is_empty() && uris.has("x://1"));
        assert_eq!(other.uri(), "x://1");
        drop(other);
        assert_eq!(uris.now(), (2, BTreeSet::new()));
    }
}
