//! The bookkeeping, without time and tasks.

use super::room::{MAX_AWAY, MAX_BYTES, MAX_POOL};
use super::said::OVERHEAD;
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
            epoch: 0,
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
    let at = |stream, number| EventId {
        epoch: 0,
        stream,
        number,
    };
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
    assert!(message.contains("could not be kept"), "{message}");
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

/// Until the only reader is away: who stands in for it.
fn away(world: &mut World) -> Turn {
    loop {
        if let Some(stand_in) = world.rings.look().unwrap().pop() {
            return stand_in.turn;
        }
    }
}

#[test]
fn a_reader_that_comes_back_gets_a_large_answer_whole() {
    let mut world = World::new();
    let reader = world.open();
    let stand_in = away(&mut world);
    world.respond(stand_in, large(MAX_BYTES + 1));
    world.rings.end(stand_in.stream, world.now);
    let back = world.rings.come_back(reader).unwrap();
    assert!(matches!(world.found(back, 0), Found::Event(1, message) if message.len() > MAX_BYTES));
    // It is not kept for a client that left.
    world.rings.detach(back, true, world.now);
    let again = world.attach(back).unwrap();
    assert!(matches!(world.found(again, 0), Found::Event(1, message) if message.len() < 1000));
    assert!(world.rings.bytes < 1000);
}

#[test]
fn a_reader_that_somebody_stands_in_for_may_come_back() {
    let mut world = World::new();
    let reader = world.open();
    let stand_in = away(&mut world);
    assert_eq!(world.found(reader, 0), Found::Superseded);
    assert_eq!(world.found(stand_in, 0), Found::Nothing);
    world.say(stand_in, "a");
    let back = world.rings.come_back(reader).unwrap();
    assert_eq!(world.found(back, 0), event(1, "a"));
    assert_eq!(world.found(stand_in, 1), Found::Superseded);
    assert!(world.rings.come_back(reader).is_none() && !world.rings.let_go(stand_in));
    // A client that resumes takes over from both.
    let stand_in = away(&mut world);
    let other = world.attach(back).unwrap();
    assert!(world.rings.come_back(back).is_none());
    assert_eq!(world.found(stand_in, 1), Found::Superseded);
    // Where a reader leaves, who stands in for it listens already.
    away(&mut world);
    assert_eq!(world.rings.detach(other, false, world.now), None);
    assert!(world.rings.look().is_none(), "nobody reads");
}
