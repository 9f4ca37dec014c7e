//! What makes a session outlive the process that opened it.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use argus_protocol::{ByteString, Level};
use argus_upstream::Declared;

use std::sync::atomic::{AtomicBool, Ordering};

use super::event_id::EventId;
use super::key::Key;
use super::state::Session;
use super::token::Token;
use crate::journal::{Journal, Kept};

/// The journal that a session is in.
#[derive(Debug)]
pub(super) struct Lasting {
    journal: Arc<Journal>,
    key: Key,
    /// Which life of the session this is; 0 is the first.
    epoch: u32,
    /// It came back, and nobody has seen to what it had yet.
    new_here: AtomicBool,
}

impl Lasting {
    /// A session of this process.
    pub(super) fn first(journal: &Arc<Journal>, key: Key) -> Self {
        Self {
            journal: Arc::clone(journal),
            key,
            epoch: 0,
            new_here: AtomicBool::new(false),
        }
    }

    pub(super) fn level(&self, level: Level) {
        self.journal.level(self.key, level);
    }

    pub(super) fn subscribed(&self, backend: &str, uri: &str) {
        self.journal.subscribed(self.key, backend, uri);
    }

    pub(super) fn unsubscribed(&self, backend: &str, uri: &str) {
        self.journal.unsubscribed(self.key, backend, uri);
    }
}

impl Session {
    /// It has ended, and is not to come back.
    pub(super) fn mark_ended(&self) {
        if let Some(Lasting { journal, key, .. }) = self.lasting() {
            journal.end(*key);
        }
    }

    /// What the journal keeps of it; `None` where it ends with this process.
    pub(crate) fn kept(&self) -> Option<(Key, Kept)> {
        let lasting = self.lasting()?;
        let pair = |(backend, uri): (&Arc<str>, &ByteString)| (backend.to_string(), uri.to_string());
        let kept = Kept {
            level: self.level(),
            subscriptions: self.all_by_backend().pairs().map(pair).collect(),
            declared: (!Token::holds(self.declared())).then(|| self.declared().clone()),
        };
        Some((lasting.key, kept))
    }

    /// Whether it has just come back; `true` once.
    pub(crate) fn first_time_here(&self) -> bool {
        self.lasting()
            .is_some_and(|lasting| lasting.new_here.swap(false, Ordering::Relaxed))
    }

    /// The backends at which it subscribed to something.
    pub(crate) fn subscribed_backends(&self) -> HashSet<Arc<str>> {
        let subscriptions = self.all_by_backend();
        subscriptions.pairs().map(|(backend, _)| Arc::clone(backend)).collect()
    }

    /// The time since it was opened, in whichever process.
    pub(super) fn age(&self) -> Duration {
        let here = self.here_for();
        let opened = self.lasting().map(|lasting| Duration::from_millis(lasting.key.born));
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        match (opened, now) {
            (Some(opened), Ok(now)) => now.saturating_sub(opened).max(here),
            _ => here,
        }
    }

    /// Which life of the session this is.
    pub(super) fn epoch(&self) -> u32 {
        self.lasting().map_or(0, |lasting| lasting.epoch)
    }

    pub(super) fn event_id(&self, stream: u64, number: u64) -> EventId {
        EventId {
            epoch: self.epoch(),
            stream,
            number,
        }
    }
}

/// A session of an earlier process whose client is back.
#[derive(Debug)]
pub(crate) struct Returning {
    pub(super) version: &'static str,
    pub(super) declared: Declared,
    key: Key,
    kept: Kept,
}

impl Returning {
    /// What its id says, with what the journal knows; `None` when it has ended.
    pub(super) fn of(token: Token, journal: &Journal) -> Option<Self> {
        let mut kept = journal.kept(token.key)?;
        let in_journal = kept.declared.take();
        Some(Self {
            version: token.version,
            declared: token.declared.or(in_journal)?,
            key: token.key,
            kept,
        })
    }

    pub(super) fn has_ended(&self, journal: &Journal) -> bool {
        journal.kept(self.key).is_none()
    }

    /// Gives a session that was made for it what it had.
    pub(super) fn settle_in(&self, session: Session, journal: &Arc<Journal>) -> Session {
        // The journal has it all already.
        if let Some(level) = self.kept.level {
            session.set_level(level);
        }
        let mut backends: HashSet<Arc<str>> = HashSet::new();
        for (backend, uri) in &self.kept.subscriptions {
            let backend = match backends.get(&**backend) {
                Some(known) => Arc::clone(known),
                None => {
                    let new: Arc<str> = Arc::from(&**backend);
                    backends.insert(Arc::clone(&new));
                    new
                }
            };
            session.subscribe(&backend, uri);
        }
        session.feed().missed();
        session.that_lasts(Lasting {
            journal: Arc::clone(journal),
            key: self.key,
            epoch: journal.epoch(),
            new_here: AtomicBool::new(true),
        })
    }

    /// It is among the living now.
    pub(super) fn is_back(&self, journal: &Journal) {
        journal.returned(self.key);
    }
}
