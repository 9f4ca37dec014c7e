//! What was said on the streams of a session's answers, kept for clients that come back for it.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Waker;
use std::time::Duration;

use argus_protocol::{Answer, Frame, Id, Message, RpcError, code, write};
use bytes::Bytes;
use tokio::time::Instant;

use super::event_id::EventId;
use super::streams::Source;

/// So many events of one stream are kept; then the oldest goes that is no response.
const MAX_EVENTS: usize = 256;
/// So many bytes all streams of a session keep.
const MAX_BYTES: usize = 4 * 1024 * 1024;
/// So many bytes the streams of all sessions keep.
const MAX_POOL: usize = 256 * 1024 * 1024;
/// So many streams are kept that nobody reads; then the oldest goes.
const MAX_AWAY: usize = 32;
/// What a kept event takes beside its message, in bytes.
const OVERHEAD: usize = 64;
/// How long a stream is kept that ended and that nobody has read to its end.
const UNFETCHED: Duration = Duration::from_secs(300);
/// How long a stream is kept that was written to its end: the last bytes may not have arrived.
const WRITTEN: Duration = Duration::from_secs(60);

/// One message of an answer's stream.
#[derive(Debug, Clone)]
pub struct Said {
    /// The message.
    pub message: Bytes,
    /// Whether it is a response: those are not dropped to make room.
    pub is_response: bool,
}

impl Said {
    fn cost(&self) -> usize {
        self.message.len() + OVERHEAD
    }

    /// What stands for a response that cannot be kept.
    fn too_large(&self) -> Self {
        let why = format!(
            "the answer of {} bytes was too large to be kept for a client that was away; call again",
            self.message.len()
        );
        let error = Answer::Error(RpcError::new(code::INTERNAL_ERROR, why).to_raw());
        Self {
            message: write::response(id_of(&self.message).as_ref(), &error),
            is_response: true,
        }
    }
}

/// The id that a response answers.
fn id_of(message: &Bytes) -> Option<Id> {
    match Frame::parse(message.clone()) {
        Ok(Frame::One(Message::Response { id, .. })) => id,
        _ => None,
    }
}

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
}

#[derive(Debug)]
struct Ring {
    source: Arc<Source>,
    events: VecDeque<Event>,
    /// The number of the newest event.
    last: u64,
    turn: u64,
    reader: Option<Waker>,
    ended: bool,
    written: bool,
    /// Since when nobody reads it, or since when it is over, whichever is later.
    away: Option<Instant>,
}

#[derive(Debug)]
struct Event {
    number: u64,
    said: Said,
}

