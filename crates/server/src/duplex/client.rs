//! What is known of the client at the other end of a connection.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use argus_gateway::{Caller, Session, Transport};
use argus_protocol::Id;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::in_flight::{Entry, InFlight};

/// The client of one connection. Messages of both eras may come from it: a legacy session is opened by `initialize`,
/// and a modern request stands alone at any time.
#[derive(Debug)]
pub(crate) struct Client {
    /// How it is connected.
    pub(crate) transport: Transport,
    /// Whose session it opens.
    pub(crate) caller: Caller,
    handshake: Mutex<Handshake>,
    handshake_moved: Notify,
    modern: Arc<InFlight>,
    spoke_modern: AtomicBool,
    over: CancellationToken,
}

/// How far the client is with `initialize`.
#[derive(Debug, Default)]
enum Handshake {
    #[default]
    Awaited,
    UnderWay,
    Done(Arc<Session>),
    /// The stream has ended: nothing belongs to it any more.
    Over,
}

impl Client {
    pub(crate) fn new(transport: Transport, caller: Caller) -> Self {
        Self {
            transport,
            caller,
            handshake: Mutex::default(),
            handshake_moved: Notify::new(),
            modern: Arc::default(),
            spoke_modern: AtomicBool::new(false),
            over: CancellationToken::new(),
        }
    }

    /// `initialize` begins; `false` when it has begun before.
    pub(crate) fn begin_handshake(&self) -> bool {
        let mut handshake = self.handshake();
        let awaited = matches!(*handshake, Handshake::Awaited);
        if awaited {
            *handshake = Handshake::UnderWay;
        }
        awaited
    }

    /// `initialize` was answered with an error: the client may try again.
    pub(crate) fn fail_handshake(&self) {
        self.go_on_to(Handshake::Awaited);
    }

    /// `initialize` opened this session; `false` when the stream has ended meanwhile, and the session must end too.
    pub(crate) fn finish_handshake(&self, session: Arc<Session>) -> bool {
        self.go_on_to(Handshake::Done(session))
    }

    /// The stream has ended; gives the session that ends with it.
    pub(crate) fn end(&self) -> Option<Arc<Session>> {
        let before = std::mem::replace(&mut *self.handshake(), Handshake::Over);
        self.handshake_moved.notify_waiters();
        self.over.cancel();
        match before {
            Handshake::Done(session) => Some(session),
            Handshake::Awaited | Handshake::UnderWay | Handshake::Over => None,
        }
    }

    fn go_on_to(&self, next: Handshake) -> bool {
        let mut handshake = self.handshake();
        let goes_on = !matches!(*handshake, Handshake::Over);
        if goes_on {
            *handshake = next;
        }
        drop(handshake);
        self.handshake_moved.notify_waiters();
        goes_on
    }

    /// Waits while an `initialize` is under way.
    pub(crate) async fn settled(&self) {
        loop {
            let moved = self.handshake_moved.notified();
            if !matches!(*self.handshake(), Handshake::UnderWay) {
                return;
            }
            moved.await;
        }
    }

    /// Cancelled when the stream has ended.
    pub(crate) fn over(&self) -> &CancellationToken {
        &self.over
    }

    /// The legacy session.
    pub(crate) fn session(&self) -> Option<Arc<Session>> {
        match &*self.handshake() {
            Handshake::Done(session) => Some(Arc::clone(session)),
            Handshake::Awaited | Handshake::UnderWay | Handshake::Over => None,
        }
    }

    /// Notes a modern request; `None` when its id is in use.
    pub(crate) fn begin_modern(&self, id: &Id) -> Option<Entry> {
        self.spoke_modern.store(true, Ordering::Relaxed);
        self.modern.begin(id)
    }

    /// Cancels a modern request.
    pub(crate) fn cancel_modern(&self, id: &Id) {
        self.modern.cancel(id);
    }

    /// Whether the client has said what it came for: it is initialized, or it has sent a modern request.
    pub(crate) fn is_known(&self) -> bool {
        self.spoke_modern.load(Ordering::Relaxed) || matches!(*self.handshake(), Handshake::Done(_))
    }

    fn handshake(&self) -> MutexGuard<'_, Handshake> {
        self.handshake.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_handshake_at_a_time_and_another_after_a_failure() {
        let client = Client::new(Transport::Sse, Caller::at(std::net::Ipv4Addr::LOCALHOST.into()));
        assert!(client.begin_handshake() && !client.begin_handshake());
        client.fail_handshake();
        assert!(client.begin_handshake());
        assert!(client.session().is_none() && !client.is_known());
    }

    #[tokio::test]
    async fn a_handshake_that_is_under_way_can_be_waited_for() {
        let client = Arc::new(Client::new(
            Transport::Sse,
            Caller::at(std::net::Ipv4Addr::LOCALHOST.into()),
        ));
        client.settled().await;
        assert!(client.begin_handshake());
        let waiting = tokio::spawn({
            let client = Arc::clone(&client);
            async move { client.settled().await }
        });
        tokio::task::yield_now().await;
        assert!(!waiting.is_finished());
        client.fail_handshake();
        waiting.await.unwrap();
    }

    #[test]
    fn after_the_end_no_handshake_begins_or_fails() {
        let client = Client::new(Transport::Sse, Caller::at(std::net::Ipv4Addr::LOCALHOST.into()));
        assert!(client.begin_handshake());
        assert!(client.end().is_none());
        client.fail_handshake();
        assert!(!client.begin_handshake());
    }
}
