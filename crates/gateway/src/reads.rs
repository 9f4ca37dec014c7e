//! Contents of resources that modern backends declare public, kept for the time that they give (MCP 2026-07-28
//! "Caching").
//!
//! What is kept is right as long as the backend's epoch lasts and no update of the resource was heard of.

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant as Clock};

use argus_config::Cache;
use argus_protocol::{ByteString, Object, Raw, Sought};
use argus_upstream::Hint;
use moka::Expiry;
use moka::policy::EvictionPolicy;
use tokio::time::Instant;

use crate::listens::covering;
use crate::ops::MAX_URI;

/// Nothing is kept for longer, whatever its backend says.
const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);
/// What an entry takes beside its text, roughly, in bytes.
const OVERHEAD: usize = 256;
/// URIs with more slashes than this are not kept: an update takes out what is kept under a URI up to each of its slashes.
const MOST_SLASHES: usize = 64;
/// One entry may have this part of all bytes, so that it does not push out all others.
const LARGEST: u64 = 8;

static TTL: Sought = Sought::new("ttlMs");

/// What is kept.
pub(crate) struct Reads {
    kept: moka::sync::Cache<Key, Kept>,
    /// How many updates of each backend's resources were heard of. Held while anything is added or taken out for them.
    updates: Mutex<HashMap<Arc<str>, u64>>,
    most_bytes: usize,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Key {
    backend: Arc<str>,
    uri: ByteString,
}

/// A result and when it was right.
#[derive(Debug, Clone)]
struct Kept {
    result: Raw,
    epoch: u64,
    until: Instant,
}

/// A read that goes to the backend: what was known when it began.
#[derive(Debug)]
pub(crate) struct Begun {
    key: Key,
    epoch: u64,
    updates: u64,
}

impl Reads {
    /// An empty cache; `None` where nothing is to be kept.
    pub(crate) fn new(config: &Cache) -> Option<Self> {
        if !config.enabled {
            return None;
        }
        // Of entries that all weigh at least this much there are not too many.
        let most = config.max_entries.max(1);
        let least = u32::try_from(config.max_bytes.div_ceil(most)).unwrap_or(u32::MAX);
        let weight = move |key: &Key, kept: &Kept| {
            let bytes = key.uri.len() + kept.result.as_str().len() + OVERHEAD;
            u32::try_from(bytes).unwrap_or(u32::MAX).max(least)
        };
        let kept = moka::sync::Cache::builder()
            .max_capacity(u64::from(least) * most)
            .weigher(weight)
            .eviction_policy(EvictionPolicy::lru())
            .expire_after(Until)
            .build();
        Some(Self {
            kept,
            updates: Mutex::default(),
            most_bytes: usize::try_from(config.max_bytes / LARGEST).unwrap_or(usize::MAX),
        })
    }

    /// What is kept of a resource of the backend's epoch, and for how long it holds, which is not 0.
    pub(crate) fn get(&self, backend: &Arc<str>, epoch: u64, uri: &ByteString) -> Option<(Raw, u64)> {
        let key = Key {
            backend: Arc::clone(backend),
            uri: uri.clone(),
        };
        let kept = self.kept.get(&key)?;
        match kept.left_ms() {
            left if left > 0 && kept.epoch == epoch => Some((kept.result, left)),
            _ => {
                self.kept.invalidate(&key);
                None
            }
        }
    }

    /// A read goes to the backend in this epoch.
    pub(crate) fn begin(&self, backend: &Arc<str>, epoch: u64, uri: &ByteString) -> Begun {
        Begun {
            epoch,
            updates: self.updates().get(backend).copied().unwrap_or_default(),
            key: Key {
                backend: Arc::clone(backend),
                uri: uri.clone(),
            },
        }
    }

