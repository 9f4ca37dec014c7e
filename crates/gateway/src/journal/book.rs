//! What the journal holds, in memory.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use argus_protocol::Level;
use argus_upstream::Declared;

use super::record::{self, LAYOUT, Record};
use crate::session::Key;

/// So many bytes may wait for the disk; with more, the file is written anew when it takes something again.
const MAX_PENDING: usize = 4 * 1024 * 1024;

/// What is kept of one session beside what its id says.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Kept {
    pub(crate) level: Option<Level>,
    /// Backends and URIs.
    pub(crate) subscriptions: BTreeSet<(String, String)>,
    /// What the client said of itself, where that is too long for an id.
    pub(crate) declared: Option<Declared>,
}

impl Kept {
    /// Writes all of it.
    pub(super) fn write(&self, key: Key, text: &mut Vec<u8>) {
        Record::Open(key).write(text);
        if let Some(declared) = &self.declared {
            Record::of_declared(key, declared).write(text);
        }
        if let Some(level) = self.level {
            Record::Level(key, level.name().into()).write(text);
        }
        for (backend, uri) in &self.subscriptions {
            Record::Subscribed(key, backend.into(), uri.into()).write(text);
        }
    }
}

/// Which sessions have ended, and what is kept of those that nobody came back for yet.
#[derive(Debug)]
pub(super) struct Book {
    /// All sessions that were born until then have ended, but those that are listed.
    pub(super) horizon: u64,
    /// Sessions that were born later and have ended.
    pub(super) ended: HashSet<Key>,
    /// Sessions of earlier processes of which something is known.
    pub(super) waiting: BTreeMap<Key, Kept>,
    /// Lines that are not in the file yet.
    pub(super) pending: Vec<u8>,
    /// The file is to be written anew.
    pub(super) anew: bool,
}

impl Book {
    /// An empty one: all that was born until then has ended.
    pub(super) fn since(horizon: u64) -> Self {
        Self {
            horizon,
            ended: HashSet::new(),
            waiting: BTreeMap::new(),
            pending: Vec::new(),
            anew: true,
        }
    }

    /// Reads a journal: at most so many sessions, the youngest. Lines that are damaged are left out; `None` where there
    /// is no first line.
    pub(super) fn read(text: &[u8], most: usize) -> Option<Self> {
        let (whole, torn) = match text.iter().rposition(|byte| *byte == b'\n') {
            Some(end) => text.split_at(end + 1),
            None => (&text[..0], text),
        };
        let mut lines = whole.split_inclusive(|byte| *byte == b'\n');
        let Some(Record::Begin(LAYOUT, horizon)) = lines.next().and_then(Record::read) else {
            tracing::warn!(
                "the journal of sessions is not one that this program wrote; those of before this start have ended"
            );
            return None;
        };
        let mut book = Self::since(horizon);
        let mut damaged = usize::from(!torn.is_empty());
        for line in lines {
            match Record::read(line) {
                Some(record) => book.apply(record),
                None => damaged += 1,
            }
        }
        if damaged > 0 {
            tracing::warn!(
                lines = damaged,
                "the journal of sessions has damaged lines, as after a crash; they are left out"
            );
        }
        while book.waiting.len() > most {
            book.waiting.pop_first();
        }
        Some(book)
    }

    fn apply(&mut self, record: Record<'_>) {
        match record {
            Record::Begin(..) => {}
            Record::Open(key) => {
                self.waiting.entry(key).or_default();
            }
            Record::Ended(key) => {
                self.waiting.remove(&key);
                self.ended.insert(key);
            }
            Record::Level(key, name) => self.change(key, |kept| kept.level = Level::parse(&name)),
            Record::Subscribed(key, backend, uri) => self.change(key, |kept| {
                kept.subscriptions.insert((backend.into_owned(), uri.into_owned()));
            }),
            Record::Unsubscribed(key, backend, uri) => self.change(key, |kept| {
                kept.subscriptions.remove(&(backend.into_owned(), uri.into_owned()));
            }),
            Record::Declared(key, capabilities, info) => self.change(key, |kept| {
                kept.declared = record::declared(&capabilities, info.as_deref());
            }),
        }
    }

    /// What ended does not come back because something was said of it later.
    fn change(&mut self, key: Key, change: impl FnOnce(&mut Kept)) {
        if !self.ended.contains(&key) {
            change(self.waiting.entry(key).or_default());
        }
    }

    /// The newest time that it names.
    pub(super) fn newest(&self) -> u64 {
        let waiting = self.waiting.keys().next_back();
        let ended = self.ended.iter().max();
        let born = waiting.into_iter().chain(ended).map(|key| key.born);
        born.max().unwrap_or_default().max(self.horizon)
    }

    /// What is known of a session; `None` when it has ended.
    pub(super) fn kept(&self, key: Key) -> Option<Kept> {
        if self.ended.contains(&key) {
            return None;
        }
        let known = self.waiting.get(&key).cloned();
        known.or_else(|| (key.born > self.horizon).then(Kept::default))
    }

