//! The resources that a session wants to hear updates of.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use argus_protocol::ByteString;

use super::state::Session;
use crate::listens::covering;
use crate::wanted::Want;

/// Subscriptions that one session may have.
pub(crate) const MAX_SUBSCRIPTIONS: usize = 1000;
/// Bytes of URIs that one session may have subscribed to.
pub(crate) const MAX_URI_BYTES: usize = 256 * 1024;

/// URIs by backend, with what wants their updates at a modern one.
#[derive(Debug, Default)]
pub(super) struct Subscriptions {
    uris: HashMap<Arc<str>, HashMap<ByteString, Option<Want>>>,
    count: usize,
    bytes: usize,
}

impl Subscriptions {
    /// Notes a subscription; `false` when there are too many, or too long ones.
    pub(super) fn add(&mut self, backend: &Arc<str>, uri: &str) -> bool {
        if self.has(backend, uri) {
            return true;
        }
        if self.count >= MAX_SUBSCRIPTIONS || self.bytes + uri.len() > MAX_URI_BYTES {
            return false;
        }
        self.count += 1;
        self.bytes += uri.len();
        // A copy: what was received would keep the whole request.
        let uri = ByteString::from(uri.to_owned());
        self.uris.entry(Arc::clone(backend)).or_default().insert(uri, None);
        true
    }

    pub(super) fn remove(&mut self, backend: &str, uri: &str) {
        if self.uris.get_mut(backend).and_then(|uris| uris.remove(uri)).is_some() {
            self.count -= 1;
            self.bytes -= uri.len();
        }
    }

    /// The URIs at a backend.
    pub(super) fn at(&self, backend: &str) -> Vec<ByteString> {
        self.uris
            .get(backend)
            .into_iter()
            .flat_map(HashMap::keys)
            .cloned()
            .collect()
    }

    /// The URIs at all backends.
    pub(super) fn all(&self) -> HashSet<ByteString> {
        self.uris.values().flat_map(HashMap::keys).cloned().collect()
    }

    /// Backends and URIs.
    pub(super) fn pairs(&self) -> impl Iterator<Item = (&Arc<str>, &ByteString)> {
        self.uris
            .iter()
            .flat_map(|(backend, uris)| uris.keys().map(move |uri| (backend, uri)))
    }

    pub(super) fn has(&self, backend: &str, uri: &str) -> bool {
        self.uris.get(backend).is_some_and(|uris| uris.contains_key(uri))
    }

    /// Keeps what wants the updates of a URI until that is removed; it is let go where the URI is not there.
    pub(super) fn hold(&mut self, backend: &str, want: Want) {
        let place = self.uris.get_mut(backend).and_then(|uris| uris.get_mut(want.uri()));
        if let Some(place) = place {
            *place = Some(want);
        }
    }

    /// Whether a change of a resource is wanted of what [`Self::hold`] keeps: of it, or of one that it is part of.
    pub(super) fn holds(&self, backend: &str, uri: &str) -> bool {
        self.covers(backend, uri, Option::is_some)
    }

    /// Whether a change of a resource is wanted: of it, or of one that it is part of.
    pub(super) fn wants(&self, backend: &str, uri: &str) -> bool {
        self.covers(backend, uri, |_| true)
    }

    fn covers(&self, backend: &str, uri: &str, fits: impl Fn(&Option<Want>) -> bool) -> bool {
        let Some(uris) = self.uris.get(backend) else {
            return false;
        };
        covering(uri, |wanted| uris.get(wanted).filter(|want| fits(want))).is_some()
    }

    /// Nobody is there any more to hear of anything.
    pub(super) fn let_go(&mut self) {
        for want in self.uris.values_mut().flat_map(HashMap::values_mut) {
            *want = None;
        }
    }
}

/// A subscription that is noted before the backend takes it, since updates may come at once. Unless it is taken, the
/// note goes again.
#[derive(Debug)]
pub(crate) struct Noted {
    session: Arc<Session>,
    backend: Arc<str>,
    /// What to take back: nothing when it was noted before.
    uri: Option<ByteString>,
}

impl Noted {
    /// Notes it; `None` when the session has too many.
    pub(crate) fn new(session: &Arc<Session>, backend: &Arc<str>, uri: &ByteString) -> Option<Self> {
        let before = session.subscribes(backend, uri);
        session.subscribe(backend, uri).then(|| Self {
            session: Arc::clone(session),
            backend: Arc::clone(backend),
            uri: (!before).then(|| uri.clone()),
        })
    }

    /// The backend has answered.
    pub(crate) fn settle(&mut self, taken: bool) {
        let uri = self.uri.take();
        if let Some(uri) = uri.filter(|_| !taken) {
            self.session.unsubscribe(&self.backend, &uri);
        }
    }
}

impl Drop for Noted {
    fn drop(&mut self) {
        self.settle(false);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wanted::Wanted;

    #[test]
    fn are_bounded_in_number() {
        let mut all = Subscriptions::default();
        let backend: Arc<str> = "b".into();
        let uri = |n: usize| format!("x://{n}");
        for n in 0..MAX_SUBSCRIPTIONS {
            assert!(all.add(&backend, &uri(n)));
        }
        assert!(!all.add(&"other".into(), &uri(0)));
        assert!(all.add(&backend, &uri(0)), "it is there already");
        assert!(all.has("b", "x://5") && !all.has("other", "x://5"));
        all.remove("b", "x://5");
        all.remove("b", "x://5");
        assert!(!all.has("b", "x://5"));
        assert!(all.add(&"other".into(), &uri(0)));
        assert!(!all.add(&"other".into(), &uri(1)));
    }

    #[test]
    fn what_wants_updates_goes_with_the_subscription() {
        let wanted = Wanted::default();
        let backend: Arc<str> = "b".into();
        let uris = wanted.at(&backend);
        let mut all = Subscriptions::default();
        all.hold(&backend, uris.want("x://1"));
        assert!(uris.now().1.is_empty(), "nobody subscribes to it");
        for uri in ["x://1", "x://2"] {
            assert!(all.add(&backend, uri) && !all.holds("b", uri));
            all.hold(&backend, uris.want(uri));
        }
        assert!(all.holds("b", "x://1") && uris.now().1.len() == 2);
        assert!(all.add(&backend, "x://3") && all.wants("b", "x://3/4") && !all.holds("b", "x://3/4"));
        assert!(all.holds("b", "x://1/2") && !all.wants("b", "x://12") && !all.wants("other", "x://1/2"));
        all.remove("b", "x://1");
        assert_eq!(uris.now().1.len(), 1);
        all.let_go();
        assert!(uris.now().1.is_empty());
    }

    #[test]
    fn are_bounded_in_bytes() {
        let mut all = Subscriptions::default();
        let backend: Arc<str> = "b".into();
        let uri = |n: usize| format!("{n:>8192}");
        for n in 0..32 {
            assert!(all.add(&backend, &uri(n)));
        }
        assert!(!all.add(&backend, "x"));
        all.remove("b", &uri(7));
        assert!(all.add(&backend, "x"));
    }
}
