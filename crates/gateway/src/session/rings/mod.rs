//! What was said on the streams of a session's answers, kept for clients that come back for it.

mod room;
mod said;
mod standing_in;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Waker;
use std::time::Duration;

use bytes::Bytes;
use tokio::time::Instant;

use super::event_id::EventId;
use super::listener::Source;
use crate::stalls::Presence;
pub use said::Said;
pub(super) use standing_in::StandIn;

/// How long a stream is kept that ended and that nobody has read to its end.
const UNFETCHED: Duration = Duration::from_secs(300);
/// How long a stream is kept that was written to its end: the last bytes may not have arrived.
const WRITTEN: Duration = Duration::from_secs(60);

/// Why a stream cannot be resumed.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum ResumeError {
    /// It never was, or it was let go.
    #[error("this stream is no longer kept, and what was said on it is lost; send the request again")]
    Gone,
    /// The event was never sent.
    #[error("Last-Event-ID names an event that was never sent on this stream")]
    NeverSent,
}

/// The bytes that the streams of all sessions keep.
#[derive(Debug, Default)]
pub(crate) struct Pool(AtomicUsize);

/// Who reads a stream: readers are counted, and only the newest reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Turn {
    pub(super) stream: u64,
    turn: u64,
}

/// What a reader finds.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// The next event that is kept.
    Event(u64, Bytes),
    /// Nothing that was not read yet: ask the source.
    Nothing,
    /// All was read, and the source has ended.
    End,
    /// Somebody else reads.
    Superseded,
    /// The stream is not kept.
    Gone,
}

/// The streams of one session.
#[derive(Debug)]
pub(super) struct Rings {
    opened: u64,
    kept: BTreeMap<u64, Ring>,
    bytes: usize,
    pool: Arc<Pool>,
    /// Whether the readers are looked after.
    watched: bool,
}

#[derive(Debug)]
struct Ring {
    source: Arc<Source>,
    events: VecDeque<Event>,
    /// The number of the newest event.
    last: u64,
    turn: u64,
    reader: Option<Waker>,
    /// Whether the client that reads is there.
    presence: Presence,
    /// The turn of the client's reader while somebody stands in for it.
    absent: Option<u64>,
    ended: bool,
    written: bool,
    /// Since when nobody reads it, or since when it is over, whichever is later.
    away: Option<Instant>,
}

#[derive(Debug)]
struct Event {
    number: u64,
    said: Said,
    /// There was no room for it: it is kept for a client that is there, and does not count.
    over: bool,
}

impl Event {
    /// What it counts, in bytes.
    fn cost(&self) -> usize {
        if self.over { 0 } else { self.said.cost() }
    }
}

impl Rings {
    pub(super) fn new(pool: Arc<Pool>) -> Self {
        Self {
            opened: 0,
            kept: BTreeMap::new(),
            bytes: 0,
            pool,
            watched: false,
        }
    }

    /// Opens a stream, with its first reader.
    pub(super) fn open(&mut self, source: Arc<Source>) -> Turn {
        self.opened += 1;
        let ring = Ring {
            source,
            events: VecDeque::new(),
            last: 0,
            turn: 0,
            reader: None,
            presence: Presence::default(),
            absent: None,
            ended: false,
            written: false,
            away: None,
        };
        self.kept.insert(self.opened, ring);
        Turn {
            stream: self.opened,
            turn: 0,
        }
    }

    /// What comes after the event `read`; where there is nothing yet, `waker` is woken when another reader takes over.
    pub(super) fn after(&mut self, turn: Turn, read: u64, waker: &Waker) -> Found {
        let Some(ring) = self.kept.get_mut(&turn.stream) else {
            return Found::Gone;
        };
        if ring.turn != turn.turn {
            return Found::Superseded;
        }
        if let Some(event) = ring.events.iter().find(|event| event.number > read) {
            ring.presence.seen(false);
            return Found::Event(event.number, event.said.message.clone());
        }
        if ring.ended {
            return Found::End;
        }
        ring.presence.seen(true);
        match &mut ring.reader {
            Some(known) => known.clone_from(waker),
            none @ None => *none = Some(waker.clone()),
        }
        Found::Nothing
    }