impl Rings {
    pub(super) fn new(pool: Arc<Pool>) -> Self {
        Self {
            opened: 0,
            kept: BTreeMap::new(),
            bytes: 0,
            pool,
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
            return Found::Event(event.number, event.said.message.clone());
        }
        if ring.ended {
            return Found::End;
        }
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
        let mut fits = self.make_room(stream, &said);
        if !fits && said.is_response {
            // So small that it is kept in any case.
            said = said.too_large();
            fits = true;
        }
        let ring = self.kept.get_mut(&stream)?;
        ring.last += 1;
        let number = ring.last;
        if fits {
            let cost = said.cost();
            ring.events.push_back(Event { number, said });
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
        let ring = self.kept.get_mut(&turn.stream).filter(|ring| ring.turn == turn.turn)?;
        ring.away = Some(now);
        ring.written |= written;
        ring.reader = None;
        ring.turn += 1;
        let next = Turn {
            stream: turn.stream,
            turn: ring.turn,
        };
        let listen = (!ring.ended).then_some((next, ring.last));
        self.bound_away();
        listen
    }

    /// Lets a stream go that nobody listens to any more, unless it is over.
    pub(super) fn let_go(&mut self, turn: Turn) {
        let unheard = |ring: &Ring| ring.turn == turn.turn && !ring.ended;
        if self.kept.get(&turn.stream).is_some_and(unheard) {
            self.remove(turn.stream);
        }
    }

    /// Lets a stream go.
    fn remove(&mut self, stream: u64) {
        if let Some(ring) = self.kept.remove(&stream) {
            self.give(ring.events.iter().map(|event| event.said.cost()).sum());
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

    /// Keeps no more than [`MAX_AWAY`] streams that nobody reads.
    fn bound_away(&mut self) {
        let away = self.kept.values().filter(|ring| ring.away.is_some()).count();
        if away > MAX_AWAY {
            let over = self.first(|ring| ring.away.is_some() && ring.written);
            let over = over.or_else(|| self.first(|ring| ring.away.is_some() && ring.ended));
            if let Some(stream) = over.or_else(|| self.first(|ring| ring.away.is_some())) {
                tracing::debug!("a client left too many streams; the oldest is given up");
                self.remove(stream);
            }
        }
    }

    /// Makes room for what is said on a stream; `false` when there is none. What is needed least goes first: streams
    /// that were written, the oldest notifications, and for a response also answers that nobody came for.
    fn make_room(&mut self, stream: u64, said: &Said) -> bool {
        if self
            .kept
            .get(&stream)
            .is_some_and(|ring| ring.events.len() >= MAX_EVENTS)
        {
            self.drop_before(stream);
        }
        let cost = said.cost();
        if cost > MAX_BYTES {
            return false;
        }
        while self.bytes + cost > MAX_BYTES || self.pool.0.load(Ordering::Relaxed) + cost > MAX_POOL {
            let dropped = self.drop_ended(|ring| ring.written)
                || self.drop_before(stream)
                || self.drop_any_before()
                || (said.is_response && self.drop_ended(|_| true));
            if !dropped {
                return false;
            }
        }
        true
    }

    /// Drops the oldest event of a stream that is no response; `false` when there is none.
    fn drop_before(&mut self, stream: u64) -> bool {
        let dropped = self.kept.get_mut(&stream).and_then(|ring| {
            let at = ring.events.iter().position(|event| !event.said.is_response)?;
            ring.events.remove(at)
        });
        if let Some(event) = &dropped {
            self.give(event.said.cost());
        }
        dropped.is_some()
    }

    fn drop_any_before(&mut self) -> bool {
        let has_one = |ring: &Ring| ring.events.iter().any(|event| !event.said.is_response);
        self.first(has_one).is_some_and(|stream| self.drop_before(stream))
    }

    /// Drops the oldest stream that is over, and that nobody reads; `false` when there is none.
    fn drop_ended(&mut self, which: impl Fn(&Ring) -> bool) -> bool {
        let found = self.first(|ring| ring.ended && ring.away.is_some() && which(ring));
        if let Some(stream) = found {
            self.remove(stream);
        }
        found.is_some()
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

#[cfg(test)]
mod tests {
    use super::*;

    struct World {
        rings: Rings,
        now: Instant,
    }

    impl World {
        fn new() -> Self {
            Self {
                rings: Rings::new(Arc::default()),
                now: Instant::now(),
            }
        }

        fn open(&mut self) -> Turn {
            self.rings.open(Source::new(Box::pin(futures::stream::empty())))
        }

        fn say(&mut self, turn: Turn, message: impl Into<Bytes>) -> Option<u64> {
            self.push(turn, message.into(), false)
        }

        fn respond(&mut self, turn: Turn, message: impl Into<Bytes>) -> Option<u64> {
            self.push(turn, message.into(), true)
        }

        fn push(&mut self, turn: Turn, message: Bytes, is_response: bool) -> Option<u64> {
            self.rings.push(turn.stream, &Said { message, is_response })
        }

        /// A stream that ended with a response, and that was written or not.
        fn over(&mut self, response: impl Into<Bytes>, written: bool) -> Turn {
            let turn = self.open();
            self.respond(turn, response);
            self.rings.end(turn.stream, self.now);
            assert_eq!(self.rings.detach(turn, written, self.now), None);
            turn
        }

        fn found(&mut self, turn: Turn, read: u64) -> Found {
            self.rings.after(turn, read, Waker::noop())
        }

        /// Comes back to the beginning.
        fn attach(&mut self, turn: Turn) -> Result<Turn, ResumeError> {
            let at = EventId {
                stream: turn.stream,
                number: 0,
            };
            self.rings.attach(at).map(|(_, turn)| turn)
        }

        fn is_kept(&self, turn: Turn) -> bool {
            self.rings.kept.contains_key(&turn.stream)
        }

        fn later(&mut self, seconds: u64) {
            self.now += Duration::from_secs(seconds);
            self.rings.expire(self.now);
        }
    }

    fn event(number: u64, message: &'static str) -> Found {
        Found::Event(number, Bytes::from_static(message.as_bytes()))
    }

    fn large(bytes: usize) -> Bytes {
        Bytes::from(vec![b'x'; bytes])
    }

    #[test]
    fn what_was_said_is_found_again() {
        let mut world = World::new();
        let first = world.open();
        assert_eq!(world.found(first, 0), Found::Nothing);
        assert_eq!((world.say(first, "a"), world.respond(first, "b")), (Some(1), Some(2)));
        let second = world.attach(first).unwrap();
        assert_eq!(world.found(first, 0), Found::Superseded);
        assert_eq!(world.found(second, 0), event(1, "a"));
        assert_eq!(world.found(second, 1), event(2, "b"));
        assert_eq!(world.found(second, 2), Found::Nothing);
        world.rings.end(second.stream, world.now);
        assert_eq!(world.found(second, 2), Found::End);
    }

    #[test]
    fn what_never_was_cannot_be_resumed() {
        let mut world = World::new();
        let turn = world.open();
        world.say(turn, "a");
        let at = |stream, number| EventId { stream, number };
        let mut attach = |at| world.rings.attach(at).map(|_| ());
        assert_eq!(attach(at(turn.stream + 1, 0)), Err(ResumeError::Gone));
        assert_eq!(attach(at(turn.stream, 2)), Err(ResumeError::NeverSent));
        assert_eq!(attach(at(turn.stream, 1)), Ok(()));
    }

    #[test]
    fn the_oldest_notifications_go_and_the_response_stays() {
        let mut world = World::new();
        let turn = world.open();
        world.respond(turn, "early");
        for _ in 0..300 {
            world.say(turn, "n");
        }
        assert_eq!(world.respond(turn, "late"), Some(302));
        assert_eq!(world.found(turn, 0), event(1, "early"));
        assert_eq!(world.found(turn, 1), event(48, "n"));
        assert_eq!(world.found(turn, 301), event(302, "late"));
    }

    #[test]
    fn bytes_are_bounded_for_the_whole_session() {
        let mut world = World::new();
        let (written, unfetched) = (
            world.over(large(MAX_BYTES / 4), true),
            world.over(large(MAX_BYTES / 4), false),
        );
        let turn = world.open();
        for _ in 0..16 {
            world.say(turn, large(MAX_BYTES / 8));
            assert!(world.rings.bytes <= MAX_BYTES);
        }
        assert!(!world.is_kept(written), "what was written goes first");
        assert!(world.is_kept(unfetched), "notifications displace no answer");
        world.respond(turn, large(MAX_BYTES - 1000));
        assert!(!world.is_kept(unfetched), "a newer answer does");
        assert!(matches!(world.found(turn, 16), Found::Event(17, message) if message.len() == MAX_BYTES - 1000));
    }

    #[test]
    fn an_answer_that_is_too_large_is_an_error_that_says_so() {
        let mut world = World::new();
        let turn = world.open();
        world.respond(
            turn,
            format!(
                r#"{{"jsonrpc":"2.0","id":"a\u00e9","result":{:?}}}"#,
                "x".repeat(MAX_BYTES)
            ),
        );
        let Found::Event(1, message) = world.found(turn, 0) else {
            panic!("no answer");
        };
        let message = std::str::from_utf8(&message).unwrap();
        assert!(
            message.starts_with(r#"{"jsonrpc":"2.0","id":"a\u00e9","error":{"code":-32603,"#),
            "{message}"
        );
        assert!(message.contains("too large to be kept"), "{message}");
    }

    #[test]
    fn the_pool_is_shared_and_given_back() {
        let pool = Arc::new(Pool::default());
        let mut world = World::new();
        world.rings = Rings::new(Arc::clone(&pool));
        let turn = world.open();
        world.say(turn, large(1000));
        assert_eq!(pool.0.load(Ordering::Relaxed), 1000 + OVERHEAD);
        pool.0.fetch_add(MAX_POOL - 2000, Ordering::Relaxed);
        world.say(turn, large(1500));
        assert!(
            matches!(world.found(turn, 0), Found::Event(2, _)),
            "the first had to go"
        );
        drop(world);
        assert_eq!(pool.0.load(Ordering::Relaxed), MAX_POOL - 2000);
    }

    #[test]
    fn streams_expire_when_nobody_comes() {
        let mut world = World::new();
        let (written, unfetched) = (world.over("a", true), world.over("b", false));
        let open = world.open();
        let left = world.open();
        assert!(
            world.rings.detach(left, false, world.now).is_some(),
            "somebody has to listen"
        );
        world.later(59);
        assert!(world.is_kept(written));
        world.later(1);
        assert!(!world.is_kept(written) && world.is_kept(unfetched));
        let back = world.attach(unfetched).unwrap();
        world.later(1000);
        assert!(world.is_kept(unfetched), "it is read");
        world.rings.detach(back, false, world.now);
        world.rings.end(left.stream, world.now);
        world.later(299);
        assert!(
            world.is_kept(unfetched) && world.is_kept(left),
            "the time begins at the end"
        );
        world.later(1);
        assert!(!world.is_kept(unfetched) && !world.is_kept(left) && world.is_kept(open));
    }

    #[test]
    fn streams_that_nobody_reads_are_bounded_in_number() {
        let mut world = World::new();
        let open = world.open();
        let unfetched = world.over("a", false);
        let written: Vec<Turn> = (1..MAX_AWAY).map(|_| world.over("b", true)).collect();
        assert!(world.is_kept(written[0]));
        world.over("c", false);
        assert!(world.is_kept(open) && world.is_kept(unfetched) && !world.is_kept(written[0]));
        assert!(world.is_kept(written[1]));
    }

    #[test]
    fn a_listener_lets_only_its_own_turn_go() {
        let mut world = World::new();
        let turn = world.open();
        let (listener, _) = world.rings.detach(turn, false, world.now).unwrap();
        let reader = world.attach(turn).unwrap();
        world.rings.let_go(listener);
        assert_eq!(world.found(reader, 0), Found::Nothing);
        world.rings.let_go(reader);
        assert_eq!(world.found(reader, 0), Found::Gone);
    }
}
