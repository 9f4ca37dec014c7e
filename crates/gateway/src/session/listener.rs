//! Who listens to the answer to a request: its client, or somebody on its behalf.

use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

use bytes::Bytes;
use futures::{Stream, StreamExt};
use tokio::time::Instant;

use super::event_id::EventId;
use super::rings::{Found, Said, Turn};
use super::state::{Session, lock};

/// What answers a request, message by message. Dropped before its end, it gives the call up.
pub type Saying = Pin<Box<dyn Stream<Item = Said> + Send>>;

/// Where a stream's messages come from, whoever listens.
pub(super) struct Source(Mutex<Origin>);

struct Origin {
    /// `None` at its end.
    saying: Option<Saying>,
    /// How many messages came.
    said: u64,
}

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Source")
    }
}

impl Source {
    pub(super) fn new(saying: Saying) -> Arc<Self> {
        Arc::new(Self(Mutex::new(Origin {
            saying: Some(saying),
            said: 0,
        })))
    }
}

/// Who listens to a source and keeps what it says.
#[derive(Debug)]
pub(super) struct Listener {
    pub(super) session: Arc<Session>,
    pub(super) source: Arc<Source>,
    pub(super) turn: Turn,
    /// The number of the event that was heard last.
    pub(super) read: u64,
}

/// What a listener heard.
pub(super) enum Heard {
    Message(Bytes),
    /// All was said.
    End,
    /// It is somebody else's turn.
    Stop,
}

/// What becomes of a listener whose stream is not kept any more.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Lost {
    /// It goes on: a client is there.
    Goes,
    /// It stops: what it hears would reach nobody.
    Stops,
}

impl Listener {
    pub(super) fn position(&self) -> EventId {
        self.session.event_id(self.turn.stream, self.read)
    }

    pub(super) fn poll(&mut self, cx: &mut Context<'_>, lost: Lost) -> Poll<Heard> {
        let source = Arc::clone(&self.source);
        // Held while the source is asked, so that two readers never get one message each.
        let mut source = lock(&source.0);
        let found = self.found(cx);
        match found {
            Found::Event(number, message) => {
                self.read = number;
                return Poll::Ready(Heard::Message(message));
            }
            Found::End => return Poll::Ready(Heard::End),
            Found::Superseded => return Poll::Ready(Heard::Stop),
            Found::Gone if lost == Lost::Stops => return Poll::Ready(Heard::Stop),
            // What others heard meanwhile is lost: a client that comes back for it is told so.
            Found::Gone if source.said != self.read => return Poll::Ready(Heard::Stop),
            Found::Gone | Found::Nothing => {}
        }
        let Some(saying) = &mut source.saying else {
            return Poll::Ready(Heard::End);
        };
        match std::task::ready!(saying.poll_next_unpin(cx)) {
            Some(said) => {
                source.said += 1;
                let number = lock(self.session.rings()).push(self.turn.stream, &said);
                self.read = number.unwrap_or(self.read + 1);
                Poll::Ready(Heard::Message(said.message))
            }
            None => {
                source.saying = None;
                lock(self.session.rings()).end(self.turn.stream, Instant::now());
                Poll::Ready(Heard::End)
            }
        }
    }

    /// What the ring has for it; a reader that somebody stands in for takes its place again.
    fn found(&mut self, cx: &Context<'_>) -> Found {
        let mut rings = lock(self.session.rings());
        let found = rings.after(self.turn, self.read, cx.waker());
        if found != Found::Superseded {
            return found;
        }
        let Some(turn) = rings.come_back(self.turn) else {
            return found;
        };
        self.turn = turn;
        rings.after(turn, self.read, cx.waker())
    }

    /// Listens until all was said or a client reads again. Dropped before that, it lets the stream go.
    pub(super) fn heard_out(mut self) -> impl Future<Output = ()> + Send + 'static {
        let guard = LetGo {
            session: Arc::clone(&self.session),
            source: Arc::clone(&self.source),
            turn: self.turn,
        };
        async move {
            let _guard = guard;
            while let Heard::Message(_) = poll_fn(|cx| self.poll(cx, Lost::Stops)).await {}
        }
    }
}

/// Lets a stream go whose listener ended without its end, because its time or the session was over.
struct LetGo {
    session: Arc<Session>,
    source: Arc<Source>,
    turn: Turn,
}

impl Drop for LetGo {
    fn drop(&mut self) {
        if lock(self.session.rings()).let_go(self.turn) {
            // The client's reader may still be there without reading: the call does not wait for it.
            let given_up = lock(&self.source.0).saying.take();
            drop(given_up);
        }
    }
}