    /// Keeps what the source said, as far as there is room; gives its number, `None` where the stream is not kept.
    pub(super) fn push(&mut self, stream: u64, said: &Said) -> Option<u64> {
        self.kept.get(&stream)?;
        let mut said = said.clone();
        let fits = self.make_room(stream, &said);
        let ring = self.kept.get_mut(&stream)?;
        ring.presence.seen(false);
        ring.last += 1;
        let number = ring.last;
        if fits || said.is_response {
            // A client that is there gets a response whole, also if it reads on later. What stands for one is so small
            // that it is kept in any case.
            let over = !fits && ring.absent.is_some();
            if !fits && !over {
                said = said.too_large();
            }
            let event = Event { number, said, over };
            let cost = event.cost();
            ring.events.push_back(event);
            self.take(cost);
        }
        Some(number)
    }

    /// The source has ended.
    pub(super) fn end(&mut self, stream: u64, now: Instant) {
        if let Some(ring) = self.kept.get_mut(&stream) {
            ring.ended = true;
            ring.away = ring.away.map(|_| now);
        }
    }

    /// A client comes back: it becomes the reader of the stream.
    pub(super) fn attach(&mut self, at: EventId) -> Result<(Arc<Source>, Turn), ResumeError> {
        let ring = self.kept.get_mut(&at.stream).ok_or(ResumeError::Gone)?;
        if at.number > ring.last {
            return Err(ResumeError::NeverSent);
        }
        ring.turn += 1;
        ring.away = None;
        ring.absent = None;
        ring.presence.seen(false);
        if let Some(other) = ring.reader.take() {
            other.wake();
        }
        let turn = Turn {
            stream: at.stream,
            turn: ring.turn,
        };
        Ok((Arc::clone(&ring.source), turn))
    }

    /// A reader leaves, having written all of the stream or not. Where the stream is neither over nor read by another
    /// one, somebody else has to listen to its source: gives the turn for that, and the number of the newest event.
    pub(super) fn detach(&mut self, turn: Turn, written: bool, now: Instant) -> Option<(Turn, u64)> {
        let ring = self.kept.get_mut(&turn.stream)?;
        let is_stood_in = ring.absent == Some(turn.turn);
        if ring.turn != turn.turn && !is_stood_in {
            return None;
        }
        ring.away = Some(now);
        ring.absent = None;
        ring.written |= written;
        let mut listen = None;
        // Whoever stands in for it goes on listening.
        if !is_stood_in {
            ring.reader = None;
            ring.turn += 1;
            let next = Turn {
                stream: turn.stream,
                turn: ring.turn,
            };
            listen = (!ring.ended).then_some((next, ring.last));
        }
        self.shrink(turn.stream);
        self.bound_away();
        listen
    }

    /// Lets a stream go that nobody listens to any more, unless it is over; `true` when it is not kept from now on.
    pub(super) fn let_go(&mut self, turn: Turn) -> bool {
        let unheard = |ring: &Ring| ring.turn == turn.turn && !ring.ended;
        if self.kept.get(&turn.stream).is_some_and(unheard) {
            self.remove(turn.stream);
        }
        !self.kept.contains_key(&turn.stream)
    }

    /// Lets a stream go.
    fn remove(&mut self, stream: u64) {
        if let Some(ring) = self.kept.remove(&stream) {
            self.give(ring.events.iter().map(Event::cost).sum());
            if let Some(reader) = ring.reader {
                reader.wake();
            }
        }
    }

    /// Lets all streams go; what their readers have not read yet, they get from the sources still.
    pub(super) fn clear(&mut self) {
        let streams: Vec<u64> = self.kept.keys().copied().collect();
        for stream in streams {
            self.remove(stream);
        }
    }

    /// Lets streams go that are over and were kept for long enough.
    pub(super) fn expire(&mut self, now: Instant) {
        let expired = |ring: &Ring| {
            let keep = if ring.written { WRITTEN } else { UNFETCHED };
            ring.ended && ring.away.is_some_and(|since| now.duration_since(since) >= keep)
        };
        while let Some(stream) = self.first(expired) {
            self.remove(stream);
        }
    }

    fn first(&self, which: impl Fn(&Ring) -> bool) -> Option<u64> {
        let found = self.kept.iter().find(|(_, ring)| which(ring));
        found.map(|(stream, _)| *stream)
    }

    fn take(&mut self, bytes: usize) {
        self.bytes += bytes;
        self.pool.0.fetch_add(bytes, Ordering::Relaxed);
    }

    fn give(&mut self, bytes: usize) {
        self.bytes -= bytes;
        self.pool.0.fetch_sub(bytes, Ordering::Relaxed);
    }
}

/// What a session kept no longer counts.
impl Drop for Rings {
    fn drop(&mut self) {
        self.clear();
    }
}