    /// Keeps the result of a read, if it may be kept, and nothing was heard meanwhile that makes it doubtful.
    pub(crate) fn keep(&self, begun: Begun, result: &Raw) {
        let Some(hint) = public(result).filter(|_| result.as_str().len() <= self.most_bytes) else {
            return;
        };
        let Begun { key, epoch, updates } = begun;
        if key.uri.matches('/').nth(MOST_SLASHES).is_some() {
            return;
        }
        let time = Duration::from_millis(hint.ttl_ms).min(LONGEST);
        // In memory of their own: both may be parts of larger texts.
        let kept = Kept {
            result: result.detached(),
            epoch,
            until: Instant::now() + time,
        };
        let key = Key {
            uri: ByteString::from(key.uri.to_string()),
            ..key
        };
        let heard = self.updates();
        if heard.get(&key.backend).copied().unwrap_or_default() == updates {
            tracing::debug!(backend = %key.backend, ttl_ms = hint.ttl_ms, "a resource is kept");
            self.kept.insert(key, kept);
            // At once, so that there is never more than there may be.
            self.kept.run_pending_tasks();
        }
    }

    /// A resource of a backend changed: it, and those that it is a part of, are no longer kept (MCP 2026-07-28
    /// "Resources": a backend may report a part of what was subscribed to).
    pub(crate) fn updated(&self, backend: &str, uri: &str) {
        let backend: Arc<str> = backend.into();
        let uri = ByteString::from(uri.to_owned());
        let mut heard = self.updates();
        *heard.entry(Arc::clone(&backend)).or_default() += 1;
        // Nothing is kept under a longer one, nor under one with more slashes.
        let slashes = uri.match_indices('/').take(MOST_SLASHES + 1);
        let slashes = slashes.take_while(|(at, _)| *at <= MAX_URI);
        let above = slashes.flat_map(|(at, _)| [&uri[..at], &uri[..=at]]);
        for uri in above.map(|part| uri.slice_ref(part)).chain([uri.clone()]) {
            self.kept.invalidate(&Key {
                backend: Arc::clone(&backend),
                uri,
            });
        }
    }

    /// From now on the updates of these resources, and of what is below them, are heard of; before that they may have
    /// changed unheard. Who wants to hear of them and then reads must not miss that.
    pub(crate) fn heard_from_now(&self, backend: &Arc<str>, uris: &HashSet<ByteString>) {
        if uris.is_empty() {
            return;
        }
        let mut heard = self.updates();
        *heard.entry(Arc::clone(backend)).or_default() += 1;
        let doubtful = |key: &Key| key.backend == *backend && covering(&key.uri, |wanted| uris.get(wanted)).is_some();
        for (key, _) in self.kept.iter().filter(|(key, _)| doubtful(key)) {
            self.kept.invalidate(&*key);
        }
    }

    fn updates(&self) -> MutexGuard<'_, HashMap<Arc<str>, u64>> {
        self.updates.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Reads {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let entries = self.kept.entry_count();
        f.debug_struct("Reads")
            .field("entries", &entries)
            .finish_non_exhaustive()
    }
}

impl Kept {
    fn left_ms(&self) -> u64 {
        let left = self.until.saturating_duration_since(Instant::now());
        left.as_millis().try_into().unwrap_or(u64::MAX)
    }
}

/// Entries go when their time is over, so that they take no room from others.
struct Until;

impl Expiry<Key, Kept> for Until {
    fn expire_after_create(&self, _: &Key, kept: &Kept, _: Clock) -> Option<Duration> {
        Some(Duration::from_millis(kept.left_ms()))
    }

