//! How long calls wait before they can be made.

use std::pin::Pin;
use std::task::Poll;

use tokio::time::Instant;

use super::Tally;

/// What a call waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WaitFor {
    /// Its turn: as many calls as may be are with the backend.
    Turn,
    /// A connection, which is being made or is another call's.
    Connection,
}

impl WaitFor {
    /// Both, each at the place of its number.
    pub const ALL: [Self; 2] = [Self::Turn, Self::Connection];

    /// The word for it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Turn => "turn",
            Self::Connection => "connection",
        }
    }

    pub(super) fn place(self) -> usize {
        self as usize
    }
}

/// A call that waits. Dropped, it has waited so long, whatever came of it.
pub(crate) struct Wait<'a> {
    tally: &'a Tally,
    for_what: WaitFor,
    since: Instant,
}

impl<'a> Wait<'a> {
    pub(crate) fn since(tally: &'a Tally, for_what: WaitFor, since: Instant) -> Self {
        Self { tally, for_what, since }
    }
}

impl Drop for Wait<'_> {
    fn drop(&mut self) {
        self.tally.waits[self.for_what.place()].note(self.since.elapsed());
    }
}

/// Does something that calls wait for. What is there at once does not count, and is not timed.
pub(super) async fn timed<T>(tally: &Tally, for_what: WaitFor, mut work: Pin<&mut impl Future<Output = T>>) -> T {
    let mut waiting = None;
    std::future::poll_fn(move |cx| {
        let polled = work.as_mut().poll(cx);
        match polled {
            Poll::Pending if waiting.is_none() => waiting = Some(Wait::since(tally, for_what, Instant::now())),
            Poll::Pending => {}
            Poll::Ready(_) => waiting = None,
        }
        polled
    })
    .await
}