    /// Adds a line for the file.
    pub(super) fn note(&mut self, record: &Record<'_>) {
        if self.anew {
            // Written from the truth soon, which has it.
            return;
        }
        record.write(&mut self.pending);
        if self.pending.len() > MAX_PENDING {
            self.pending = Vec::new();
            self.anew = true;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(born: u64) -> Key {
        Key {
            born,
            epoch: 1,
            random: 7,
        }
    }

    fn text(records: &[Record<'_>]) -> Vec<u8> {
        let mut text = Vec::new();
        for record in records {
            record.write(&mut text);
        }
        text
    }

    fn subscribed(key: Key, uri: &str) -> Record<'_> {
        Record::Subscribed(key, "b".into(), uri.into())
    }

    #[test]
    fn says_who_may_come_back_and_with_what() {
        let text = text(&[
            Record::Begin(LAYOUT, 10),
            Record::Open(key(3)),
            subscribed(key(3), "x://1"),
            subscribed(key(3), "x://2"),
            Record::Unsubscribed(key(3), "b".into(), "x://1".into()),
            Record::Level(key(3), "error".into()),
            Record::Open(key(4)),
            Record::Ended(key(4)),
            Record::Level(key(4), "error".into()),
            Record::Ended(key(20)),
            Record::Declared(key(21), "{}".into(), Some("5".into())),
        ]);
        let book = Book::read(&text, 10).unwrap();
        let kept = book.kept(key(3)).unwrap();
        assert_eq!(kept.level.unwrap().name(), "error");
        assert_eq!(kept.subscriptions, [("b".to_owned(), "x://2".to_owned())].into());
        assert!(
            book.kept(key(4)).is_none() && book.kept(key(20)).is_none(),
            "they have ended"
        );
        assert!(book.kept(key(5)).is_none(), "before the horizon, and not listed");
        assert_eq!(book.kept(key(11)), Some(Kept::default()), "after it");
        assert_eq!(book.kept(key(21)).unwrap().declared, record::declared("{}", Some("5")));
        assert_eq!(book.newest(), 21);
        assert!(book.anew, "what was read is written anew");
    }

    #[test]
    fn what_is_kept_is_written_as_it_is_read() {
        let kept = Kept {
            level: Level::parse("alert"),
            subscriptions: [("b".to_owned(), "x\n".to_owned())].into(),
            declared: record::declared("{ }", None),
        };
        let mut text = text(&[Record::Begin(LAYOUT, 10)]);
        kept.write(key(3), &mut text);
        assert_eq!(Book::read(&text, 1).unwrap().kept(key(3)), Some(kept));
    }

    #[test]
    fn damaged_lines_are_left_out() {
        let good = text(&[
            Record::Begin(LAYOUT, 10),
            subscribed(key(3), "x://1"),
            subscribed(key(3), "x://2"),
        ]);
        let subscriptions = |text: &[u8]| {
            let book = Book::read(text, 10).unwrap();
            book.kept(key(3)).map_or(0, |kept| kept.subscriptions.len())
        };
        assert_eq!(subscriptions(&good), 2);
        // The last line is torn; one in the middle is of zeros; what has no end of line may not be all of it.
        assert_eq!(subscriptions(&good[..good.len() - 3]), 1);
        assert_eq!(subscriptions(&good[..good.len() - 1]), 1);
        let mut zeros = good.clone();
        zeros.extend([0; 100]);
        zeros.push(b'\n');
        zeros.extend(text(&[subscribed(key(3), "x://3")]));
        assert_eq!(subscriptions(&zeros), 3);
    }

    #[test]
    fn what_is_no_journal_is_none() {
        for odd in [
            Vec::new(),
            b"\n".to_vec(),
            b"begin".to_vec(),
            text(&[Record::Open(key(1))]),
            text(&[Record::Begin(LAYOUT + 1, 10)]),
        ] {
            assert!(Book::read(&odd, 10).is_none(), "{odd:?}");
        }
    }

    #[test]
    fn the_oldest_are_too_many() {
        let mut records = vec![Record::Begin(LAYOUT, 100)];
        records.extend((1..=5).map(|born| Record::Open(key(born))));
        let book = Book::read(&text(&records), 2).unwrap();
        let known: Vec<u64> = book.waiting.keys().map(|key| key.born).collect();
        assert_eq!(known, [4, 5]);
    }

    #[test]
    fn what_waits_for_the_disk_is_bounded() {
        let mut book = Book::since(0);
        book.anew = false;
        let uri = "x".repeat(8000);
        for _ in 0..10_000 {
            book.note(&subscribed(key(1), &uri));
            assert!(book.pending.len() <= MAX_PENDING);
        }
        assert!(book.anew && book.pending.is_empty());
    }
}