    fn expire_after_update(&self, _: &Key, kept: &Kept, _: Clock, _: Option<Duration>) -> Option<Duration> {
        Some(Duration::from_millis(kept.left_ms()))
    }
}

/// The hint of a result that anybody may be given for a time: it is complete and public.
fn public(result: &Raw) -> Option<Hint> {
    if !result.may_have(&TTL) {
        return None;
    }
    let read = Object::parse(result).ok()?;
    let complete = read
        .get("resultType")
        .is_some_and(|kind| kind.as_str() == "\"complete\"");
    Some(Hint::of(&read)).filter(|hint| complete && hint.public && hint.ttl_ms > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reads(max_entries: u64, max_bytes: u64) -> Reads {
        Reads::new(&Cache {
            enabled: true,
            max_entries,
            max_bytes,
        })
        .unwrap()
    }

    fn result(text: &str) -> Raw {
        Raw::parse(text.to_owned()).unwrap()
    }

    fn public_for(ttl_ms: u64) -> Raw {
        result(&format!(
            r#"{{"resultType":"complete","contents":[],"ttlMs":{ttl_ms},"cacheScope":"public"}}"#
        ))
    }

    /// Reads one resource from its backend.
    fn read(reads: &Reads, epoch: u64, uri: &'static str, result: &Raw) {
        let begun = reads.begin(&"b".into(), epoch, &ByteString::from_static(uri));
        reads.keep(begun, result);
    }

    fn left(reads: &Reads, epoch: u64, uri: &'static str) -> Option<u64> {
        let kept = reads.get(&"b".into(), epoch, &ByteString::from_static(uri));
        kept.map(|(_, left)| left)
    }

    #[test]
    fn nothing_is_kept_unless_it_is_wanted() {
        assert!(Reads::new(&Cache::default()).is_none());
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_public_is_kept_for_its_time() {
        let reads = reads(10, 1 << 20);
        read(&reads, 1, "x://1", &public_for(5000));
        tokio::time::advance(Duration::from_millis(1000)).await;
        assert_eq!(left(&reads, 1, "x://1"), Some(4000));
        assert_eq!(left(&reads, 1, "x://2"), None);
        assert!(
            reads
                .get(&"other".into(), 1, &ByteString::from_static("x://1"))
                .is_none()
        );
        tokio::time::advance(Duration::from_millis(4000)).await;
        assert_eq!(left(&reads, 1, "x://1"), None);
        read(&reads, 1, "x://1", &public_for(u64::MAX));
        let longest = u64::try_from(LONGEST.as_millis()).unwrap();
        assert_eq!(left(&reads, 1, "x://1"), Some(longest));
    }

    #[tokio::test]
    async fn what_is_not_for_all_is_not_kept() {
        let reads = reads(10, 1 << 20);
        for bad in [
            r#"{"resultType":"complete","ttlMs":5000,"cacheScope":"private"}"#,
            r#"{"resultType":"complete","ttlMs":5000}"#,
            r#"{"resultType":"complete","ttlMs":0,"cacheScope":"public"}"#,
            r#"{"resultType":"complete","cacheScope":"public"}"#,
            r#"{"resultType":"input_required","ttlMs":5000,"cacheScope":"public"}"#,
            r#"{"ttlMs":5000,"cacheScope":"public"}"#,
        ] {
            read(&reads, 1, "x://1", &result(bad));
            assert_eq!(left(&reads, 1, "x://1"), None, "{bad}");
        }
    }

    #[tokio::test]
    async fn another_epoch_knows_nothing_of_it() {
        let reads = reads(10, 1 << 20);
        read(&reads, 1, "x://1", &public_for(3_600_000));
        assert!(left(&reads, 1, "x://1").is_some());
        assert_eq!(left(&reads, 2, "x://1"), None);
        // It began before the epoch ended.
        read(&reads, 1, "x://1", &public_for(3_600_000));
        assert_eq!(left(&reads, 2, "x://1"), None);
    }

    #[tokio::test]
    async fn an_update_takes_out_the_resource_and_what_it_is_a_part_of() {
        let reads = reads(10, 1 << 20);
        let all = ["x://a", "x://a/", "x://a/b", "x://a/b/c", "x://ab"];
        for uri in all {
            read(&reads, 1, uri, &public_for(3_600_000));
        }
        reads.updated("other", "x://a/b");
        assert!(all.iter().all(|uri| left(&reads, 1, uri).is_some()));
        reads.updated("b", "x://a/b");
        let kept: Vec<_> = all.into_iter().filter(|uri| left(&reads, 1, uri).is_some()).collect();
        assert_eq!(kept, ["x://a/b/c", "x://ab"]);
    }

    /// An update costs no more look-ups however many slashes its URI has, and misses nothing.
    #[tokio::test]
    async fn uris_of_very_many_parts_are_not_kept() {
        let reads = reads(10, 1 << 20);
        let of = |slashes: usize| &*Box::leak(format!("x:{}", "/a".repeat(slashes)).into_boxed_str());
        for slashes in [MOST_SLASHES, MOST_SLASHES + 1] {
            read(&reads, 1, of(slashes), &public_for(3_600_000));
        }
        assert!(left(&reads, 1, of(MOST_SLASHES)).is_some());
        assert!(left(&reads, 1, of(MOST_SLASHES + 1)).is_none());
        reads.updated("b", of(1000));
        assert!(left(&reads, 1, of(MOST_SLASHES)).is_none());
    }

    #[tokio::test]
    async fn what_was_read_before_an_update_is_not_kept_after_it() {
        let reads = reads(10, 1 << 20);
        let (backend, uri) = ("b".into(), ByteString::from_static("x://1"));
        let begun = reads.begin(&backend, 1, &uri);
        let of_another = reads.begin(&"c".into(), 1, &uri);
        reads.updated("b", "x://1");
        reads.keep(begun, &public_for(3_600_000));
        reads.keep(of_another, &public_for(3_600_000));
        assert!(reads.get(&backend, 1, &uri).is_none());
        assert!(reads.get(&"c".into(), 1, &uri).is_some());
    }

    #[tokio::test]
    async fn what_was_read_before_updates_are_heard_of_is_doubtful() {
        let reads = reads(10, 1 << 20);
        let backend: Arc<str> = "b".into();
        let all = ["x://a", "x://a/b", "x://ab"];
        let begun = all.map(|uri| reads.begin(&backend, 1, &ByteString::from_static(uri)));
        for uri in all {
            read(&reads, 1, uri, &public_for(3_600_000));
        }
        let of = |uri| HashSet::from([ByteString::from_static(uri)]);
        reads.heard_from_now(&"other".into(), &of("x://a"));
        reads.heard_from_now(&backend, &HashSet::new());
        assert!(all.iter().all(|uri| left(&reads, 1, uri).is_some()));
        reads.heard_from_now(&backend, &of("x://a"));
        let kept = || all.map(|uri| left(&reads, 1, uri).is_some());
        assert_eq!(kept(), [false, false, true]);
        for begun in begun {
            reads.keep(begun, &public_for(3_600_000));
        }
        assert_eq!(kept(), [false, false, true]);
    }

    #[tokio::test]
    async fn there_are_never_too_many_and_the_least_used_go() {
        let reads = reads(3, 1 << 20);
        for uri in ["x://1", "x://2", "x://3"] {
            read(&reads, 1, uri, &public_for(3_600_000));
        }
        assert!(left(&reads, 1, "x://1").is_some());
        read(&reads, 1, "x://4", &public_for(3_600_000));
        assert_eq!(reads.kept.entry_count(), 3);
        let kept = ["x://1", "x://2", "x://3", "x://4"].map(|uri| left(&reads, 1, uri).is_some());
        assert_eq!(kept, [true, false, true, true]);
    }

    #[tokio::test]
    async fn there_are_never_too_many_bytes() {
        let reads = reads(1000, 80_000);
        let of = |bytes: usize| {
            let text = "x".repeat(bytes);
            result(&format!(
                r#"{{"resultType":"complete","text":"{text}","ttlMs":5000,"cacheScope":"public"}}"#
            ))
        };
        read(&reads, 1, "x://large", &of(10_000));
        assert_eq!(left(&reads, 1, "x://large"), None);
        for at in 0..100 {
            let begun = reads.begin(&"b".into(), 1, &ByteString::from(format!("x://{at}")));
            reads.keep(begun, &of(9000));
            assert!(reads.kept.weighted_size() <= 80_000);
        }
        assert_eq!(reads.kept.entry_count(), 8);
    }

    #[test]
    fn debug_shows_no_contents() {
        assert_eq!(format!("{:?}", reads(10, 1 << 20)), "Reads { entries: 0, .. }");
    }
}
